//! `dengbei keys backup` and `restore`, and the backup that the first start makes by itself.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_kit::keyring;
use dengbei_records::{Clock as _, SystemClock};

use super::place::Place;
use super::sealed;
use crate::up::{UpError, durable};

/// Letters and digits that nobody takes for another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 8 groups of 5: 200 bits.
const GROUPS: usize = 8;
const GROUP: usize = 5;

/// Seal every key into one file / 封存备份
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    place: Place,
    /// The sealed file; an existing one is not overwritten / 输出文件
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// File with the passphrase, one line / 口令文件
    #[arg(long, value_name = "FILE")]
    passphrase_file: PathBuf,
}

/// Open a sealed backup into an empty folder / 从封存备份恢复
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The sealed file / 封存文件
    file: PathBuf,
    /// An empty or missing folder that becomes the key folder / 恢复到的空目录
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// File with the passphrase or the recovery code, one line / 口令文件
    #[arg(long, value_name = "FILE")]
    passphrase_file: PathBuf,
}

/// Writes the sealed file, and the same into the key folder, so that what is covered shows.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<()> {
    let keys = args.place.keys()?;
    let passphrase = passphrase(&args.passphrase_file)?;
    let files = keyring::files(&keys).with_context(|| keys.display().to_string())?;
    let sealed = sealed::seal(&files, &passphrase, SystemClock.now())?;
    // What cannot be opened is no backup.
    anyhow::ensure!(
        sealed::open(&sealed, &passphrase)? == files,
        "keys.not_sealed: 复核不符 / does not open"
    );
    let is_new = durable::create(&args.output, &sealed, 0o600)?;
    anyhow::ensure!(is_new, "keys.file_exists: 文件已存在 / the file exists: {}", args.output.display());
    let inside = keyring::sealed(&keys);
    durable::folder(inside.parent().unwrap_or(&keys), 0o700)?;
    durable::replace(&inside, &sealed, 0o600)?;
    let code = keyring::recovery_code(&keys);
    if code.exists() {
        // It opens the backup that was just replaced, and nothing else.
        fs::remove_file(&code).map_err(UpError::io(&code))?;
    }
    say(&format!("已封存 {} 个文件 / sealed {} files: {}", files.len(), files.len(), args.output.display()))
}

/// Opens the sealed file into `args.to`.
pub(crate) fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let whole = fs::read(&args.file).with_context(|| args.file.display().to_string())?;
    let files = sealed::open(&whole, &passphrase(&args.passphrase_file)?)?;
    let is_empty = match fs::read_dir(&args.to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => true,
        Err(e) => return Err(e).with_context(|| args.to.display().to_string()),
    };
    anyhow::ensure!(is_empty, "keys.not_empty: 目录不空 / the folder is not empty: {}", args.to.display());
    anyhow::ensure!(
        files.keys().all(|name| is_inside(name)),
        "keys.not_opened: 路径越界 / a path that leads out"
    );
    durable::folder(&args.to, 0o700)?;
    for (name, bytes) in &files {
        let path = args.to.join(name);
        durable::folder(path.parent().unwrap_or(&args.to), 0o700)?;
        let mode = if name.ends_with(".pub") { 0o644 } else { 0o600 };
        durable::create(&path, bytes, mode)?;
    }
    let inside = keyring::sealed(&args.to);
    durable::folder(inside.parent().unwrap_or(&args.to), 0o700)?;
    durable::create(&inside, &whole, 0o600)?;
    say(&format!("已恢复 {} 个文件 / restored {} files: {}", files.len(), files.len(), args.to.display()))
}

fn is_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Makes the first backup of a key folder that has none, with a recovery code that is written once; where that lies.
/// While the code still lies there, a backup that lacks a key is made anew with it.
///
/// # Errors
/// When it cannot be sealed or written.
pub(crate) fn ensure(keys: &Path) -> Result<Option<PathBuf>, UpError> {
    let (inside, code) = (keyring::sealed(keys), keyring::recovery_code(keys));
    let coverage = keyring::coverage(keys).map_err(UpError::io(keys))?;
    if inside.exists() && (coverage.is_whole() || !coverage.has_code) {
        return Ok(None);
    }
    durable::folder(inside.parent().unwrap_or(keys), 0o700)?;
    // The code first: a backup without its code could never be opened.
    let is_new = durable::create(&code, format!("{}\n", new_code()).as_bytes(), 0o600)?;
    let text = fs::read_to_string(&code).map_err(UpError::io(&code))?;
    let files = keyring::files(keys).map_err(UpError::io(keys))?;
    let sealed = sealed::seal(&files, text.trim(), SystemClock.now());
    let sealed = sealed.map_err(|e| UpError::io(&inside)(std::io::Error::other(e)))?;
    durable::replace(&inside, &sealed, 0o600)?;
    Ok(is_new.then_some(code))
}

fn new_code() -> String {
    let random: [u8; GROUPS * GROUP] = rand::random();
    let letters: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    letters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

fn passphrase(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let text = text.trim();
    anyhow::ensure!(
        text.chars().count() >= 12,
        "keys.short_passphrase: 口令至少 12 个字符 / at least 12 characters"
    );
    Ok(text.to_owned())
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_seals_what_it_made_and_a_second_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("id.key"), "a").unwrap();
        let code = ensure(folder.path()).unwrap().unwrap();
        let text = fs::read_to_string(code).unwrap();
        assert_eq!(text.trim().len(), GROUPS * (GROUP + 1) - 1);
        let whole = fs::read(keyring::sealed(folder.path())).unwrap();
        assert_eq!(sealed::open(&whole, text.trim()).unwrap().len(), 1);
        let coverage = keyring::coverage(folder.path()).unwrap();
        assert!(coverage.is_whole() && coverage.has_code);
        fs::write(folder.path().join("other.key"), "b").unwrap();
        assert_eq!(ensure(folder.path()).unwrap(), None);
        assert!(keyring::coverage(folder.path()).unwrap().is_whole(), "the code is still there: sealed anew");
        fs::remove_file(keyring::recovery_code(folder.path())).unwrap();
        let whole = fs::read(keyring::sealed(folder.path())).unwrap();
        fs::write(folder.path().join("third.key"), "c").unwrap();
        assert_eq!(ensure(folder.path()).unwrap(), None);
        assert_eq!(
            fs::read(keyring::sealed(folder.path())).unwrap(),
            whole,
            "it was taken away: never sealed anew"
        );
    }

    #[test]
    fn a_path_that_leads_out_is_noticed() {
        assert!(is_inside("units/a.key"));
        assert!(!is_inside("../a.key") && !is_inside("/etc/a") && !is_inside("units/../../a"));
    }
}
