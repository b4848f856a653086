//! Reads tiles of a tree of a given size from storage and refuses what is not of its form. Shared by `log`,
//! `reader` and `audit`; whether hashes fit together is for them to say.

use bytes::Bytes;

use crate::bundle::{BundleError, decode_bundle_of};
use crate::checkpoint::{Checkpoint, CheckpointError, OpenedCheckpoint};
use crate::hash::NodeHash;
use crate::note::Verifier;
use crate::storage::{StorageError, Tiles};
use crate::tile::{TILE_WIDTH, TileError, TileKind, TilePath, decode_hashes};
use crate::tree::ProofError;

/// Why something cannot be read from the log.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Storage does not answer.
    #[error("无法读取登记簿 / the log cannot be read")]
    Storage(#[from] StorageError),
    /// A tile that the tree must have is not there.
    #[error("缺少瓦片:{0} / missing tile: {0}")]
    Missing(TilePath),
    /// A tile of hashes is not of its form.
    #[error("瓦片损坏:{path} / damaged tile: {path}")]
    DamagedTile {
        /// Which.
        path: TilePath,
        /// What is wrong with it.
        #[source]
        source: TileError,
    },
    /// An entry bundle is not of its form.
    #[error("条目包损坏:{path} / damaged entry bundle: {path}")]
    DamagedBundle {
        /// Which.
        path: TilePath,
        /// What is wrong with it.
        #[source]
        source: BundleError,
    },
    /// Two parts of the log contradict each other here.
    #[error("登记簿自相矛盾:{0} / the log contradicts itself at {0}")]
    Inconsistent(String),
    /// No such entry, or no such sizes.
    #[error("不在登记簿范围内 / outside the log")]
    OutOfRange(#[source] ProofError),
    /// The published checkpoint is refused.
    #[error("检查点无效 / the checkpoint is refused")]
    Checkpoint(#[source] CheckpointError),
}

/// The published checkpoint, opened with the log's key; `None` before the first.
pub(crate) async fn checkpoint(
    storage: &impl Tiles,
    log: &Verifier,
    others: &[Verifier],
) -> Result<Option<OpenedCheckpoint>, ReadError> {
    let Some(bytes) = storage.read_checkpoint().await? else { return Ok(None) };
    Checkpoint::open(&bytes, log, others).map(Some).map_err(ReadError::Checkpoint)
}

/// The hashes of the tile at (level, index) in the tree of `size`. A partial tile that was dropped is read
/// from the full one that replaced it.
pub(crate) async fn hashes(
    storage: &impl Tiles,
    level: u8,
    index: u64,
    size: u64,
) -> Result<Vec<NodeHash>, ReadError> {
    let (wanted, found, bytes) = stored(storage, TileKind::Hashes(level), index, size).await?;
    let mut hashes = decode_hashes(&bytes, found.width())
        .map_err(|source| ReadError::DamagedTile { path: found, source })?;
    hashes.truncate(usize::from(wanted.width()));
    Ok(hashes)
}

/// The entries of the bundle at `index` in the tree of `size`; as [`hashes`].
pub(crate) async fn entries(storage: &impl Tiles, index: u64, size: u64) -> Result<Vec<Bytes>, ReadError> {
    let (wanted, found, bytes) = stored(storage, TileKind::Entries, index, size).await?;
    let mut entries = decode_bundle_of(&bytes, found.width())
        .map_err(|source| ReadError::DamagedBundle { path: found, source })?;
    entries.truncate(usize::from(wanted.width()));
    Ok(entries)
}

/// The tile that the tree has there, the tile that was found in its place, and the bytes of that one.
async fn stored(
    storage: &impl Tiles,
    kind: TileKind,
    index: u64,
    size: u64,
) -> Result<(TilePath, TilePath, Bytes), ReadError> {
    let outside = ProofError::OutOfRange { index: index.saturating_mul(u64::from(TILE_WIDTH)), size };
    let wanted = TilePath::in_tree(kind, index, size).ok_or(ReadError::OutOfRange(outside))?;
    if let Some(bytes) = storage.read(wanted).await? {
        return Ok((wanted, wanted, bytes));
    }
    if !wanted.is_full()
        && let Some(bytes) = storage.read(wanted.full()).await?
    {
        return Ok((wanted, wanted.full(), bytes));
    }
    Err(ReadError::Missing(wanted))
}
