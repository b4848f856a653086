//! The log on a site: where its tiles lie, and setting one aside.

use bytes::Bytes;
use dengbei_records::Timestamp;
use dengbei_register::{LocalTiles, StorageError, TilePath, Tiles};

use super::bucket::BucketTiles;
use super::{Aside, Base, Site};
use crate::error::SiteError;

/// The tiles of a site. Have one a site and clone it: clones take turns at writing.
#[derive(Debug, Clone)]
pub struct LogTiles(Place);

#[derive(Debug, Clone)]
enum Place {
    Folder(LocalTiles),
    Bucket(BucketTiles),
}

impl Site {
    /// The log's tiles on this site.
    pub fn log_tiles(&self) -> LogTiles {
        LogTiles(match &self.base {
            Base::Folder(folder) => Place::Folder(LocalTiles::new(folder.path("log"))),
            Base::Bucket(bucket) => Place::Bucket(BucketTiles::new(bucket.clone())),
        })
    }

    /// Moves a tile of the log to the quarantine. The caller knows that no published checkpoint covers it.
    ///
    /// # Errors
    /// [`SiteError::NotFound`] when there is no such tile.
    pub async fn set_tile_aside(&self, tile: TilePath, at: Timestamp) -> Result<(), SiteError> {
        let tile = tile.to_string();
        let path = format!("quarantine/log-{}.{}", tile.replace('/', "-"), at.millis());
        let aside = Aside { path, note: None };
        self.blocking(move |base| {
            let from = format!("log/{tile}");
            match base {
                Base::Folder(folder) => folder.set_aside(&from, &aside),
                Base::Bucket(bucket) => bucket.set_aside(&from, &aside),
            }
            .map_err(SiteError::io(from))
        })
        .await
    }
}

impl Tiles for LogTiles {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        match &self.0 {
            Place::Folder(tiles) => tiles.read(path).await,
            Place::Bucket(tiles) => tiles.read(path).await,
        }
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        match &self.0 {
            Place::Folder(tiles) => tiles.read_checkpoint().await,
            Place::Bucket(tiles) => tiles.read_checkpoint().await,
        }
    }

    async fn write_durable(&self, files: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        match &self.0 {
            Place::Folder(tiles) => tiles.write_durable(files).await,
            Place::Bucket(tiles) => tiles.write_durable(files).await,
        }
    }

    async fn publish(&self, checkpoint: Bytes) -> Result<(), StorageError> {
        match &self.0 {
            Place::Folder(tiles) => tiles.publish(checkpoint).await,
            Place::Bucket(tiles) => tiles.publish(checkpoint).await,
        }
    }

    async fn drop_partials(&self, full: Vec<TilePath>) -> Result<(), StorageError> {
        match &self.0 {
            Place::Folder(tiles) => tiles.drop_partials(full).await,
            Place::Bucket(tiles) => tiles.drop_partials(full).await,
        }
    }
}
