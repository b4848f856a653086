//! The files that are judged, wherever they lie.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a device, or a name that is not UTF-8: nothing OCFL allows.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The last element of its path.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// A tree of files. Paths are joined by `/`; the empty path is the top.
pub trait Tree: Sync {
    /// The names in a folder, in any order.
    ///
    /// # Errors
    /// What the storage said; `NotFound` when there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<TreeEntry>>;

    /// A file's bytes.
    ///
    /// # Errors
    /// What the storage said; `NotFound` when there is no such file.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// A folder on disk. Links are never followed below it.
#[derive(Debug, Clone)]
pub struct FolderTree(PathBuf);

impl FolderTree {
    /// The tree under `folder`.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }
}

impl Tree for FolderTree {
    fn list(&self, folder: &str) -> io::Result<Vec<TreeEntry>> {
        fs::read_dir(self.0.join(folder))?.map(|entry| describe(&entry?)).collect()
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(self.0.join(path))?))
    }
}

fn describe(entry: &fs::DirEntry) -> io::Result<TreeEntry> {
    let file_type = entry.file_type()?;
    let name = entry.file_name();
    let kind = match name.to_str() {
        Some(_) if file_type.is_file() => Kind::File,
        Some(_) if file_type.is_dir() => Kind::Folder,
        _ => Kind::Other,
    };
    Ok(TreeEntry { name: name.to_string_lossy().into_owned(), kind })
}

/// A folder of another tree.
pub(super) struct Under<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) folder: &'a str,
}

impl Under<'_> {
    fn path(&self, path: &str) -> String {
        join(self.folder, path)
    }
}

impl Tree for Under<'_> {
    fn list(&self, folder: &str) -> io::Result<Vec<TreeEntry>> {
        self.tree.list(&self.path(folder))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        self.tree.open(&self.path(path))
    }
}

pub(super) fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// Reads a file that has to be understood as a whole: an inventory, a declaration. `None`: it is not there.
pub(super) fn read(tree: &dyn Tree, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
    let reader = match tree.open(path) {
        Ok(reader) => reader,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {max} bytes")));
    }
    Ok(Some(bytes))
}
