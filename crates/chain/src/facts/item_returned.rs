//! 退回: the item failed its filing checks and goes back with reasons.
//!
//! Before: `registration/src/return_item.rs`. After: ingest lets the staged bytes go; the sender mends and submits again.

use dengbei_proto::v1;
use dengbei_records::{DataVersion, ItemId, SubmissionId};

use super::{DocumentRef, ReadError};

/// 退回: the item failed its filing checks and goes back with reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReturned {
    /// 对象标识.
    pub item: ItemId,
    /// 数据版本.
    pub data_version: DataVersion,
    /// 提交标识.
    pub submission: SubmissionId,
    /// Check ids.
    pub failed: Vec<String>,
    /// 检测报告.
    pub report: DocumentRef,
}

impl ItemReturned {
    pub(super) fn read(p: v1::ItemReturned) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            data_version: DataVersion::try_from(p.data_version)?,
            submission: SubmissionId::from_slice(&p.submission)?,
            failed: p.failed,
            report: DocumentRef::read(p.report)?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemReturned {
        v1::ItemReturned {
            item: self.item.as_bytes().to_vec().into(),
            data_version: self.data_version.get(),
            submission: self.submission.as_bytes().to_vec().into(),
            failed: self.failed.clone(),
            report: Some(self.report.write()),
        }
    }
}
