//! An upload while it is read: in memory when it is small, else in an unlinked file of the staging folder.
//!
//! Nothing of a spool is ever reachable by a name; it is gone with its last reader, or with the process.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use dengbei_formats::ReadAt;
use dengbei_records::{ErrorClass, Problem};

use crate::config::IN_MEMORY;
use crate::error::IngestError;

/// Takes an upload's chunks in order.
#[derive(Debug)]
pub(crate) struct Spool {
    kept: Kept,
    length: u64,
    most: u64,
}

#[derive(Debug)]
enum Kept {
    Memory(BytesMut),
    File(File),
}

impl Spool {
    /// An empty one that takes at most `most` bytes. What is announced to be large goes to a file from its first
    /// byte, and what is small gets its memory at once; 0: nothing is announced.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn new(announced: u64, most: u64, folder: &Path) -> Result<Self, IngestError> {
        let kept = match usize::try_from(announced) {
            Ok(n) if n <= IN_MEMORY => Kept::Memory(BytesMut::with_capacity(n)),
            _ => Kept::File(tempfile::tempfile_in(folder).map_err(|e| IngestError::Staging(e.into()))?),
        };
        Ok(Self { kept, length: 0, most })
    }

    /// Takes one chunk. Writes to disk once the upload is large, so call it where blocking for 256 KiB is fine.
    ///
    /// # Errors
    /// `package.too_large`, or the disk's.
    pub(crate) fn push(&mut self, chunk: &[u8], folder: &Path) -> Result<(), IngestError> {
        self.length += chunk.len() as u64;
        if self.length > self.most {
            return Err(too_large(self.most).into());
        }
        let spill = |e: std::io::Error| IngestError::Staging(e.into());
        match &mut self.kept {
            Kept::Memory(held) if held.len() + chunk.len() <= IN_MEMORY => held.extend_from_slice(chunk),
            Kept::Memory(held) => {
                let mut file = tempfile::tempfile_in(folder).map_err(spill)?;
                file.write_all(held).and_then(|()| file.write_all(chunk)).map_err(spill)?;
                self.kept = Kept::File(file);
            }
            Kept::File(file) => file.write_all(chunk).map_err(spill)?,
        }
        Ok(())
    }

    /// Bytes taken.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether a chunk of `more` bytes goes to memory, so that taking it does not block.
    pub(crate) fn stays_in_memory(&self, more: usize) -> bool {
        matches!(&self.kept, Kept::Memory(held) if held.len() + more <= IN_MEMORY)
    }

    /// The upload, readable at any place.
    pub(crate) fn finish(self) -> Arc<dyn ReadAt> {
        match self.kept {
            Kept::Memory(held) => Arc::new(Bytes::from(held)),
            Kept::File(file) => Arc::new(file),
        }
    }
}

/// Refuses what is longer than the deployment takes.
pub(crate) fn too_large(most: u64) -> Problem {
    let gib = most >> 30;
    Problem::new(
        "package.too_large",
        ErrorClass::Invalid,
        format!("上传超过上限 {most} 字节（约 {gib} GiB）"),
        format!("the upload is larger than {most} bytes"),
    )
    .with_remedy("把批次拆小后分次提交")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spool: Spool) -> Vec<u8> {
        let source = spool.finish();
        let mut bytes = vec![0; usize::try_from(source.size().unwrap()).unwrap()];
        source.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn small_and_large_uploads_read_back_and_leave_no_name() {
        let folder = tempfile::tempdir().unwrap();
        for chunks in [3, 40] {
            let mut spool = Spool::new(0, u64::MAX, folder.path()).unwrap();
            let chunk: Vec<u8> = (0..200_000u32).map(|n| n.to_le_bytes()[chunks % 2]).collect();
            for _ in 0..chunks {
                spool.push(&chunk, folder.path()).unwrap();
            }
            assert_eq!(spool.stays_in_memory(1), chunks == 3);
            assert_eq!(spool.length(), 200_000 * chunks as u64);
            assert_eq!(read(spool), chunk.repeat(chunks));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_is_announced_as_large_never_lies_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(1 + IN_MEMORY as u64, u64::MAX, folder.path()).unwrap();
        assert!(!spool.stays_in_memory(1));
        spool.push(b"abc", folder.path()).unwrap();
        assert_eq!(read(spool), b"abc");
    }

    #[test]
    fn what_is_longer_than_the_cap_is_refused() {
        let mut spool = Spool::new(0, 10, Path::new("/nonexistent")).unwrap();
        spool.push(b"123456789", Path::new("/nonexistent")).unwrap();
        let error = spool.push(b"01", Path::new("/nonexistent")).unwrap_err();
        assert_eq!(error.problem().code, "package.too_large");
    }
}
