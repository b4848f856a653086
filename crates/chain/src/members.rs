//! Member lists: which events one event speaks for. A document, cited by digest; its root makes membership
//! provable. Canonical JSON.

use dengbei_records::{DataVersion, EventHash, ItemId, Sha256, canonical};
use serde::{Deserialize, Serialize};

use crate::facts::DocumentRef;

/// Media type of a member list.
pub const MEMBERS: &str = "application/vnd.dengbei.members+json";

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Hash of the member's event.
    pub event: EventHash,
    /// 对象标识
    pub item: ItemId,
    /// 数据版本
    pub data_version: DataVersion,
    /// What is said of this member (check outcomes that are not plain passes), or null.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub detail: serde_json::Value,
}

/// The members of one event, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberList {
    /// `item.checked` or `batch.filed`.
    pub of: String,
    /// 32 random bytes, hex: the digest tells nothing.
    pub salt: String,
    /// The members.
    pub members: Vec<Member>,
}

impl MemberList {
    /// RFC 6962 root over the members' event hashes.
    pub fn root(&self) -> Sha256 {
        root(&self.hashes())
    }

    /// The members' event hashes, in order.
    pub fn hashes(&self) -> Vec<EventHash> {
        self.members.iter().map(|m| m.event).collect()
    }

    /// The document's bytes and the reference that an event carries.
    ///
    /// # Errors
    /// [`dengbei_records::Invalid`] when a detail is no canonical JSON.
    pub fn document(&self) -> Result<(Vec<u8>, DocumentRef), dengbei_records::Invalid> {
        let body = canonical::to_vec(self)?;
        let reference = DocumentRef::to(&body, MEMBERS);
        Ok((body, reference))
    }

    /// Reads a document that `reference` cites.
    ///
    /// # Errors
    /// [`dengbei_records::Invalid`] when the digest differs or the bytes are no canonical member list.
    pub fn read(body: &[u8], reference: &DocumentRef) -> Result<Self, dengbei_records::Invalid> {
        if Sha256::of(body) != reference.digest {
            return Err(dengbei_records::Invalid::new("member list", "digest differs"));
        }
        canonical::from_slice(body)
    }
}

/// RFC 6962 root over event hashes, which are leaf hashes already.
pub fn root(hashes: &[EventHash]) -> Sha256 {
    let leaves: Vec<_> = hashes.iter().map(|h| dengbei_register::NodeHash::from(*h.as_bytes())).collect();
    Sha256::from_bytes(dengbei_register::root(&leaves).into())
}
