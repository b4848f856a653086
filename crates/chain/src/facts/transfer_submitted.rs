//! 移交: papers of the unit, without what its own checks found unfit. Caused by `transfer.packed`, the unit's `transfer.checked`, and the certificates.
//!
//! Before: `registration/src/transfers/submit.rs`. After: `fixity/src/transfer.rs` runs the archive's checks.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, SerialNo, Sha256};

use super::{DocumentRef, ReadError, fixed};

/// 移交: papers of the unit, without what its own checks found unfit. Caused by `transfer.packed`, the unit's `transfer.checked`, and the certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferSubmitted {
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
    /// 电子档案数字摘要表.
    pub digests: DocumentRef,
    /// Ed25519 public key of the unit.
    pub unit_key: [u8; 32],
    /// Signature over [`TransferSubmitted::signed_text`].
    pub unit_signature: [u8; 64],
}

impl TransferSubmitted {
    pub(super) fn read(p: v1::TransferSubmitted) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            items: p.items,
            bytes: p.bytes,
            root: Sha256::from_slice(&p.root)?,
            members: DocumentRef::read(p.members)?,
            digests: DocumentRef::read(p.digests)?,
            unit_key: fixed(&p.unit_key)?,
            unit_signature: fixed(&p.unit_signature)?,
        })
    }

    pub(super) fn write(&self) -> v1::TransferSubmitted {
        v1::TransferSubmitted {
            transfer_no: self.transfer_no.to_string(),
            items: self.items,
            bytes: self.bytes,
            root: self.root.as_bytes().to_vec().into(),
            members: Some(self.members.write()),
            digests: Some(self.digests.write()),
            unit_key: self.unit_key.to_vec().into(),
            unit_signature: self.unit_signature.to_vec().into(),
        }
    }

    /// The text that the unit's key signs.
    pub fn signed_text(
        area: &AreaCode,
        number: &SerialNo,
        root: &Sha256,
        members: &Sha256,
        digests: &Sha256,
    ) -> String {
        format!("dengbei/transfer/v1\n{area}\n{number}\n{root}\n{members}\n{digests}\n")
    }
}
