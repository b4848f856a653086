//! A package that lies as a folder on a disk. Links and devices are refused, nothing outside is opened.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dengbei_records::Problem;
use unicode_normalization::UnicodeNormalization as _;

use super::source::{Entry, PackageSource};
use crate::archive::{Limits, check_path};
use crate::error::{ReadError, refuse};

/// The files under a folder, sorted by path.
#[derive(Debug)]
pub struct FolderSource {
    name: String,
    entries: Vec<Entry>,
    places: Vec<PathBuf>,
}

impl FolderSource {
    /// Lists `folder`; reads no file.
    ///
    /// # Errors
    /// Refused with `package.*` or `archive.*` codes for links, devices, bad names, too much; I/O otherwise.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let folder = fs::canonicalize(folder).map_err(ReadError::Io)?;
        let name = folder.file_name().map(|n| n.to_string_lossy().nfc().collect()).unwrap_or_default();
        let mut walk = Walk { limits, found: Vec::new(), seen: 0, total: 0 };
        walk.folder(&folder, "")?;
        walk.found.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        if let Some(pair) = walk.found.windows(2).find(|w| w[0].0.path == w[1].0.path) {
            let path = &pair[0].0.path;
            let zh = format!("文件名规范化后重名：{path}");
            return Err(refuse(
                "archive.duplicate_name",
                zh,
                format!("the same name in two spellings: {path}"),
            )
            .into());
        }
        let (entries, places) = walk.found.into_iter().unzip();
        Ok(Self { name, entries, places })
    }
}

impl PackageSource for FolderSource {
    fn name(&self) -> &str {
        &self.name
    }
    fn entries(&self) -> &[Entry] {
        &self.entries
    }
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>> {
        let place = self.places.get(index).ok_or(io::ErrorKind::NotFound)?;
        if !fs::symlink_metadata(place)?.is_file() {
            return Err(crate::error::through_io(special(&self.entries[index].path)));
        }
        Ok(Box::new(File::open(place)?))
    }
}

fn special(path: &str) -> Problem {
    refuse(
        "archive.link",
        format!("包内有链接或特殊文件：{path}"),
        format!("a link or special file in the package: {path}"),
    )
    .with_remedy("把链接换成它所指的文件，删去特殊文件")
}

struct Walk<'a> {
    limits: &'a Limits,
    found: Vec<(Entry, PathBuf)>,
    seen: usize,
    total: u64,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), ReadError> {
        for item in fs::read_dir(folder).map_err(ReadError::Io)? {
            let item = item.map_err(ReadError::Io)?;
            self.seen += 1;
            if self.seen > self.limits.entries {
                let max = self.limits.entries;
                return Err(refuse(
                    "archive.too_many_entries",
                    format!("至多 {max} 项"),
                    format!("at most {max} entries"),
                )
                .into());
            }
            let name = item.file_name();
            let Some(name) = name.to_str() else {
                let shown = name.to_string_lossy();
                return Err(refuse(
                    "archive.bad_name",
                    format!("文件名不是 UTF-8：{shown}"),
                    format!("a name is not UTF-8: {shown}"),
                )
                .into());
            };
            let path: String = format!("{prefix}{name}").nfc().collect();
            check_path(&path, self.limits)?;
            self.item(&item, path)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &fs::DirEntry, path: String) -> Result<(), ReadError> {
        // Not following links.
        let kind = item.file_type().map_err(ReadError::Io)?;
        if kind.is_dir() {
            return self.folder(&item.path(), &format!("{path}/"));
        }
        if !kind.is_file() {
            return Err(special(&path).into());
        }
        let bytes = item.metadata().map_err(ReadError::Io)?.len();
        self.total = self.total.saturating_add(bytes);
        if bytes > self.limits.entry_bytes || self.total > self.limits.total_bytes {
            return Err(
                refuse("archive.too_large", format!("过大：{path}"), format!("too large: {path}")).into()
            );
        }
        self.found.push((Entry { path, bytes }, item.path()));
        Ok(())
    }
}
