//! Sets aside tiles that were written but never published, when the database that knew their entries was lost with them
//! (a crash between B and C, then an old dump). Nobody was ever promised them; a published tile is never touched.

use std::fs;
use std::io;
use std::path::Path;

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
    let (site, path) = (log.site.clone(), tile.to_string());
    let moved = tokio::task::spawn_blocking(move || set_file_aside(&site, &path, now)).await;
    let moved = moved.map_err(anyhow::Error::from).and_then(|m| m.map_err(anyhow::Error::from));
    tracing::error!(%tile, "a tile of a lost, never published history is set aside");
    moved.map_err(StartError::Site)
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

fn set_file_aside(site: &Path, tile: &str, now: Timestamp) -> io::Result<()> {
    let aside = site.join("quarantine");
    fs::create_dir_all(&aside)?;
    let name = format!("log-{}.{}", tile.replace('/', "-"), now.millis());
    let from = site.join("log").join(tile);
    fs::rename(&from, aside.join(name))?;
    fs::File::open(&aside)?.sync_all()?;
    from.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
