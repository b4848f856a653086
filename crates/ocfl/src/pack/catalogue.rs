//! The catalogue (包内目录): the first entry of a pack, which says what follows and where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use dengbei_records::{AreaCode, Invalid, PackNumber, Sha256, Sha512, Timestamp, canonical};
use serde::{Deserialize, Serialize};

use crate::error::PackError;
use crate::layout::Layout;
use crate::merkle;
use crate::path::{ObjectId, VersionNumber};
use crate::tar::{self, Entry};

/// The format's name and version.
pub(super) const FORMAT: &str = "dengbei-pack/1";
/// Where catalogues lie under the storage root.
const FOLDER: &str = "extensions/dengbei-packs";
/// The longest catalogue a reader takes.
const CATALOGUE_MAX: u64 = 256 * 1024 * 1024;

/// What a pack holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// `dengbei-pack/1`.
    pub format: String,
    /// The area whose counter gave the number.
    pub area: AreaCode,
    /// The pack's number.
    pub number: PackNumber,
    /// 1, or more after a rewrite.
    pub generation: u32,
    /// When the plan was made.
    pub created: Timestamp,
    /// What the objects have in common, by the planner's own names (fonds, year, retention).
    pub labels: BTreeMap<String, String>,
    /// Bytes between this entry and the end marker.
    pub length: u64,
    /// Every version inside, in order.
    pub versions: Vec<CataloguedVersion>,
    /// RFC 6962 root over the versions inside: what sites sign beside the pack's digest.
    pub versions_root: Sha256,
}

/// One version in a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CataloguedVersion {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: VersionNumber,
    /// The object root under the storage root.
    pub path: String,
    /// The version time.
    pub created: Timestamp,
    /// Digest of the inventory, which names the digest of everything else in the version.
    pub inventory: Sha512,
    /// First byte of the version, counted from after the catalogue entry.
    pub offset: u64,
    /// Bytes of the version with its tar framing.
    pub length: u64,
}

/// What is hashed into [`Catalogue::versions_root`] for one version, as canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionLeaf {
    /// Digest of the inventory.
    pub inventory: Sha512,
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: VersionNumber,
}

impl VersionLeaf {
    /// SHA-256(0x00 ‖ canonical JSON).
    ///
    /// # Errors
    /// [`Invalid`] never for ids that parsed.
    pub fn hash(&self) -> Result<Sha256, Invalid> {
        Ok(merkle::leaf_hash(&canonical::to_vec(self)?))
    }
}

/// The RFC 6962 root over `leaves` in their order.
///
/// # Errors
/// [`Invalid`] never for ids that parsed.
pub fn versions_root(leaves: impl IntoIterator<Item = VersionLeaf>) -> Result<Sha256, Invalid> {
    let hashes = leaves.into_iter().map(|leaf| leaf.hash()).collect::<Result<Vec<_>, _>>()?;
    Ok(merkle::root(&hashes))
}

impl CataloguedVersion {
    /// The leaf of this version.
    pub fn leaf(&self) -> VersionLeaf {
        VersionLeaf { inventory: self.inventory, object: self.object.clone(), version: self.version }
    }
}

/// The paths of the catalogue of pack `number` and of its digest.
pub(super) fn paths(number: PackNumber) -> (String, String) {
    (format!("{FOLDER}/{number}.json"), format!("{FOLDER}/{number}.json.sha512"))
}

/// The text of the catalogue's digest file.
pub(super) fn sidecar(number: PackNumber, sha512: &Sha512) -> Vec<u8> {
    format!("{sha512} {number}.json\n").into_bytes()
}

impl Catalogue {
    /// Reads the catalogue at the beginning of a pack; gives it with its digest and the length of its entry, from
    /// where ranges count. Any `Read` that starts at the pack's first byte will do: a file or a ranged request.
    ///
    /// # Errors
    /// [`PackError::Damaged`] when the pack does not begin with a catalogue that agrees with itself.
    pub fn read(input: &mut impl Read) -> Result<(Self, Sha512, u64), PackError> {
        let entry = Entry::read(input)?.ok_or_else(|| PackError::damaged("an empty pack"))?;
        if !entry.path.starts_with(FOLDER) || entry.len > CATALOGUE_MAX {
            return Err(PackError::damaged("the first entry is no catalogue"));
        }
        let bytes = read_body(input, entry.len)?;
        let catalogue: Self =
            canonical::from_slice(&bytes).map_err(|e| PackError::damaged(format!("catalogue: {e}")))?;
        let is_entry = entry.path == paths(catalogue.number).0 && entry.mtime == seconds(catalogue.created)?;
        if !is_entry || catalogue.format != FORMAT {
            return Err(PackError::damaged("the catalogue is not the one its entry names"));
        }
        catalogue.check().map_err(PackError::Damaged)?;
        Ok((catalogue, Sha512::of(&bytes), entry.total_len()))
    }

    /// Whether the catalogue agrees with itself: paths, one version an object, ranges in order, root.
    fn check(&self) -> Result<(), String> {
        let mut objects = BTreeSet::new();
        let mut end = 0;
        for version in &self.versions {
            let name = &version.object;
            if version.path != Layout::object_root(name.as_str()) {
                return Err(format!("catalogue: path of {name}"));
            }
            if !objects.insert(name) {
                return Err(format!("catalogue: {name} twice"));
            }
            if version.offset < end || version.length == 0 {
                return Err(format!("catalogue: range of {name}"));
            }
            end = version.offset.checked_add(version.length).ok_or("catalogue: range")?;
        }
        let root =
            versions_root(self.versions.iter().map(CataloguedVersion::leaf)).map_err(|e| e.to_string())?;
        if end > self.length || root != self.versions_root {
            return Err("catalogue: versions root or length".into());
        }
        Ok(())
    }

    /// The entry of `object`, if it is in this pack.
    pub fn find(&self, object: &str) -> Option<&CataloguedVersion> {
        self.versions.iter().find(|v| v.object.as_str() == object)
    }
}

/// Reads `len` bytes and the zeros after them.
pub(super) fn read_body(input: &mut impl Read, len: u64) -> Result<Vec<u8>, PackError> {
    let mut bytes = Vec::new();
    input.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != len {
        return Err(PackError::damaged("the file ends too early"));
    }
    read_padding(input, len)?;
    Ok(bytes)
}

/// Reads the zeros after `len` bytes.
pub(super) fn read_padding(input: &mut impl Read, len: u64) -> Result<(), PackError> {
    let mut fill = [0; tar::BLOCK];
    let fill = &mut fill[..tar::padding(len).len()];
    input.read_exact(fill).map_err(tar::cut_short)?;
    if fill.iter().all(|b| *b == 0) { Ok(()) } else { Err(PackError::damaged("padding that is not zero")) }
}

/// A time as an entry's time.
pub(super) fn seconds(time: Timestamp) -> Result<u64, PackError> {
    u64::try_from(time.millis().div_euclid(1000))
        .map_err(|_| PackError::Plan(format!("time before 1970: {time}")))
}
