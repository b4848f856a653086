//! Makes one version of an object: its inventory, and every file that the version adds to the storage root.
//!
//! A later version carries the earlier content forward by the manifest: bytes that an earlier version holds are
//! named, not stored again. The result goes into a [`crate::PackPlan`].

use std::collections::BTreeSet;

use bytes::Bytes;
use dengbei_records::{Invalid, Sha512, Timestamp};

use crate::error::BuildError;
use crate::inventory::{Inventory, SIDECAR, User, VersionEntry};
use crate::layout::Layout;
use crate::path::{ContentPath, LogicalPath, ObjectId, VersionNumber};

/// When, why and by whom a version is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The version time: also the time of its entries in the pack, in whole seconds.
    pub created: Timestamp,
    /// Why.
    pub message: String,
    /// Who.
    pub user: User,
}

/// Where a file's bytes come from when the pack is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Held in memory: small files such as `record.json`.
    Bytes(Bytes),
    /// Streamed by the caller at writing; checked against both while copying.
    Stream {
        /// The digest of the bytes.
        sha512: Sha512,
        /// How many there are.
        len: u64,
    },
}

/// One file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentFile {
    /// Its name for readers.
    pub logical: LogicalPath,
    /// Where its bytes lie under the version's `content/`.
    pub content: ContentPath,
    /// Its bytes.
    pub source: Source,
}

impl ContentFile {
    /// A small file held in memory.
    ///
    /// # Errors
    /// [`Invalid`] when a path is not one.
    pub fn bytes(logical: &str, content: &str, bytes: impl Into<Bytes>) -> Result<Self, Invalid> {
        let source = Source::Bytes(bytes.into());
        Ok(Self { logical: logical.parse()?, content: content.parse()?, source })
    }

    /// A file whose bytes are streamed when the pack is written.
    ///
    /// # Errors
    /// [`Invalid`] when a path is not one.
    pub fn streamed(logical: &str, content: &str, sha512: Sha512, len: u64) -> Result<Self, Invalid> {
        Ok(Self {
            logical: logical.parse()?,
            content: content.parse()?,
            source: Source::Stream { sha512, len },
        })
    }
}

/// The bytes of a version's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Known already.
    Bytes(Bytes),
    /// Streamed at writing.
    Stream {
        /// Where it lies under `content/`: how the caller is asked for it.
        content: ContentPath,
        /// The digest of the bytes.
        sha512: Sha512,
        /// How many there are.
        len: u64,
    },
}

impl Body {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream { len, .. } => *len,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file that a version adds, relative to the object root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// `inventory.json`, `v1/content/record.json`, …
    pub path: String,
    /// Its bytes.
    pub body: Body,
}

/// One version of one object, ready for a pack.
#[derive(Debug, Clone)]
pub struct ObjectVersion {
    /// The object.
    pub id: ObjectId,
    /// The version.
    pub version: VersionNumber,
    /// The version time.
    pub created: Timestamp,
    /// The object root under the storage root.
    pub root: String,
    /// The inventory up to this version.
    pub inventory: Inventory,
    /// The digest of the inventory's bytes, which vouches for everything in the version.
    pub inventory_sha512: Sha512,
    /// Every file, inventories before content, content by path.
    pub files: Vec<VersionFile>,
}

/// Collects the files of one version.
#[derive(Debug, Clone)]
pub struct ObjectBuilder {
    inventory: Inventory,
    version: VersionNumber,
    stamp: Stamp,
    files: Vec<ContentFile>,
}

impl ObjectBuilder {
    /// Version 1 of a new object.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] when `id` is not a URI.
    pub fn first(id: &str, stamp: Stamp) -> Result<Self, BuildError> {
        let inventory = Inventory::empty(id.parse()?);
        Ok(Self { inventory, version: VersionNumber::FIRST, stamp, files: Vec::new() })
    }

    /// The version after `previous`'s head.
    ///
    /// # Errors
    /// [`BuildError::NotLater`] unless `stamp` is a whole second later than the head.
    pub fn next(previous: &Inventory, stamp: Stamp) -> Result<Self, BuildError> {
        let version = previous.head.next()?;
        let before = previous.versions.get(&previous.head).map(|v| v.created.as_str()).unwrap_or_default();
        let time = chrono::DateTime::parse_from_rfc3339(before)
            .map_err(|_| Invalid::new("RFC 3339 time", before))?;
        if stamp.created.millis().div_euclid(1000) <= time.timestamp() {
            return Err(BuildError::NotLater(stamp.created.rfc3339()));
        }
        Ok(Self { inventory: previous.clone(), version, stamp, files: Vec::new() })
    }

    /// Adds a file. A version lists all its files, those unchanged since the last version too: what is left out
    /// is not part of the new version.
    #[must_use]
    pub fn file(mut self, file: ContentFile) -> Self {
        self.files.push(file);
        self
    }

    /// Adds files.
    #[must_use]
    pub fn files(mut self, files: impl IntoIterator<Item = ContentFile>) -> Self {
        self.files.extend(files);
        self
    }

    /// The version, with its inventory and files.
    ///
    /// # Errors
    /// [`BuildError::PathTaken`] when two files share a logical or a content path, or one is a folder of another.
    pub fn build(mut self) -> Result<ObjectVersion, BuildError> {
        refuse_taken(self.files.iter().map(|f| f.logical.as_str()))?;
        refuse_taken(self.files.iter().map(|f| f.content.as_str()))?;
        let mut content = self.describe();
        content.sort_by(|a, b| a.path.cmp(&b.path));
        self.inventory.head = self.version;
        let bytes = Bytes::from(self.inventory.to_bytes()?);
        let inventory_sha512 = Sha512::of(&bytes);
        let mut files = frame(self.version, &bytes, &inventory_sha512);
        files.extend(content);
        Ok(ObjectVersion {
            root: Layout::object_root(self.inventory.id.as_str()),
            id: self.inventory.id.clone(),
            version: self.version,
            created: self.stamp.created,
            inventory: self.inventory,
            inventory_sha512,
            files,
        })
    }

    /// Writes state and manifest of the new version; gives the content that no earlier version holds.
    fn describe(&mut self) -> Vec<VersionFile> {
        let mut entry = VersionEntry {
            created: self.stamp.created.rfc3339(),
            message: self.stamp.message.clone(),
            state: std::collections::BTreeMap::new(),
            user: self.stamp.user.clone(),
        };
        let held: BTreeSet<Sha512> = self.inventory.manifest.keys().copied().collect();
        let mut content = Vec::new();
        for file in self.files.drain(..) {
            let (sha512, body) = match file.source {
                Source::Bytes(bytes) => (Sha512::of(&bytes), Body::Bytes(bytes)),
                Source::Stream { sha512, len } => {
                    (sha512, Body::Stream { content: file.content.clone(), sha512, len })
                }
            };
            entry.state.entry(sha512).or_default().push(file.logical);
            if !held.contains(&sha512) {
                let path = format!("{}/content/{}", self.version, file.content);
                self.inventory.manifest.entry(sha512).or_default().push(path.clone());
                content.push(VersionFile { path, body });
            }
        }
        entry.state.values_mut().for_each(|paths| paths.sort());
        self.inventory.manifest.values_mut().for_each(|paths| paths.sort());
        self.inventory.versions.insert(self.version, entry);
        content
    }
}

/// The files around the content. Inventories come first, so that a reader knows every digest before the bytes.
fn frame(version: VersionNumber, inventory: &Bytes, sha512: &Sha512) -> Vec<VersionFile> {
    let sidecar = Bytes::from(Inventory::sidecar(sha512));
    let file = |path: String, bytes: &Bytes| VersionFile { path, body: Body::Bytes(bytes.clone()) };
    vec![
        file("0=ocfl_object_1.1".into(), &Bytes::from_static(b"ocfl_object_1.1\n")),
        file("inventory.json".into(), inventory),
        file(SIDECAR.into(), &sidecar),
        file(format!("{version}/inventory.json"), inventory),
        file(format!("{version}/{SIDECAR}"), &sidecar),
    ]
}

/// Refuses a path given twice and a path that is a folder of another (E095, E101).
fn refuse_taken<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), BuildError> {
    let mut seen = BTreeSet::new();
    for path in paths {
        if !seen.insert(path) {
            return Err(BuildError::PathTaken(path.to_owned()));
        }
    }
    for path in &seen {
        let is_taken = path.match_indices('/').any(|(at, _)| seen.contains(&path[..at]));
        if is_taken {
            return Err(BuildError::PathTaken((*path).to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(seconds: i64) -> Stamp {
        let user = User { name: "登记机关".into(), address: "https://dengbei.example/".into() };
        Stamp { created: Timestamp::from_millis(seconds * 1000), message: "归档 filed".into(), user }
    }

    fn first() -> ObjectVersion {
        let builder = ObjectBuilder::first("urn:uuid:1", stamp(1_600_000_000)).unwrap();
        let record = ContentFile::bytes("record.json", "record.json", "{}").unwrap();
        let file = ContentFile::bytes("归档/结果.pdf", "files/0001.pdf", "pdf").unwrap();
        builder.file(record).file(file).build().unwrap()
    }

    #[test]
    fn a_later_version_stores_only_what_is_new_and_names_the_rest() {
        let v1 = first();
        let record = ContentFile::bytes("record.json", "record.json", "{\"v\":2}").unwrap();
        let file = ContentFile::bytes("归档/结果.pdf", "files/0001.pdf", "pdf").unwrap();
        let builder = ObjectBuilder::next(&v1.inventory, stamp(1_600_000_001)).unwrap();
        let v2 = builder.file(record).file(file).build().unwrap();
        let stored: Vec<&str> =
            v2.files.iter().map(|f| f.path.as_str()).filter(|p| p.contains("content")).collect();
        assert_eq!(stored, ["v2/content/record.json"]);
        let (_, place) = v2.inventory.locate(v2.version, "归档/结果.pdf").unwrap();
        assert_eq!(place, "v1/content/files/0001.pdf");
        assert_eq!(v2.inventory.versions.len(), 2);
    }

    #[test]
    fn a_version_that_is_not_a_second_later_is_refused() {
        let refused = ObjectBuilder::next(&first().inventory, stamp(1_600_000_000));
        assert!(matches!(refused, Err(BuildError::NotLater(_))));
    }

    #[test]
    fn two_files_cannot_share_a_place() {
        for (a, b) in [("x", "x"), ("x", "x/y")] {
            let builder = ObjectBuilder::first("urn:uuid:1", stamp(1)).unwrap();
            let one = ContentFile::bytes(a, "f/1", "1").unwrap();
            let two = ContentFile::bytes(b, "f/2", "2").unwrap();
            assert!(matches!(builder.file(one).file(two).build(), Err(BuildError::PathTaken(_))), "{a} {b}");
        }
    }

    #[test]
    fn the_inventory_reads_back_from_its_bytes() {
        let v1 = first();
        let Body::Bytes(bytes) = &v1.files[1].body else { panic!("inventory is in memory") };
        assert_eq!(Inventory::from_slice(bytes).unwrap(), v1.inventory);
        assert_eq!(Sha512::of(bytes), v1.inventory_sha512);
    }
}
