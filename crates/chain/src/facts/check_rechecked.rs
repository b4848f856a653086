//! 人工复检: a person looked again at what a machine found about an item. The report stays as it is.
//!
//! Before: `fixity/src/desk/recheck.rs`; the event's actor is the person, blinded. After: the item's history in `query`.

use dengbei_proto::v1;
use dengbei_records::{ItemId, Sha256};

use super::{DocumentRef, ReadError};

/// 人工复检: a person looked again at what a machine found about an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRechecked {
    /// 对象标识.
    pub item: ItemId,
    /// The report's own digest.
    pub report: Sha256,
    /// Check id.
    pub check: String,
    /// `overruled`, `upheld`.
    pub opinion: String,
    /// Who, when, why.
    pub reason: DocumentRef,
}

impl CheckRechecked {
    pub(super) fn read(p: v1::CheckRechecked) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            report: Sha256::from_slice(&p.report)?,
            check: p.check,
            opinion: p.opinion,
            reason: DocumentRef::read(p.reason)?,
        })
    }

    pub(super) fn write(&self) -> v1::CheckRechecked {
        v1::CheckRechecked {
            item: self.item.as_bytes().to_vec().into(),
            report: self.report.as_bytes().to_vec().into(),
            check: self.check.clone(),
            opinion: self.opinion.clone(),
            reason: Some(self.reason.write()),
        }
    }
}
