//! 登记申请: a unit applies for filing batches of one year. Caused by their `batch.filed`, in the order of packs.
//!
//! Before: `registration/src/batches/apply.rs`. After: `registration/src/batches/decide.rs`.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, FondsNo, PackNumber, Sha256, UnitCode};
use uuid::Uuid;

use super::{DocumentRef, ReadError, fixed, uuid, year};

/// 登记申请: a unit applies for filing batches of one year. Caused by their `batch.filed`, in the order of packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchApplied {
    /// 登记批次.
    pub batch: Uuid,
    /// 登记类型: `1` 批次登记.
    pub kind: String,
    /// 立档单位.
    pub unit_uscc: UnitCode,
    /// 全宗号.
    pub fonds_no: FondsNo,
    /// 年度.
    pub year: u16,
    /// 存储包, 1 to 8.
    pub packs: Vec<PackNumber>,
    /// 件数.
    pub items: u32,
    /// 文件数.
    pub files: u64,
    /// Bytes of the packs.
    pub bytes: u64,
    /// RFC 6962 root over the `batch.filed` hashes.
    pub root: Sha256,
    /// 登记申请表 with 备份情况表.
    pub application: DocumentRef,
    /// Ed25519 public key of the unit.
    pub unit_key: [u8; 32],
    /// Signature over [`BatchApplied::signed_text`].
    pub unit_signature: [u8; 64],
}

impl BatchApplied {
    pub(super) fn read(p: v1::BatchApplied) -> Result<Self, ReadError> {
        Ok(Self {
            batch: uuid(&p.batch)?,
            kind: p.kind,
            unit_uscc: p.unit_uscc.parse()?,
            fonds_no: p.fonds_no.parse()?,
            year: year(p.year)?,
            packs: p.packs.into_iter().map(PackNumber::new).collect(),
            items: p.items,
            files: p.files,
            bytes: p.bytes,
            root: Sha256::from_slice(&p.root)?,
            application: DocumentRef::read(p.application)?,
            unit_key: fixed(&p.unit_key)?,
            unit_signature: fixed(&p.unit_signature)?,
        })
    }

    pub(super) fn write(&self) -> v1::BatchApplied {
        v1::BatchApplied {
            batch: self.batch.as_bytes().to_vec().into(),
            kind: self.kind.clone(),
            unit_uscc: self.unit_uscc.to_string(),
            fonds_no: self.fonds_no.to_string(),
            year: self.year.into(),
            packs: self.packs.iter().map(|n| n.get()).collect(),
            items: self.items,
            files: self.files,
            bytes: self.bytes,
            root: self.root.as_bytes().to_vec().into(),
            application: Some(self.application.write()),
            unit_key: self.unit_key.to_vec().into(),
            unit_signature: self.unit_signature.to_vec().into(),
        }
    }

    /// The text that the unit's key signs.
    pub fn signed_text(area: &AreaCode, batch: Uuid, root: &Sha256, application: &Sha256) -> String {
        format!("dengbei/application/v1\n{area}\n{batch}\n{root}\n{application}\n")
    }
}
