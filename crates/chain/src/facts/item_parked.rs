//! 待配置: the matter has no filing scope in force at closing.
//!
//! Before: `ingest/src/prefile.rs`. After: `ingest/src/release.rs` prefiles the item once a `matter.published` configures it.

use dengbei_proto::v1;
use dengbei_records::{DataVersion, ItemId, Sha256, SourceSystem, SubmissionId};

use super::ReadError;

/// 待配置: the matter has no filing scope in force at closing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemParked {
    /// 对象标识.
    pub item: ItemId,
    /// 数据版本.
    pub data_version: DataVersion,
    /// 提交标识.
    pub submission: SubmissionId,
    /// 来源系统.
    pub source_system: SourceSystem,
    /// 权力事项编码 as sent.
    pub matter_code: String,
    /// SHA-256 of `reception.json`.
    pub reception: Sha256,
}

impl ItemParked {
    pub(super) fn read(p: v1::ItemParked) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            data_version: DataVersion::try_from(p.data_version)?,
            submission: SubmissionId::from_slice(&p.submission)?,
            source_system: p.source_system.parse()?,
            matter_code: p.matter_code,
            reception: Sha256::from_slice(&p.reception)?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemParked {
        v1::ItemParked {
            item: self.item.as_bytes().to_vec().into(),
            data_version: self.data_version.get(),
            submission: self.submission.as_bytes().to_vec().into(),
            source_system: self.source_system.to_string(),
            matter_code: self.matter_code.clone(),
            reception: self.reception.as_bytes().to_vec().into(),
        }
    }
}
