//! 退回移交: nothing of it was fit, or a side declined. Its items stay where they are.
//!
//! Before: `registration/src/transfers/`. After: the read model in `query`.

use dengbei_proto::v1;
use dengbei_records::SerialNo;

use super::{DocumentRef, ReadError};

/// 退回移交: nothing of it was fit, or a side declined. Its items stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRejected {
    /// 移交号.
    pub transfer_no: SerialNo,
    /// Stable codes.
    pub reasons: Vec<String>,
    /// Why, and what to do.
    pub decision: DocumentRef,
}

impl TransferRejected {
    pub(super) fn read(p: v1::TransferRejected) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            reasons: p.reasons,
            decision: DocumentRef::read(p.decision)?,
        })
    }

    pub(super) fn write(&self) -> v1::TransferRejected {
        v1::TransferRejected {
            transfer_no: self.transfer_no.to_string(),
            reasons: self.reasons.clone(),
            decision: Some(self.decision.write()),
        }
    }
}
