//! 被替代: a higher data version came before this one was planned.
//!
//! Before: `registration/src/receive.rs`. After: ingest lets the staged bytes of the lower version go.

use dengbei_proto::v1;
use dengbei_records::{DataVersion, ItemId, SubmissionId};

use super::ReadError;

/// 被替代: a higher data version came before this one was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSuperseded {
    /// 对象标识.
    pub item: ItemId,
    /// 数据版本.
    pub data_version: DataVersion,
    /// 提交标识.
    pub submission: SubmissionId,
    /// The version that takes its place.
    pub by_data_version: DataVersion,
    /// The submission that takes its place.
    pub by_submission: SubmissionId,
}

impl ItemSuperseded {
    pub(super) fn read(p: &v1::ItemSuperseded) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            data_version: DataVersion::try_from(p.data_version)?,
            submission: SubmissionId::from_slice(&p.submission)?,
            by_data_version: DataVersion::try_from(p.by_data_version)?,
            by_submission: SubmissionId::from_slice(&p.by_submission)?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemSuperseded {
        v1::ItemSuperseded {
            item: self.item.as_bytes().to_vec().into(),
            data_version: self.data_version.get(),
            submission: self.submission.as_bytes().to_vec().into(),
            by_data_version: self.by_data_version.get(),
            by_submission: self.by_submission.as_bytes().to_vec().into(),
        }
    }
}
