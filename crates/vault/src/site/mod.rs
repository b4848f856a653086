//! One site (备份点): packs in a folder or a bucket, written once, read by ranges, moved aside when damaged.
//!
//! Layout: `packs/<area>/<number>.g<generation>.tar`, `log/` (the register's), `quarantine/` (隔离区). The contract is
//! stated here and holds on both; `folder` and `bucket` keep it, each with what it has. Work that blocks runs on
//! blocking threads.

use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use dengbei_kit::{S3, SiteStorage};
use dengbei_ocfl::{
    Catalogue, LocatedContent, PackError, PackReader, PackReport, StoredVersion, VersionReader,
};
use dengbei_records::{Sha256, Timestamp};
use futures::Stream;
use futures::stream::try_unfold;

use crate::disk;
use crate::error::SiteError;
use crate::name::PackName;

mod bucket;
mod folder;
mod list;
mod log;
mod pack_file;

use bucket::Bucket;
use folder::Folder;
pub use list::{Holding, ListedPack, Listing};
pub use log::LogTiles;
pub use pack_file::PackFile;

/// The most content that one version may bring into memory. A larger one is read by ranges.
const VERSION_MAX: u64 = 256 << 20;
/// How much of a stream a bucket is asked for at once.
const ASKED_AT_ONCE: u64 = 4 << 20;

/// A site's storage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    base: Base,
}

/// What it stands on.
#[derive(Debug, Clone)]
enum Base {
    Folder(Folder),
    Bucket(Bucket),
}

/// A pack that lies on the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPack {
    /// Digest of the pack, read back from the storage.
    pub sha256: Sha256,
    /// Its length.
    pub len: u64,
    /// Root over the object versions inside, by the catalogue that was read back; `None`: it does not begin with a
    /// sound catalogue of this pack.
    pub versions_root: Option<Sha256>,
    /// Whether the same bytes lay there before.
    pub was_there: bool,
}

/// A pack as it was read back from the storage, from its first byte to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// Digest of the pack.
    pub sha256: Sha256,
    /// Its length.
    pub len: u64,
    /// Root over the object versions inside; `None`: it does not begin with a sound catalogue of this pack.
    pub versions_root: Option<Sha256>,
}

/// Where what is set aside goes, and why.
#[derive(Debug, Clone)]
struct Aside {
    path: String,
    note: Option<String>,
}

impl Aside {
    fn note_path(&self) -> String {
        format!("{}{}", self.path, list::NOTE)
    }
}

impl Site {
    /// Opens the storage that the configuration names, makes what it needs, and sweeps what crashed writers left.
    ///
    /// Several processes may have a site open; a pack that another process is writing is left alone.
    ///
    /// # Errors
    /// [`SiteError::Misconfigured`]; [`SiteError::Overwrites`] when the store does not refuse a name that is taken;
    /// [`SiteError::Denied`], [`SiteError::Unavailable`] or [`SiteError::Exhausted`] when it cannot be used.
    pub async fn open(storage: &SiteStorage, s3: Option<&S3>) -> Result<Self, SiteError> {
        let base = match storage {
            SiteStorage::Folder(root) => {
                let root = root.clone();
                let opened = disk::blocking(move || Self::in_folder(root)).await;
                return opened.map_err(SiteError::Unavailable)?;
            }
            SiteStorage::Bucket { bucket, prefix } => Bucket::at(bucket, prefix, s3)?.open().await?,
        };
        Ok(Self { base: Base::Bucket(base) })
    }

    /// Opens the site in `folder`. Blocking.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self, SiteError> {
        let folder = folder.into();
        let opened = Folder::open(&folder).map_err(SiteError::io(folder.display()))?;
        Ok(Self { base: Base::Folder(opened) })
    }

    /// To be read only: nothing is made, nothing is swept, nothing is asked yet.
    ///
    /// # Errors
    /// [`SiteError::Misconfigured`].
    pub fn look(storage: &SiteStorage, s3: Option<&S3>) -> Result<Self, SiteError> {
        Ok(Self {
            base: match storage {
                SiteStorage::Folder(root) => Base::Folder(Folder::at(root)),
                SiteStorage::Bucket { bucket, prefix } => Base::Bucket(Bucket::at(bucket, prefix, s3)?),
            },
        })
    }

    /// Bytes still free; `None`: a bucket, which answers, and does not say.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn free_bytes(&self) -> Result<Option<u64>, SiteError> {
        match &self.base {
            Base::Folder(_) => self.blocking(Base::free_bytes).await,
            Base::Bucket(bucket) => bucket.answers().await.map(|()| None).map_err(SiteError::io("site")),
        }
    }

    /// Stores a pack: `write` streams it, it is read back whole and compared, and it has its name only whole.
    ///
    /// Idempotent: if the same bytes lie there already, that is success. When this returns `Ok`, bytes and name are
    /// on stable storage, or with the store that promised them. A crash at any point leaves either the whole pack or
    /// none. If the future is dropped, the work goes on in the background and may still succeed.
    ///
    /// # Errors
    /// [`SiteError::Conflict`] when other bytes have the name; nothing is changed then. What `write` returned.
    pub async fn put_pack<T, F>(&self, name: &PackName, write: F) -> Result<(StoredPack, T), SiteError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Write) -> Result<T, PackError> + Send + 'static,
    {
        let name = name.clone();
        self.blocking(move |base| base.put(&name, None, write)).await
    }

    /// As [`Self::put_pack`], for a pack whose digest is known: other bytes never get its name.
    ///
    /// # Errors
    /// As [`Self::put_pack`], and [`SiteError::NotWanted`].
    pub async fn put_known_pack<F>(
        &self,
        name: &PackName,
        wanted: Sha256,
        write: F,
    ) -> Result<StoredPack, SiteError>
    where
        F: FnOnce(&mut dyn Write) -> Result<(), PackError> + Send + 'static,
    {
        let name = name.clone();
        let put = self.blocking(move |base| base.put(&name, Some(wanted), write)).await;
        put.map(|(stored, ())| stored)
    }

    /// Digest and length of a pack as it lies there: one step of an inspection (巡检). `None`: it is missing.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it is there and cannot be read.
    pub async fn digest(&self, name: &PackName) -> Result<Option<(Sha256, u64)>, SiteError> {
        Ok(self.read_back(name).await?.map(|read| (read.sha256, read.len)))
    }

    /// As [`Self::digest`], with the root over the object versions inside: what a site signs (备份回执).
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it is there and cannot be read.
    pub async fn read_back(&self, name: &PackName) -> Result<Option<ReadBack>, SiteError> {
        let name = name.clone();
        let read = self.blocking(move |base| base.read_back(&name).map_err(SiteError::io(&name))).await;
        match read {
            Err(SiteError::NotFound(_)) => Ok(None),
            read => read.map(Some),
        }
    }

    /// Reads a pack whole and checks every digest in it.
    ///
    /// # Errors
    /// [`SiteError::NotFound`], or [`SiteError::Unavailable`] when reading fails; damage is a finding in the report.
    pub async fn verify_pack(&self, name: &PackName) -> Result<PackReport, SiteError> {
        let (site, name) = (self.clone(), name.clone());
        self.blocking(move |_| Ok(PackReport::of(&mut buffered(site.open_file(&name)?))?)).await
    }

    /// Opens a pack's bytes. Blocking: call it, and use what it gives, on a blocking thread.
    ///
    /// # Errors
    /// [`SiteError::NotFound`].
    pub fn open_file(&self, name: &PackName) -> Result<PackFile, SiteError> {
        self.base.file(&name.path()).map_err(SiteError::io(name))
    }

    /// Opens a pack for reading. Blocking, as [`Self::open_file`].
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Pack`] when it does not begin with a sound catalogue.
    pub fn open_pack(&self, name: &PackName) -> Result<PackReader<BufReader<PackFile>>, SiteError> {
        Ok(PackReader::open(buffered(self.open_file(name)?))?)
    }

    /// The length of a pack.
    ///
    /// # Errors
    /// [`SiteError::NotFound`].
    pub async fn length(&self, name: &PackName) -> Result<u64, SiteError> {
        let path = name.path();
        match &self.base {
            Base::Bucket(bucket) => bucket.length(&path).await.map_err(SiteError::io(name)),
            Base::Folder(folder) => {
                let (folder, name) = (folder.clone(), name.clone());
                self.blocking(move |_| folder.length(&path).map_err(SiteError::io(name))).await
            }
        }
    }

    /// The bytes of `range`, counted from the pack's first byte. Unchecked: the caller knows a digest of them.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Unavailable`] when the pack ends before `range` does.
    pub async fn read_range(&self, name: &PackName, range: Range<u64>) -> Result<Bytes, SiteError> {
        let path = name.path();
        match &self.base {
            Base::Bucket(bucket) => bucket.range(&path, range).await.map_err(SiteError::io(name)),
            Base::Folder(folder) => {
                let (folder, name) = (folder.clone(), name.clone());
                self.blocking(move |_| folder.range(&path, range).map_err(SiteError::io(name))).await
            }
        }
    }

    /// One object version by its range (`VersionPlace::range`), every digest checked.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Pack`] when the range holds no sound version or more than 256 MiB.
    pub async fn read_object_version(
        &self,
        name: &PackName,
        range: Range<u64>,
    ) -> Result<StoredVersion, SiteError> {
        let (site, name) = (self.clone(), name.clone());
        self.blocking(move |_| {
            let len = range.end.saturating_sub(range.start);
            let mut file = site.open_file(&name)?;
            file.seek(SeekFrom::Start(range.start)).map_err(SiteError::io(&name))?;
            Ok(VersionReader::open(buffered(file.take(len)), len)?.read_all(VERSION_MAX)?)
        })
        .await
    }

    /// Where each file of an object version lies, for streaming large ones with [`Self::stream`]. The bytes are not
    /// checked here: compare the digest given with what was streamed.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Pack`] when the range holds no sound version.
    pub async fn locate(&self, name: &PackName, range: Range<u64>) -> Result<Vec<LocatedContent>, SiteError> {
        let (site, name) = (self.clone(), name.clone());
        self.blocking(move |_| {
            let mut file = site.open_file(&name)?;
            file.seek(SeekFrom::Start(range.start)).map_err(SiteError::io(&name))?;
            let len = range.end.saturating_sub(range.start);
            Ok(VersionReader::open(BufReader::new(file), len)?.locate(range.start)?)
        })
        .await
    }

    /// Streams `range` of a pack in pieces of at most 256 KiB. Unchecked: the caller knows a digest of the bytes.
    pub fn stream(
        &self,
        name: &PackName,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, SiteError>> + Send + use<> {
        let at_once = match &self.base {
            Base::Folder(_) => disk::CHUNK as u64,
            Base::Bucket(_) => ASKED_AT_ONCE,
        };
        let begin = (self.clone(), name.clone(), range, Bytes::new());
        try_unfold(begin, move |(site, name, mut left, mut held)| async move {
            if held.is_empty() {
                if left.is_empty() {
                    return Ok(None);
                }
                let end = left.end.min(left.start + at_once);
                held = site.read_range(&name, left.start..end).await?;
                left.start = end;
            }
            let piece = held.split_to(held.len().min(disk::CHUNK));
            Ok(Some((piece, (site, name, left, held))))
        })
    }

    /// Moves a pack aside with the reason beside it, as evidence; gives its new path on the site.
    ///
    /// # Errors
    /// [`SiteError::NotFound`] when there is no such pack.
    pub async fn quarantine(
        &self,
        name: &PackName,
        reason: &str,
        at: Timestamp,
    ) -> Result<String, SiteError> {
        let note = serde_json::json!({ "pack": name.path(), "reason": reason, "at": at.rfc3339() });
        let path = format!("quarantine/{}-{}.{}", name.area, name.file_name(), at.millis());
        let (name, aside) = (name.clone(), Aside { path, note: Some(note.to_string()) });
        self.blocking(move |base| {
            base.set_aside(&name.path(), &aside).map_err(SiteError::io(&name))?;
            Ok(aside.path)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Base) -> Result<T, SiteError> + Send + 'static,
    ) -> Result<T, SiteError> {
        let base = self.base.clone();
        disk::blocking(move || work(&base)).await.map_err(SiteError::Unavailable)?
    }
}

impl Base {
    fn put<T>(
        &self,
        name: &PackName,
        wanted: Option<Sha256>,
        write: impl FnOnce(&mut dyn Write) -> Result<T, PackError>,
    ) -> Result<(StoredPack, T), SiteError> {
        match self {
            Self::Folder(folder) => folder.put(name, wanted, write),
            Self::Bucket(bucket) => bucket.put(name, wanted, write),
        }
    }

    fn file(&self, path: &str) -> io::Result<PackFile> {
        match self {
            Self::Folder(folder) => folder.file(path),
            Self::Bucket(bucket) => bucket.file(path),
        }
    }

    fn read_back(&self, name: &PackName) -> io::Result<ReadBack> {
        match self {
            Self::Folder(folder) => read_back(folder.fresh(&name.path())?, name),
            Self::Bucket(bucket) => read_back(bucket.fresh(&name.path())?, name),
        }
    }

    fn set_aside(&self, from: &str, aside: &Aside) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.set_aside(from, aside),
            Self::Bucket(bucket) => bucket.set_aside(from, aside),
        }
    }

    fn free_bytes(&self) -> Result<Option<u64>, SiteError> {
        match self {
            Self::Folder(folder) => folder.free_bytes().map(Some).map_err(SiteError::io("site")),
            Self::Bucket(_) => Ok(None),
        }
    }
}

/// One pass: the catalogue is understood on the way, every byte is hashed.
fn read_back<R: Read>(mut input: disk::Hashed<R>, name: &PackName) -> io::Result<ReadBack> {
    let catalogue = match Catalogue::read(&mut input) {
        Ok((catalogue, ..)) => Some(catalogue),
        Err(PackError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
        Err(_) => None,
    };
    input.drain()?;
    let is_this =
        |c: &Catalogue| (&c.area, c.number, c.generation) == (&name.area, name.number, name.generation);
    let versions_root = catalogue.filter(is_this).map(|c| c.versions_root);
    let (sha256, len) = input.end();
    Ok(ReadBack { sha256, len, versions_root })
}

fn is_wanted(name: &PackName, wanted: Option<Sha256>, offered: Sha256) -> Result<(), SiteError> {
    match wanted.filter(|wanted| *wanted != offered) {
        None => Ok(()),
        Some(wanted) => Err(SiteError::NotWanted { name: name.clone(), wanted, offered }),
    }
}

fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(disk::CHUNK, input)
}
