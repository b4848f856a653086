//! 存储: one copy of a pack on one site, read back and signed.
//!
//! Before: `replication/src/copy.rs`. After: `replication/src/secure.rs`.

use dengbei_proto::v1;

use super::{ReadError, SiteReceipt};

/// 存储: one copy of a pack on one site, read back and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackStored {
    /// 备份回执.
    pub receipt: SiteReceipt,
}

impl PackStored {
    pub(super) fn read(p: v1::PackStored) -> Result<Self, ReadError> {
        Ok(Self { receipt: SiteReceipt::read(p.receipt.ok_or(ReadError::Missing("receipt"))?)? })
    }

    pub(super) fn write(&self) -> v1::PackStored {
        v1::PackStored { receipt: Some(self.receipt.write()) }
    }
}
