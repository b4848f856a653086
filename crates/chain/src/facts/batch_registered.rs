//! 登记: the administration's decision. Caused by `batch.applied`.
//!
//! Before: `registration/src/batches/decide.rs`. After: `replication` backs the packs up.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, SerialNo, Sha256, UnitCode};
use uuid::Uuid;

use super::{DocumentRef, ReadError, fixed, uuid};

/// 登记: the administration's decision. Caused by `batch.applied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRegistered {
    /// 登记批次.
    pub batch: Uuid,
    /// 登记号.
    pub registration_no: SerialNo,
    /// 立档单位.
    pub unit_uscc: UnitCode,
    /// 件数.
    pub items: u32,
    /// As applied for.
    pub root: Sha256,
    /// 登记决定.
    pub decision: DocumentRef,
    /// Ed25519 public key of the administration.
    pub administration_key: [u8; 32],
    /// Signature over [`BatchRegistered::signed_text`].
    pub administration_signature: [u8; 64],
}

impl BatchRegistered {
    pub(super) fn read(p: v1::BatchRegistered) -> Result<Self, ReadError> {
        Ok(Self {
            batch: uuid(&p.batch)?,
            registration_no: p.registration_no.parse()?,
            unit_uscc: p.unit_uscc.parse()?,
            items: p.items,
            root: Sha256::from_slice(&p.root)?,
            decision: DocumentRef::read(p.decision)?,
            administration_key: fixed(&p.administration_key)?,
            administration_signature: fixed(&p.administration_signature)?,
        })
    }

    pub(super) fn write(&self) -> v1::BatchRegistered {
        v1::BatchRegistered {
            batch: self.batch.as_bytes().to_vec().into(),
            registration_no: self.registration_no.to_string(),
            unit_uscc: self.unit_uscc.to_string(),
            items: self.items,
            root: self.root.as_bytes().to_vec().into(),
            decision: Some(self.decision.write()),
            administration_key: self.administration_key.to_vec().into(),
            administration_signature: self.administration_signature.to_vec().into(),
        }
    }

    /// The text that the administration's key signs.
    pub fn signed_text(
        area: &AreaCode,
        number: &SerialNo,
        batch: Uuid,
        root: &Sha256,
        decision: &Sha256,
    ) -> String {
        format!("dengbei/registration/v1\n{area}\n{number}\n{batch}\n{root}\n{decision}\n")
    }
}
