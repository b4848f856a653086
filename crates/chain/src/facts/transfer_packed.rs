//! 移交组包: what is about to be handed over. Caused by `certificate.issued` of the batches it takes from.
//!
//! Before: `registration/src/transfers/pack.rs`. After: `fixity/src/transfer.rs` runs the unit's checks.

use dengbei_proto::v1;
use dengbei_records::{FondsNo, PackNumber, SerialNo, Sha256, UnitCode};

use super::{DocumentRef, ReadError};

/// 移交组包: what is about to be handed over. Caused by `certificate.issued` of the batches it takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferPacked {
    /// 移交号.
    pub transfer_no: SerialNo,
    /// 移交单位.
    pub unit_uscc: UnitCode,
    /// 全宗号.
    pub fonds_no: FondsNo,
    /// 件数.
    pub items: u32,
    /// 数据量 of the packs.
    pub bytes: u64,
    /// RFC 6962 root over the `item.filed` hashes in the list's order.
    pub root: Sha256,
    /// Member list.
    pub members: DocumentRef,
    /// 存储包.
    pub packs: Vec<PackNumber>,
}

impl TransferPacked {
    pub(super) fn read(p: v1::TransferPacked) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            unit_uscc: p.unit_uscc.parse()?,
            fonds_no: p.fonds_no.parse()?,
            items: p.items,
            bytes: p.bytes,
            root: Sha256::from_slice(&p.root)?,
            members: DocumentRef::read(p.members)?,
            packs: p.packs.into_iter().map(PackNumber::new).collect(),
        })
    }

    pub(super) fn write(&self) -> v1::TransferPacked {
        v1::TransferPacked {
            transfer_no: self.transfer_no.to_string(),
            unit_uscc: self.unit_uscc.to_string(),
            fonds_no: self.fonds_no.to_string(),
            items: self.items,
            bytes: self.bytes,
            root: self.root.as_bytes().to_vec().into(),
            members: Some(self.members.write()),
            packs: self.packs.iter().map(|n| n.get()).collect(),
        }
    }
}
