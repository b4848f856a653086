//! The committer: one thread that writes what waits and syncs once for all of it.
//!
//! While it syncs, further submissions gather; the next round takes them together. A sync that fails may have lost
//! any byte since the last one, so everybody in the round is refused and the segment is never written again.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::segment::{SegmentId, Shared};
use super::{Part, PartSource, Receipt, StagedPart};
use crate::disk::CHUNK;
use crate::error::StagingError;

/// A round takes no more than this, so that the first in it need not wait for a flood behind it.
const ROUND_BYTES: u64 = 64 << 20;

/// A submission that waits.
pub(super) struct Job {
    pub(super) parts: Vec<Part>,
    pub(super) len: u64,
    pub(super) reply: oneshot::Sender<Result<Receipt, StagingError>>,
    pub(super) _memory: OwnedSemaphorePermit,
}

/// The segment being written.
struct Current {
    id: SegmentId,
    file: File,
    end: u64,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    current: Option<Current>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, current: None }
    }

    /// Until the last handle is gone.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut len = first.len;
            let mut round = vec![first];
            while len < ROUND_BYTES {
                let Ok(job) = jobs.try_recv() else { break };
                len += job.len;
                round.push(job);
            }
            self.commit(round, len);
        }
        self.close();
    }

    fn commit(&mut self, round: Vec<Job>, len: u64) {
        if let Err(e) = self.shared.check_space(len).and_then(|()| self.roll()) {
            return refuse(round.into_iter().map(|job| job.reply), &e, &self.shared);
        }
        let mut written = Vec::with_capacity(round.len());
        for job in round {
            match self.write(&job.parts) {
                Ok(receipt) => written.push((job.reply, receipt)),
                Err(e) => drop(job.reply.send(Err(self.shared.failure(e)))),
            }
        }
        match self.sync() {
            Ok(()) => written.into_iter().for_each(|(reply, receipt)| self.acknowledge(reply, receipt)),
            Err(e) => {
                let error = self.shared.failure(e);
                self.close();
                refuse(written.into_iter().map(|(reply, _)| reply), &error, &self.shared);
            }
        }
    }

    /// Closes a full segment; makes sure there is one to write.
    fn roll(&mut self) -> Result<(), StagingError> {
        if self.current.as_ref().is_some_and(|c| c.end >= self.shared.options().segment_bytes) {
            self.close();
        }
        if self.current.is_none() {
            let (id, file) = self.shared.create().map_err(|e| self.shared.failure(e))?;
            self.current = Some(Current { id, file, end: 0 });
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(current) = self.current.take()
            && let Err(e) = self.shared.close(current.id)
        {
            tracing::warn!(error = %e, segment = %current.id, "a dead segment stays until somebody adopts it");
        }
    }

    /// Writes one submission at the end; a failure takes back what it wrote.
    fn write(&mut self, parts: &[Part]) -> io::Result<Receipt> {
        let current = self.current.as_mut().ok_or_else(|| io::Error::other("no segment"))?;
        match write_parts(&current.file, current.end, parts) {
            Ok(staged) => {
                current.end = staged.last().map_or(current.end, |part| part.range.end);
                Ok(Receipt { segment: current.id, parts: staged })
            }
            Err(e) => {
                // If this fails too, the bytes stay as a dead tail, which the next submission overwrites.
                let _ = current.file.set_len(current.end);
                Err(e)
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.current.as_ref().map_or(Ok(()), |current| self.shared.options().sync.sync_data(&current.file))
    }

    fn acknowledge(&self, reply: oneshot::Sender<Result<Receipt, StagingError>>, receipt: Receipt) {
        let (segment, ranges) = (receipt.segment, receipt.ranges());
        self.shared.keep(segment, ranges.iter().cloned());
        if reply.send(Ok(receipt)).is_err()
            && let Err(e) = self.shared.release(segment, &ranges)
        {
            tracing::warn!(error = %e, %segment, "bytes that nobody waits for stay until somebody adopts them");
        }
    }
}

/// Tells everybody in a round why it failed.
fn refuse(
    replies: impl Iterator<Item = oneshot::Sender<Result<Receipt, StagingError>>>,
    error: &StagingError,
    shared: &Shared,
) {
    let again = |error: &StagingError| match error {
        StagingError::Exhausted { free } => StagingError::Exhausted { free: *free },
        StagingError::Unavailable(e) => StagingError::Unavailable(io::Error::new(e.kind(), e.to_string())),
        other => StagingError::Unavailable(io::Error::other(other.to_string())),
    };
    tracing::warn!(%error, folder = %shared.folder().display(), "a round of staging was refused");
    replies.for_each(|reply| drop(reply.send(Err(again(error)))));
}

/// Writes a large submission to a segment of its own, on the caller's thread.
pub(super) fn write_alone(shared: &Shared, parts: &[Part]) -> Result<Receipt, StagingError> {
    let failure = |e| shared.failure(e);
    let len = parts.iter().try_fold(0, |sum, part| Ok(sum + part.len()?)).map_err(failure)?;
    shared.check_space(len)?;
    let (segment, file) = shared.create().map_err(failure)?;
    let written = write_parts(&file, 0, parts).and_then(|staged| {
        shared.options().sync.sync_data(&file)?;
        Ok(staged)
    });
    if let Ok(staged) = &written {
        shared.keep(segment, staged.iter().map(|part| part.range.clone()));
    }
    // After a failure nothing is live, and closing removes the file.
    let closed = shared.close(segment);
    let parts = written.map_err(failure)?;
    closed.map_err(failure)?;
    Ok(Receipt { segment, parts })
}

fn write_parts(file: &File, start: u64, parts: &[Part]) -> io::Result<Vec<StagedPart>> {
    let mut at = start;
    let mut staged = Vec::with_capacity(parts.len());
    for part in parts {
        let range = write_part(file, at, part)?;
        at = range.end;
        staged.push(StagedPart { name: part.name.clone(), range });
    }
    Ok(staged)
}

fn write_part(file: &File, at: u64, part: &Part) -> io::Result<Range<u64>> {
    match &part.source {
        PartSource::Bytes(bytes) => {
            file.write_all_at(bytes, at)?;
            Ok(at..at + bytes.len() as u64)
        }
        PartSource::File(source) => {
            let len = copy(source, file, at)?;
            Ok(at..at + len)
        }
    }
}

/// Copies `source` from its first byte, whatever its position, in pieces of [`CHUNK`].
fn copy(source: &File, file: &File, at: u64) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    loop {
        match source.read_at(&mut chunk, done) {
            Ok(0) => return Ok(done),
            Ok(got) => {
                file.write_all_at(&chunk[..got], at + done)?;
                done += got as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
