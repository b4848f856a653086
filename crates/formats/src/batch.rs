//! A batch: a catalogue and its packages, in one zip or one folder, opened one by one without unpacking the whole.
//!
//! Packages that are folders of the outer zip are views on it; inner zips are held in memory up to 16 MiB, else in
//! an unlinked file of the spool folder. The batch's limits hold over all packages together.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_records::Problem;

use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::catalogue::Catalogue;
use crate::error::{ReadError, refuse};
use crate::package::{
    BASIC, CONFIG, FolderSource, PROCESS, PackageSource, ReceivedPackage, ZipSource, strip_top,
};
use crate::xml::{self, XmlFault};

/// Inner zips up to this size are held in memory.
const IN_MEMORY: u64 = 16 << 20;

/// One opened batch. A single package is a batch of one without a catalogue.
#[derive(Debug)]
pub struct Batch {
    /// The catalogue, if there is one, as far as it could be read.
    pub catalogue: Option<Catalogue>,
    /// What is wrong with the catalogue.
    pub catalogue_fault: Option<XmlFault>,
    /// Files beside the packages that are neither package nor catalogue (多余文件): not read.
    pub stray: Vec<String>,
    limits: Limits,
    spool: PathBuf,
    packages: Vec<(String, Place)>,
    /// Unpacked bytes and entries of the inner zips opened so far.
    used: (u64, usize),
}

/// One package of a batch, or why it cannot be opened.
pub struct BatchPackage {
    /// Its folder or archive name inside the batch.
    pub name: String,
    /// Its files.
    pub source: Result<Box<dyn PackageSource>, ReadError>,
}

impl std::fmt::Debug for BatchPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.source.as_ref().err();
        f.debug_struct("BatchPackage").field("name", &self.name).field("error", &error).finish()
    }
}

#[derive(Debug)]
enum Place {
    /// Entries of the outer zip, and the prefix to take off.
    View(ZipArchive, String, Vec<usize>),
    /// A zip inside the outer zip.
    Inner(ZipArchive, usize),
    Folder(PathBuf),
    File(PathBuf),
}

impl Batch {
    /// Opens a zip: a batch (folders or zips beside a catalogue) or a single package.
    /// `name` is the upload's name, `spool` an existing folder for what is too large for memory.
    ///
    /// # Errors
    /// As [`ZipArchive::open`]; `batch.empty` when it holds no package.
    pub fn open(
        source: Arc<dyn ReadAt>,
        name: &str,
        limits: Limits,
        spool: &Path,
    ) -> Result<Self, ReadError> {
        let archive = ZipArchive::open(source, &limits)?;
        let paths: Vec<String> = archive.entries().iter().map(|e| e.path.clone()).collect();
        let prefix = strip_top(paths.iter().map(String::as_str));
        let inside = |path: &'_ str| path.strip_prefix(prefix.as_str()).unwrap_or(path).to_owned();
        let mut batch = Self::empty(limits, spool);
        if paths.iter().any(|p| describes(&inside(p))) {
            let top =
                if prefix.is_empty() { crate::package::zip_stem(name) } else { prefix.trim_end_matches('/') };
            let all = (0..paths.len()).collect();
            batch.packages.push((top.to_owned(), Place::View(archive, prefix.clone(), all)));
            return Ok(batch);
        }
        let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, path) in paths.iter().enumerate() {
            let path = inside(path);
            match path.split_once('/') {
                Some(("__MACOSX", _)) => {}
                Some((folder, _)) => folders.entry(folder.to_owned()).or_default().push(index),
                None if Catalogue::is_catalogue(&path) => {
                    let bytes = read_capped(archive.read(index), &path)?;
                    batch.take_catalogue(&path, &bytes)?;
                }
                None if is_zip(&path) => {
                    batch.packages.push((path.clone(), Place::Inner(archive.clone(), index)));
                }
                None => batch.stray.push(path),
            }
        }
        let views = folders.into_iter().map(|(folder, indices)| {
            let place = Place::View(archive.clone(), format!("{prefix}{folder}/"), indices);
            (folder, place)
        });
        batch.packages.extend(views);
        batch.checked()
    }

    /// Opens a folder on disk: a batch of folders and zips, or a single package.
    ///
    /// # Errors
    /// `batch.*` codes, or I/O.
    pub fn open_folder(folder: &Path, limits: Limits, spool: &Path) -> Result<Self, ReadError> {
        let mut items: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
        items.sort_by_key(fs::DirEntry::file_name);
        let name_of = |item: &fs::DirEntry| item.file_name().to_string_lossy().into_owned();
        let mut batch = Self::empty(limits, spool);
        if items.iter().any(|i| describes(&name_of(i))) {
            let name = fs::canonicalize(folder)?.file_name().map(|n| n.to_string_lossy().into_owned());
            batch.packages.push((name.unwrap_or_default(), Place::Folder(folder.to_owned())));
            return Ok(batch);
        }
        for item in &items {
            let (name, kind) = (name_of(item), item.file_type()?);
            if kind.is_dir() {
                batch.packages.push((name, Place::Folder(item.path())));
            } else if kind.is_file() && Catalogue::is_catalogue(&name) {
                let bytes = read_capped(fs::File::open(item.path())?, &name)?;
                batch.take_catalogue(&name, &bytes)?;
            } else if kind.is_file() && is_zip(&name) {
                batch.packages.push((name, Place::File(item.path())));
            } else {
                batch.stray.push(name);
            }
        }
        batch.checked()
    }

    fn empty(limits: Limits, spool: &Path) -> Self {
        Self {
            catalogue: None,
            catalogue_fault: None,
            stray: Vec::new(),
            limits,
            spool: spool.to_owned(),
            packages: Vec::new(),
            used: (0, 0),
        }
    }

    fn checked(self) -> Result<Self, ReadError> {
        if self.packages.is_empty() {
            return Err(refuse("batch.empty", "批次内没有存档信息包", "the batch holds no package")
                .with_remedy("把存档信息包（目录或 zip）放入批次")
                .into());
        }
        Ok(self)
    }

    fn take_catalogue(&mut self, path: &str, bytes: &[u8]) -> Result<(), Problem> {
        if self.catalogue.is_some() {
            return Err(refuse(
                "batch.two_catalogues",
                "批次内有两份目录清单",
                "two catalogues in one batch",
            )
            .with_remedy("把多余的目录清单删去，一个批次一份"));
        }
        let (catalogue, fault) = Catalogue::parse(path, bytes);
        self.catalogue = Some(catalogue);
        self.catalogue_fault = fault;
        Ok(())
    }

    /// How many packages it holds.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// Never: a batch without packages does not open.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The packages' names, without opening them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|(name, _)| name.as_str())
    }

    /// Opens one package. A package that cannot be opened leaves the others undisturbed.
    pub fn package(&mut self, index: usize) -> Option<BatchPackage> {
        let (name, place) = self.packages.get(index)?;
        let (name, limits) = (name.clone(), self.left());
        let source = open_place(place, &name, &limits, &self.spool);
        if let (Ok(source), Place::Inner(..) | Place::File(_)) = (&source, place) {
            self.used.0 += source.entries().iter().map(|e| e.bytes).sum::<u64>();
            self.used.1 += source.entries().len();
        }
        Some(BatchPackage { name, source })
    }

    /// A package's own archive as it came, for a digest that is stated of it; `None` where it is a folder.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn archive(&self, index: usize) -> io::Result<Option<Box<dyn Read + '_>>> {
        Ok(match self.packages.get(index) {
            Some((_, Place::Inner(archive, index))) => Some(Box::new(archive.read(*index))),
            Some((_, Place::File(path))) => Some(Box::new(fs::File::open(path)?)),
            Some((_, Place::View(..) | Place::Folder(_))) | None => None,
        })
    }

    /// All packages in order, each opened when it is reached.
    pub fn packages(&mut self) -> impl Iterator<Item = BatchPackage> {
        let mut next = 0;
        std::iter::from_fn(move || {
            next += 1;
            self.package(next - 1)
        })
    }

    /// What one package may still hold: its own limit, and what the batch has left.
    fn left(&self) -> Limits {
        let package = Limits::PACKAGE;
        Limits {
            entries: package.entries.min(self.limits.entries.saturating_sub(self.used.1)),
            total_bytes: package.total_bytes.min(self.limits.total_bytes.saturating_sub(self.used.0)),
            ..package
        }
    }
}

fn open_place(
    place: &Place,
    name: &str,
    limits: &Limits,
    spool: &Path,
) -> Result<Box<dyn PackageSource>, ReadError> {
    match place {
        Place::View(archive, prefix, indices) => {
            if indices.len() > limits.entries {
                let max = limits.entries;
                return Err(refuse(
                    "archive.too_many_entries",
                    format!("至多 {max} 项"),
                    format!("at most {max} entries"),
                )
                .into());
            }
            Ok(Box::new(ZipSource::view(name.to_owned(), archive.clone(), prefix, indices.clone())))
        }
        Place::Inner(archive, index) => {
            let bytes = archive.entries().get(*index).map_or(0, |e| e.bytes);
            let source = hold(archive.read(*index), bytes, spool)?;
            Ok(Box::new(ZipSource::open(source, name, limits)?))
        }
        Place::Folder(path) => Ok(Box::new(FolderSource::open(path, limits)?)),
        Place::File(path) => Ok(Box::new(ZipSource::open_path(path, limits)?)),
    }
}

/// An inner zip where it can be read at any place. `bytes` is its declared size, which the reader never exceeds.
fn hold(mut reader: impl Read, bytes: u64, spool: &Path) -> Result<Arc<dyn ReadAt>, ReadError> {
    if bytes <= IN_MEMORY {
        let mut held = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        reader.read_to_end(&mut held)?;
        return Ok(Arc::new(Bytes::from(held)));
    }
    let mut file = tempfile::tempfile_in(spool).map_err(ReadError::Io)?;
    io::copy(&mut reader, &mut file)?;
    file.flush().map_err(ReadError::Io)?;
    Ok(Arc::new(file))
}

fn read_capped(reader: impl Read, path: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(xml::MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > xml::MAX_BYTES {
        return Err(refuse(
            "batch.catalogue_too_large",
            format!("目录清单过大：{path}"),
            format!("the catalogue is too large: {path}"),
        )
        .into());
    }
    Ok(bytes)
}

/// Whether a top-level file is one of the documents that make a folder a package.
fn describes(path: &str) -> bool {
    let is_ours = path.rsplit_once('.').is_some_and(|(stem, _)| matches!(stem, BASIC | CONFIG | PROCESS));
    is_ours && ReceivedPackage::is_description(path)
}

fn is_zip(path: &str) -> bool {
    path.len() > 4 && path.get(path.len() - 4..).is_some_and(|e| e.eq_ignore_ascii_case(".zip"))
}
