//! 交接: papers remade without what either side found unfit, signed by four people under two seals. Caused by `transfer.submitted`, the archive's `transfer.checked`, and the certificates.
//!
//! Before: `registration/src/transfers/accept.rs`. After: `replication` has the archive's site sign for its copies; `fixity` checks them on storing.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, PackNumber, SerialNo, Sha256};

use super::{DocumentRef, ReadError, fixed};

/// 交接: papers remade without what either side found unfit, signed by four people under two seals. Caused by `transfer.submitted`, the archive's `transfer.checked`, and the certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferAccepted {
    /// 移交号.
    pub transfer_no: SerialNo,
    /// 件数.
    pub items: u32,
    /// 数据量 of the packs.
    pub bytes: u64,
    /// RFC 6962 root over the `item.filed` hashes.
    pub root: Sha256,
    /// Member list.
    pub members: DocumentRef,
    /// 电子档案移交与接收登记表 with every signature.
    pub handover: DocumentRef,
    /// Ed25519 public key of the unit.
    pub unit_key: [u8; 32],
    /// Signature over [`TransferAccepted::signed_text`].
    pub unit_signature: [u8; 64],
    /// Ed25519 public key of the archive.
    pub archive_key: [u8; 32],
    /// Signature over the same text.
    pub archive_signature: [u8; 64],
    /// 存储包.
    pub packs: Vec<PackNumber>,
}

impl TransferAccepted {
    pub(super) fn read(p: v1::TransferAccepted) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            items: p.items,
            bytes: p.bytes,
            root: Sha256::from_slice(&p.root)?,
            members: DocumentRef::read(p.members)?,
            handover: DocumentRef::read(p.handover)?,
            unit_key: fixed(&p.unit_key)?,
            unit_signature: fixed(&p.unit_signature)?,
            archive_key: fixed(&p.archive_key)?,
            archive_signature: fixed(&p.archive_signature)?,
            packs: p.packs.into_iter().map(PackNumber::new).collect(),
        })
    }

    pub(super) fn write(&self) -> v1::TransferAccepted {
        v1::TransferAccepted {
            transfer_no: self.transfer_no.to_string(),
            items: self.items,
            bytes: self.bytes,
            root: self.root.as_bytes().to_vec().into(),
            members: Some(self.members.write()),
            handover: Some(self.handover.write()),
            unit_key: self.unit_key.to_vec().into(),
            unit_signature: self.unit_signature.to_vec().into(),
            archive_key: self.archive_key.to_vec().into(),
            archive_signature: self.archive_signature.to_vec().into(),
            packs: self.packs.iter().map(|n| n.get()).collect(),
        }
    }

    /// The text that both seals sign.
    pub fn signed_text(area: &AreaCode, number: &SerialNo, root: &Sha256, handover: &Sha256) -> String {
        format!("dengbei/handover/v1\n{area}\n{number}\n{root}\n{handover}\n")
    }
}
