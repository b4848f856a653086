//! A package in memory: tests, demonstrations, self-checks.

use std::io::{self, Read};

use bytes::Bytes;

use super::source::{Entry, PackageSource};

/// Files held in memory.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    name: String,
    entries: Vec<Entry>,
    files: Vec<Bytes>,
}

impl MemorySource {
    /// A package of these files, in this order. Paths are taken as they are.
    pub fn new(name: impl Into<String>, files: Vec<(String, Bytes)>) -> Self {
        let entry = |(path, bytes): &(String, Bytes)| Entry { path: path.clone(), bytes: bytes.len() as u64 };
        let entries = files.iter().map(entry).collect();
        Self { name: name.into(), entries, files: files.into_iter().map(|(_, bytes)| bytes).collect() }
    }
}

impl PackageSource for MemorySource {
    fn name(&self) -> &str {
        &self.name
    }
    fn entries(&self) -> &[Entry] {
        &self.entries
    }
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>> {
        let file = self.files.get(index).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(&file[..]))
    }
}
