//! Segments: their names, and what in those that this process owns is live.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::FallocateFlags;

use super::StagingOptions;
use super::owners::{Owners, remove};
use crate::disk;
use crate::error::{StagingError, is_full};

/// A segment file's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(u64);

impl SegmentId {
    /// From the database.
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let id = Self(name.strip_prefix("seg-")?.strip_suffix(".dat")?.parse().ok()?);
        (id.to_string() == name).then_some(id)
    }
}

impl fmt::Display for SegmentId {
    /// The file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seg-{:08}.dat", self.0)
    }
}

/// A segment that this process owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Which.
    pub segment: SegmentId,
    /// Nothing more will be written to it.
    pub is_closed: bool,
}

/// Where a segment of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Writing,
    Closed,
    /// Another's before; what is live in it is not known yet, so nothing is freed.
    Adopted,
}

/// What is live in one segment: first byte → after the last byte.
#[derive(Debug)]
struct Segment {
    live: BTreeMap<u64, u64>,
    phase: Phase,
}

impl Segment {
    const fn new(phase: Phase) -> Self {
        Self { live: BTreeMap::new(), phase }
    }

    fn is_dead(&self) -> bool {
        self.phase == Phase::Closed && self.live.is_empty()
    }
}

/// Ranges of bytes by segment.
pub(super) type Ranges = Vec<(SegmentId, Vec<Range<u64>>)>;

/// What the handle and the committer share.
pub(super) struct Shared {
    options: StagingOptions,
    segments: Mutex<HashMap<SegmentId, Segment>>,
    owners: Owners,
}

pub(super) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single step, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn open(folder: &Path, options: StagingOptions) -> Result<Self, StagingError> {
        fs::create_dir_all(folder).map_err(StagingError::Unavailable)?;
        Ok(Self { options, segments: Mutex::default(), owners: Owners::open(folder)? })
    }

    pub(super) fn folder(&self) -> &Path {
        self.owners.folder()
    }

    pub(super) fn options(&self) -> &StagingOptions {
        &self.options
    }

    pub(super) fn live_bytes(&self) -> u64 {
        guard(&self.segments).values().flat_map(|s| &s.live).map(|(start, end)| end - start).sum()
    }

    /// The segments that are ours and whose content is known.
    pub(super) fn owned(&self) -> Vec<Owned> {
        let segments = guard(&self.segments);
        let known = segments.iter().filter(|(_, s)| s.phase != Phase::Adopted);
        known.map(|(id, s)| Owned { segment: *id, is_closed: s.phase == Phase::Closed }).collect()
    }

    fn path(&self, id: SegmentId) -> PathBuf {
        self.owners.path(id)
    }

    /// Sorts a failure to write.
    pub(super) fn failure(&self, e: io::Error) -> StagingError {
        if is_full(&e) {
            StagingError::Exhausted { free: disk::free_bytes(self.folder()).unwrap_or(0) }
        } else {
            StagingError::Unavailable(e)
        }
    }

    /// Refuses early when `len` more bytes would leave too little.
    pub(super) fn check_space(&self, len: u64) -> Result<(), StagingError> {
        let free = disk::free_bytes(self.folder()).map_err(StagingError::Unavailable)?;
        let enough = free >= self.options.min_free_bytes.saturating_add(len);
        if enough { Ok(()) } else { Err(StagingError::Exhausted { free }) }
    }

    /// A new segment, its name durable, locked as long as the file is open.
    pub(super) fn create(&self) -> io::Result<(SegmentId, File)> {
        let id = self.owners.number()?;
        let made = self.make(id);
        self.owners.made(id);
        Ok((id, made?))
    }

    fn make(&self, id: SegmentId) -> io::Result<File> {
        let file = File::options().read(true).write(true).create_new(true).open(self.path(id))?;
        file.try_lock().map_err(io::Error::from)?;
        disk::sync_folder(self.folder())?;
        guard(&self.segments).insert(id, Segment::new(Phase::Writing));
        Ok(file)
    }

    pub(super) fn open_segment(&self, id: SegmentId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Whether `range` may be read: within one live part of ours, or anywhere in what others own.
    pub(super) fn is_readable(&self, id: SegmentId, range: &Range<u64>) -> bool {
        let segments = guard(&self.segments);
        let Some(segment) = segments.get(&id).filter(|s| s.phase != Phase::Adopted) else { return true };
        let part = segment.live.range(..=range.start).next_back();
        part.is_some_and(|(_, end)| range.start <= range.end && range.end <= *end)
    }

    /// Notes durable parts as live.
    pub(super) fn keep(&self, id: SegmentId, ranges: impl IntoIterator<Item = Range<u64>>) {
        if let Some(segment) = guard(&self.segments).get_mut(&id) {
            segment.live.extend(places(ranges));
        }
    }

    /// Nothing more will be written to the segment; it goes if nothing in it is live.
    pub(super) fn close(&self, id: SegmentId) -> io::Result<()> {
        if let Some(segment) = guard(&self.segments).get_mut(&id) {
            segment.phase = Phase::Closed;
        }
        self.remove_if_dead(id)
    }

    fn remove_if_dead(&self, id: SegmentId) -> io::Result<()> {
        let mut segments = guard(&self.segments);
        if !segments.get(&id).is_some_and(Segment::is_dead) {
            return Ok(());
        }
        segments.remove(&id);
        let is_last = !segments.keys().any(|other| Owners::are_together(id, *other));
        drop(segments);
        remove(&self.path(id))?;
        if is_last { self.owners.finish(id) } else { Ok(()) }
    }

    /// False: it is not ours, or not known yet; nothing is done then.
    pub(super) fn release(&self, id: SegmentId, ranges: &[Range<u64>]) -> io::Result<bool> {
        let mut freed = Vec::new();
        let is_dead = {
            let mut segments = guard(&self.segments);
            let segment = segments.get_mut(&id).filter(|s| s.phase != Phase::Adopted);
            let Some(segment) = segment else { return Ok(false) };
            for range in ranges {
                if segment.live.get(&range.start) == Some(&range.end) {
                    segment.live.remove(&range.start);
                    freed.push(range.clone());
                }
            }
            segment.is_dead()
        };
        if !is_dead && !freed.is_empty() {
            punch(&self.path(id), &freed);
        }
        self.remove_if_dead(id)?;
        Ok(true)
    }

    /// Takes what nobody living owns. Nothing in it is freed before [`Self::settle`].
    pub(super) fn adopt(&self) -> io::Result<Vec<SegmentId>> {
        let adopted = self.owners.adopt()?;
        let mut segments = guard(&self.segments);
        segments.extend(adopted.iter().map(|id| (*id, Segment::new(Phase::Adopted))));
        Ok(adopted)
    }

    /// Says what is live in adopted segments; the rest is freed.
    pub(super) fn settle(&self, adopted: &[SegmentId], live: Ranges) -> io::Result<()> {
        let mut known: HashMap<SegmentId, BTreeMap<u64, u64>> = HashMap::new();
        for (id, ranges) in live {
            known.entry(id).or_default().extend(places(ranges));
        }
        for id in adopted {
            let live = known.remove(id).unwrap_or_default();
            let dead = match fs::metadata(self.path(*id)) {
                Ok(meta) => gaps(&live, meta.len()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(e) => return Err(e),
            };
            let is_empty = live.is_empty();
            match guard(&self.segments).get_mut(id) {
                Some(segment) if segment.phase == Phase::Adopted => {
                    *segment = Segment { live, phase: Phase::Closed };
                }
                _ => continue,
            }
            if !is_empty {
                punch(&self.path(*id), &dead);
            }
            self.remove_if_dead(*id)?;
        }
        Ok(())
    }

    /// Which of these ranges reach beyond their file, whoever owns it.
    pub(super) fn lost(&self, live: &Ranges) -> Vec<(SegmentId, Range<u64>)> {
        let mut lost = Vec::new();
        for (id, ranges) in live {
            let len = fs::metadata(self.path(*id)).map_or(0, |meta| meta.len());
            let beyond = ranges.iter().filter(|range| range.end > len && !range.is_empty());
            lost.extend(beyond.map(|range| (*id, range.clone())));
        }
        lost.sort_by_key(|(id, range)| (*id, range.start));
        lost
    }

    /// Whether there is no such segment, whoever owned it.
    pub(super) fn is_gone(&self, id: SegmentId) -> io::Result<bool> {
        self.path(id).try_exists().map(|exists| !exists)
    }
}

/// Parts of no length take no place; two at one offset must not hide each other.
fn places(ranges: impl IntoIterator<Item = Range<u64>>) -> impl Iterator<Item = (u64, u64)> {
    ranges.into_iter().filter(|r| !r.is_empty()).map(|r| (r.start, r.end))
}

fn gaps(live: &BTreeMap<u64, u64>, len: u64) -> Vec<Range<u64>> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for (start, end) in live {
        gaps.push(at..*start);
        at = *end;
    }
    gaps.push(at..len);
    gaps.retain(|gap| gap.start < gap.end);
    gaps
}

/// Gives bytes back to the disk. Best effort: a file system that cannot keeps them until the segment goes.
fn punch(path: &Path, ranges: &[Range<u64>]) {
    let Ok(file) = File::options().write(true).open(path) else { return };
    let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for range in ranges {
        if let Err(e) = rustix::fs::fallocate(&file, how, range.start, range.end - range.start) {
            tracing::debug!(error = %e, path = %path.display(), "bytes stay until their segment goes");
            return;
        }
    }
}
