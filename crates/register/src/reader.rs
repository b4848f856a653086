//! Reads the log: checkpoint, entries, roots and proofs from tiles. Writes nothing.
//!
//! Sizes given are those of trees whose tiles are durable: a published size, or one where a batch ended.
//! Proofs are made, not checked: whoever receives one checks it with `tree` against a checkpoint.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use bytes::Bytes;

use crate::checkpoint::OpenedCheckpoint;
use crate::fetch::{self, ReadError};
use crate::hash::NodeHash;
use crate::note::Verifier;
use crate::storage::Tiles;
use crate::tile::TILE_WIDTH;
use crate::tree::{self, ProofError};

/// Reads one log.
#[derive(Debug, Clone)]
pub struct LogReader<S> {
    storage: S,
}

/// Tiles read for one answer, so that none is read twice.
type Cache = HashMap<(u8, u64), Vec<NodeHash>>;

impl<S: Tiles> LogReader<S> {
    /// A reader of the log in `storage`.
    pub const fn new(storage: S) -> Self {
        Self { storage }
    }

    /// The storage read from.
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// The published checkpoint, signed by `log`; lines by `others` are verified too. `None` before the first.
    ///
    /// # Errors
    /// [`ReadError::Checkpoint`] when it is refused, [`ReadError::Storage`].
    pub async fn checkpoint(
        &self,
        log: &Verifier,
        others: &[Verifier],
    ) -> Result<Option<OpenedCheckpoint>, ReadError> {
        fetch::checkpoint(&self.storage, log, others).await
    }

    /// The entries of `range` in the tree of `size`, as they were appended. All are held in memory at once.
    ///
    /// # Errors
    /// [`ReadError::OutOfRange`], or what is wrong with a bundle.
    pub async fn entries(&self, range: Range<u64>, size: u64) -> Result<Vec<Bytes>, ReadError> {
        if range.end > size {
            let index = range.end.saturating_sub(1);
            return Err(ReadError::OutOfRange(ProofError::OutOfRange { index, size }));
        }
        let (width, mut entries, mut next) = (u64::from(TILE_WIDTH), Vec::new(), range.start);
        while next < range.end {
            let index = next / width;
            let bundle = fetch::entries(&self.storage, index, size).await?;
            let end = range.end.min((index + 1).saturating_mul(width));
            entries.extend_from_slice(&bundle[(next % width) as usize..(end - index * width) as usize]);
            next = end;
        }
        Ok(entries)
    }

    /// The hash of the leaf at `index` in the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`] when there is no such leaf or its tile cannot be read.
    pub async fn leaf(&self, index: u64, size: u64) -> Result<NodeHash, ReadError> {
        if index >= size {
            return Err(ReadError::OutOfRange(ProofError::OutOfRange { index, size }));
        }
        self.subtree(0, index, size, &mut Cache::new()).await
    }

    /// The path that proves the leaf at `index` in the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`] when there is no such leaf or a tile cannot be read.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<NodeHash>, ReadError> {
        let ranges = tree::inclusion_ranges(index, size).map_err(ReadError::OutOfRange)?;
        self.roots(ranges, size).await
    }

    /// The proof that the tree of `old` is a prefix of the tree of `new`.
    ///
    /// # Errors
    /// [`ReadError`] when `old` is larger or a tile cannot be read.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ReadError> {
        let ranges = tree::consistency_ranges(old, new).map_err(ReadError::OutOfRange)?;
        self.roots(ranges, new).await
    }

    /// The root of the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`] when a tile cannot be read.
    pub async fn root_at(&self, size: u64) -> Result<NodeHash, ReadError> {
        self.root_of_prefix(size, size).await
    }

    /// The root over the first `old` leaves, whatever `old` is, from the tiles of the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`] when `old` is larger or a tile cannot be read.
    pub async fn root_of_prefix(&self, old: u64, size: u64) -> Result<NodeHash, ReadError> {
        if old > size {
            return Err(ReadError::OutOfRange(ProofError::Reversed { old, new: size }));
        }
        self.root_of(0..old, size, &mut Cache::new()).await
    }

    async fn roots(&self, ranges: Vec<Range<u64>>, size: u64) -> Result<Vec<NodeHash>, ReadError> {
        let (mut cache, mut roots) = (Cache::new(), Vec::with_capacity(ranges.len()));
        for range in ranges {
            roots.push(self.root_of(range, size, &mut cache).await?);
        }
        Ok(roots)
    }

    async fn root_of(&self, range: Range<u64>, size: u64, cache: &mut Cache) -> Result<NodeHash, ReadError> {
        let mut hashes = Vec::new();
        for (height, index) in tree::complete_subtrees(range) {
            hashes.push(self.subtree(height, index, size, cache).await?);
        }
        Ok(tree::fold_subtrees(&hashes))
    }

    /// The hash of a complete subtree: its lowest eight levels above a tile's hashes are computed.
    async fn subtree(
        &self,
        height: u32,
        index: u64,
        size: u64,
        cache: &mut Cache,
    ) -> Result<NodeHash, ReadError> {
        let (level, within) = ((height / 8) as u8, height % 8);
        let first = index << within;
        let (tile, start) = (first / u64::from(TILE_WIDTH), (first % u64::from(TILE_WIDTH)) as usize);
        let hashes = match cache.entry((level, tile)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(place) => place.insert(fetch::hashes(&self.storage, level, tile, size).await?),
        };
        let outside = || ReadError::OutOfRange(ProofError::OutOfRange { index, size });
        Ok(tree::root(hashes.get(start..start + (1 << within)).ok_or_else(outside)?))
    }
}
