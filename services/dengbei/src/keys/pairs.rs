//! Whether the halves of every key pair belong together. A public half whose private one is gone means that a key was
//! lost: another one must not take its place in silence.

use std::path::Path;

use dengbei_kit::seals::public_of;

use crate::up::UpError;

/// Folders of keys that are made here; a site's public half may lie here alone, because the site is elsewhere.
const FOLDERS: [&str; 3] = [".", "units", "people"];

/// Looks at every pair.
///
/// # Errors
/// Names the pair of which only the public half is there, or whose halves differ.
pub(super) fn check(keys: &Path) -> Result<(), UpError> {
    for folder in FOLDERS.map(|name| keys.join(name)) {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(UpError::io(&folder))?.path();
            if path.extension().is_some_and(|ending| ending == "pub") && !is_of_the_past(&path) {
                pair(&path)?;
            }
        }
    }
    let sites = keys.join("sites");
    for entry in std::fs::read_dir(&sites).into_iter().flatten() {
        let path = entry.map_err(UpError::io(&sites))?.path();
        if path.extension().is_some_and(|ending| ending == "pub") && path.with_extension("key").exists() {
            pair(&path)?;
        }
    }
    Ok(())
}

/// Public halves of keys that were changed: their private ones are gone on purpose.
fn is_of_the_past(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(".former"))
}

fn pair(public: &Path) -> Result<(), UpError> {
    let private = public.with_extension("key");
    let pem = match std::fs::read_to_string(&private) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(half(public, &private)),
        read => read.map_err(UpError::io(&private))?,
    };
    // The log's public half is a line of its own kind, written anew from the private one at every start.
    if public.file_name().is_some_and(|name| name == "register.pub") {
        return Ok(());
    }
    let shown = std::fs::read_to_string(public).map_err(UpError::io(public))?;
    match public_of(&pem) {
        None => Err(super::make::damaged(&private, &"不是密钥 / not a key")),
        Some(made) if made.trim() == shown.trim() => Ok(()),
        Some(_) => Err(differs(public, &private)),
    }
}

fn half(public: &Path, private: &Path) -> UpError {
    UpError::refused(
        "keys.half_missing",
        format!("有公钥 {}，却没有私钥 {}", public.display(), private.display()),
        format!("there is {}, but not {}", public.display(), private.display()),
    )
    .with_remedy("从密钥备份恢复私钥 / restore the private key: dengbei keys restore FILE --to DIR")
}

fn differs(public: &Path, private: &Path) -> UpError {
    UpError::refused(
        "keys.pair_differs",
        format!("{} 与 {} 不是一对", public.display(), private.display()),
        format!("{} and {} are no pair", public.display(), private.display()),
    )
    .with_remedy("从密钥备份恢复两者 / restore both from the key backup")
}
