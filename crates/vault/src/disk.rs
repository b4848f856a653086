//! The few file-system steps that durability is made of.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use dengbei_records::Sha256;
use sha2::Digest as _;

/// Copies go in pieces of this size.
pub(crate) const CHUNK: usize = 256 * 1024;

/// Makes names created, moved or removed in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes `folder` and its name in its parent durable. Its parent exists.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
    }
}

/// Writes a small file durably, in place of one of the same name.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Digest and length of a file as the disk has it.
pub(crate) fn digest(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut file = Hashed::open(path)?;
    file.drain()?;
    Ok(file.end())
}

/// What is read, hashed and counted on the way.
pub(crate) struct Hashed<R> {
    input: R,
    hasher: sha2::Sha256,
    len: u64,
}

impl Hashed<File> {
    /// Opens `path` at its first byte, as the disk has it: what the page cache holds is dropped first, as far as the
    /// system lets us, so that a read back reads.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // Advice only: a file system that ignores it costs us the difference between disk and cache, no more.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        Ok(Self::over(file))
    }
}

impl<R: Read> Hashed<R> {
    pub(crate) fn over(input: R) -> Self {
        Self { input, hasher: sha2::Sha256::new(), len: 0 }
    }

    /// Reads what is left.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match self.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Digest and length of what was read.
    pub(crate) fn end(self) -> (Sha256, u64) {
        (Sha256::from_bytes(self.hasher.finalize().into()), self.len)
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buf)?;
        self.hasher.update(&buf[..got]);
        self.len += got as u64;
        Ok(got)
    }
}

/// Bytes that an ordinary user may still write on the disk of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Runs blocking work beside the async threads. A panic inside comes out as an error.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
