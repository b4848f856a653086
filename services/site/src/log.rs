//! The site's copy of the log (登记簿副本): it only grows, by what the register's key signed and every entry leads to.
//!
//! Tiles are stored as they come. A checkpoint is believed when it is signed by the register, is not smaller than the
//! one here, and the entries from that one on, appended again to the tree that is here, come to its root; every tile
//! of hashes is computed here and compared. Only then it replaces the one before. Before: `registration/src/register`.
//! After: any start of the register, and any rebuild, reads it back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_records::{Clock, Timestamp};
use dengbei_register::storage::CHECKPOINT_PATH;
use dengbei_register::tile::TILE_WIDTH;
use dengbei_register::{
    Checkpoint, LogError, LogReader, LogWriter, ReadError, StorageError, TilePath, Tiles as _, Verifier,
};
use dengbei_vault::{LogTiles, Site};
use tokio::sync::Mutex;

use crate::error::Refusal;

mod clear;

/// Entries appended at once.
const CHUNK: u64 = 16 * TILE_WIDTH as u64;
/// Unpublished tiles that may be set aside in one call.
const MOST_CLEARED: usize = 64;

/// A file of the log as it comes.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

/// The copy. Clones share it.
#[derive(Clone)]
pub(crate) struct LogCopy {
    tiles: LogTiles,
    site: Site,
    /// `register.pub`: read when it is needed, so that it may be put there later.
    key: PathBuf,
    clock: Arc<dyn Clock>,
    turn: Arc<Mutex<()>>,
    /// The log itself lies here: the register alone writes it.
    is_the_log: bool,
}

impl LogCopy {
    pub(crate) fn new(site: &Site, keys: &Path, class: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            is_the_log: class == "primary",
            tiles: site.log_tiles(),
            site: site.clone(),
            key: keys.join("register.pub"),
            clock,
            turn: Arc::default(),
        }
    }

    /// Stores tiles, then the checkpoint, which stands last. Durable and in order.
    ///
    /// # Errors
    /// [`Refusal::LogDiffers`] and its like; what is under the checkpoint here is never changed.
    pub(crate) async fn put(&self, mut files: Vec<LogFile>) -> Result<(), Refusal> {
        if self.is_the_log {
            return Err(Refusal::LogIsHere);
        }
        let _turn = self.turn.lock().await;
        let checkpoint = files.pop_if(|last| last.path == CHECKPOINT_PATH);
        let tiles = files.into_iter().map(|file| Ok((tile(&file.path)?, file.body)));
        let tiles = tiles.collect::<Result<Vec<_>, Refusal>>()?;
        self.write(tiles).await?;
        match checkpoint {
            Some(file) => self.follow(file.body).await,
            None => Ok(()),
        }
    }

    /// A file of the log as this site holds it.
    ///
    /// # Errors
    /// [`Refusal::NoLogFile`].
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, Refusal> {
        let read = if path == CHECKPOINT_PATH {
            self.tiles.read_checkpoint().await?
        } else {
            self.tiles.read(tile(path)?).await?
        };
        read.ok_or_else(|| no_file(path))
    }

    /// How many entries the newest checkpoint here covers; 0 when there is none that can be believed.
    pub(crate) async fn size(&self) -> u64 {
        match self.published().await {
            Ok(published) => published.map_or(0, |c| c.size()),
            Err(e) => {
                tracing::warn!(error = %dengbei_kit::status::chain(&e), "the copy of the log has no sound checkpoint");
                0
            }
        }
    }

    async fn published(&self) -> Result<Option<Checkpoint>, Refusal> {
        if self.tiles.read_checkpoint().await?.is_none() {
            return Ok(None);
        }
        let verifier = self.verifier().await?;
        let opened = LogReader::new(&self.tiles).checkpoint(&verifier, &[]).await;
        Ok(opened.map_err(reading)?.map(|opened| opened.checkpoint))
    }

    async fn verifier(&self) -> Result<Verifier, Refusal> {
        let text = tokio::fs::read_to_string(&self.key).await;
        let text = text.map_err(|e| Refusal::LogUnsigned(format!("{}: {e}", self.key.display())))?;
        text.trim().parse().map_err(|e| Refusal::LogUnsigned(format!("register.pub: {e}")))
    }

    async fn write(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), Refusal> {
        for _ in 0..MOST_CLEARED {
            match self.tiles.write_durable(tiles.clone()).await {
                Ok(()) => return Ok(()),
                Err(StorageError::Conflict(tile)) => self.set_aside(tile).await?,
                Err(e) => return Err(e.into()),
            }
        }
        Err(Refusal::LogDiffers("too many tiles of another history".into()))
    }

    /// Believes a checkpoint, or refuses it.
    async fn follow(&self, bytes: Bytes) -> Result<(), Refusal> {
        let verifier = self.verifier().await?;
        let opened = Checkpoint::open(&bytes, &verifier, &[]);
        let offered = opened.map_err(|e| Refusal::LogUnsigned(e.to_string()))?.checkpoint;
        let here = self.published().await?;
        if let Some(here) = here {
            if offered.size() < here.size() {
                return Err(Refusal::LogBack { here: here.size(), offered: offered.size() });
            }
            if offered.size() == here.size() {
                let is_same = offered.root() == here.root();
                return if is_same { Ok(()) } else { Err(differs(offered.size())) };
            }
        }
        self.lead_to(&offered, &verifier).await?;
        Ok(self.tiles.publish(bytes).await?)
    }

    /// Appends what is here beyond the newest checkpoint: it must come to the root that is offered.
    async fn lead_to(&self, offered: &Checkpoint, verifier: &Verifier) -> Result<(), Refusal> {
        let opened = LogWriter::open(self.tiles.clone(), verifier).await;
        let mut writer = opened.map_err(|e| appending(&e, offered.size()).unwrap_or(Refusal::Log(e)))?;
        let reader = LogReader::new(&self.tiles);
        while writer.size() < offered.size() {
            let from = writer.size();
            let to = offered.size().min((from / CHUNK + 1) * CHUNK);
            let entries = reader.entries(from..to, offered.size()).await.map_err(reading)?;
            self.append(&mut writer, &entries).await?;
        }
        if writer.root() == offered.root() { Ok(()) } else { Err(differs(offered.size())) }
    }

    async fn append(&self, writer: &mut LogWriter<LogTiles>, entries: &[Bytes]) -> Result<(), Refusal> {
        for _ in 0..MOST_CLEARED {
            match writer.append(entries).await {
                Ok(_) => return Ok(()),
                Err(LogError::Storage(StorageError::Conflict(tile))) => self.set_aside(tile).await?,
                Err(e) => return Err(Refusal::Log(e)),
            }
        }
        Err(Refusal::LogDiffers("too many tiles of another history".into()))
    }

    /// A tile that no checkpoint here covers was never promised to anybody: it may make room for another.
    async fn set_aside(&self, tile: TilePath) -> Result<(), Refusal> {
        let size = self.published().await?.map_or(0, |c| c.size());
        clear::set_aside(self, tile, size, self.now()).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn tile(path: &str) -> Result<TilePath, Refusal> {
    path.parse().map_err(|_| no_file(path))
}

fn no_file(path: &str) -> Refusal {
    Refusal::NoLogFile(path.chars().take(100).collect())
}

fn differs(size: u64) -> Refusal {
    Refusal::LogDiffers(format!("checkpoint {size}"))
}

/// What a failed reading means to who brought files.
fn reading(e: ReadError) -> Refusal {
    match e {
        ReadError::Missing(tile) => Refusal::LogIncomplete(tile.to_string()),
        ReadError::Storage(e) => e.into(),
        other => Refusal::Log(other.into()),
    }
}

fn appending(e: &LogError, size: u64) -> Option<Refusal> {
    match e {
        LogError::Forked { .. } => Some(differs(size)),
        LogError::Read(ReadError::Missing(tile)) => Some(Refusal::LogIncomplete(tile.to_string())),
        _ => None,
    }
}
