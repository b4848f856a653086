//! The evidence receipt (存证回执), `*.receipt.json`: canonical JSON under 10 KiB that proves an item's history
//! with a key and nothing else. Built by `registration/src/receipt.rs`, checked by [`crate::verify`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dengbei_records::{DataVersion, EventHash, Invalid, ItemId, canonical};
use dengbei_register::NodeHash;
use serde::{Deserialize, Serialize};

/// The format's name; a later one has another number.
pub const FORMAT: &str = "dengbei-receipt/1";
/// The most a receipt may weigh, bytes: it must fit a QR booklet, a mail, a slip of paper's link.
pub const MAX_RECEIPT: usize = 10 * 1024;

/// A receipt as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// 对象标识
    pub item: ItemId,
    /// 数据版本
    pub data_version: DataVersion,
    /// The events of the item's history as their producers encoded them, base64, oldest first.
    pub events: Vec<String>,
    /// Which event speaks for which other.
    pub memberships: Vec<Membership>,
    /// Where one event stands in the log. All others hang on it by causes and membership.
    pub inclusion: Inclusion,
    /// The signed checkpoint (C2SP signed note), as published.
    pub checkpoint: String,
}

/// One event is a member of another's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Index in `events` of the member.
    pub member: u32,
    /// Index in `events` of the event whose root covers it.
    pub of: u32,
    /// The member's place in the list.
    pub index: u64,
    /// The list's length.
    pub size: u64,
    /// RFC 6962 path, base64.
    pub path: Vec<String>,
}

/// An inclusion proof in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// Index in `events`.
    pub event: u32,
    /// The event's place in the log.
    pub index: u64,
    /// RFC 6962 path to the checkpoint's root, base64.
    pub path: Vec<String>,
}

/// What registration gathers for a receipt.
#[derive(Debug, Clone)]
pub struct Parts {
    /// 对象标识
    pub item: ItemId,
    /// 数据版本
    pub data_version: DataVersion,
    /// Encoded events, oldest first; the last but those it hangs on is the one with the inclusion proof.
    pub events: Vec<Vec<u8>>,
    /// (member, of, all leaf hashes of the list): paths are computed here.
    pub memberships: Vec<(u32, u32, Vec<EventHash>)>,
    /// The event that is proven in the log.
    pub included: u32,
    /// Its place in the log.
    pub index: u64,
    /// RFC 6962 path to the checkpoint's root.
    pub path: Vec<NodeHash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why no receipt could be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A member does not stand in the list that should hold it.
    #[error("事件不在成员清单中 / an event is not in its member list")]
    NotAMember,
    /// Over 10 KiB.
    #[error("回执超过10 KiB / the receipt is over 10 KiB: {0} bytes")]
    TooLarge(usize),
    /// No canonical JSON.
    #[error("回执无法编码 / the receipt cannot be encoded")]
    Encoding(#[from] Invalid),
}

impl Receipt {
    /// Builds a receipt and its bytes.
    ///
    /// # Errors
    /// [`BuildError`] when the parts do not belong together or come to over 10 KiB.
    pub fn build(parts: &Parts) -> Result<Vec<u8>, BuildError> {
        let memberships = parts.memberships.iter().map(|m| membership(parts, m)).collect::<Result<_, _>>()?;
        let receipt = Self {
            format: FORMAT.into(),
            item: parts.item,
            data_version: parts.data_version,
            events: parts.events.iter().map(|e| STANDARD.encode(e)).collect(),
            memberships,
            inclusion: Inclusion {
                event: parts.included,
                index: parts.index,
                path: parts.path.iter().map(encode_hash).collect(),
            },
            checkpoint: parts.checkpoint.clone(),
        };
        let bytes = canonical::to_vec(&receipt)?;
        if bytes.len() > MAX_RECEIPT {
            return Err(BuildError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }
}

fn membership(
    parts: &Parts,
    (member, of, leaves): &(u32, u32, Vec<EventHash>),
) -> Result<Membership, BuildError> {
    let event = parts.events.get(*member as usize).ok_or(BuildError::NotAMember)?;
    let hash = EventHash::of(event);
    let index = leaves.iter().position(|leaf| *leaf == hash).ok_or(BuildError::NotAMember)? as u64;
    let nodes: Vec<NodeHash> = leaves.iter().map(|h| NodeHash::from(*h.as_bytes())).collect();
    let path = dengbei_register::membership_path(&nodes, index).map_err(|_| BuildError::NotAMember)?;
    Ok(Membership {
        member: *member,
        of: *of,
        index,
        size: leaves.len() as u64,
        path: path.iter().map(encode_hash).collect(),
    })
}

fn encode_hash(hash: &NodeHash) -> String {
    STANDARD.encode(hash.as_bytes())
}
