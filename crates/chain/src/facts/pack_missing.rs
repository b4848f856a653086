//! 缺失: a copy is not there. Caused by the `pack.stored` of that copy.
//!
//! Before: `fixity/src/inspect.rs`. After: `replication/src/repair.rs`.

use dengbei_proto::v1;
use dengbei_records::PackNumber;

use super::ReadError;

/// 缺失: a copy is not there. Caused by the `pack.stored` of that copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackMissing {
    /// 备份点.
    pub site: String,
    /// 存储包.
    pub pack: PackNumber,
    /// Generation of the pack.
    pub generation: u32,
}

impl PackMissing {
    pub(super) fn read(p: v1::PackMissing) -> Result<Self, ReadError> {
        Ok(Self { site: p.site, pack: PackNumber::new(p.pack), generation: p.generation })
    }

    pub(super) fn write(&self) -> v1::PackMissing {
        v1::PackMissing { site: self.site.clone(), pack: self.pack.get(), generation: self.generation }
    }
}
