//! Identities that outlive systems, areas and reforms.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Invalid, SourceSystem};

/// The deployment's key for item ids. Never leaves `ingest`; part of the sealed key backup.
#[derive(Clone)]
pub struct IdKey([u8; 32]);

impl IdKey {
    /// Takes key bytes read from the key folder.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 under this key, domain-separated by `purpose`. Also blinds actors in events.
    pub fn derive(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.0).expect("any key length");
        for part in std::iter::once(&purpose).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(…)")
    }
}

/// One record for ever: a UUIDv8 from an HMAC over (source system, the system's own number), so that the
/// same 办件 has the same id after every disaster and nobody can guess ids from citizens' slips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(Uuid);

impl ItemId {
    /// Derives the id. The area is no part of it: areas change with reforms.
    pub fn derive(key: &IdKey, source: &SourceSystem, number: &str) -> Self {
        let mac = key.derive("dengbei/item-id/v1", &[source.as_str(), number]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&mac[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Reads 16 bytes.
    ///
    /// # Errors
    /// [`Invalid`] when they are not a UUIDv8.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        Uuid::from_slice(bytes).map_err(|e| Invalid::new("item id", e))?.try_into()
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// As a UUID, for the database.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl TryFrom<Uuid> for ItemId {
    type Error = Invalid;
    fn try_from(id: Uuid) -> Result<Self, Invalid> {
        if id.get_version_num() == 8 { Ok(Self(id)) } else { Err(Invalid::new("item id", id)) }
    }
}

impl FromStr for ItemId {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        Uuid::parse_str(s).map_err(|_| Invalid::new("item id", s))?.try_into()
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One arrival of one package: a UUIDv7 given at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionId(Uuid);

impl SubmissionId {
    /// Takes an id from the generator or the database.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads 16 bytes.
    ///
    /// # Errors
    /// [`Invalid`] when there are not 16.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        Uuid::from_slice(bytes).map(Self).map_err(|e| Invalid::new("submission id", e))
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// As a UUID, for the database.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SubmissionId {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        Uuid::parse_str(s).map(Self).map_err(|_| Invalid::new("submission id", s))
    }
}

/// DATAVERSION of the source system, 1 and up: a correction comes with a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct DataVersion(u32);

impl DataVersion {
    /// What a package without one has.
    pub const FIRST: Self = Self(1);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for DataVersion {
    type Error = Invalid;
    fn try_from(n: u32) -> Result<Self, Invalid> {
        if (1..=999_999).contains(&n) { Ok(Self(n)) } else { Err(Invalid::new("data version", n)) }
    }
}

impl From<DataVersion> for u32 {
    fn from(v: DataVersion) -> Self {
        v.0
    }
}

impl fmt::Display for DataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pack's number: from 1, gap-free within its area, so that a missing pack shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackNumber(u64);

impl PackNumber {
    /// From the counter.
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PackNumber {
    /// Eight digits, so that names sort.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_item_has_the_same_id_and_another_key_another() {
        let source: SourceSystem = "ZWFW".parse().unwrap();
        let id = ItemId::derive(&IdKey::from_bytes([7; 32]), &source, "330382221408191000009");
        assert_eq!(id, ItemId::derive(&IdKey::from_bytes([7; 32]), &source, "330382221408191000009"));
        assert_ne!(id, ItemId::derive(&IdKey::from_bytes([8; 32]), &source, "330382221408191000009"));
        assert_eq!(id.to_string().parse::<ItemId>().unwrap(), id);
        assert_eq!(id.uuid().get_version_num(), 8);
    }

    #[test]
    fn parts_cannot_slide_into_each_other() {
        let key = IdKey::from_bytes([1; 32]);
        assert_ne!(key.derive("p", &["ab", "c"]), key.derive("p", &["a", "bc"]));
    }
}
