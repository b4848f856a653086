//! A pack's bytes on either backend, read anywhere.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::bucket::Ranges;

/// An open pack. Blocking: read it on a blocking thread.
///
/// What was opened stays what is read: a pack that is set aside or replaced meanwhile gives its old bytes (a folder)
/// or an error (a bucket), never a mixture.
#[derive(Debug)]
pub struct PackFile(Source);

#[derive(Debug)]
enum Source {
    Folder(File),
    Bucket(Box<Ranges>),
}

impl PackFile {
    pub(super) const fn folder(file: File) -> Self {
        Self(Source::Folder(file))
    }

    pub(super) fn bucket(ranges: Ranges) -> Self {
        Self(Source::Bucket(Box::new(ranges)))
    }

    /// Its length.
    ///
    /// # Errors
    /// When the disk does not say.
    pub fn length(&self) -> io::Result<u64> {
        match &self.0 {
            Source::Folder(file) => Ok(file.metadata()?.len()),
            Source::Bucket(ranges) => Ok(ranges.len()),
        }
    }
}

impl Read for PackFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Source::Folder(file) => file.read(buf),
            Source::Bucket(ranges) => ranges.read(buf),
        }
    }
}

impl Seek for PackFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Source::Folder(file) => file.seek(to),
            Source::Bucket(ranges) => ranges.seek(to),
        }
    }
}
