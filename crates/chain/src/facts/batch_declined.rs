//! 不予登记: the application goes back with reasons; its filing batches may be applied for again.
//!
//! Before: `registration/src/batches/decide.rs`. After: the desk.

use dengbei_proto::v1;
use uuid::Uuid;

use super::{DocumentRef, ReadError, uuid};

/// 不予登记: the application goes back with reasons; its filing batches may be applied for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchDeclined {
    /// 登记批次.
    pub batch: Uuid,
    /// Stable codes.
    pub reasons: Vec<String>,
    /// 登记决定.
    pub decision: DocumentRef,
}

impl BatchDeclined {
    pub(super) fn read(p: v1::BatchDeclined) -> Result<Self, ReadError> {
        Ok(Self { batch: uuid(&p.batch)?, reasons: p.reasons, decision: DocumentRef::read(p.decision)? })
    }

    pub(super) fn write(&self) -> v1::BatchDeclined {
        v1::BatchDeclined {
            batch: self.batch.as_bytes().to_vec().into(),
            reasons: self.reasons.clone(),
            decision: Some(self.decision.write()),
        }
    }
}
