//! Lays a plan out from sizes and digests, then writes it in one pass.
//!
//! Everything the catalogue says is known before the first byte is written, so the catalogue can come first and
//! the output needs no seeking. Memory: the plan, and one buffer. Neighbours: [`super::plan`], `vault` (durability).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use dengbei_records::{Sha256, Sha512, canonical};
use sha2::Digest as _;

use super::catalogue::{Catalogue, CataloguedVersion, FORMAT, paths, seconds, sidecar, versions_root};
use super::plan::{PackPlan, PackSummary, StreamedContent, VersionPlace};
use super::{CHUNK, ROOT_MTIME};
use crate::error::PackError;
use crate::layout::Layout;
use crate::object::{Body, ObjectVersion};
use crate::tar::{self, Entry};

/// A plan with its layout, ready to be written any number of times to the same bytes.
#[derive(Debug)]
pub struct PackWriter {
    plan: PackPlan,
    catalogue: Catalogue,
    /// The catalogue's bytes.
    bytes: Vec<u8>,
}

impl PackWriter {
    /// Lays `plan` out.
    ///
    /// # Errors
    /// [`PackError::Plan`] when it is empty, holds an object twice, or has a time before 1970.
    pub fn new(plan: PackPlan) -> Result<Self, PackError> {
        let catalogue = lay_out(&plan)?;
        let bytes = canonical::to_vec(&catalogue).map_err(|e| PackError::Plan(e.to_string()))?;
        Ok(Self { plan, catalogue, bytes })
    }

    /// What the pack will hold.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Length of the whole file.
    ///
    /// # Errors
    /// [`PackError::Plan`] never after [`Self::new`].
    pub fn total_len(&self) -> Result<u64, PackError> {
        Ok(self.base()? + self.catalogue.length + tar::END_LEN)
    }

    /// Length of the catalogue entry, from where ranges count.
    fn base(&self) -> Result<u64, PackError> {
        Ok(self.catalogue_entry()?.total_len())
    }

    fn catalogue_entry(&self) -> Result<Entry, PackError> {
        let path = paths(self.plan.number).0;
        Ok(Entry { path, len: self.bytes.len() as u64, mtime: seconds(self.plan.created)? })
    }

    /// Writes the pack; `open` gives the bytes of each streamed file, in the pack's order.
    ///
    /// Nothing is synced here. After an error the output holds a part and is to be thrown away.
    ///
    /// # Errors
    /// [`PackError::Content`] when a file's bytes are not those planned, [`PackError::Io`] when `open` or `out` fails.
    pub fn write<W, R, F>(&self, out: &mut W, mut open: F) -> Result<PackSummary, PackError>
    where
        W: Write + ?Sized,
        R: Read,
        F: FnMut(StreamedContent<'_>) -> io::Result<R>,
    {
        let mut out = Output { inner: out, hasher: sha2::Sha256::new(), len: 0, chunk: vec![0; CHUNK] };
        let entry = self.catalogue_entry()?;
        let mtime = entry.mtime;
        out.file(&entry, &self.bytes)?;
        let sidecar = sidecar(self.plan.number, &Sha512::of(&self.bytes));
        out.file(&entry_of(paths(self.plan.number).1, sidecar.len(), mtime), &sidecar)?;
        for file in Layout::ROOT_FILES {
            out.file(&entry_of(file.path.into(), file.bytes.len(), ROOT_MTIME), file.bytes)?;
        }
        for version in &self.plan.versions {
            out.version(version, &mut open)?;
        }
        out.put(&[0; tar::END_LEN as usize])?;
        let (sha256, len) = (Sha256::from_bytes(out.hasher.finalize().into()), out.len);
        Ok(PackSummary { sha256, len, versions_root: self.catalogue.versions_root, places: self.places()? })
    }

    /// Writes a pack that streams nothing.
    ///
    /// # Errors
    /// [`PackError::Io`] when `out` fails, or when the plan does stream something.
    pub fn write_in_memory<W: Write + ?Sized>(&self, out: &mut W) -> Result<PackSummary, PackError> {
        self.write(out, |wanted| {
            let text = format!("no source for {}", wanted.content);
            Err::<io::Empty, _>(io::Error::new(io::ErrorKind::NotFound, text))
        })
    }

    /// Where each version will lie, counted from the file's first byte.
    ///
    /// # Errors
    /// [`PackError::Plan`] never after [`Self::new`].
    pub fn places(&self) -> Result<Vec<VersionPlace>, PackError> {
        let base = self.base()?;
        let place = |v: &CataloguedVersion| VersionPlace {
            object: v.object.clone(),
            version: v.version,
            inventory: v.inventory,
            range: base + v.offset..base + v.offset + v.length,
        };
        Ok(self.catalogue.versions.iter().map(place).collect())
    }
}

fn entry_of(path: String, len: usize, mtime: u64) -> Entry {
    Entry { path, len: len as u64, mtime }
}

/// First pass: every length and offset.
fn lay_out(plan: &PackPlan) -> Result<Catalogue, PackError> {
    let mtime = seconds(plan.created)?;
    let sidecar_len = sidecar(plan.number, &Sha512::of(b"")).len();
    let mut at = entry_of(paths(plan.number).1, sidecar_len, mtime).total_len();
    for file in Layout::ROOT_FILES {
        at += entry_of(file.path.into(), file.bytes.len(), ROOT_MTIME).total_len();
    }
    let mut objects = BTreeSet::new();
    let mut versions = Vec::with_capacity(plan.versions.len());
    for version in &plan.versions {
        if !objects.insert(&version.id) {
            return Err(PackError::Plan(format!("对象重复 / object twice: {}", version.id)));
        }
        let length = version_entries(version)?.map(|(entry, _)| entry.total_len()).sum();
        versions.push(CataloguedVersion {
            object: version.id.clone(),
            version: version.version,
            path: version.root.clone(),
            created: version.created,
            inventory: version.inventory_sha512,
            offset: at,
            length,
        });
        at += length;
    }
    if versions.is_empty() || plan.generation == 0 {
        return Err(PackError::Plan("空包或代数为零 / an empty pack, or generation 0".into()));
    }
    let root = versions_root(versions.iter().map(CataloguedVersion::leaf))
        .map_err(|e| PackError::Plan(e.to_string()))?;
    Ok(Catalogue {
        format: FORMAT.into(),
        area: plan.area.clone(),
        number: plan.number,
        generation: plan.generation,
        created: plan.created,
        labels: plan.labels.clone(),
        length: at,
        versions,
        versions_root: root,
    })
}

fn version_entries(version: &ObjectVersion) -> Result<impl Iterator<Item = (Entry, &Body)>, PackError> {
    let mtime = seconds(version.created)?;
    Ok(version.files.iter().map(move |file| {
        let path = format!("{}/{}", version.root, file.path);
        (Entry { path, len: file.body.len(), mtime }, &file.body)
    }))
}

/// The output, hashed and counted on the way.
struct Output<'a, W: Write + ?Sized> {
    inner: &'a mut W,
    hasher: sha2::Sha256,
    len: u64,
    chunk: Vec<u8>,
}

impl<W: Write + ?Sized> Output<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn file(&mut self, entry: &Entry, bytes: &[u8]) -> io::Result<()> {
        self.put(&entry.encode())?;
        self.put(bytes)?;
        self.put(tar::padding(entry.len))
    }

    fn version<R, F>(&mut self, version: &ObjectVersion, open: &mut F) -> Result<(), PackError>
    where
        R: Read,
        F: FnMut(StreamedContent<'_>) -> io::Result<R>,
    {
        for (entry, body) in version_entries(version)? {
            match body {
                Body::Bytes(bytes) => self.file(&entry, bytes)?,
                Body::Stream { content, sha512, len } => {
                    let (object, version) = (&version.id, version.version);
                    let wanted = StreamedContent { object, version, content, sha512: *sha512, len: *len };
                    self.stream(&entry, *sha512, open(wanted)?)?;
                }
            }
        }
        Ok(())
    }

    /// Copies exactly the planned bytes, or fails.
    fn stream(&mut self, entry: &Entry, sha512: Sha512, mut from: impl Read) -> Result<(), PackError> {
        self.put(&entry.encode())?;
        let mut hasher = sha2::Sha512::new();
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut left = entry.len;
        loop {
            // One byte more than planned is asked for, so that a source that is too long is found.
            let want = (left + 1).min(chunk.len() as u64) as usize;
            let got = match from.read(&mut chunk[..want]) {
                Ok(got) => got as u64,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            if got == 0 || got > left {
                left = if got == 0 { left } else { 1 };
                break;
            }
            hasher.update(&chunk[..got as usize]);
            self.put(&chunk[..got as usize])?;
            left -= got;
        }
        self.chunk = chunk;
        if left > 0 || Sha512::from_bytes(hasher.finalize().into()) != sha512 {
            return Err(PackError::Content { path: entry.path.clone(), sha512 });
        }
        Ok(self.put(tar::padding(entry.len))?)
    }
}
