//! Reads one version of one object from its range in a pack, and trusts nothing that does not hash right.
//!
//! Works over any `Read` that starts at the range: a file, a ranged request, bytes in memory. The inventory comes
//! first and names every digest, so content is checked while it streams.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};
use std::ops::Range;

use bytes::Bytes;
use dengbei_records::Sha512;
use sha2::Digest as _;

use super::CHUNK;
use super::catalogue::{read_body, read_padding};
use crate::error::PackError;
use crate::inventory::{Inventory, SIDECAR};
use crate::layout::Layout;
use crate::tar::{Entry, cut_short, padded};

/// The longest inventory a reader takes.
const INVENTORY_MAX: u64 = 256 * 1024 * 1024;

/// A file met while reading a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContent {
    /// Relative to the object root: `v1/content/files/0001.pdf`.
    pub path: String,
    /// What the inventory says of its bytes.
    pub sha512: Sha512,
    /// How many there are.
    pub len: u64,
}

/// Where a file's bytes lie in the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedContent {
    /// Relative to the object root: `v1/content/files/0001.pdf`.
    pub path: String,
    /// What the inventory says of its bytes.
    pub sha512: Sha512,
    /// Its bytes in the pack.
    pub range: Range<u64>,
}

/// A version read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// Its inventory: `inventory.head` is the version.
    pub inventory: Inventory,
    /// Digest of the inventory's bytes.
    pub inventory_sha512: Sha512,
    /// The bytes this version added, by path relative to the object root.
    pub content: BTreeMap<String, Bytes>,
}

impl StoredVersion {
    /// The bytes of a logical path, if this version added them; an earlier version's pack holds them otherwise.
    pub fn logical(&self, path: &str) -> Option<&Bytes> {
        let (_, place) = self.inventory.locate(self.inventory.head, path)?;
        self.content.get(place)
    }
}

/// A version whose inventory was read and agreed with itself; content is still to come.
#[derive(Debug)]
pub struct VersionReader<R> {
    input: Counted<R>,
    len: u64,
    inventory: Inventory,
    inventory_sha512: Sha512,
    raw: Vec<u8>,
    root: String,
    mtime: u64,
}

impl<R: Read> VersionReader<R> {
    /// Reads the inventory of the version that takes `len` bytes from `input`'s position.
    ///
    /// # Errors
    /// [`PackError::Damaged`] when the range does not begin with a version that agrees with itself.
    pub fn open(input: R, len: u64) -> Result<Self, PackError> {
        let mut input = Counted { inner: input, count: 0 };
        let (declaration, text) = read_file(&mut input, 64)?;
        let (entry, raw) = read_file(&mut input, INVENTORY_MAX)?;
        let inventory =
            Inventory::from_slice(&raw).map_err(|e| PackError::damaged(format!("E033 inventory: {e}")))?;
        let root = Layout::object_root(inventory.id.as_str());
        let mtime = head_seconds(&inventory)?;
        let inventory_sha512 = Sha512::of(&raw);
        let mut reader = Self { input, len, inventory, inventory_sha512, raw, root, mtime };
        reader.expect(&declaration, "0=ocfl_object_1.1")?;
        reader.expect(&entry, "inventory.json")?;
        if text != b"ocfl_object_1.1\n" {
            return Err(PackError::damaged("E007 declaration"));
        }
        reader.read_copies()?;
        Ok(reader)
    }

    /// The sidecar, and the version folder's copies of inventory and sidecar.
    fn read_copies(&mut self) -> Result<(), PackError> {
        let head = self.inventory.head;
        let names = [SIDECAR.to_owned(), format!("{head}/inventory.json"), format!("{head}/{SIDECAR}")];
        let sidecar = Inventory::sidecar(&self.inventory_sha512);
        for (index, name) in names.iter().enumerate() {
            let (entry, bytes) = read_file(&mut self.input, INVENTORY_MAX)?;
            self.expect(&entry, name)?;
            let expected = if index == 1 { &self.raw } else { &sidecar };
            if bytes != *expected {
                return Err(PackError::damaged(format!("E060 E064 {}/{name}", self.root)));
            }
        }
        Ok(())
    }

    fn expect(&self, entry: &Entry, name: &str) -> Result<(), PackError> {
        let path = format!("{}/{name}", self.root);
        if entry.path == path && entry.mtime == self.mtime {
            Ok(())
        } else {
            Err(PackError::damaged(format!(
                "expected {path} at {}, found {} at {}",
                self.mtime, entry.path, entry.mtime
            )))
        }
    }

    /// The inventory: `head` is the version.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Digest of the inventory's bytes, for comparing with the catalogue.
    pub fn inventory_sha512(&self) -> &Sha512 {
        &self.inventory_sha512
    }

    /// The version time, as its entries carry it.
    pub(super) const fn seconds(&self) -> u64 {
        self.mtime
    }

    /// The inventory's bytes as stored.
    pub fn inventory_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Gives every file of the version to `visit`, which may read all, a part or nothing of it. What it leaves is
    /// read here, so every digest is checked in any case, but only after `visit` saw the bytes: what it made of
    /// them counts only when this returns `Ok`.
    ///
    /// # Errors
    /// [`PackError::Damaged`] for a wrong digest, a file too many or too few; [`PackError::Io`] when reading or `visit` fails.
    pub fn for_each(
        mut self,
        mut visit: impl FnMut(&StoredContent, &mut dyn Read) -> io::Result<()>,
    ) -> Result<Inventory, PackError> {
        let mut missing = self.own_content();
        while let Some(content) = self.next_content(&mut missing)? {
            self.visit(&content, &mut visit)?;
        }
        Ok(self.inventory)
    }

    /// What this version must hold: path → digest.
    fn own_content(&self) -> BTreeMap<String, Sha512> {
        let own = self.inventory.content_of(self.inventory.head);
        own.into_iter().map(|(path, digest)| (path.to_owned(), *digest)).collect()
    }

    /// The next file's header, taken off `missing`; `None` when the range and `missing` end together.
    fn next_content(
        &mut self,
        missing: &mut BTreeMap<String, Sha512>,
    ) -> Result<Option<StoredContent>, PackError> {
        if self.input.count < self.len {
            let entry =
                Entry::read(&mut self.input)?.ok_or_else(|| PackError::damaged("an end inside a version"))?;
            let name =
                entry.path.strip_prefix(&self.root).and_then(|p| p.strip_prefix('/')).unwrap_or_default();
            let sha512 = missing.remove(name).ok_or_else(|| {
                PackError::damaged(format!("E023 undeclared or twice: {}", entry.path.escape_debug()))
            })?;
            self.expect(&entry, name)?;
            return Ok(Some(StoredContent { path: name.to_owned(), sha512, len: entry.len }));
        }
        if self.input.count != self.len {
            return Err(PackError::damaged("a file reaches beyond its version's range"));
        }
        match missing.keys().next() {
            Some(path) => Err(PackError::damaged(format!("E092 missing: {}/{path}", self.root))),
            None => Ok(None),
        }
    }

    fn visit(
        &mut self,
        content: &StoredContent,
        visit: &mut impl FnMut(&StoredContent, &mut dyn Read) -> io::Result<()>,
    ) -> Result<(), PackError> {
        let mut hashed =
            Hashed { inner: (&mut self.input).take(content.len), hasher: sha2::Sha512::new(), count: 0 };
        visit(content, &mut hashed)?;
        drain(&mut hashed)?;
        if hashed.count != content.len {
            return Err(PackError::damaged("the file ends too early"));
        }
        if Sha512::from_bytes(hashed.hasher.finalize().into()) != content.sha512 {
            return Err(PackError::damaged(format!("E092 digest of {}/{}", self.root, content.path)));
        }
        read_padding(&mut self.input, content.len)
    }

    /// Reads the version into memory.
    ///
    /// # Errors
    /// [`PackError::TooLarge`] when its content takes more than `limit` bytes; otherwise as [`Self::for_each`].
    pub fn read_all(self, limit: u64) -> Result<StoredVersion, PackError> {
        if self.len > limit.saturating_add(self.input.count).saturating_add(1 << 20) {
            return Err(PackError::TooLarge(self.root));
        }
        let inventory_sha512 = self.inventory_sha512;
        let mut content = BTreeMap::new();
        let inventory = self.for_each(|file, bytes| {
            let mut body = Vec::new();
            bytes.read_to_end(&mut body)?;
            content.insert(file.path.clone(), Bytes::from(body));
            Ok(())
        })?;
        Ok(StoredVersion { inventory, inventory_sha512, content })
    }
}

impl<R: Read + Seek> VersionReader<R> {
    /// Finds every file without reading its bytes, for streaming a large one. `start` is where the version begins
    /// in the pack: ranges given count from the same place. The bytes are not checked: their reader hashes them.
    ///
    /// # Errors
    /// [`PackError::Damaged`] for a file too many or too few; [`PackError::Io`] when reading fails.
    pub fn locate(mut self, start: u64) -> Result<Vec<LocatedContent>, PackError> {
        let mut missing = self.own_content();
        let mut located = Vec::new();
        while let Some(StoredContent { path, sha512, len }) = self.next_content(&mut missing)? {
            let at = start + self.input.count;
            located.push(LocatedContent { path, sha512, range: at..at + len });
            let skip =
                i64::try_from(padded(len)).map_err(|_| PackError::damaged("a size beyond any file"))?;
            self.input.inner.seek_relative(skip)?;
            self.input.count += padded(len);
        }
        Ok(located)
    }
}

fn read_file(input: &mut impl Read, max: u64) -> Result<(Entry, Vec<u8>), PackError> {
    let entry = Entry::read(input)?.ok_or_else(|| PackError::damaged("an end inside a version"))?;
    if entry.len > max {
        return Err(PackError::damaged(format!("{} is too large", entry.path.escape_debug())));
    }
    let bytes = read_body(input, entry.len)?;
    Ok((entry, bytes))
}

/// The time of the head version in whole seconds.
fn head_seconds(inventory: &Inventory) -> Result<u64, PackError> {
    let created = inventory.versions.get(&inventory.head).map(|v| v.created.as_str()).unwrap_or_default();
    let time =
        chrono::DateTime::parse_from_rfc3339(created).map_err(|_| PackError::damaged("E049 created"))?;
    u64::try_from(time.timestamp()).map_err(|_| PackError::damaged("E049 created before 1970"))
}

/// Counts what was read.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.count += got as u64;
        Ok(got)
    }
}

/// Hashes what was read.
struct Hashed<R> {
    inner: R,
    hasher: sha2::Sha512,
    count: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.hasher.update(&buf[..got]);
        self.count += got as u64;
        Ok(got)
    }
}

/// Reads the rest of `input` and forgets it.
pub(super) fn drain(input: &mut impl Read) -> Result<u64, PackError> {
    let mut chunk = vec![0; CHUNK];
    let mut count = 0;
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok(count),
            Ok(got) => count += got as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(cut_short(e)),
        }
    }
}
