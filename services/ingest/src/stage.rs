//! 暂存: what a package keeps, laid end to end, the files first and `reception.json` last, durable before any row
//! points at it.
//!
//! Before: `prefile.rs` pours a package into a [`Holding`] while it is read. After: `commit.rs` writes the row. If we
//! crash in between, the bytes belong to nobody and are freed by whoever adopts their segment (`adopt.rs`).

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use dengbei_formats::package::Entry;
use dengbei_formats::{FileFacts, Sink};
use dengbei_vault::{Owned, Part, SegmentId, Staging, StagingError};
use futures::Stream;

use crate::config::PACKAGE_IN_MEMORY;
use crate::error::IngestError;
use crate::store::places::Piece;

/// Where a submission's bytes lie in staging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    /// First byte.
    pub(crate) start: u64,
    /// Bytes, reception included.
    pub(crate) length: u64,
    /// Bytes of `reception.json`, which lies last.
    pub(crate) reception_len: u64,
    /// Content paths of the files, in the order in which they lie.
    pub(crate) contents: Vec<String>,
}

impl Place {
    /// Where `reception.json` lies.
    pub(crate) fn reception(&self) -> Range<u64> {
        let end = self.start + self.length;
        end - self.reception_len..end
    }

    /// The bytes that the release frees.
    pub(crate) fn piece(&self) -> Piece {
        (self.segment, self.start, self.length)
    }
}

/// A package's bytes while it is read: in memory when it is small, else in an unlinked file. A sink of the one pass,
/// so it never sees a secret.
#[derive(Debug)]
pub(crate) struct Holding {
    folder: PathBuf,
    kept: Kept,
    /// Entries begun, and whether nothing of the last one came yet.
    entries: usize,
    is_at_start: bool,
    /// Entries that begin as the antivirus test file (S-02).
    infected: Vec<usize>,
}

#[derive(Debug)]
enum Kept {
    Memory(BytesMut),
    File(File),
}

impl Holding {
    /// For a package of `expected` bytes.
    pub(crate) fn new(folder: &Path, expected: u64) -> io::Result<Self> {
        let kept = match usize::try_from(expected) {
            Ok(n) if expected <= PACKAGE_IN_MEMORY => Kept::Memory(BytesMut::with_capacity(n)),
            _ => Kept::File(tempfile::tempfile_in(folder)?),
        };
        Ok(Self { folder: folder.to_owned(), kept, entries: 0, is_at_start: false, infected: Vec::new() })
    }

    /// Bytes that it holds in memory.
    pub(crate) fn in_memory(&self) -> usize {
        match &self.kept {
            Kept::Memory(held) => held.len(),
            Kept::File(_) => 0,
        }
    }

    /// Entries that are the antivirus test file.
    pub(crate) fn infected(&self) -> &[usize] {
        &self.infected
    }

    /// Closes it with the reception: one part, ready to be staged.
    pub(crate) fn seal(mut self, reception: &[u8]) -> io::Result<Part> {
        self.put(reception)?;
        Ok(match self.kept {
            Kept::Memory(held) => Part::bytes("submission", held.freeze()),
            Kept::File(file) => Part::file("submission", file),
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A source may grow beyond what it said; then the pass fails, and until then memory stays bounded.
        if let Kept::Memory(held) = &self.kept
            && (held.len() + bytes.len()) as u64 > 2 * PACKAGE_IN_MEMORY
        {
            let mut file = tempfile::tempfile_in(&self.folder)?;
            file.write_all(held)?;
            self.kept = Kept::File(file);
        }
        match &mut self.kept {
            Kept::Memory(held) => {
                held.extend_from_slice(bytes);
                Ok(())
            }
            Kept::File(file) => file.write_all(bytes),
        }
    }
}

impl Sink for Holding {
    fn begin(&mut self, _: usize, _: &Entry) -> io::Result<()> {
        self.entries += 1;
        self.is_at_start = true;
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.is_at_start) && is_test_virus(bytes) {
            self.infected.push(self.entries - 1);
        }
        self.put(bytes)
    }

    fn end(&mut self, _: &FileFacts) -> io::Result<()> {
        Ok(())
    }
}

/// The standard antivirus test file begins with these 68 bytes; in two pieces, so that this source is none.
fn is_test_virus(head: &[u8]) -> bool {
    const FIRST: &[u8] = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$";
    const SECOND: &[u8] = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
    head.strip_prefix(FIRST).is_some_and(|rest| rest.starts_with(SECOND))
}

/// The staging disk, as ingest uses it.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    staging: Staging,
}

impl Stage {
    pub(crate) fn new(staging: Staging) -> Self {
        Self { staging }
    }

    /// Stores one submission. Durable when this returns; callers at the same time share one sync.
    pub(crate) async fn append(&self, part: Part) -> Result<(u64, Range<u64>), IngestError> {
        let receipt = self.staging.append(vec![part]).await.map_err(staging_error)?;
        let range = receipt.parts.first().map(|p| p.range.clone()).unwrap_or_default();
        Ok((receipt.segment.get(), range))
    }

    /// The segments that this process owns.
    pub(crate) fn owned(&self) -> Vec<Owned> {
        self.staging.owned()
    }

    /// Frees submissions of one segment. Again is harmless. False: the segment is not ours.
    pub(crate) async fn release_all(&self, segment: u64, pieces: &[Piece]) -> Result<bool, StagingError> {
        let ranges = pieces.iter().flat_map(|piece| ranges(*piece).1).collect();
        self.staging.release(SegmentId::new(segment), ranges).await
    }

    /// Frees the bytes of a submission that this process staged. Again is harmless.
    pub(crate) async fn release(&self, piece: Piece) -> Result<(), StagingError> {
        let (segment, ranges) = ranges(piece);
        self.staging.release(segment, ranges).await.map(drop)
    }

    /// Reads a reception whole.
    pub(crate) async fn reception(&self, place: &Place) -> Result<Bytes, StagingError> {
        const MOST: u64 = 64 << 20;
        self.staging.read_all(SegmentId::new(place.segment), place.reception(), MOST).await
    }

    /// Reads a submission whole, of at most `limit` bytes.
    pub(crate) async fn whole(&self, place: &Place, limit: u64) -> Result<Bytes, StagingError> {
        let range = place.start..place.start + place.length;
        self.staging.read_all(SegmentId::new(place.segment), range, limit).await
    }

    /// Streams a piece of a submission, at most 256 KiB at a time.
    pub(crate) async fn read(
        &self,
        segment: u64,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, StagingError>> + Send + use<>, StagingError> {
        self.staging.read(SegmentId::new(segment), range).await
    }
}

/// A submission is one part, so it is live and released as one range.
pub(crate) fn ranges((segment, start, length): Piece) -> (SegmentId, Vec<Range<u64>>) {
    (SegmentId::new(segment), std::iter::once(start..start + length).collect())
}

/// Full or failing, the sender is told; ingest itself is not at fault.
pub(crate) fn staging_error(error: StagingError) -> IngestError {
    match error {
        StagingError::Exhausted { .. } => IngestError::Refused(crate::standing::disk_full()),
        other => IngestError::Staging(other.into()),
    }
}
