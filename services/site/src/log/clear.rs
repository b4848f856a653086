//! Sets aside a tile of the copy that no checkpoint here covers, when another history comes: its bytes are kept in the
//! quarantine. What a checkpoint covers is never touched.

use bytes::Bytes;
use dengbei_records::Timestamp;
use dengbei_register::tile::TileKind;
use dengbei_register::{TilePath, Tiles as _, decode_bundle, encode_bundle};

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
    let moved = copy.site.set_tile_aside(tile, now).await;
    tracing::error!(%tile, "a tile of a history that was never published is set aside");
    Ok(moved?)
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
