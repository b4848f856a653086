//! Where tiles lie: the durability contract that the log stands on, and the backend in memory.
//!
//! The backend on a directory is `local`; a site's object store implements [`Tiles`] elsewhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::tile::TilePath;

/// Where the checkpoint lies, beside the tiles.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Why storage did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It does not answer or has no room: the same call may succeed later.
    #[error("存储不可用:{path} / storage is unavailable: {path}")]
    Unavailable {
        /// What was being read or written.
        path: String,
        /// What the storage said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Other bytes already lie there. Tiles are immutable: either this history is not the stored one, or what
    /// is stored is damaged.
    #[error("该处已有不同的瓦片:{0} / another tile already lies at {0}")]
    Conflict(TilePath),
}

impl StorageError {
    /// Notes what did not work.
    pub fn unavailable(
        path: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { path: path.into(), source: source.into() }
    }
}

/// Storage of one log. Written by one writer at a time, read by anybody.
///
/// Cancel-safety: dropping a returned future may leave any part of its work done, or still being done, but
/// never a torn tile or checkpoint. Work that a dropped future left behind must end before later writes to
/// the same storage begin, so that an old checkpoint never replaces a newer one.
pub trait Tiles: Send + Sync {
    /// The bytes of a tile; `None` when there is none.
    fn read(&self, path: TilePath) -> impl Future<Output = Result<Option<Bytes>, StorageError>> + Send;

    /// The published checkpoint; `None` before the first.
    fn read_checkpoint(&self) -> impl Future<Output = Result<Option<Bytes>, StorageError>> + Send;

    /// Writes tiles. When it returns `Ok` all of them are on stable storage; otherwise any of them may be, and
    /// the same call can be made again. A tile that is already there with the same bytes is left alone, one
    /// with other bytes is a [`StorageError::Conflict`] and nothing is changed.
    fn write_durable(
        &self,
        tiles: Vec<(TilePath, Bytes)>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Replaces the checkpoint at once and durably. To be called only when every tile of its tree is durable.
    fn publish(&self, checkpoint: Bytes) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Deletes the partial tiles where a full one is durable, to save room. Need not succeed.
    fn drop_partials(&self, full: Vec<TilePath>) -> impl Future<Output = Result<(), StorageError>> + Send;
}

impl<T: Tiles> Tiles for &T {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        T::read(self, path).await
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        T::read_checkpoint(self).await
    }

    async fn write_durable(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        T::write_durable(self, tiles).await
    }

    async fn publish(&self, checkpoint: Bytes) -> Result<(), StorageError> {
        T::publish(self, checkpoint).await
    }

    async fn drop_partials(&self, full: Vec<TilePath>) -> Result<(), StorageError> {
        T::drop_partials(self, full).await
    }
}

/// Tiles in memory, for tests and for building a log that is copied elsewhere. Clones share the tiles.
#[derive(Debug, Clone, Default)]
pub struct MemoryTiles {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    tiles: BTreeMap<TilePath, Bytes>,
    checkpoint: Option<Bytes>,
}

impl MemoryTiles {
    /// All tiles there are.
    pub fn tiles(&self) -> BTreeMap<TilePath, Bytes> {
        self.state().tiles.clone()
    }

    /// Puts bytes where a tile lies, or removes it, without any check: for tests of damage.
    pub fn overwrite(&self, path: TilePath, bytes: Option<Bytes>) {
        let mut state = self.state();
        match bytes {
            Some(bytes) => state.tiles.insert(path, bytes),
            None => state.tiles.remove(&path),
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one insert or remove: a poisoned lock guards nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tiles for MemoryTiles {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        Ok(self.state().tiles.get(&path).cloned())
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        Ok(self.state().checkpoint.clone())
    }

    async fn write_durable(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        let mut state = self.state();
        let is_other = |(path, bytes): &&(_, Bytes)| state.tiles.get(path).is_some_and(|old| old != bytes);
        if let Some((path, _)) = tiles.iter().find(is_other) {
            return Err(StorageError::Conflict(*path));
        }
        state.tiles.extend(tiles);
        Ok(())
    }

    async fn publish(&self, checkpoint: Bytes) -> Result<(), StorageError> {
        self.state().checkpoint = Some(checkpoint);
        Ok(())
    }

    async fn drop_partials(&self, full: Vec<TilePath>) -> Result<(), StorageError> {
        self.state().tiles.retain(|path, _| path.is_full() || !full.contains(&path.full()));
        Ok(())
    }
}
