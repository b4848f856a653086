//! Who owns which segments. Several processes may share the folder; each writes and frees only what it owns.
//!
//! Numbers are given in blocks of 64, and a block belongs to the living process that holds the lock on its file
//! (`blk-00000007.lock`); a segment that is being written is locked beside. A lock ends with its process, however that
//! ended; then whoever looks first adopts the block with everything in it. Two things happen one at a time, under the
//! lock of `turn`: giving a block, and adopting. Locks are `flock`: good on one machine, on NFSv4 and on CephFS.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::segment::{SegmentId, guard};
use crate::disk;
use crate::error::StagingError;

/// Numbers are taken from the disk in blocks of this size, so that few segments cost a sync for their number and few
/// locks are held.
const BLOCK: u64 = 64;

/// The segments and block locks that stand in the folder.
#[derive(Debug, Default)]
struct Found {
    segments: BTreeMap<u64, Vec<SegmentId>>,
    locks: BTreeSet<u64>,
}

/// What is ours.
#[derive(Debug, Default)]
struct Ours {
    blocks: HashMap<u64, File>,
    /// Numbers not yet used: `next` up to `limit`.
    next: u64,
    limit: u64,
    /// Numbers whose segment is being made.
    making: Vec<SegmentId>,
}

impl Ours {
    /// Whether a segment may still come into the block.
    fn is_in_use(&self, block: u64) -> bool {
        (self.next < self.limit && self.next / BLOCK == block)
            || self.making.iter().any(|id| id.get() / BLOCK == block)
    }
}

pub(super) struct Owners {
    folder: PathBuf,
    ours: Mutex<Ours>,
    /// Held by all who share the folder. A version that knows no neighbours takes it alone, and then we wait for it.
    _lock: File,
}

impl Owners {
    pub(super) fn open(folder: &Path) -> Result<Self, StagingError> {
        let lock = lock_file(&folder.join("lock")).map_err(StagingError::Unavailable)?;
        match lock.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StagingError::InUse(folder.display().to_string())),
            Err(TryLockError::Error(e)) => return Err(StagingError::Unavailable(e)),
        }
        Ok(Self { folder: folder.to_owned(), ours: Mutex::default(), _lock: lock })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, id: SegmentId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// A number that no segment ever had: a release that is repeated after a crash must not meet other bytes. Its block
    /// stays ours at least until [`Self::made`].
    pub(super) fn number(&self) -> io::Result<SegmentId> {
        let mut ours = guard(&self.ours);
        if ours.next == ours.limit {
            self.take_block(&mut ours)?;
        }
        let id = SegmentId::new(ours.next);
        ours.next += 1;
        ours.making.push(id);
        Ok(id)
    }

    /// The segment is noted, or there will be none.
    pub(super) fn made(&self, id: SegmentId) {
        guard(&self.ours).making.retain(|making| *making != id);
    }

    fn take_block(&self, ours: &mut Ours) -> io::Result<()> {
        let _turn = self.turn()?;
        let highest = self.found()?.segments.into_values().flatten().max();
        let after = highest.map_or(1, |id| id.get() + 1).max(read_number(&self.folder)?);
        // Number 0 is nobody's; a block that a version before began is not gone on with.
        let first = if after == 1 { 1 } else { after.next_multiple_of(BLOCK) };
        let block = first / BLOCK;
        let lock = lock_file(&self.block_path(block))?;
        lock.try_lock().map_err(io::Error::from)?;
        let limit = (block + 1) * BLOCK;
        disk::write_durably(&self.folder.join("next-segment"), limit.to_string().as_bytes())?;
        ours.blocks.insert(block, lock);
        (ours.next, ours.limit) = (first, limit);
        Ok(())
    }

    /// Takes what nobody living owns; the segments that are ours from now on.
    pub(super) fn adopt(&self) -> io::Result<Vec<SegmentId>> {
        let mut ours = guard(&self.ours);
        let _turn = self.turn()?;
        let found = self.found()?;
        let mut adopted = Vec::new();
        for (block, segments) in &found.segments {
            if !ours.blocks.contains_key(block)
                && let Some(lock) = self.take_unowned(*block)?
                && !self.is_any_written(segments)?
            {
                ours.blocks.insert(*block, lock);
                adopted.extend(segments);
            }
        }
        for block in found.locks.iter().filter(|block| !found.segments.contains_key(block)) {
            if !ours.blocks.contains_key(block) && self.take_unowned(*block)?.is_some() {
                remove(&self.block_path(*block))?;
            }
        }
        Ok(adopted)
    }

    /// Nothing of ours lies in the segment's block any more: its lock is of no use, unless more may come.
    pub(super) fn finish(&self, id: SegmentId) -> io::Result<()> {
        let mut ours = guard(&self.ours);
        let block = id.get() / BLOCK;
        if ours.is_in_use(block) {
            return Ok(());
        }
        let Some(_lock) = ours.blocks.remove(&block) else { return Ok(()) };
        let _turn = self.turn()?;
        remove(&self.block_path(block))
    }

    /// Whether two segments stand and fall with one lock.
    pub(super) const fn are_together(one: SegmentId, other: SegmentId) -> bool {
        one.get() / BLOCK == other.get() / BLOCK
    }

    fn take_unowned(&self, block: u64) -> io::Result<Option<File>> {
        let lock = lock_file(&self.block_path(block))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Whether somebody still writes one of them: one who lost the block's lock and does not know it.
    fn is_any_written(&self, segments: &[SegmentId]) -> io::Result<bool> {
        for id in segments {
            let file = File::options().write(true).open(self.path(*id));
            match file.map(|file| file.try_lock()) {
                Ok(Ok(())) => {}
                Ok(Err(TryLockError::WouldBlock)) => return Ok(true),
                Ok(Err(TryLockError::Error(e))) => return Err(e),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(false)
    }

    fn turn(&self) -> io::Result<File> {
        let turn = lock_file(&self.folder.join("turn"))?;
        turn.lock()?;
        Ok(turn)
    }

    fn block_path(&self, block: u64) -> PathBuf {
        self.folder.join(format!("blk-{block:08}.lock"))
    }

    fn found(&self) -> io::Result<Found> {
        let mut found = Found::default();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(id) = SegmentId::parse(name) {
                found.segments.entry(id.get() / BLOCK).or_default().push(id);
            }
            let block = name.strip_prefix("blk-").and_then(|name| name.strip_suffix(".lock"));
            found.locks.extend(block.and_then(|block| block.parse::<u64>().ok()));
        }
        Ok(found)
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    // For reading too: over NFS a shared lock asks for it.
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn read_number(folder: &Path) -> io::Result<u64> {
    match fs::read_to_string(folder.join("next-segment")) {
        Ok(text) => {
            text.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "next-segment"))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(1),
        Err(e) => Err(e),
    }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
