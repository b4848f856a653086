//! The log's tiles in a bucket: each tile an object under `log/`. The contract is `register::storage`'s.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_register::storage::CHECKPOINT_PATH;
use dengbei_register::{StorageError, TilePath, Tiles};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, UpdateVersion};
use tokio::sync::Mutex;

use super::{Bucket, failure};

/// Requests at once.
const AT_ONCE: usize = 8;
/// How often a checkpoint is put again when an earlier put of one's own came late.
const TRIES: usize = 3;

/// Tiles in a bucket. Have one a site and clone it: clones take turns at writing.
///
/// Cancel-safety: a call whose future is dropped ends in the background; the next write waits for it. A request that a
/// store still had in hand then cannot put an old checkpoint in the place of a newer one: each is put on the entity
/// tag of the one before (`If-Match`).
#[derive(Debug, Clone)]
pub(in crate::site) struct BucketTiles {
    bucket: Bucket,
    turn: Arc<Mutex<()>>,
}

impl BucketTiles {
    pub(in crate::site) fn new(bucket: Bucket) -> Self {
        Self { bucket, turn: Arc::default() }
    }

    /// Runs `work` when no other write runs; it goes on when the caller is gone.
    async fn in_turn<F>(&self, path: String, work: F) -> Result<(), StorageError>
    where
        F: Future<Output = Result<(), StorageError>> + Send + 'static,
    {
        let turn = Arc::clone(&self.turn);
        let ended = tokio::spawn(async move {
            let _turn = turn.lock_owned().await;
            work.await
        });
        ended.await.unwrap_or_else(|stopped| Err(StorageError::unavailable(path, stopped)))
    }
}

impl Bucket {
    async fn log_file(&self, path: &str) -> io::Result<Option<Bytes>> {
        let key = self.key(&format!("log/{path}"))?;
        match async { self.store.get(&key).await?.bytes().await }.await.map_err(failure) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn read_log(&self, path: String) -> Result<Option<Bytes>, StorageError> {
        self.log_file(&path).await.map_err(|e| StorageError::unavailable(path, e))
    }

    /// Whether the tile is still to be written.
    async fn lacks(&self, tile: TilePath, bytes: &Bytes) -> Result<bool, StorageError> {
        match self.read_log(tile.to_string()).await? {
            None => Ok(true),
            Some(there) if there == *bytes => Ok(false),
            Some(_) => Err(StorageError::Conflict(tile)),
        }
    }

    async fn write_tile(&self, tile: TilePath, bytes: Bytes) -> Result<(), StorageError> {
        let fail = |e: io::Error| StorageError::unavailable(tile.to_string(), e);
        let key = self.key(&format!("log/{tile}")).map_err(fail)?;
        let put = self.store.put_opts(&key, bytes.clone().into(), PutMode::Create.into()).await;
        match put.map_err(failure) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match self.lacks(tile, &bytes).await? {
                false => Ok(()),
                true => Err(fail(e)),
            },
            Err(e) => Err(fail(e)),
        }
    }

    async fn write_tiles(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        // Looked at first, so that nothing is changed where one differs.
        let looked = stream::iter(tiles.into_iter().map(|(tile, bytes)| async move {
            Ok::<_, StorageError>(self.lacks(tile, &bytes).await?.then_some((tile, bytes)))
        }));
        let missing: Vec<_> = looked.buffered(AT_ONCE).try_collect().await?;
        let puts = missing.into_iter().flatten().map(|(tile, bytes)| self.write_tile(tile, bytes));
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn publish(&self, checkpoint: Bytes) -> io::Result<()> {
        let key = self.key(&format!("log/{CHECKPOINT_PATH}"))?;
        let mut last = io::Error::from(io::ErrorKind::Interrupted);
        for _ in 0..TRIES {
            let there = match self.store.head(&key).await.map_err(failure) {
                Ok(meta) => PutMode::Update(UpdateVersion { e_tag: meta.e_tag, version: None }),
                Err(e) if e.kind() == io::ErrorKind::NotFound => PutMode::Create,
                Err(e) => return Err(e),
            };
            match self.store.put_opts(&key, checkpoint.clone().into(), there.into()).await {
                Ok(_) => return Ok(()),
                Err(
                    e
                    @ (object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }),
                ) => {
                    last = failure(e);
                }
                Err(e) => return Err(failure(e)),
            }
        }
        Err(last)
    }

    async fn drop_partials_of(&self, full: &TilePath) -> io::Result<()> {
        let folder = self.key(&format!("log/{}", full.partials_folder()))?;
        let found = self.store.list(Some(&folder)).map_ok(|meta| meta.location).boxed();
        self.store.delete_stream(found).try_for_each(|_| async { Ok(()) }).await.map_err(failure)
    }
}

impl Tiles for BucketTiles {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        self.bucket.read_log(path.to_string()).await
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        self.bucket.read_log(CHECKPOINT_PATH.to_owned()).await
    }

    async fn write_durable(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        let Some((first, _)) = tiles.first() else { return Ok(()) };
        let (bucket, first) = (self.bucket.clone(), first.to_string());
        self.in_turn(first, async move { bucket.write_tiles(tiles).await }).await
    }

    async fn publish(&self, checkpoint: Bytes) -> Result<(), StorageError> {
        let (bucket, path) = (self.bucket.clone(), CHECKPOINT_PATH.to_owned());
        let work = async move {
            let published = bucket.publish(checkpoint).await;
            published.map_err(|e| StorageError::unavailable(CHECKPOINT_PATH, e))
        };
        self.in_turn(path, work).await
    }

    async fn drop_partials(&self, full: Vec<TilePath>) -> Result<(), StorageError> {
        let Some(first) = full.first() else { return Ok(()) };
        let (bucket, path) = (self.bucket.clone(), first.partials_folder());
        let work = async move {
            for tile in full {
                let dropped = bucket.drop_partials_of(&tile).await;
                dropped.map_err(|e| StorageError::unavailable(tile.partials_folder(), e))?;
            }
            Ok(())
        };
        self.in_turn(path, work).await
    }
}
