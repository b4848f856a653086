//! Small files that are made once and must survive a power loss: keys, tokens, marks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `path` with `mode` unless it exists; whether it was written. Durable when it returns, whole or not there at
/// any instant; of several writers one wins. Blocking.
///
/// # Errors
/// The disk's.
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let temporary = folder.join(format!(".{}.new", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    // A link fails where a rename would overwrite.
    let linked = written.and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    // Also where another writer was first and has not come to it yet.
    File::open(folder)?.sync_all()?;
    match linked {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
}

/// Writes `path` with `mode`, replacing what is there in one step. Durable when it returns. Blocking.
///
/// # Errors
/// The disk's; what was there stays then.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let temporary = folder.join(format!(".{}.new", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(e) = written.and_then(|()| fs::rename(&temporary, path)) {
        // What is left of it is in nobody's way; the cause is what matters.
        let _ = fs::remove_file(&temporary);
        return Err(e);
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_exists_is_never_overwritten_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id.key");
        assert!(create(&path, b"first", 0o600).unwrap());
        assert!(!create(&path, b"second", 0o600).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
