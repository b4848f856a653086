//! An object read like a file: by ranges that grow while reading goes straight on. At most one range in memory.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::{Buf as _, Bytes};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore as _};

use super::{Bucket, failure};

/// The first range after a jump: inventories and records are small.
const FIRST: u64 = 256 << 10;
/// The largest.
const LARGEST: u64 = 8 << 20;

/// An open object. Every range must come from the object that was opened (`If-Match`).
#[derive(Debug)]
pub(in crate::site) struct Ranges {
    bucket: Bucket,
    meta: ObjectMeta,
    at: u64,
    /// What was fetched and not read yet; it begins at `at`.
    held: Bytes,
    next: u64,
}

impl Ranges {
    pub(super) const fn new(bucket: Bucket, meta: ObjectMeta) -> Self {
        Self { bucket, meta, at: 0, held: Bytes::new(), next: FIRST }
    }

    pub(in crate::site) const fn len(&self) -> u64 {
        self.meta.size
    }

    fn fetch(&mut self) -> io::Result<()> {
        let end = self.len().min(self.at + self.next);
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.at..end)),
            if_match: self.meta.e_tag.clone(),
            ..GetOptions::default()
        };
        let Bucket { store, runtime, .. } = &self.bucket;
        let got = async { store.get_opts(&self.meta.location, options).await?.bytes().await };
        let held = runtime.block_on(got).map_err(failure)?;
        if held.len() as u64 != end - self.at {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, self.meta.location.to_string()));
        }
        self.held = held;
        self.next = (self.next * 2).min(LARGEST);
        Ok(())
    }
}

impl Read for Ranges {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.at >= self.len() {
            return Ok(0);
        }
        if self.held.is_empty() {
            self.fetch()?;
        }
        let given = buf.len().min(self.held.len());
        self.held.copy_to_slice(&mut buf[..given]);
        self.at += given as u64;
        Ok(given)
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        match at.checked_sub(self.at) {
            Some(on) if on <= self.held.len() as u64 => self.held.advance(on as usize),
            _ => {
                self.held = Bytes::new();
                self.next = FIRST;
            }
        }
        self.at = at;
        Ok(at)
    }
}
