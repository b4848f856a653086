//! 正式归档 of one item: numbered, written, read back. Caused by its `item.prefiled` and `item.checked`.
//!
//! Before: `registration/src/file.rs` commits a finished plan. After: `batch.filed` covers it by membership.

use dengbei_proto::v1;
use dengbei_records::{ArchivalCode, DataVersion, ItemId, PackNumber, Sha256, Sha512, SubmissionId};

use super::ReadError;

/// 正式归档 of one item: numbered, written, read back. Caused by its `item.prefiled` and `item.checked`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFiled {
    /// 对象标识.
    pub item: ItemId,
    /// 数据版本.
    pub data_version: DataVersion,
    /// 档号.
    pub archival_code: ArchivalCode,
    /// 存储包.
    pub pack: PackNumber,
    /// OCFL version inside the pack.
    pub object_version: u32,
    /// SHA-256 of `record.json`.
    pub record: Sha256,
    /// SHA-512 of the object version's `inventory.json`.
    pub inventory: Sha512,
    /// 提交标识.
    pub submission: SubmissionId,
}

impl ItemFiled {
    pub(super) fn read(p: &v1::ItemFiled) -> Result<Self, ReadError> {
        Ok(Self {
            item: ItemId::from_slice(&p.item)?,
            data_version: DataVersion::try_from(p.data_version)?,
            archival_code: p.archival_code.parse()?,
            pack: PackNumber::new(p.pack),
            object_version: p.object_version,
            record: Sha256::from_slice(&p.record)?,
            inventory: Sha512::from_slice(&p.inventory)?,
            submission: SubmissionId::from_slice(&p.submission)?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemFiled {
        v1::ItemFiled {
            item: self.item.as_bytes().to_vec().into(),
            data_version: self.data_version.get(),
            archival_code: self.archival_code.to_string(),
            pack: self.pack.get(),
            object_version: self.object_version,
            record: self.record.as_bytes().to_vec().into(),
            inventory: self.inventory.as_bytes().to_vec().into(),
            submission: self.submission.as_bytes().to_vec().into(),
        }
    }
}
