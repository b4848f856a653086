//! Writes the log: entries become tiles, tiles become durable, then a checkpoint is published.
//!
//! One writer per log at a time; who that is, is for the caller to settle (a lease). The stop before is the
//! caller's own durable order of entries, the stop after is `storage`.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::bundle::{encode_bundle, push_entry};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::edge::Edge;
use crate::fetch::{self, ReadError};
use crate::hash::{NodeHash, leaf_hash};
use crate::note::{Signer, Verifier};
use crate::reader::LogReader;
use crate::storage::{StorageError, Tiles};
use crate::tile::{TILE_WIDTH, TileKind, TilePath, encode_hashes};

/// Why the log was not written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Storage refused or did not answer; the same call can be made again.
    #[error("登记簿未能写入 / the log was not written")]
    Storage(#[from] StorageError),
    /// What is stored cannot be read or contradicts itself.
    #[error("登记簿无法恢复 / the log cannot be taken up")]
    Read(#[from] ReadError),
    /// The layout holds at most 65,535 bytes an entry.
    #[error("第{position}条长{length}字节,超过65535 / entry {position} has {length} bytes, over 65535")]
    EntryTooLong {
        /// Which of the entries given, counted from 0.
        position: usize,
        /// Its length.
        length: usize,
    },
    /// A larger tree is already published: this writer is behind.
    #[error("已公布至{published},落后于{size} / published up to {published}, this writer is at {size}")]
    Behind {
        /// The size published.
        published: u64,
        /// The size of this writer.
        size: u64,
    },
    /// The published checkpoint is not of this history. Signing would fork the log.
    #[error("与已公布的检查点(规模{published})不一致 / not the history published at size {published}")]
    Forked {
        /// The size published.
        published: u64,
    },
    /// The checkpoint cannot be made.
    #[error("检查点无法签署 / the checkpoint cannot be signed")]
    Checkpoint(#[source] CheckpointError),
}

/// Writes one log. Holds the right edge of the tree and the last, partial bundle; nothing grows with the log.
#[derive(Debug)]
pub struct LogWriter<S> {
    storage: S,
    edge: Edge,
    /// The encoded entries of the last bundle, while it is partial.
    bundle: BytesMut,
    /// The published size that is known to be of this history.
    agreed: Option<u64>,
}

impl<S: Tiles> LogWriter<S> {
    /// Takes up the log where the published checkpoint stands, or begins it. What was appended after that
    /// checkpoint is to be appended again, in the same order.
    ///
    /// # Errors
    /// [`LogError::Read`] when the checkpoint or the tiles at its edge are not sound,
    /// [`LogError::Forked`] when these tiles do not lead to its root.
    pub async fn open(storage: S, log: &Verifier) -> Result<Self, LogError> {
        let Some(published) = fetch::checkpoint(&storage, log, &[]).await? else {
            return Self::open_at(storage, 0).await;
        };
        let size = published.checkpoint.size();
        let mut writer = Self::open_at(storage, size).await?;
        if writer.root() != published.checkpoint.root() {
            return Err(LogError::Forked { published: size });
        }
        writer.agreed = Some(size);
        Ok(writer)
    }

    /// Takes up the log at `size`, where a batch once ended. Tiles beyond it stay as they are: appending the
    /// same entries again finds them, appending others is refused as a conflict.
    ///
    /// # Errors
    /// [`LogError::Read`] when the tiles at that edge are not there or not sound.
    pub async fn open_at(storage: S, size: u64) -> Result<Self, LogError> {
        let mut levels = Vec::new();
        let mut hashes = size;
        while hashes > 0 {
            let (level, index) = (levels.len() as u8, hashes / u64::from(TILE_WIDTH));
            let is_partial = !hashes.is_multiple_of(u64::from(TILE_WIDTH));
            levels.push(match is_partial {
                true => fetch::hashes(&storage, level, index, size).await?,
                false => Vec::new(),
            });
            hashes = index;
        }
        let bundle = last_bundle(&storage, size, levels.first().map_or(&[], Vec::as_slice)).await?;
        Ok(Self { storage, edge: Edge::restored(size, levels), bundle, agreed: None })
    }

    /// How many entries are durable.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over them.
    pub fn root(&self) -> NodeHash {
        self.edge.root()
    }

    /// The storage written to.
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// Gives the storage back.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Appends entries and returns their indices when every tile they change is durable. They count as
    /// published only with the next [`Self::checkpoint`]. Tiles that do not change are not written; partial
    /// tiles that a full one replaces are dropped, if that works.
    ///
    /// Cancel-safe: when the future is dropped or fails this writer is unchanged, and appending the same
    /// entries again is right. Appending others may be a conflict with tiles already written.
    ///
    /// # Errors
    /// [`LogError::EntryTooLong`] before anything is written, [`LogError::Storage`].
    pub async fn append(&mut self, entries: &[Bytes]) -> Result<Range<u64>, LogError> {
        let range = self.size()..self.size() + entries.len() as u64;
        if entries.is_empty() {
            return Ok(range);
        }
        let Batch { edge, bundle, tiles } = self.batch(entries)?;
        let full: Vec<_> = tiles.iter().map(|(path, _)| *path).filter(TilePath::is_full).collect();
        self.storage.write_durable(tiles).await?;
        (self.edge, self.bundle) = (edge, bundle);
        // Partial tiles beside a full one only take room; the next full tile does not depend on them.
        let _ = self.storage.drop_partials(full).await;
        Ok(range)
    }

    /// Signs size and root and publishes them. The same as published already: gives that back, writes nothing.
    ///
    /// Never signs a smaller tree or another history than the one published: reads the published checkpoint
    /// first and, unless this writer published it, computes that root again from the tiles.
    ///
    /// # Errors
    /// [`LogError::Behind`], [`LogError::Forked`], [`LogError::Storage`], [`LogError::Read`].
    pub async fn checkpoint(&mut self, signer: &Signer) -> Result<Bytes, LogError> {
        let (size, root) = (self.size(), self.root());
        if let Some(bytes) = self.storage.read_checkpoint().await? {
            let published =
                Checkpoint::open(&bytes, signer.verifier(), &[]).map_err(ReadError::Checkpoint)?;
            self.agree(&published.checkpoint).await?;
            if published.checkpoint.size() == size {
                return Ok(bytes);
            }
        }
        let checkpoint = Checkpoint::new(signer.name().as_str(), size, root).map_err(LogError::Checkpoint)?;
        let bytes = checkpoint.sign(signer).map_err(LogError::Checkpoint)?;
        self.storage.publish(bytes.clone()).await?;
        self.agreed = Some(size);
        Ok(bytes)
    }

    async fn agree(&mut self, published: &Checkpoint) -> Result<(), LogError> {
        let (published, root) = (published.size(), published.root());
        if published > self.size() {
            return Err(LogError::Behind { published, size: self.size() });
        }
        let ours = match self.agreed {
            _ if published == self.size() => self.root(),
            Some(agreed) if agreed == published => return Ok(()),
            _ => LogReader::new(&self.storage).root_of_prefix(published, self.size()).await?,
        };
        if ours != root {
            return Err(LogError::Forked { published });
        }
        self.agreed = Some(published);
        Ok(())
    }

    /// What appending `entries` makes of this writer, and the tiles to write for it.
    fn batch(&self, entries: &[Bytes]) -> Result<Batch, LogError> {
        let mut batch = Batch { edge: self.edge.clone(), bundle: self.bundle.clone(), tiles: Vec::new() };
        for (position, entry) in entries.iter().enumerate() {
            push_entry(&mut batch.bundle, entry)
                .map_err(|length| LogError::EntryTooLong { position, length })?;
            let tiles = &mut batch.tiles;
            batch.edge.push(leaf_hash(entry), |path, hashes| tiles.push((path, encode_hashes(hashes))));
            if batch.edge.size().is_multiple_of(u64::from(TILE_WIDTH)) {
                batch.end_bundle();
            }
        }
        batch.add_partials(self.size());
        Ok(batch)
    }
}

struct Batch {
    edge: Edge,
    bundle: BytesMut,
    tiles: Vec<(TilePath, Bytes)>,
}

impl Batch {
    /// The bundle is as wide as it will get in this batch.
    fn end_bundle(&mut self) {
        let size = self.edge.size();
        let index = size.saturating_sub(1) / u64::from(TILE_WIDTH);
        if let Some(path) = TilePath::in_tree(TileKind::Entries, index, size) {
            self.tiles.push((path, self.bundle.split().freeze()));
        }
    }

    fn add_partials(&mut self, size_before: u64) {
        if !self.bundle.is_empty() {
            let partial = self.bundle.clone();
            self.end_bundle();
            self.bundle = partial;
        }
        let has_changed =
            |path: &TilePath| TilePath::in_tree(path.kind(), path.index(), size_before) != Some(*path);
        let partials = self.edge.partials().filter(|(path, _)| has_changed(path));
        self.tiles.extend(partials.map(|(path, hashes)| (path, encode_hashes(hashes))));
    }
}

/// The encoded last bundle while it is partial, checked against the leaf hashes of its tile.
async fn last_bundle(storage: &impl Tiles, size: u64, leaves: &[NodeHash]) -> Result<BytesMut, ReadError> {
    if leaves.is_empty() {
        return Ok(BytesMut::new());
    }
    let index = size / u64::from(TILE_WIDTH);
    let entries = fetch::entries(storage, index, size).await?;
    let contradiction = || ReadError::Inconsistent(format!("tile/entries/{index:03}"));
    if !entries.iter().map(|entry| leaf_hash(entry)).eq(leaves.iter().copied()) {
        return Err(contradiction());
    }
    encode_bundle(&entries).map(BytesMut::from).map_err(|_| contradiction())
}
