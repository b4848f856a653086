//! Segments: their names, their numbers, which are never used twice, and what in them is live.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::FallocateFlags;

use super::StagingOptions;
use crate::disk;
use crate::error::{StagingError, is_full};

/// Numbers are taken from the disk in blocks of this size, so that few segments cost a sync for their number.
const NUMBER_BLOCK: u64 = 64;

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

    fn parse(name: &str) -> Option<Self> {
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

/// What is live in one segment: first byte → after the last byte.
#[derive(Debug, Default)]
struct Segment {
    live: BTreeMap<u64, u64>,
    /// Nothing more will be written to it.
    is_closed: bool,
}

/// Numbers not yet used: `next` up to `limit` are ours on the disk.
#[derive(Debug)]
struct Numbers {
    next: u64,
    limit: u64,
}

/// What the handle and the committer share.
pub(super) struct Shared {
    folder: PathBuf,
    options: StagingOptions,
    segments: Mutex<HashMap<SegmentId, Segment>>,
    numbers: Mutex<Numbers>,
    missing: Vec<(SegmentId, Range<u64>)>,
    /// Held as long as we live: one process at a time.
    _lock: File,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single step, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn open(
        folder: PathBuf,
        live: impl IntoIterator<Item = (SegmentId, Vec<Range<u64>>)>,
        options: StagingOptions,
    ) -> Result<Self, StagingError> {
        fs::create_dir_all(&folder).map_err(StagingError::Unavailable)?;
        let lock = take(&folder)?;
        let mut segments: HashMap<SegmentId, Segment> = HashMap::new();
        for (id, ranges) in live {
            let segment = segments.entry(id).or_default();
            segment.is_closed = true;
            segment.live.extend(ranges.into_iter().map(|r| (r.start, r.end)));
        }
        segments.retain(|_, segment| !segment.live.is_empty());
        let highest = clean(&folder, &segments).map_err(StagingError::Unavailable)?;
        let missing = missing(&folder, &segments);
        let next = read_number(&folder).map_err(StagingError::Unavailable)?.max(highest + 1);
        let numbers = Mutex::new(Numbers { next, limit: next });
        Ok(Self { folder, options, segments: Mutex::new(segments), numbers, missing, _lock: lock })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn options(&self) -> &StagingOptions {
        &self.options
    }

    pub(super) fn missing(&self) -> &[(SegmentId, Range<u64>)] {
        &self.missing
    }

    pub(super) fn live_bytes(&self) -> u64 {
        guard(&self.segments).values().flat_map(|s| &s.live).map(|(start, end)| end - start).sum()
    }

    fn path(&self, id: SegmentId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Sorts a failure to write.
    pub(super) fn failure(&self, e: io::Error) -> StagingError {
        if is_full(&e) {
            StagingError::Exhausted { free: disk::free_bytes(&self.folder).unwrap_or(0) }
        } else {
            StagingError::Unavailable(e)
        }
    }

    /// Refuses early when `len` more bytes would leave too little.
    pub(super) fn check_space(&self, len: u64) -> Result<(), StagingError> {
        let free = disk::free_bytes(&self.folder).map_err(StagingError::Unavailable)?;
        let enough = free >= self.options.min_free_bytes.saturating_add(len);
        if enough { Ok(()) } else { Err(StagingError::Exhausted { free }) }
    }

    /// A new segment, its name durable.
    pub(super) fn create(&self) -> io::Result<(SegmentId, File)> {
        let id = self.number()?;
        let file = File::options().read(true).write(true).create_new(true).open(self.path(id))?;
        disk::sync_folder(&self.folder)?;
        guard(&self.segments).insert(id, Segment::default());
        Ok((id, file))
    }

    /// A number that no segment ever had: a release that is repeated after a crash must not meet other bytes.
    fn number(&self) -> io::Result<SegmentId> {
        let mut numbers = guard(&self.numbers);
        if numbers.next == numbers.limit {
            let limit = numbers.limit + NUMBER_BLOCK;
            disk::write_durably(&self.folder.join("next-segment"), limit.to_string().as_bytes())?;
            numbers.limit = limit;
        }
        numbers.next += 1;
        Ok(SegmentId(numbers.next - 1))
    }

    pub(super) fn open_segment(&self, id: SegmentId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Whether `range` lies within one live part.
    pub(super) fn is_live(&self, id: SegmentId, range: &Range<u64>) -> bool {
        let segments = guard(&self.segments);
        let part = segments.get(&id).and_then(|s| s.live.range(..=range.start).next_back());
        part.is_some_and(|(_, end)| range.start <= range.end && range.end <= *end)
    }

    /// Notes durable parts as live.
    pub(super) fn keep(&self, id: SegmentId, ranges: impl IntoIterator<Item = Range<u64>>) {
        let mut segments = guard(&self.segments);
        if let Some(segment) = segments.get_mut(&id) {
            // Parts of no length take no place; two at one offset must not hide each other.
            segment.live.extend(ranges.into_iter().filter(|r| !r.is_empty()).map(|r| (r.start, r.end)));
        }
    }

    /// Nothing more will be written to the segment; it goes if nothing in it is live.
    pub(super) fn close(&self, id: SegmentId) -> io::Result<()> {
        if let Some(segment) = guard(&self.segments).get_mut(&id) {
            segment.is_closed = true;
        }
        self.remove_if_dead(id)
    }

    fn remove_if_dead(&self, id: SegmentId) -> io::Result<()> {
        let mut segments = guard(&self.segments);
        if segments.get(&id).is_some_and(|s| s.is_closed && s.live.is_empty()) {
            segments.remove(&id);
            drop(segments);
            remove(&self.path(id))?;
        }
        Ok(())
    }

    pub(super) fn release(&self, id: SegmentId, ranges: &[Range<u64>]) -> io::Result<()> {
        let mut freed = Vec::new();
        let mut is_whole = false;
        if let Some(segment) = guard(&self.segments).get_mut(&id) {
            for range in ranges {
                if segment.live.get(&range.start) == Some(&range.end) {
                    segment.live.remove(&range.start);
                    freed.push(range.clone());
                }
            }
            is_whole = segment.is_closed && segment.live.is_empty();
        }
        if !is_whole && !freed.is_empty() {
            punch(&self.path(id), &freed);
        }
        self.remove_if_dead(id)
    }
}

/// Takes the folder for this process.
fn take(folder: &Path) -> Result<File, StagingError> {
    let path = folder.join("lock");
    let lock = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(StagingError::Unavailable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(StagingError::InUse(folder.display().to_string())),
        Err(fs::TryLockError::Error(e)) => Err(StagingError::Unavailable(e)),
    }
}

/// Removes segments in which nothing is live and frees what is not live in the others; the highest number seen.
fn clean(folder: &Path, live: &HashMap<SegmentId, Segment>) -> io::Result<u64> {
    let mut highest = live.keys().map(|id| id.0).max().unwrap_or(0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(SegmentId::parse) else { continue };
        highest = highest.max(id.0);
        match live.get(&id) {
            None => remove(&entry.path())?,
            Some(segment) => punch(&entry.path(), &gaps(segment, entry.metadata()?.len())),
        }
    }
    Ok(highest)
}

fn gaps(segment: &Segment, len: u64) -> Vec<Range<u64>> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for (start, end) in &segment.live {
        gaps.push(at..*start);
        at = *end;
    }
    gaps.push(at..len);
    gaps.retain(|gap| gap.start < gap.end);
    gaps
}

/// Live ranges that reach beyond their file.
fn missing(folder: &Path, live: &HashMap<SegmentId, Segment>) -> Vec<(SegmentId, Range<u64>)> {
    let mut missing = Vec::new();
    for (id, segment) in live {
        let len = fs::metadata(folder.join(id.to_string())).map_or(0, |meta| meta.len());
        let beyond = segment.live.iter().filter(|(_, end)| **end > len);
        missing.extend(beyond.map(|(start, end)| (*id, *start..*end)));
    }
    missing.sort_by_key(|(id, range)| (*id, range.start));
    missing
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

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
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
