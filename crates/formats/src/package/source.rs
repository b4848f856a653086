//! Where a package's files lie. Ingest reads zips and folders, fixity reads staged or stored objects: same trait.

use std::io::{self, Read};

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// NFC, `/` between parts, relative to the package.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
}

/// A package's files, readable again and again in any order.
pub trait PackageSource: Send + Sync {
    /// The package's name: its top folder, else the archive's name without `.zip`. Normally the 电子文件号.
    fn name(&self) -> &str;

    /// The files, in a stable order. Paths are unique and stay inside the package.
    fn entries(&self) -> &[Entry];

    /// Opens one file from its start; each call is independent. Readers may return fewer bytes than asked.
    ///
    /// # Errors
    /// What the medium reports. A fault of the *content* comes as an `io::Error` holding a
    /// [`Problem`](dengbei_records::Problem); [`ReadError::from`](crate::ReadError) tells the two apart.
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>>;
}

impl<S: PackageSource + ?Sized> PackageSource for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn entries(&self) -> &[Entry] {
        (**self).entries()
    }
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>> {
        (**self).open(index)
    }
}
