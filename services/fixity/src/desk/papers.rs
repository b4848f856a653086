//! The documents of what persons signed and said: canonical JSON with a salt, so that a digest in a public event tells
//! nothing. Names and words stand here alone, never in an event.

use dengbei_chain::DocumentRef;
use dengbei_records::{Invalid, ItemId, Sha256, Timestamp, canonical};
use serde::{Deserialize, Serialize};

/// Media type of a signature's document.
const SIGNATURE: &str = "application/vnd.dengbei.check-signature+json";
/// Media type of a recheck's document.
const RECHECK: &str = "application/vnd.dengbei.recheck+json";

/// 人工检测签字.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) salt: String,
    pub(crate) scope: String,
    pub(crate) number: String,
    pub(crate) stage: String,
    pub(crate) check: String,
    /// What was to be done, in Chinese.
    pub(crate) task: String,
    /// The sample that was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<uuid::Uuid>,
    /// The report that asks for it: its own digest.
    pub(crate) report: Sha256,
    pub(crate) person: String,
    pub(crate) at: Timestamp,
    pub(crate) is_in_order: bool,
    pub(crate) note: String,
}

/// 人工复检意见.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    pub(crate) salt: String,
    pub(crate) item: ItemId,
    /// The report that was looked at: its own digest.
    pub(crate) report: Sha256,
    pub(crate) check: String,
    pub(crate) opinion: String,
    pub(crate) person: String,
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
}

impl Finding {
    pub(crate) fn document(&self) -> Result<(Vec<u8>, DocumentRef), Invalid> {
        written(self, SIGNATURE)
    }
}

impl Reason {
    pub(crate) fn document(&self) -> Result<(Vec<u8>, DocumentRef), Invalid> {
        written(self, RECHECK)
    }
}

fn written(paper: &impl Serialize, media_type: &str) -> Result<(Vec<u8>, DocumentRef), Invalid> {
    let body = canonical::to_vec(paper)?;
    let reference = DocumentRef::to(&body, media_type);
    Ok((body, reference))
}
