//! What ingest takes from the role's configuration, typed and defaulted.

use std::path::{Path, PathBuf};

use dengbei_kit::{RoleConfig, ScannerAddress, SourceAccess};
use dengbei_records::{AreaCode, IdKey};

/// Uploads up to this size stay in memory while they are read; larger ones lie in an unlinked file.
pub(crate) const IN_MEMORY: usize = 4 << 20;
/// Uploads that are received and read side by side. More wait: their senders' streams stand still meanwhile.
pub(crate) const UPLOADS: usize = 6;
/// Packages up to this size are held in memory until they are staged; larger ones lie in an unlinked file.
pub(crate) const PACKAGE_IN_MEMORY: u64 = 8 << 20;
/// Submissions in one group: one sync, one transaction.
pub(crate) const GROUP: usize = 128;
/// Uploads that are unpacked and checked side by side: about one more than there are cores for it.
pub(crate) const READERS: usize = 3;
/// Packages of one batch that are read before their checks ask the database, at most this many …
pub(crate) const CHUNK: usize = 32;
/// … and not much more than this many bytes in memory.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;
/// The smallest free space of the staging disk at which the door still opens.
pub(crate) const FREE: u64 = 1 << 30;

/// The settings of one ingest.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// 行政区划 of the deployment.
    pub(crate) area: AreaCode,
    /// Where accepted bytes lie until they are filed, and where large uploads are spooled.
    pub(crate) staging: PathBuf,
    /// Largest upload, bytes: refused over it.
    pub(crate) package_bytes: u64,
    /// Undecided items over which the door answers 503.
    pub(crate) undecided_items: u64,
    /// Undecided bytes over which the door answers 503.
    pub(crate) undecided_bytes: u64,
    /// The virus scanner.
    pub(crate) scanner: Option<ScannerAddress>,
    /// Folder of checking schemes.
    pub(crate) schemes: PathBuf,
    /// Systems that may send; none: nobody knows who does.
    pub(crate) sources: Vec<SourceAccess>,
}

impl Settings {
    /// Reads them from the role's configuration.
    pub(crate) fn of(config: &RoleConfig) -> Self {
        Self {
            area: config.area.clone(),
            staging: config.staging.clone(),
            package_bytes: config.limits.package_bytes,
            undecided_items: config.limits.undecided_items,
            undecided_bytes: config.limits.undecided_bytes,
            scanner: config.scanner.clone(),
            schemes: config.schemes.clone(),
            sources: config.sources.clone(),
        }
    }
}

/// Reads the deployment's id key. Only ingest does: who holds it can tell which citizen an item id belongs to.
///
/// # Errors
/// When the file is missing or holds no 32 bytes in hexadecimal. It is never made here: another key would give
/// every item a second id.
pub(crate) fn id_key(keys: &Path) -> anyhow::Result<IdKey> {
    use anyhow::Context as _;
    let path = keys.join("id.key");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("对象标识密钥无法读取 / cannot read the id key {}", path.display()))?;
    let bytes = hex::decode(text.trim()).ok().and_then(|b| b.try_into().ok());
    let bytes = bytes
        .with_context(|| format!("{} 不是 32 字节的十六进制 / is not 32 bytes in hex", path.display()))?;
    Ok(IdKey::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_that_is_missing_or_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(super::id_key(folder.path()).is_err());
        std::fs::write(folder.path().join("id.key"), "abcd").unwrap();
        assert!(super::id_key(folder.path()).is_err());
        std::fs::write(folder.path().join("id.key"), format!("{}\n", "07".repeat(32))).unwrap();
        assert!(super::id_key(folder.path()).is_ok());
    }
}
