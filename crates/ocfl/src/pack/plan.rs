//! What the planner hands over, and what it gets back.

use std::collections::BTreeMap;
use std::ops::Range;

use dengbei_records::{AreaCode, PackNumber, Sha256, Sha512, Timestamp};

use crate::object::ObjectVersion;
use crate::path::{ContentPath, ObjectId, VersionNumber};

/// Everything that decides a pack's bytes.
#[derive(Debug, Clone)]
pub struct PackPlan {
    /// The area whose counter gave the number.
    pub area: AreaCode,
    /// The pack's number.
    pub number: PackNumber,
    /// 1, or more after a rewrite.
    pub generation: u32,
    /// When the plan was made.
    pub created: Timestamp,
    /// What the objects have in common (fonds, year, retention): for whoever reads the pack without a database.
    pub labels: BTreeMap<String, String>,
    /// The versions, in the order in which they will lie. At most one version of an object.
    pub versions: Vec<ObjectVersion>,
}

/// A file whose bytes the writer asks the caller for.
#[derive(Debug, Clone, Copy)]
pub struct StreamedContent<'a> {
    /// The object.
    pub object: &'a ObjectId,
    /// Its version.
    pub version: VersionNumber,
    /// Where the file lies under the version's `content/`, as the caller named it.
    pub content: &'a ContentPath,
    /// The digest its bytes must have.
    pub sha512: Sha512,
    /// How many there must be.
    pub len: u64,
}

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSummary {
    /// Digest of the whole file: the pack's own.
    pub sha256: Sha256,
    /// Length of the whole file.
    pub len: u64,
    /// RFC 6962 root over the versions inside.
    pub versions_root: Sha256,
    /// Where each version lies, counted from the file's first byte: one range read each.
    pub places: Vec<VersionPlace>,
}

/// Where a version lies in its pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPlace {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: VersionNumber,
    /// Digest of its inventory.
    pub inventory: Sha512,
    /// Bytes of the file.
    pub range: Range<u64>,
}
