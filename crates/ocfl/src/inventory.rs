//! The inventory (清单) of an OCFL 1.1 object as we write and read it: SHA-512, unpadded versions, `content/`.
//!
//! Strict on purpose: this is for objects of our own making. Anybody's inventories, with all the freedom that the
//! specification leaves, are judged by the validator, which does not use this model.

use std::collections::BTreeMap;

use dengbei_records::{Invalid, Sha512, canonical};
use serde::{Deserialize, Serialize};

use crate::path::{LogicalPath, ObjectId, VersionNumber};

/// The `type` of every inventory we write.
const TYPE: &str = "https://ocfl.io/1.1/spec/#inventory";
/// The name of the sidecar beside every inventory.
pub(crate) const SIDECAR: &str = "inventory.json.sha512";

/// An object's inventory up to one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Inventory {
    /// The object.
    pub id: ObjectId,
    /// Always the OCFL 1.1 inventory type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `sha512`.
    pub digest_algorithm: String,
    /// The newest version.
    pub head: VersionNumber,
    /// Digest → places of its bytes, relative to the object root (`v1/content/files/0001.pdf`).
    pub manifest: BTreeMap<Sha512, Vec<String>>,
    /// Every version up to `head`.
    pub versions: BTreeMap<VersionNumber, VersionEntry>,
}

/// One version in an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionEntry {
    /// RFC 3339, whole seconds.
    pub created: String,
    /// Why the version exists.
    pub message: String,
    /// Digest → logical paths.
    pub state: BTreeMap<Sha512, Vec<LogicalPath>>,
    /// Who made it.
    pub user: User,
}

/// Who made a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// A URI: `mailto:…` or `https://…`.
    pub address: String,
    /// The name.
    pub name: String,
}

impl Inventory {
    /// An inventory of no versions yet; [`crate::ObjectBuilder`] fills it.
    pub(crate) fn empty(id: ObjectId) -> Self {
        Self {
            id,
            kind: TYPE.into(),
            digest_algorithm: "sha512".into(),
            head: VersionNumber::FIRST,
            manifest: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// The bytes as stored: canonical JSON (RFC 8785), so that one inventory has one digest.
    ///
    /// # Errors
    /// [`Invalid`] never for an inventory that was built or read here.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Invalid> {
        canonical::to_vec(self)
    }

    /// Reads bytes that [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Invalid`] when they are not such an inventory, byte for byte, or not of the kind we write.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        let inventory: Self = canonical::from_slice(bytes)?;
        let is_ours = inventory.kind == TYPE && inventory.digest_algorithm == "sha512";
        let is_complete = inventory.versions.keys().map(|v| v.get()).eq(1..=inventory.head.get());
        if is_ours && is_complete {
            Ok(inventory)
        } else {
            Err(Invalid::new("OCFL inventory", &inventory.id))
        }
    }

    /// The text of the sidecar file for these inventory bytes.
    pub(crate) fn sidecar(sha512: &Sha512) -> Vec<u8> {
        format!("{sha512} inventory.json\n").into_bytes()
    }

    /// Where the bytes of `logical` in `version` lie, relative to the object root, possibly in an earlier version.
    pub fn locate(&self, version: VersionNumber, logical: &str) -> Option<(&Sha512, &str)> {
        let state = &self.versions.get(&version)?.state;
        let (digest, _) = state.iter().find(|(_, paths)| paths.iter().any(|p| p.as_str() == logical))?;
        Some((digest, self.manifest.get(digest)?.first()?))
    }

    /// The places of `version`'s own bytes with their digests, as the manifest has them (`v2/content/…`).
    pub fn content_of(&self, version: VersionNumber) -> BTreeMap<&str, &Sha512> {
        let prefix = format!("{version}/");
        let all =
            self.manifest.iter().flat_map(|(digest, paths)| paths.iter().map(move |p| (p.as_str(), digest)));
        all.filter(|(path, _)| path.starts_with(&prefix)).collect()
    }
}
