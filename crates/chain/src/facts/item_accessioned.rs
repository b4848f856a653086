//! 进馆: custody of a transfer's items moves, once. Caused by `transfer.accepted` and the `transfer.checked` on storing.
//!
//! Before: `registration/src/transfers/accession.rs`. After: the newest event in the receipt of an item that is in the archive.

use dengbei_proto::v1;
use dengbei_records::{SerialNo, Sha256};

use super::{DocumentRef, ReadError};

/// 进馆: custody of a transfer's items moves, once. Caused by `transfer.accepted` and the `transfer.checked` on storing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemAccessioned {
    /// 移交号.
    pub transfer_no: SerialNo,
    /// 件数.
    pub items: u32,
    /// As accepted: membership of each `item.filed`.
    pub root: Sha256,
    /// Member list.
    pub members: DocumentRef,
}

impl ItemAccessioned {
    pub(super) fn read(p: v1::ItemAccessioned) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            items: p.items,
            root: Sha256::from_slice(&p.root)?,
            members: DocumentRef::read(p.members)?,
        })
    }

    pub(super) fn write(&self) -> v1::ItemAccessioned {
        v1::ItemAccessioned {
            transfer_no: self.transfer_no.to_string(),
            items: self.items,
            root: self.root.as_bytes().to_vec().into(),
            members: Some(self.members.write()),
        }
    }
}
