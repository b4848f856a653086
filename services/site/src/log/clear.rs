//! Sets aside a tile of the copy that no checkpoint here covers, when another history comes: its bytes are kept in the
//! quarantine. What a checkpoint covers is never touched.

use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use dengbei_records::Timestamp;
use dengbei_register::tile::TileKind;
use dengbei_register::{TilePath, Tiles as _, decode_bundle, encode_bundle};
use dengbei_vault::SiteError;

use super::LogCopy;
use crate::error::Refusal;

/// Moves `tile` to the quarantine, given that the checkpoint here covers `size` entries.
pub(super) async fn set_aside(
    copy: &LogCopy,
    tile: TilePath,
    size: u64,
    now: Timestamp,
) -> Result<(), Refusal> {
    let covered = TilePath::in_tree(tile.kind(), tile.index(), size);
    if covered.is_some_and(|covered| covered.width() >= tile.width()) {
        return Err(Refusal::LogDiffers(tile.to_string()));
    }
    if let Some(part) = covered {
        keep_covered_part(copy, tile, part).await?;
    }
    let (folder, path) = (copy.folder.clone(), tile.to_string());
    let moved = tokio::task::spawn_blocking(move || move_file(&folder, &path, now)).await;
    let moved = moved.map_err(io::Error::other).and_then(|moved| moved);
    tracing::error!(%tile, "a tile of a history that was never published is set aside");
    moved.map_err(|e| SiteError::Unavailable(e).into())
}

/// The covered part of a tile is read from the wider one when its own was dropped: it gets its own back first.
async fn keep_covered_part(copy: &LogCopy, wider: TilePath, part: TilePath) -> Result<(), Refusal> {
    if copy.tiles.read(part).await?.is_some() {
        return Ok(());
    }
    let Some(bytes) = copy.tiles.read(wider).await? else { return Ok(()) };
    let cut = cut(&bytes, part).ok_or_else(|| Refusal::LogDiffers(wider.to_string()))?;
    Ok(copy.tiles.write_durable(vec![(part, cut)]).await?)
}

fn cut(bytes: &Bytes, part: TilePath) -> Option<Bytes> {
    let width = usize::from(part.width());
    match part.kind() {
        TileKind::Hashes(_) => (bytes.len() >= width * 32).then(|| bytes.slice(..width * 32)),
        TileKind::Entries => encode_bundle(decode_bundle(bytes).ok()?.get(..width)?).ok(),
    }
}

fn move_file(folder: &Path, tile: &str, now: Timestamp) -> io::Result<()> {
    let aside = folder.join("quarantine");
    let name = format!("log-{}.{}", tile.replace('/', "-"), now.millis());
    let from = folder.join("log").join(tile);
    fs::rename(&from, aside.join(name))?;
    fs::File::open(&aside)?.sync_all()?;
    from.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
