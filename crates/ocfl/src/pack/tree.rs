//! A pack as a tree of files, so that the OCFL validator judges it without unpacking.
//!
//! Only a pack of first versions is a storage root by itself: a later version needs the packs before it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use crate::error::PackError;
use crate::tar::{Entry, padded};
use crate::validate::{Kind, Tree, TreeEntry};

/// The files of a pack by path.
#[derive(Debug)]
pub struct PackTree<R> {
    input: Mutex<R>,
    /// Path → first byte and length.
    files: BTreeMap<String, (u64, u64)>,
    /// Folder → names of its folders and files.
    folders: BTreeMap<String, BTreeMap<String, Kind>>,
}

impl<R: Read + Seek + Send> PackTree<R> {
    /// Reads every header and skips every file. An unbuffered file is best: content is read in large pieces.
    ///
    /// # Errors
    /// [`PackError::Damaged`] when the framing is, or a path occurs twice.
    pub fn open(mut input: R) -> Result<Self, PackError> {
        let mut at = input.seek(SeekFrom::Start(0))?;
        let (mut files, mut folders) = (BTreeMap::new(), BTreeMap::from([(String::new(), BTreeMap::new())]));
        while let Some(entry) = Entry::read(&mut input)? {
            let start = at + entry.total_len() - padded(entry.len);
            at = input.seek(SeekFrom::Start(start + padded(entry.len)))?;
            note_folders(&entry.path, &mut folders);
            if files.insert(entry.path.clone(), (start, entry.len)).is_some() {
                return Err(PackError::damaged(format!("{} occurs twice", entry.path.escape_debug())));
            }
        }
        let nested: BTreeSet<&String> = files.keys().filter(|path| folders.contains_key(*path)).collect();
        match nested.first() {
            Some(path) => Err(PackError::damaged(format!("{} is a file and a folder", path.escape_debug()))),
            None => Ok(Self { input: Mutex::new(input), files, folders }),
        }
    }
}

fn note_folders(path: &str, folders: &mut BTreeMap<String, BTreeMap<String, Kind>>) {
    let (mut rest, mut kind) = (path, Kind::File);
    loop {
        let (folder, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        folders.entry(folder.to_owned()).or_default().insert(name.to_owned(), kind);
        if folder.is_empty() {
            return;
        }
        (rest, kind) = (folder, Kind::Folder);
    }
}

impl<R: Read + Seek + Send> Tree for PackTree<R> {
    fn list(&self, folder: &str) -> io::Result<Vec<TreeEntry>> {
        let names = self.folders.get(folder).ok_or(io::ErrorKind::NotFound)?;
        Ok(names.iter().map(|(name, kind)| TreeEntry { name: name.clone(), kind: *kind }).collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let (at, len) = *self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Piece { input: &self.input, at, end: at + len }))
    }
}

/// A file being read. Several may be read at once, by turns.
struct Piece<'a, R> {
    input: &'a Mutex<R>,
    at: u64,
    end: u64,
}

impl<R: Read + Seek> Read for Piece<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = (self.end - self.at).min(buf.len() as u64) as usize;
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.seek(SeekFrom::Start(self.at))?;
        let got = input.read(&mut buf[..want])?;
        if got == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += got as u64;
        Ok(got)
    }
}
