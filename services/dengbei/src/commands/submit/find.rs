//! What lies at the paths that a sender names: packages (folders or zips), batch folders with their catalogue, whole
//! zips of batches, and folders of all these.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use dengbei_formats::{
    BASIC, Batch, CONFIG, Catalogue, Limits, PROCESS, PackageSource, ReadError, read_package,
};
use dengbei_formats::{FolderSource, ZipSource};
use dengbei_records::Problem;

/// How deep folders of folders are looked into.
const DEPTH: usize = 4;

/// One package to be sent.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    /// Its folder or file name.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    pub(super) is_zip: bool,
    /// Bytes on the way, about.
    pub(super) bytes: u64,
    /// 办件编号: packages with the same one go one after another.
    pub(super) number: Option<String>,
    /// Why it cannot be sent at all: a link in it, a name that is none.
    pub(super) fault: Option<Problem>,
}

/// What is sent together.
#[derive(Debug, Clone)]
pub(super) enum Lot {
    /// A package that lies alone.
    Alone(Parcel),
    /// A folder with a catalogue.
    Batch {
        /// The catalogue's path.
        catalogue: PathBuf,
        /// systemcode of the catalogue.
        source: String,
        parcels: Vec<Parcel>,
    },
    /// A zip with a catalogue and packages: goes as it is.
    BatchZip(Parcel),
}

/// Looks at `path`.
///
/// # Errors
/// When it cannot be read, or there is nothing to send.
pub(super) fn at(path: &Path) -> anyhow::Result<Vec<Lot>> {
    let kind = fs::metadata(path).with_context(|| format!("{}", path.display()))?;
    if !kind.is_dir() {
        return Ok(vec![zip(path, kind.len())]);
    }
    let mut lots = Vec::new();
    into(path, DEPTH, &mut lots)?;
    if lots.is_empty() {
        anyhow::ensure!(
            fs::read_dir(path)?.next().is_some(),
            "{}: 空文件夹 / an empty folder",
            path.display()
        );
        // It has files but nothing that describes them: the door says what is missing.
        lots.push(Lot::Alone(folder(path)));
    }
    Ok(lots)
}

fn into(path: &Path, depth: usize, lots: &mut Vec<Lot>) -> anyhow::Result<()> {
    let entries = sorted(path)?;
    let named = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    if entries.iter().any(|e| is_description(&named(e))) {
        lots.push(Lot::Alone(folder(path)));
        return Ok(());
    }
    if let Some(catalogue) = entries.iter().find(|e| Catalogue::is_catalogue(&named(e))) {
        let (catalogue, parcels) = (catalogue.path(), inside(&entries)?);
        let bytes = fs::read(&catalogue).with_context(|| format!("{}", catalogue.display()))?;
        let source = Catalogue::parse(&catalogue.to_string_lossy(), &bytes).0.system_code;
        lots.push(Lot::Batch { catalogue, source, parcels });
        return Ok(());
    }
    for entry in &entries {
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            into(&entry.path(), depth - 1, lots)?;
        } else if kind.is_file() && is_zip(&named(entry)) {
            lots.push(zip(&entry.path(), entry.metadata()?.len()));
        }
    }
    Ok(())
}

/// The packages of a batch folder.
fn inside(entries: &[fs::DirEntry]) -> anyhow::Result<Vec<Parcel>> {
    let mut parcels = Vec::new();
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            parcels.push(folder(&entry.path()));
        } else if kind.is_file() && is_zip(&entry.file_name().to_string_lossy()) {
            parcels.push(zip_parcel(&entry.path(), entry.metadata()?.len()));
        }
    }
    Ok(parcels)
}

fn sorted(path: &Path) -> anyhow::Result<Vec<fs::DirEntry>> {
    let read = || -> std::io::Result<Vec<fs::DirEntry>> { fs::read_dir(path)?.collect() };
    let mut entries = read().with_context(|| format!("{}", path.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

fn is_description(name: &str) -> bool {
    let stem = name.rsplit_once('.').filter(|(_, ending)| ending.eq_ignore_ascii_case("xml"));
    stem.is_some_and(|(stem, _)| [BASIC, CONFIG, PROCESS].contains(&stem))
}

fn is_zip(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"))
}

fn folder(path: &Path) -> Parcel {
    let parcel = Parcel {
        name: name_of(path),
        path: path.to_owned(),
        is_zip: false,
        bytes: 0,
        number: None,
        fault: None,
    };
    match FolderSource::open(path, &Limits::PACKAGE) {
        Ok(source) => {
            let bytes = source.entries().iter().map(|e| e.bytes + 512).sum();
            Parcel { bytes, number: number_of(&source), ..parcel }
        }
        Err(ReadError::Refused(problem)) => Parcel { fault: Some(problem), ..parcel },
        // Read again when it is sent; by then it is an error of that part.
        Err(ReadError::Io(_)) => parcel,
    }
}

fn zip_parcel(path: &Path, bytes: u64) -> Parcel {
    let number = ZipSource::open_path(path, &Limits::PACKAGE).ok().and_then(|source| number_of(&source));
    Parcel { name: name_of(path), path: path.to_owned(), is_zip: true, bytes, number, fault: None }
}

/// One package, or a whole batch in one zip. What cannot be opened is one package: the door says what is wrong.
fn zip(path: &Path, bytes: u64) -> Lot {
    let open = || {
        let file = fs::File::open(path).ok()?;
        Batch::open(Arc::new(file), &name_of(path), Limits::BATCH, &std::env::temp_dir()).ok()
    };
    let parcel = zip_parcel(path, bytes);
    match open() {
        Some(batch) if batch.catalogue.is_some() || batch.len() > 1 => Lot::BatchZip(parcel),
        _ => Lot::Alone(parcel),
    }
}

fn number_of(source: &dyn PackageSource) -> Option<String> {
    read_package(source).ok()?.item_number().map(str::to_owned)
}

/// The name as messages show it; `.` and `..` by what they are.
fn name_of(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"<x/>").unwrap();
    }

    #[test]
    fn packages_batches_and_folders_of_them_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "batch-1/存档信息包目录清单-（1）-（2）.XML");
        write(root.path(), "batch-1/A/基本信息描述.XML");
        write(root.path(), "batch-1/B/申请材料/a.pdf");
        write(root.path(), "mutants/x/package/办理流程.XML");
        write(root.path(), "dirty/y/package.zip");
        write(root.path(), "matters.json");
        let lots = at(root.path()).unwrap();
        let kinds: Vec<String> = lots
            .iter()
            .map(|lot| match lot {
                Lot::Alone(parcel) => format!("alone {}", parcel.name),
                Lot::Batch { parcels, .. } => format!("batch of {}", parcels.len()),
                Lot::BatchZip(_) => "batch zip".into(),
            })
            .collect();
        assert_eq!(kinds, ["batch of 2", "alone package.zip", "alone package"]);
    }

    #[test]
    fn a_folder_without_description_is_sent_as_it_is_and_an_empty_one_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert!(at(root.path()).is_err());
        write(root.path(), "申请材料/a.pdf");
        assert!(matches!(&at(root.path()).unwrap()[..], [Lot::Alone(_)]));
    }
}
