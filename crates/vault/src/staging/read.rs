//! Reading staged bytes: as a stream of pieces, or whole with a limit.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream::try_unfold;

use super::Staging;
use super::segment::SegmentId;
use crate::disk::{CHUNK, blocking};
use crate::error::StagingError;

impl Staging {
    /// Streams `range`, a live part or a piece of one, in pieces of at most 256 KiB.
    ///
    /// Bytes released while they are read come as zeros or not at all: release only what nobody reads, and compare digests.
    ///
    /// # Errors
    /// [`StagingError::NotFound`] when the range is not live.
    pub async fn read(
        &self,
        segment: SegmentId,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, StagingError>> + Send + use<>, StagingError> {
        let file = Arc::new(self.open_range(segment, &range).await?);
        Ok(try_unfold((file, range), |(file, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let end = left.end.min(left.start + CHUNK as u64);
            let (source, piece) = (file.clone(), left.start..end);
            let bytes = read_piece(source, piece).await?;
            Ok(Some((bytes, (file, end..left.end))))
        }))
    }

    /// Reads `range` whole.
    ///
    /// # Errors
    /// [`StagingError::TooLarge`] when it is longer than `limit`; [`StagingError::NotFound`] when it is not live.
    pub async fn read_all(
        &self,
        segment: SegmentId,
        range: Range<u64>,
        limit: u64,
    ) -> Result<Bytes, StagingError> {
        let len = range.end.saturating_sub(range.start);
        if len > limit {
            return Err(StagingError::TooLarge(len));
        }
        let file = self.open_range(segment, &range).await?;
        read_piece(Arc::new(file), range).await
    }

    /// A part of no length lies nowhere, and reading it is no error.
    async fn open_range(&self, segment: SegmentId, range: &Range<u64>) -> Result<File, StagingError> {
        let shared = self.0.shared.clone();
        if range.start != range.end && !shared.is_readable(segment, range) {
            return Err(StagingError::NotFound { segment, start: range.start, end: range.end });
        }
        let work = move || shared.open_segment(segment);
        match blocking(work).await.and_then(|file| file) {
            Ok(file) => Ok(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(StagingError::NotFound { segment, start: range.start, end: range.end })
            }
            Err(e) => Err(StagingError::Unavailable(e)),
        }
    }
}

async fn read_piece(file: Arc<File>, range: Range<u64>) -> Result<Bytes, StagingError> {
    let work = move || {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start).map(|()| Bytes::from(bytes))
    };
    blocking(work).await.and_then(|read| read).map_err(StagingError::Unavailable)
}
