//! Small files that must survive a power loss: temporary name, sync, rename, sync of the folder.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::UpError;

/// Writes `path` durably with `mode`, replacing what is there in one step.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), UpError> {
    dengbei_kit::durable::replace(path, content, mode).map_err(UpError::io(path))
}

/// Writes `path` durably unless it exists: a key that was made is never made again.
/// Returns whether it was written.
pub(crate) fn create(path: &Path, content: &[u8], mode: u32) -> Result<bool, UpError> {
    if path.exists() {
        return Ok(false);
    }
    dengbei_kit::durable::create(path, content, mode).map_err(UpError::io(path))
}

/// Makes a folder with `mode` if it is missing; an existing one keeps its mode.
pub(crate) fn folder(path: &Path, mode: u32) -> Result<(), UpError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(UpError::io(path))
}

/// Syncs the folder that holds `path`, so that its entry is durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), UpError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(UpError::io(parent))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_exists_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id.key");
        assert!(create(&path, b"first", 0o600).unwrap());
        assert!(!create(&path, b"second", 0o600).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn replacing_swaps_the_whole_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        replace(&path, b"a longer first text", 0o600).unwrap();
        replace(&path, b"short", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}
