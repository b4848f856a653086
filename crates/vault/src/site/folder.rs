//! A site in a folder. Blocking throughout.
//!
//! A pack is streamed to `incoming/`, synced once, read back, and linked to a name that must not exist. What crashed
//! writers leave in `incoming/` is swept at the next opening.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_ocfl::PackError;
use dengbei_records::Sha256;
use sha2::Digest as _;

use super::pack_file::PackFile;
use super::{Aside, ReadBack, StoredPack, read_back};
use crate::disk;
use crate::error::SiteError;
use crate::name::PackName;

/// What a site has.
const FOLDERS: [&str; 4] = ["packs", "log", "quarantine", "incoming"];

/// The folder. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: Arc<Path>,
}

impl Folder {
    /// Makes what is missing and sweeps. A pack that another process is writing is left alone.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        for name in FOLDERS {
            disk::create_folder(&root.join(name))?;
        }
        sweep(&root.join("incoming"))?;
        Ok(Self::at(root))
    }

    /// Changes nothing.
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        disk::free_bytes(&self.root)
    }

    pub(super) fn put<T>(
        &self,
        name: &PackName,
        wanted: Option<Sha256>,
        write: impl FnOnce(&mut dyn Write) -> Result<T, PackError>,
    ) -> Result<(StoredPack, T), SiteError> {
        let fail = || SiteError::io(name);
        let incoming = Incoming::create(&self.path("incoming")).map_err(fail())?;
        let mut out =
            Hashing { inner: BufWriter::with_capacity(1 << 20, &incoming.file), hasher: sha2::Sha256::new() };
        let given = write(&mut out)?;
        out.inner.flush().map_err(fail())?;
        let written = Sha256::from_bytes(out.hasher.finalize().into());
        super::is_wanted(name, wanted, written)?;
        incoming.file.sync_all().map_err(fail())?;
        let read = disk::Hashed::open(&incoming.path).and_then(|file| read_back(file, name));
        let ReadBack { sha256, len, versions_root } = read.map_err(fail())?;
        if sha256 != written {
            return Err(SiteError::ReadBack { name: name.clone(), written, read: sha256 });
        }
        let was_there = !self.name(&incoming.path, name, sha256)?;
        Ok((StoredPack { sha256, len, versions_root, was_there }, given))
    }

    /// Gives `temporary` its name, unless the same bytes have it; whether it did.
    fn name(&self, temporary: &Path, name: &PackName, offered: Sha256) -> Result<bool, SiteError> {
        let fail = || SiteError::io(name);
        let path = self.path(&name.path());
        let folder = self.root.join("packs").join(name.area.as_str());
        disk::create_folder(&folder).map_err(fail())?;
        // A hard link fails if the name exists, which a rename does not: two writers cannot overwrite each other.
        let is_new = match fs::hard_link(temporary, &path) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => false,
            Err(e) => return Err(fail()(e)),
        };
        if !is_new {
            let (existing, _) = disk::digest(&path).map_err(fail())?;
            if existing != offered {
                return Err(SiteError::Conflict { name: name.clone(), existing, offered });
            }
        }
        // Also when it was there: whoever put it, or made the folder, may have crashed before the sync.
        disk::sync_folder(&folder).map_err(fail())?;
        disk::sync_folder(&self.root.join("packs")).map_err(fail())?;
        Ok(is_new)
    }

    pub(super) fn file(&self, path: &str) -> io::Result<PackFile> {
        File::open(self.path(path)).map(PackFile::folder)
    }

    /// As the disk has it, not the page cache, as far as the system lets us.
    pub(super) fn fresh(&self, path: &str) -> io::Result<disk::Hashed<File>> {
        disk::Hashed::open(&self.path(path))
    }

    pub(super) fn range(&self, path: &str, range: Range<u64>) -> io::Result<Bytes> {
        let file = File::open(self.path(path))?;
        if range.end > file.metadata()?.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, path.to_owned()));
        }
        let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }

    pub(super) fn length(&self, path: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(path))?.len())
    }

    /// The note first, so that nothing lies aside without its reason.
    pub(super) fn set_aside(&self, from: &str, aside: &Aside) -> io::Result<()> {
        let path = self.path(from);
        File::open(&path)?;
        if let Some(note) = &aside.note {
            disk::write_durably(&self.path(&aside.note_path()), note.as_bytes())?;
        }
        fs::rename(&path, self.path(&aside.path))?;
        disk::sync_folder(&self.path("quarantine"))?;
        path.parent().map_or(Ok(()), disk::sync_folder)
    }

    /// Every file right under `folder` with its length, in no order.
    pub(super) fn visit(&self, folder: &str, mut seen: impl FnMut(String, u64)) -> io::Result<()> {
        let entries = match fs::read_dir(self.path(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(found) => seen(format!("{folder}/{}", entry.file_name().to_string_lossy()), found.len()),
                // Set aside meanwhile.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The folders right under `folder`.
    pub(super) fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
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
