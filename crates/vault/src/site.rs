//! One site (备份点): packs on a disk, written once, read by ranges, moved aside when damaged.
//!
//! Layout of the folder: `packs/<area>/<number>.g<generation>.tar`, `log/` (the register's), `quarantine/`
//! (隔离区), `incoming/` (packs being written; leftovers of a crash are swept at the next opening).

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_ocfl::{
    Catalogue, LocatedContent, PackError, PackReader, PackReport, StoredVersion, VersionReader,
};
use dengbei_records::{AreaCode, Sha256, Timestamp};
use futures::stream::try_unfold;
use futures::{Stream, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path as StorePath};
use sha2::Digest as _;

use crate::disk::{self, blocking};
use crate::error::SiteError;
use crate::name::PackName;

/// The folders of a site.
const FOLDERS: [&str; 4] = ["packs", "log", "quarantine", "incoming"];
/// The most content that one version may bring into memory. A larger one is read by ranges.
const VERSION_MAX: u64 = 256 << 20;

/// A site's storage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    folder: Arc<Path>,
    store: Arc<LocalFileSystem>,
}

/// A pack that lies on the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPack {
    /// Digest of the file, read back from the disk.
    pub sha256: Sha256,
    /// Its length.
    pub len: u64,
    /// Root over the object versions inside, by the catalogue that was read back; `None`: it does not begin with a
    /// sound catalogue of this pack.
    pub versions_root: Option<Sha256>,
    /// Whether the same bytes lay there before.
    pub was_there: bool,
}

/// A pack as it was read back from the disk, from its first byte to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// Digest of the file.
    pub sha256: Sha256,
    /// Its length.
    pub len: u64,
    /// Root over the object versions inside; `None`: it does not begin with a sound catalogue of this pack.
    pub versions_root: Option<Sha256>,
}

/// A pack found on the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPack {
    /// Its name.
    pub name: PackName,
    /// Its length.
    pub len: u64,
}

/// What lies in an area's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Packs, by number and generation.
    pub packs: Vec<ListedPack>,
    /// Paths that are no pack's name: nobody of us put them there.
    pub strangers: Vec<String>,
}

impl Site {
    /// Opens the site in `folder`, makes its folders, and sweeps what crashed writers left in `incoming/`.
    ///
    /// Several processes may have a site open; a pack that another process is writing is left alone.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] or [`SiteError::Exhausted`] when the folders cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, SiteError> {
        let folder = folder.into();
        let disk = || SiteError::disk(folder.display());
        fs::create_dir_all(&folder).map_err(disk())?;
        for name in FOLDERS {
            disk::create_folder(&folder.join(name)).map_err(disk())?;
        }
        sweep(&folder.join("incoming")).map_err(disk())?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(store_error)?.with_fsync(true);
        Ok(Self { folder: folder.into(), store: Arc::new(store) })
    }

    /// The site's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The site as an object store whose puts are durable: for `log/` and other small files.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Bytes still free.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when the disk does not say.
    pub fn free_bytes(&self) -> Result<u64, SiteError> {
        disk::free_bytes(&self.folder).map_err(SiteError::disk(self.folder.display()))
    }

    /// Stores a pack: `write` streams it, it is synced once, read back whole and compared, and only then gets its name.
    ///
    /// Idempotent: if the same bytes lie there already, that is success. When this returns `Ok`, file and name are
    /// on stable storage. A crash at any point leaves either the whole pack or none. If the future is dropped, the
    /// work goes on in the background and may still succeed.
    ///
    /// # Errors
    /// [`SiteError::Conflict`] when other bytes have the name; nothing is changed then. What `write` returned.
    pub async fn put_pack<T, F>(&self, name: &PackName, write: F) -> Result<(StoredPack, T), SiteError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Write) -> Result<T, PackError> + Send + 'static,
    {
        let (site, name) = (self.clone(), name.clone());
        blocking(move || site.put(&name, None, write)).await.map_err(SiteError::Unavailable)?
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
        let (site, name) = (self.clone(), name.clone());
        let put = blocking(move || site.put(&name, Some(wanted), write)).await;
        put.map_err(SiteError::Unavailable)?.map(|(stored, ())| stored)
    }

    fn put<T>(
        &self,
        name: &PackName,
        wanted: Option<Sha256>,
        write: impl FnOnce(&mut dyn Write) -> Result<T, PackError>,
    ) -> Result<(StoredPack, T), SiteError> {
        let disk = || SiteError::disk(name);
        let incoming = Incoming::create(&self.folder.join("incoming")).map_err(disk())?;
        let mut out =
            Hashing { inner: BufWriter::with_capacity(1 << 20, &incoming.file), hasher: sha2::Sha256::new() };
        let given = write(&mut out)?;
        out.inner.flush().map_err(disk())?;
        let written = Sha256::from_bytes(out.hasher.finalize().into());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != written) {
            return Err(SiteError::NotWanted { name: name.clone(), wanted, offered: written });
        }
        incoming.file.sync_all().map_err(disk())?;
        let ReadBack { sha256, len, versions_root } = read_back(&incoming.path, name).map_err(disk())?;
        if sha256 != written {
            return Err(SiteError::ReadBack { name: name.clone(), written, read: sha256 });
        }
        let was_there = !self.name(&incoming.path, name, sha256)?;
        Ok((StoredPack { sha256, len, versions_root, was_there }, given))
    }

    /// Gives `temporary` its name, unless the same bytes have it; whether it did.
    fn name(&self, temporary: &Path, name: &PackName, offered: Sha256) -> Result<bool, SiteError> {
        let disk = || SiteError::disk(name);
        let path = self.path(name);
        let folder = self.folder.join("packs").join(name.area.as_str());
        disk::create_folder(&folder).map_err(disk())?;
        // A hard link fails if the name exists, which a rename does not: two writers cannot overwrite each other.
        let is_new = match fs::hard_link(temporary, &path) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
            Err(e) => return Err(disk()(e)),
        };
        if !is_new {
            let (existing, _) = disk::digest(&path).map_err(disk())?;
            if existing != offered {
                return Err(SiteError::Conflict { name: name.clone(), existing, offered });
            }
        }
        // Also when it was there: whoever put it, or made the folder, may have crashed before the sync.
        disk::sync_folder(&folder).map_err(disk())?;
        disk::sync_folder(&self.folder.join("packs")).map_err(disk())?;
        Ok(is_new)
    }

    pub(crate) fn path(&self, name: &PackName) -> PathBuf {
        self.folder.join(name.path())
    }

    /// Digest and length of a pack as it lies on the disk: one step of an inspection (巡检). `None`: it is missing.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it is there and cannot be read.
    pub async fn digest(&self, name: &PackName) -> Result<Option<(Sha256, u64)>, SiteError> {
        let path = self.path(name);
        match blocking(move || disk::digest(&path)).await.map_err(SiteError::Unavailable)? {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(SiteError::disk(name)(e)),
        }
    }

    /// As [`Self::digest`], with the root over the object versions inside: what a site signs (备份回执).
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it is there and cannot be read.
    pub async fn read_back(&self, name: &PackName) -> Result<Option<ReadBack>, SiteError> {
        let (path, pack) = (self.path(name), name.clone());
        match blocking(move || read_back(&path, &pack)).await.map_err(SiteError::Unavailable)? {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(SiteError::disk(name)(e)),
        }
    }

    /// Reads a pack whole and checks every digest in it.
    ///
    /// # Errors
    /// [`SiteError::NotFound`], or [`SiteError::Unavailable`] when reading fails; damage is a finding in the report.
    pub async fn verify_pack(&self, name: &PackName) -> Result<PackReport, SiteError> {
        let (path, name) = (self.path(name), name.clone());
        let work = move || {
            let file = File::open(path).map_err(SiteError::disk(&name))?;
            Ok(PackReport::of(&mut BufReader::with_capacity(disk::CHUNK, file))?)
        };
        blocking(work).await.map_err(SiteError::Unavailable)?
    }

    /// Opens a pack for reading. Blocking: call it, and use what it gives, on a blocking thread.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Pack`] when it does not begin with a sound catalogue.
    pub fn open_pack(&self, name: &PackName) -> Result<PackReader<BufReader<File>>, SiteError> {
        let file = File::open(self.path(name)).map_err(SiteError::disk(name))?;
        Ok(PackReader::open(BufReader::with_capacity(disk::CHUNK, file))?)
    }

    /// The bytes of `range`, counted from the pack's first byte. Unchecked: the caller knows a digest of them.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Unavailable`] when the pack ends before `range` does.
    pub async fn read_range(&self, name: &PackName, range: Range<u64>) -> Result<Bytes, SiteError> {
        let wanted = range.end.saturating_sub(range.start);
        let bytes = self.store.get_range(&StorePath::from(name.path()), range).await.map_err(store_error)?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(SiteError::Unavailable(io::Error::new(io::ErrorKind::UnexpectedEof, name.to_string())))
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
        let (path, name) = (self.path(name), name.clone());
        let work = move || {
            let len = range.end.saturating_sub(range.start);
            let mut file = File::open(path).map_err(SiteError::disk(&name))?;
            file.seek(SeekFrom::Start(range.start)).map_err(SiteError::disk(&name))?;
            let input = BufReader::with_capacity(disk::CHUNK, file.take(len));
            Ok(VersionReader::open(input, len)?.read_all(VERSION_MAX)?)
        };
        blocking(work).await.map_err(SiteError::Unavailable)?
    }

    /// Where each file of an object version lies, for streaming large ones with [`Self::stream`]. The bytes are not
    /// checked here: compare the digest given with what was streamed.
    ///
    /// # Errors
    /// [`SiteError::NotFound`]; [`SiteError::Pack`] when the range holds no sound version.
    pub async fn locate(&self, name: &PackName, range: Range<u64>) -> Result<Vec<LocatedContent>, SiteError> {
        let (path, name) = (self.path(name), name.clone());
        let work = move || {
            let mut file = File::open(path).map_err(SiteError::disk(&name))?;
            file.seek(SeekFrom::Start(range.start)).map_err(SiteError::disk(&name))?;
            let len = range.end.saturating_sub(range.start);
            Ok(VersionReader::open(BufReader::new(file), len)?.locate(range.start)?)
        };
        blocking(work).await.map_err(SiteError::Unavailable)?
    }

    /// Streams `range` of a pack in pieces of at most 256 KiB. Unchecked: the caller knows a digest of the bytes.
    pub fn stream(
        &self,
        name: &PackName,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, SiteError>> + Send + use<> {
        try_unfold((self.clone(), name.clone(), range), |(site, name, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let end = left.end.min(left.start + disk::CHUNK as u64);
            let bytes = site.read_range(&name, left.start..end).await?;
            Ok(Some((bytes, (site, name, end..left.end))))
        })
    }

    /// What lies in an area's folder. An area without packs has an empty listing.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when the folder cannot be read.
    pub async fn list_packs(&self, area: &AreaCode) -> Result<Listing, SiteError> {
        let prefix = StorePath::from(format!("packs/{area}"));
        let mut listing = Listing::default();
        let mut found = self.store.list(Some(&prefix));
        while let Some(meta) = found.try_next().await.map_err(store_error)? {
            let path = meta.location.to_string();
            match path.strip_prefix("packs/").and_then(|p| p.parse::<PackName>().ok()) {
                Some(name) => listing.packs.push(ListedPack { name, len: meta.size }),
                None => listing.strangers.push(path),
            }
        }
        listing.packs.sort_by(|a, b| a.name.cmp(&b.name));
        listing.strangers.sort();
        Ok(listing)
    }

    /// Moves a pack aside with the reason beside it, as evidence; gives its new path under the site's folder.
    ///
    /// # Errors
    /// [`SiteError::NotFound`] when there is no such pack.
    pub async fn quarantine(
        &self,
        name: &PackName,
        reason: &str,
        at: Timestamp,
    ) -> Result<String, SiteError> {
        let (site, name, reason) = (self.clone(), name.clone(), reason.to_owned());
        let work = move || site.set_aside(&name, &reason, at).map_err(SiteError::disk(&name));
        blocking(work).await.map_err(SiteError::Unavailable)?
    }

    fn set_aside(&self, name: &PackName, reason: &str, at: Timestamp) -> io::Result<String> {
        let path = self.path(name);
        File::open(&path)?;
        let aside = format!("quarantine/{}-{}.{}", name.area, name.file_name(), at.millis());
        let text = serde_json::json!({ "pack": name.path(), "reason": reason, "at": at.rfc3339() });
        let note = self.folder.join(format!("{aside}.reason.json"));
        disk::write_durably(&note, text.to_string().as_bytes())?;
        fs::rename(&path, self.folder.join(&aside))?;
        disk::sync_folder(&self.folder.join("quarantine"))?;
        path.parent().map_or(Ok(()), disk::sync_folder)?;
        Ok(aside)
    }
}

/// One pass: the catalogue is understood on the way, every byte is hashed.
fn read_back(path: &Path, name: &PackName) -> io::Result<ReadBack> {
    let mut file = disk::Hashed::open(path)?;
    let catalogue = match Catalogue::read(&mut file) {
        Ok((catalogue, ..)) => Some(catalogue),
        Err(PackError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
        Err(_) => None,
    };
    file.drain()?;
    let is_this =
        |c: &Catalogue| (&c.area, c.number, c.generation) == (&name.area, name.number, name.generation);
    let versions_root = catalogue.filter(is_this).map(|c| c.versions_root);
    let (sha256, len) = file.end();
    Ok(ReadBack { sha256, len, versions_root })
}

fn store_error(e: object_store::Error) -> SiteError {
    match e {
        object_store::Error::NotFound { path, .. } => SiteError::NotFound(path),
        other => SiteError::Unavailable(io::Error::other(other)),
    }
}

/// A file being written, locked by its writer, gone when dropped.
struct Incoming {
    file: File,
    path: PathBuf,
}

impl Incoming {
    fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(uuid::Uuid::new_v4().to_string());
        let file = File::options().write(true).create_new(true).open(&path)?;
        file.lock()?;
        Ok(Self { file, path })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // By now the bytes have another name or are not wanted; what stays is swept at the next opening.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes files in `incoming` that no living writer has locked.
fn sweep(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let path = entry?.path();
        let is_left_over = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_left_over {
            tracing::info!(path = %path.display(), "swept a pack that was never finished");
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Hashes what passes.
struct Hashing<W> {
    inner: W,
    hasher: sha2::Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let put = self.inner.write(buf)?;
        self.hasher.update(&buf[..put]);
        Ok(put)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
