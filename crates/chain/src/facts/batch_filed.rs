//! 归档批: one pack, one unit's signature over the root of its `item.filed` events.
//!
//! Before: `registration/src/file.rs`, in the same transaction as its members. After: the newest event in an item's receipt.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, FondsNo, PackNumber, Retention, Sha256, UnitCode};

use super::{DocumentRef, ReadError, fixed, retention, year};

/// 归档批: one pack, one unit's signature over the root of its `item.filed` events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFiled {
    /// 存储包.
    pub pack: PackNumber,
    /// Generation of the pack, from 1.
    pub generation: u32,
    /// 全宗号.
    pub fonds_no: FondsNo,
    /// 年度.
    pub year: u16,
    /// 保管期限.
    pub retention: Retention,
    /// 件数.
    pub count: u32,
    /// RFC 6962 root over the `item.filed` hashes in pack order.
    pub root: Sha256,
    /// SHA-256 of the pack.
    pub pack_digest: Sha256,
    /// Bytes of the pack.
    pub pack_bytes: u64,
    /// RFC 6962 root over the object versions inside; survives a rewrite.
    pub versions_root: Sha256,
    /// 立档单位.
    pub unit_uscc: UnitCode,
    /// Ed25519 public key of the unit.
    pub unit_key: [u8; 32],
    /// Signature over [`BatchFiled::signed_text`].
    pub unit_signature: [u8; 64],
    /// Member list.
    pub members: DocumentRef,
}

impl BatchFiled {
    pub(super) fn read(p: v1::BatchFiled) -> Result<Self, ReadError> {
        Ok(Self {
            pack: PackNumber::new(p.pack),
            generation: p.generation,
            fonds_no: p.fonds_no.parse()?,
            year: year(p.year)?,
            retention: retention(&p.retention)?,
            count: p.count,
            root: Sha256::from_slice(&p.root)?,
            pack_digest: Sha256::from_slice(&p.pack_digest)?,
            pack_bytes: p.pack_bytes,
            versions_root: Sha256::from_slice(&p.versions_root)?,
            unit_uscc: p.unit_uscc.parse()?,
            unit_key: fixed(&p.unit_key)?,
            unit_signature: fixed(&p.unit_signature)?,
            members: DocumentRef::read(p.members)?,
        })
    }

    pub(super) fn write(&self) -> v1::BatchFiled {
        v1::BatchFiled {
            pack: self.pack.get(),
            generation: self.generation,
            fonds_no: self.fonds_no.to_string(),
            year: self.year.into(),
            retention: self.retention.code().into(),
            count: self.count,
            root: self.root.as_bytes().to_vec().into(),
            pack_digest: self.pack_digest.as_bytes().to_vec().into(),
            pack_bytes: self.pack_bytes,
            versions_root: self.versions_root.as_bytes().to_vec().into(),
            unit_uscc: self.unit_uscc.to_string(),
            unit_key: self.unit_key.to_vec().into(),
            unit_signature: self.unit_signature.to_vec().into(),
            members: Some(self.members.write()),
        }
    }

    /// The text that the unit's key signs: area, pack, root and pack digest, one a line.
    pub fn signed_text(area: &AreaCode, pack: PackNumber, root: &Sha256, pack_digest: &Sha256) -> String {
        format!("dengbei/filing-batch/v1\n{area}\n{pack}\n{root}\n{pack_digest}\n")
    }
}
