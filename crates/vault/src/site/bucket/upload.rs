//! Writes one object, hashing what passes: one request when it is small, else parts of a multipart upload that gets its
//! name at the end. One part is filled while the one before is on its way: two parts in memory.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_records::Sha256;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path as Key;
use object_store::{MultipartId, ObjectStore as _, PutMode};
use sha2::Digest as _;
use tokio::task::JoinHandle;

use super::{Bucket, failure};

/// The length of every part but the last. A store takes 10,000 parts: 80 GB a pack.
const PART: usize = 8 << 20;

/// An object being written. Dropped unfinished, its parts are aborted.
pub(super) struct Upload {
    bucket: Bucket,
    key: Key,
    /// False: the bytes are only hashed.
    is_sent: bool,
    hasher: sha2::Sha256,
    part: Vec<u8>,
    begun: Option<Begun>,
}

/// A multipart upload on its way.
struct Begun {
    id: Arc<MultipartId>,
    done: Vec<PartId>,
    sending: Option<JoinHandle<object_store::Result<PartId>>>,
}

impl Upload {
    pub(super) fn new(bucket: Bucket, key: Key, is_sent: bool) -> Self {
        Self { bucket, key, is_sent, hasher: sha2::Sha256::new(), part: Vec::new(), begun: None }
    }

    /// Digest of what was written.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::from_bytes(self.hasher.clone().finalize().into())
    }

    /// Gives the object its name, if that is free; whether it was.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        if !self.is_sent {
            return Ok(false);
        }
        if self.begun.is_none() {
            return self.put_whole();
        }
        if !self.part.is_empty() {
            self.send_part()?;
        }
        self.await_part()?;
        let Some(begun) = &self.begun else { return Ok(false) };
        let completed = self.bucket.runtime.block_on(self.bucket.complete(&self.key, &begun.id, &begun.done));
        match completed {
            Ok(()) => {
                self.begun = None;
                Ok(true)
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn put_whole(&mut self) -> io::Result<bool> {
        let body = Bytes::from(std::mem::take(&mut self.part)).into();
        let put = self.bucket.store.put_opts(&self.key, body, PutMode::Create.into());
        match self.bucket.wait(put) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn send_part(&mut self) -> io::Result<()> {
        self.await_part()?;
        let Bucket { store, runtime, .. } = self.bucket.clone();
        let begun = match &mut self.begun {
            Some(begun) => begun,
            None => {
                let id = runtime.block_on(store.create_multipart(&self.key)).map_err(failure)?;
                self.begun.insert(Begun { id: Arc::new(id), done: Vec::new(), sending: None })
            }
        };
        let (key, id, index) = (self.key.clone(), begun.id.clone(), begun.done.len());
        let body = Bytes::from(std::mem::take(&mut self.part)).into();
        begun.sending = Some(runtime.spawn(async move { store.put_part(&key, &id, index, body).await }));
        Ok(())
    }

    fn await_part(&mut self) -> io::Result<()> {
        let Some(begun) = &mut self.begun else { return Ok(()) };
        let Some(sending) = begun.sending.take() else { return Ok(()) };
        let sent = self.bucket.runtime.block_on(sending).map_err(io::Error::other)?;
        begun.done.push(sent.map_err(failure)?);
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // A full part goes when more comes, so that what fits one part is one request.
        if self.is_sent && self.part.len() == PART {
            self.send_part()?;
        }
        let taken = if self.is_sent { buf.len().min(PART - self.part.len()) } else { buf.len() };
        self.hasher.update(&buf[..taken]);
        if self.is_sent {
            if self.part.capacity() == 0 && self.begun.is_some() {
                self.part.reserve_exact(PART);
            }
            self.part.extend_from_slice(&buf[..taken]);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        let Bucket { store, runtime, .. } = &self.bucket;
        let aborted = runtime.block_on(async {
            if let Some(sending) = begun.sending {
                let _ = sending.await;
            }
            store.abort_multipart(&self.key, &begun.id).await
        });
        if let Err(error) = aborted {
            tracing::warn!(%error, key = %self.key, "an upload was not aborted: a later opening sweeps it");
        }
    }
}
