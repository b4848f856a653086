//! 拒收: the package was not kept.
//!
//! Before: `ingest/src/prefile.rs`. After: the read model in `query`.

use dengbei_proto::v1;
use dengbei_records::{ItemId, SubmissionId};

use super::ReadError;

/// 拒收: the package was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionRefused {
    /// 提交标识.
    pub submission: SubmissionId,
    /// 对象标识; `None`: the package's item could not be read.
    pub item: Option<ItemId>,
    /// Check ids or problem codes.
    pub failed: Vec<String>,
    /// 数据版本, 0 where it could not be read.
    pub data_version: u32,
}

impl SubmissionRefused {
    pub(super) fn read(p: v1::SubmissionRefused) -> Result<Self, ReadError> {
        Ok(Self {
            submission: SubmissionId::from_slice(&p.submission)?,
            item: if p.item.is_empty() { None } else { Some(ItemId::from_slice(&p.item)?) },
            failed: p.failed,
            data_version: p.data_version,
        })
    }

    pub(super) fn write(&self) -> v1::SubmissionRefused {
        v1::SubmissionRefused {
            submission: self.submission.as_bytes().to_vec().into(),
            item: self.item.map(|i| i.as_bytes().to_vec()).unwrap_or_default().into(),
            failed: self.failed.clone(),
            data_version: self.data_version,
        }
    }
}
