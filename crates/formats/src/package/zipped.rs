//! A package in a zip, or in one folder of a larger zip (a batch). Its single top folder, if it has one, is its name.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::source::{Entry, PackageSource};
use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::error::ReadError;

/// Files of a zip.
#[derive(Debug, Clone)]
pub struct ZipSource {
    name: String,
    archive: ZipArchive,
    entries: Vec<Entry>,
    indices: Vec<usize>,
}

impl ZipSource {
    /// Opens a zip that is one package. `fallback_name` (the archive's own name) serves where there is no single top folder.
    ///
    /// # Errors
    /// As [`ZipArchive::open`].
    pub fn open(source: Arc<dyn ReadAt>, fallback_name: &str, limits: &Limits) -> Result<Self, ReadError> {
        let archive = ZipArchive::open(source, limits)?;
        let paths = archive.entries().iter().map(|e| e.path.as_str());
        let top = top_folder(paths).map(str::to_owned);
        let prefix = top.as_ref().map(|t| format!("{t}/")).unwrap_or_default();
        let name = top.unwrap_or_else(|| stem(fallback_name).to_owned());
        let all = (0..archive.entries().len()).collect();
        Ok(Self::view(name, archive, &prefix, all))
    }

    /// Opens a zip file on disk.
    ///
    /// # Errors
    /// As [`ZipSource::open`].
    pub fn open_path(path: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let file = std::fs::File::open(path).map_err(ReadError::Io)?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self::open(Arc::new(file), &name, limits)
    }

    /// The entries `indices` of an archive, with `prefix` taken off their paths where they have it.
    pub(crate) fn view(name: String, archive: ZipArchive, prefix: &str, indices: Vec<usize>) -> Self {
        let entry = |&i: &usize| {
            let e = &archive.entries()[i];
            Entry { path: e.path.strip_prefix(prefix).unwrap_or(&e.path).to_owned(), bytes: e.bytes }
        };
        let entries = indices.iter().map(entry).collect();
        Self { name, archive, entries, indices }
    }
}

impl PackageSource for ZipSource {
    fn name(&self) -> &str {
        &self.name
    }
    fn entries(&self) -> &[Entry] {
        &self.entries
    }
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>> {
        let index = *self.indices.get(index).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.archive.read(index))
    }
}

/// `name` without `.zip`.
pub(crate) fn stem(name: &str) -> &str {
    let cut = name.len().saturating_sub(4);
    match name.get(cut..) {
        Some(ending) if ending.eq_ignore_ascii_case(".zip") => &name[..cut],
        _ => name,
    }
}

/// The one folder that holds everything; what macOS adds beside it (`__MACOSX`) does not count.
fn top_folder<'a>(paths: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut tops =
        paths.filter(|p| !p.starts_with("__MACOSX/")).map(|p| p.split_once('/').map(|(top, _)| top));
    let first = tops.next()??;
    tops.all(|top| top == Some(first)).then_some(first)
}

/// The prefix that [`top_folder`] stands for: empty or `folder/`.
pub(crate) fn strip_top<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    top_folder(paths).map(|top| format!("{top}/")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_top_folder_names_the_package() {
        assert_eq!(top_folder(["A/x", "A/b/y"].into_iter()), Some("A"));
        assert_eq!(top_folder(["A/x", "__MACOSX/A/._x"].into_iter()), Some("A"));
        assert_eq!(top_folder(["A/x", "B/y"].into_iter()), None);
        assert_eq!(top_folder(["A/x", "y"].into_iter()), None);
        assert_eq!(stem("电子文件号.ZIP"), "电子文件号");
        assert_eq!(stem("号.z"), "号.z");
    }
}
