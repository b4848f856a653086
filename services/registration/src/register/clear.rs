//! Sets aside tiles that were written but never published, when the database that knew their entries was lost with them
//! (a crash between B and C, then an old dump). Nobody was ever promised them; a published tile is never touched.

use bytes::Bytes;
use dengbei_records::Timestamp;
use dengbei_register::tile::TileKind;
use dengbei_register::{LogError, LogReader, TilePath, Tiles as _, decode_bundle, encode_bundle};

use super::{Log, StartError};

/// Moves an unpublished tile to the quarantine.
pub(super) async fn set_aside(log: &Log, tile: TilePath, now: Timestamp) -> Result<(), StartError> {
    let published = LogReader::new(log.tiles.clone()).checkpoint(log.signer.verifier(), &[]).await?;
    let size = published.map_or(0, |p| p.checkpoint.size());
    let needed = TilePath::in_tree(tile.kind(), tile.index(), size);
    if needed == Some(tile) {
        return Err(LogError::Forked { published: size }.into());
    }
    if let Some(partial) = needed.filter(|partial| partial.width() < tile.width()) {
        keep_published_part(log, tile, partial).await?;
    }
    let moved = log.site.set_tile_aside(tile, now).await;
    tracing::error!(%tile, "a tile of a lost, never published history is set aside");
    moved.map_err(|e| StartError::Site(e.into()))
}

/// The published tree reads its partial tile from the wider one when its own was dropped: it gets its own back first.
async fn keep_published_part(log: &Log, wider: TilePath, partial: TilePath) -> Result<(), StartError> {
    if log.tiles.read(partial).await.map_err(LogError::Storage)?.is_some() {
        return Ok(());
    }
    let Some(bytes) = log.tiles.read(wider).await.map_err(LogError::Storage)? else { return Ok(()) };
    let part = cut(&bytes, partial).map_err(StartError::Site)?;
    Ok(log.tiles.write_durable(vec![(partial, part)]).await.map_err(LogError::Storage)?)
}

fn cut(bytes: &Bytes, partial: TilePath) -> anyhow::Result<Bytes> {
    let width = usize::from(partial.width());
    match partial.kind() {
        TileKind::Hashes(_) => {
            anyhow::ensure!(bytes.len() >= width * 32, "a tile is too short");
            Ok(bytes.slice(..width * 32))
        }
        TileKind::Entries => {
            let entries = decode_bundle(bytes)?;
            anyhow::ensure!(entries.len() >= width, "an entry bundle is too short");
            Ok(encode_bundle(&entries[..width])?)
        }
    }
}
