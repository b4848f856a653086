//! 备份达标: enough sites signed. Caused by `batch.registered`, the pack's `batch.filed`, and the `pack.stored` of each receipt.
//!
//! Before: `replication/src/secure.rs`. After: `registration/src/batches/certify.rs`.

use dengbei_proto::v1;
use dengbei_records::PackNumber;
use uuid::Uuid;

use super::{ReadError, SiteReceipt, uuid};

/// 备份达标: enough sites signed. Caused by `batch.registered`, the pack's `batch.filed`, and the `pack.stored` of each receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSecured {
    /// 存储包.
    pub pack: PackNumber,
    /// Generation of the pack.
    pub generation: u32,
    /// 备份策略: `id/version`.
    pub policy: String,
    /// 备份回执 that count.
    pub receipts: Vec<SiteReceipt>,
    /// 登记批次.
    pub batch: Uuid,
}

impl PackSecured {
    pub(super) fn read(p: v1::PackSecured) -> Result<Self, ReadError> {
        Ok(Self {
            pack: PackNumber::new(p.pack),
            generation: p.generation,
            policy: p.policy,
            receipts: p.receipts.into_iter().map(SiteReceipt::read).collect::<Result<_, _>>()?,
            batch: uuid(&p.batch)?,
        })
    }

    pub(super) fn write(&self) -> v1::PackSecured {
        v1::PackSecured {
            pack: self.pack.get(),
            generation: self.generation,
            policy: self.policy.clone(),
            receipts: self.receipts.iter().map(SiteReceipt::write).collect(),
            batch: self.batch.as_bytes().to_vec().into(),
        }
    }
}
