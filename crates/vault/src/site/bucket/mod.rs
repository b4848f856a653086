//! A site in a bucket of an S3-compatible store (对象存储). Blocking, but for [`Bucket::open`] and what `tiles` does.
//!
//! Keys are those of a folder under a prefix: `packs/<area>/<number>.g<generation>.tar`, `log/…`, `quarantine/…`.
//! There is no `incoming/`: an object is there whole or not at all. A pack is put by one request, or in parts by a
//! multipart upload whose completion gives the name; both only where the name is free (`If-None-Match: *`). Parts of
//! a writer that crashed are invisible, and aborted at an opening a day later (`sweep`).
//!
//! Neighbours: `connect` (how the store is reached, and whether it keeps its word), `upload` (writing), `ranges`
//! (reading), `signed` (the two requests that `object_store` has no words for), `tiles` (the log).

mod connect;
mod failure;
mod ranges;
mod signed;
mod tiles;
mod upload;

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_ocfl::PackError;
use dengbei_records::Sha256;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::pack_file::PackFile;
use super::{Aside, ReadBack, StoredPack, read_back};
use crate::disk;
use crate::error::SiteError;
use crate::name::PackName;

pub(super) use failure::{failure, keyed};
pub(super) use ranges::Ranges;
pub(super) use tiles::BucketTiles;
use upload::Upload;

/// The most that a store copies by itself (S3's bound); what is larger is streamed through here.
const COPIED_AT_ONCE: u64 = 5 << 30;

/// The bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    store: Arc<AmazonS3>,
    /// For the two requests that are signed here.
    http: reqwest::Client,
    /// What every key begins with; empty: the whole bucket.
    prefix: Arc<str>,
    runtime: Handle,
}

impl Bucket {
    /// The key of a path of the site.
    fn key(&self, path: &str) -> io::Result<Key> {
        let whole = if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) };
        Key::parse(whole).map_err(io::Error::other)
    }

    /// The path of the site that a key stands for.
    fn path_of(&self, key: &Key) -> String {
        let key = key.as_ref();
        key.strip_prefix(&*self.prefix).map_or(key, |rest| rest.trim_start_matches('/')).to_owned()
    }

    /// Runs a request from a blocking thread.
    fn wait<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
        self.runtime.block_on(work).map_err(failure)
    }

    async fn head(&self, path: &str) -> io::Result<ObjectMeta> {
        self.store.head(&self.key(path)?).await.map_err(keyed(path))
    }

    fn find(&self, path: &str) -> io::Result<Option<ObjectMeta>> {
        match self.runtime.block_on(self.head(path)) {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn put<T>(
        &self,
        name: &PackName,
        wanted: Option<Sha256>,
        write: impl FnOnce(&mut dyn Write) -> Result<T, PackError>,
    ) -> Result<(StoredPack, T), SiteError> {
        let fail = || SiteError::io(name);
        let path = name.path();
        // Where the name is taken nothing is sent: the bytes are only compared with what is there.
        let is_free = self.find(&path).map_err(fail())?.is_none();
        let mut upload = Upload::new(self.clone(), self.key(&path).map_err(fail())?, is_free);
        let given = write(&mut upload)?;
        let written = upload.digest();
        super::is_wanted(name, wanted, written)?;
        let is_new = upload.finish().map_err(fail())?;
        // The same reading tells what was put, or what another writer put before.
        let read = self.ranges(&path).and_then(|file| read_back(disk::Hashed::over(file), name));
        let ReadBack { sha256, len, versions_root } = read.map_err(fail())?;
        if sha256 == written {
            return Ok((StoredPack { sha256, len, versions_root, was_there: !is_new }, given));
        }
        let name = name.clone();
        Err(if is_new {
            SiteError::ReadBack { name, written, read: sha256 }
        } else {
            SiteError::Conflict { name, existing: sha256, offered: written }
        })
    }

    fn ranges(&self, path: &str) -> io::Result<Ranges> {
        let meta = self.runtime.block_on(self.head(path))?;
        Ok(Ranges::new(self.clone(), meta))
    }

    pub(super) fn file(&self, path: &str) -> io::Result<PackFile> {
        self.ranges(path).map(PackFile::bucket)
    }

    pub(super) fn fresh(&self, path: &str) -> io::Result<disk::Hashed<Ranges>> {
        self.ranges(path).map(disk::Hashed::over)
    }

    pub(super) async fn range(&self, path: &str, range: Range<u64>) -> io::Result<Bytes> {
        let wanted = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let got = self.store.get_opts(&self.key(path)?, options).await.map_err(keyed(path))?;
        // A store gives less where the object ends; no more than is there comes into memory.
        if got.range.end.saturating_sub(got.range.start) != wanted {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, path.to_owned()));
        }
        got.bytes().await.map_err(failure)
    }

    pub(super) async fn length(&self, path: &str) -> io::Result<u64> {
        Ok(self.head(path).await?.size)
    }

    /// Copies, then deletes. A crash between leaves both: the next attempt finds the pack and does it again.
    pub(super) fn set_aside(&self, from: &str, aside: &Aside) -> io::Result<()> {
        let found = self.runtime.block_on(self.head(from))?;
        if let Some(note) = &aside.note {
            let key = self.key(&aside.note_path())?;
            self.wait(self.store.put(&key, Bytes::from(note.clone()).into()))?;
        }
        self.copy(&found, &aside.path, COPIED_AT_ONCE)?;
        self.wait(self.store.delete(&found.location))
    }

    fn copy(&self, from: &ObjectMeta, to: &str, at_once: u64) -> io::Result<()> {
        let to = self.key(to)?;
        if from.size <= at_once {
            return self.wait(self.store.copy(&from.location, &to));
        }
        let mut upload = Upload::new(self.clone(), to, true);
        io::copy(&mut Ranges::new(self.clone(), from.clone()), &mut upload)?;
        upload.finish().map(drop)
    }

    /// Objects under `folder` whose paths come after `after`, in the order of their bytes, until `seen` says enough.
    pub(super) fn visit(
        &self,
        folder: &str,
        after: Option<&str>,
        mut seen: impl FnMut(String, u64) -> bool,
    ) -> io::Result<()> {
        let folder = self.key(folder)?;
        let mut found = match after {
            Some(after) => self.store.list_with_offset(Some(&folder), &self.key(after)?),
            None => self.store.list(Some(&folder)),
        };
        while let Some(meta) = self.wait(found.try_next())? {
            if !seen(self.path_of(&meta.location), meta.size) {
                break;
            }
        }
        Ok(())
    }

    /// The folders right under `folder`.
    pub(super) fn folders(&self, folder: &str) -> io::Result<Vec<String>> {
        let key = self.key(folder)?;
        let found = self.wait(self.store.list_with_delimiter(Some(&key)))?;
        Ok(found.common_prefixes.iter().filter_map(|p| Some(p.filename()?.to_owned())).collect())
    }
}
