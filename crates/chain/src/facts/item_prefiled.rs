//! 预归档: ingest holds the package on stable storage and answers for it.
//!
//! Before: `ingest/src/prefile.rs` decides and commits it. After: `bus/src/relay.rs` carries it to `fixity/src/check.rs` and registration.

use dengbei_proto::v1;
use dengbei_records::{
    DataVersion, EventType, ItemId, MatterCode, Retention, Sha256, SourceSystem, SubmissionId, UnitCode,
};

use super::{ReadError, retention, year};

/// 预归档: ingest holds the package on stable storage and answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPrefiled {
    /// 对象标识.
    pub item: ItemId,
    /// 数据版本.
    pub data_version: DataVersion,
    /// 提交标识.
    pub submission: SubmissionId,
    /// 来源系统.
    pub source_system: SourceSystem,
    /// 权力事项编码.
    pub matter_code: MatterCode,
    /// 统一社会信用代码.
    pub unit_uscc: UnitCode,
    /// 保管期限 of the matter in force at closing.
    pub retention: Retention,
    /// 年度: the year of closing.
    pub year: u16,
    /// 归档范围版本.
    pub scope_version: String,
    /// SHA-256 of `reception.json`.
    pub reception: Sha256,
    /// How many files are kept.
    pub files: u32,
    /// Bytes of all files that are kept.
    pub bytes: u64,
    /// Ids of checks that warned at the door.
    pub warned: Vec<String>,
    /// 权力事项类型.
    pub event_type: EventType,
}

impl ItemPrefiled {
    pub(super) fn read(p: v1::ItemPrefiled) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            data_version: DataVersion::try_from(p.data_version)?,
            submission: SubmissionId::from_slice(&p.submission)?,
            source_system: p.source_system.parse()?,
            matter_code: p.matter_code.parse()?,
            unit_uscc: p.unit_uscc.parse()?,
            retention: retention(&p.retention)?,
            year: year(p.year)?,
            scope_version: p.scope_version,
            reception: Sha256::from_slice(&p.reception)?,
            files: p.files,
            bytes: p.bytes,
            warned: p.warned,
            event_type: p.event_type.parse()?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemPrefiled {
        v1::ItemPrefiled {
            item: self.item.as_bytes().to_vec().into(),
            data_version: self.data_version.get(),
            submission: self.submission.as_bytes().to_vec().into(),
            source_system: self.source_system.to_string(),
            matter_code: self.matter_code.to_string(),
            unit_uscc: self.unit_uscc.to_string(),
            retention: self.retention.code().into(),
            year: self.year.into(),
            scope_version: self.scope_version.clone(),
            reception: self.reception.as_bytes().to_vec().into(),
            files: self.files,
            bytes: self.bytes,
            warned: self.warned.clone(),
            event_type: self.event_type.code().into(),
        }
    }
}
