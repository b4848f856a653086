//! Staging (暂存区): what just arrived, in append-only segment files with group commit.
//!
//! Contract: when [`Staging::append`] returns `Ok`, the bytes are on stable storage; many callers share one sync.
//! Several processes may share the folder. Every one reads every segment; each writes and frees only its own. What a
//! process leaves behind when it ends is adopted by another ([`Staging::adopt`]). Which bytes are still wanted is the
//! caller's knowledge (its database): it says so of what it adopted ([`Staging::settle`]) and releases the rest when
//! it is decided. A crash between a sync and the caller's commit leaves bytes that nobody knows: settling frees them,
//! so it must come later than any transaction of the crashed process can still commit. Why not `object_store`: one durable file per part costs a sync each (stack.md: 700 a second against
//! thousands), and its puts cannot share one.
//!
//! Files: [`commit`] the thread that writes and syncs, [`owners`] numbers, locks and adoption, [`segment`] what is live.

mod commit;
mod owners;
mod read;
mod segment;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::disk::{self, blocking};
use crate::error::StagingError;
use commit::Job;
use segment::Shared;
pub use segment::{Owned, SegmentId};

/// How a written file is made durable. A trait so that tests can count syncs and make them fail.
pub trait DiskSync: Send + Sync + 'static {
    /// Returns when the file's data is on stable storage.
    ///
    /// # Errors
    /// What the system said; the file's unsynced bytes are then lost.
    fn sync_data(&self, file: &File) -> io::Result<()>;
}

/// `fdatasync`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FdataSync;

impl DiskSync for FdataSync {
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// Sizes and limits, in bytes where not said otherwise.
#[derive(Clone)]
pub struct StagingOptions {
    /// A segment is closed when it is this long.
    pub segment_bytes: u64,
    /// A submission longer than this gets a segment of its own and is written by its caller's thread.
    pub large_bytes: u64,
    /// Submissions that may wait for the committer; further callers wait before them.
    pub queue: usize,
    /// Bytes in memory that may wait for the committer.
    pub queued_bytes: u32,
    /// Refuse when the disk has less free than this.
    pub min_free_bytes: u64,
    /// How files are synced.
    pub sync: Arc<dyn DiskSync>,
}

impl Default for StagingOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            large_bytes: 8 << 20,
            queue: 256,
            queued_bytes: 64 << 20,
            min_free_bytes: 64 << 20,
            sync: Arc::new(FdataSync),
        }
    }
}

impl std::fmt::Debug for StagingOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagingOptions")
            .field("segment_bytes", &self.segment_bytes)
            .field("large_bytes", &self.large_bytes)
            .finish_non_exhaustive()
    }
}

/// Where a part's bytes come from.
#[derive(Debug)]
pub enum PartSource {
    /// In memory.
    Bytes(Bytes),
    /// A file, copied from its first byte to its end in pieces of 256 KiB.
    File(File),
}

/// One part of a submission.
#[derive(Debug)]
pub struct Part {
    /// The caller's name for it, given back in the receipt.
    pub name: String,
    /// Its bytes.
    pub source: PartSource,
}

impl Part {
    /// A part in memory.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), source: PartSource::Bytes(bytes.into()) }
    }

    /// A part to be copied from a file.
    pub fn file(name: impl Into<String>, file: File) -> Self {
        Self { name: name.into(), source: PartSource::File(file) }
    }

    fn len(&self) -> io::Result<u64> {
        match &self.source {
            PartSource::Bytes(bytes) => Ok(bytes.len() as u64),
            PartSource::File(file) => Ok(file.metadata()?.len()),
        }
    }
}

/// Where a part lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedPart {
    /// The caller's name for it.
    pub name: String,
    /// Its bytes in the segment.
    pub range: Range<u64>,
}

/// What [`Staging::append`] stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The segment.
    pub segment: SegmentId,
    /// The parts, in the order given.
    pub parts: Vec<StagedPart>,
}

impl Receipt {
    /// The ranges of all parts, for [`Staging::release`].
    pub fn ranges(&self) -> Vec<Range<u64>> {
        self.parts.iter().map(|part| part.range.clone()).collect()
    }
}

/// The staging area. Cheap to clone; its segments are free to be adopted when the last clone is dropped.
#[derive(Clone)]
pub struct Staging(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    memory: Arc<Semaphore>,
    /// `None` only while being dropped.
    queue: Option<mpsc::Sender<Job>>,
    committer: Option<JoinHandle<()>>,
}

impl Drop for Handle {
    /// Lets the committer finish what waits, then waits for it, so that what is here can be adopted.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

impl std::fmt::Debug for Staging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Staging").field(&self.0.shared.folder()).finish()
    }
}

impl Staging {
    /// Opens the staging area in `folder`. Nothing is adopted and nothing is freed by that.
    ///
    /// # Errors
    /// [`StagingError::InUse`] when a process of a version that shares with nobody has it;
    /// [`StagingError::Unavailable`] when the disk fails.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StagingError> {
        Self::open_with(folder, StagingOptions::default())
    }

    /// [`Self::open`] with other sizes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(folder: impl AsRef<Path>, options: StagingOptions) -> Result<Self, StagingError> {
        let memory = Arc::new(Semaphore::new(options.queued_bytes as usize));
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let shared = Arc::new(Shared::open(folder.as_ref(), options)?);
        let writer = commit::Committer::new(shared.clone());
        let committer = std::thread::Builder::new()
            .name("staging-commit".into())
            .spawn(move || writer.run(jobs))
            .map_err(StagingError::Unavailable)?;
        Ok(Self(Arc::new(Handle { shared, memory, queue: Some(queue), committer: Some(committer) })))
    }

    /// Stores the parts of one submission next to each other. Durable when this returns `Ok`; after an error nothing
    /// of it is kept. If the future is dropped before, the bytes are freed again, at the latest when they are adopted.
    ///
    /// # Errors
    /// [`StagingError::Exhausted`] when the disk is full or nearly; [`StagingError::Unavailable`] when disk or source fail.
    pub async fn append(&self, parts: Vec<Part>) -> Result<Receipt, StagingError> {
        let len =
            parts.iter().try_fold(0, |sum, part| Ok(sum + part.len()?)).map_err(StagingError::Unavailable)?;
        if len > self.0.shared.options().large_bytes {
            return self.append_large(parts).await;
        }
        let in_memory: usize = parts.iter().map(in_memory).sum();
        let permits = u32::try_from(in_memory).unwrap_or(u32::MAX).min(self.0.shared.options().queued_bytes);
        let memory = self.0.memory.clone().acquire_many_owned(permits).await.map_err(|_| stopped())?;
        let (reply, receipt) = oneshot::channel();
        let queue = self.0.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Job { parts, len, reply, _memory: memory }).await.map_err(|_| stopped())?;
        receipt.await.map_err(|_| stopped())?
    }

    async fn append_large(&self, parts: Vec<Part>) -> Result<Receipt, StagingError> {
        let shared = self.0.shared.clone();
        blocking(move || commit::write_alone(&shared, &parts)).await.map_err(StagingError::Unavailable)?
    }

    /// Frees ranges that the database no longer needs. A segment goes when nothing in it is live; until then the
    /// bytes are punched out where the file system can. Ranges that are not live are ignored, so it may be repeated.
    /// Only whole parts as staged can be released. False, and nothing is done: the segment is another process's, or
    /// was adopted and is not settled yet, or is gone ([`Self::is_gone`]).
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when a segment cannot be removed.
    pub async fn release(&self, segment: SegmentId, ranges: Vec<Range<u64>>) -> Result<bool, StagingError> {
        let shared = self.0.shared.clone();
        let work = move || shared.release(segment, &ranges);
        blocking(work).await.and_then(|done| done).map_err(StagingError::Unavailable)
    }

    /// Takes the segments that no living process owns. Nothing in them is freed before [`Self::settle`]; they are read
    /// like any other.
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when the disk fails.
    pub async fn adopt(&self) -> Result<Vec<SegmentId>, StagingError> {
        let shared = self.0.shared.clone();
        blocking(move || shared.adopt()).await.and_then(|done| done).map_err(StagingError::Unavailable)
    }

    /// Says what is live in segments that were adopted; the rest of them is freed. `live` must have been read when
    /// nothing that their former owner began could be committed any more. What is not adopted stays as it is.
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when the disk fails; settling the same again is right.
    pub async fn settle(
        &self,
        adopted: Vec<SegmentId>,
        live: impl IntoIterator<Item = (SegmentId, Vec<Range<u64>>)>,
    ) -> Result<(), StagingError> {
        let (shared, live) = (self.0.shared.clone(), live.into_iter().collect());
        let work = move || shared.settle(&adopted, live);
        blocking(work).await.and_then(|done| done).map_err(StagingError::Unavailable)
    }

    /// The segments that this process owns and may release from.
    pub fn owned(&self) -> Vec<Owned> {
        self.0.shared.owned()
    }

    /// Which of these ranges are not on the disk, whoever owns their segments: lost, and to be told to an operator.
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when the work was ended.
    pub async fn lost(
        &self,
        live: impl IntoIterator<Item = (SegmentId, Vec<Range<u64>>)>,
    ) -> Result<Vec<(SegmentId, Range<u64>)>, StagingError> {
        let (shared, live) = (self.0.shared.clone(), live.into_iter().collect());
        blocking(move || shared.lost(&live)).await.map_err(StagingError::Unavailable)
    }

    /// Whether the segment is gone, whoever owned it: nothing is left to release there.
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when the disk does not say.
    pub async fn is_gone(&self, segment: SegmentId) -> Result<bool, StagingError> {
        let shared = self.0.shared.clone();
        blocking(move || shared.is_gone(segment))
            .await
            .and_then(|gone| gone)
            .map_err(StagingError::Unavailable)
    }

    /// Live bytes in the segments of this process.
    pub fn live_bytes(&self) -> u64 {
        self.0.shared.live_bytes()
    }

    /// Submissions that wait for the committer.
    pub fn waiting(&self) -> usize {
        self.0.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Bytes still free on the disk.
    ///
    /// # Errors
    /// [`StagingError::Unavailable`] when the disk does not say.
    pub fn free_bytes(&self) -> Result<u64, StagingError> {
        disk::free_bytes(self.folder()).map_err(StagingError::Unavailable)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.0.shared.folder()
    }
}

fn in_memory(part: &Part) -> usize {
    match &part.source {
        PartSource::Bytes(bytes) => bytes.len(),
        PartSource::File(_) => 0,
    }
}

fn stopped() -> StagingError {
    StagingError::Unavailable(io::Error::other("the staging committer has stopped"))
}
