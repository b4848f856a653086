//! One byte of one copy changes, as a bad disk would change it: on the remote site, in a pack that is secured.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::follow::{Goal, Sent};
use crate::commands::door::Door;
use crate::up::Folder;

const SITE: &str = "remote";
const WITHIN: Duration = Duration::from_secs(30);

/// Which copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Struck {
    pack: u64,
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SITE}/{:08}", self.pack)
    }
}

/// Flips a bit in the middle of a pack that all sites have signed for.
pub(super) async fn strike(door: &Door, folder: &Folder, sent: &[Sent]) -> anyhow::Result<Struck> {
    let archived = sent.iter().find(|sent| sent.goal == Goal::Archived).context("no item")?;
    let path = format!("/v1/items/{}", archived.item);
    let item = door.json(WITHIN, || Ok(door.get(&path))).await.with_context(|| path.clone())?;
    let pack = item.get("pack").and_then(Value::as_u64).context("no pack")?;
    let packs = folder.path("sites").join(SITE).join("packs");
    let file =
        find(&packs, &format!("{pack:08}.g"))?.with_context(|| format!("{}: {pack:08}", packs.display()))?;
    flip(&file).with_context(|| format!("{}", file.display()))?;
    Ok(Struck { pack })
}

/// The file of the pack, in the folder of its area.
fn find(packs: &Path, start: &str) -> std::io::Result<Option<PathBuf>> {
    for area in std::fs::read_dir(packs)?.flatten() {
        for file in std::fs::read_dir(area.path())?.flatten() {
            if file.file_name().to_string_lossy().starts_with(start) {
                return Ok(Some(file.path()));
            }
        }
    }
    Ok(None)
}

fn flip(path: &Path) -> std::io::Result<()> {
    let mode = path.metadata()?.permissions().mode();
    std::fs::set_permissions(path, Permissions::from_mode(mode | 0o200))?;
    let flipped = OpenOptions::new().read(true).write(true).open(path).and_then(|file| flip_middle(&file));
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    flipped
}

fn flip_middle(file: &File) -> std::io::Result<()> {
    let middle = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle)?;
    file.write_all_at(&[byte[0] ^ 0x10], middle)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_differs_and_the_file_is_as_protected_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let area = folder.path().join("330499");
        std::fs::create_dir(&area).unwrap();
        let path = area.join("00000007.g1.tar");
        let before: Vec<u8> = (0..=255).collect();
        std::fs::write(&path, &before).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert_eq!(find(folder.path(), "00000008.g").unwrap(), None);
        flip(&find(folder.path(), "00000007.g").unwrap().unwrap()).unwrap();
        let after = std::fs::read(&path).unwrap();
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 1);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o444);
    }
}
