//! 发证: the registration certificate (登记证书). Caused by `pack.secured` of every pack of the batch.
//!
//! Before: `registration/src/batches/certify.rs`. After: `registration/src/transfers/pack.rs` for what is in the archive's range.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, SerialNo, Sha256, UnitCode};
use uuid::Uuid;

use super::{DocumentRef, ReadError, fixed, uuid};

/// 发证: the registration certificate (登记证书). Caused by `pack.secured` of every pack of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIssued {
    /// 证书号.
    pub certificate_no: SerialNo,
    /// 登记号.
    pub registration_no: SerialNo,
    /// 登记批次.
    pub batch: Uuid,
    /// 立档单位.
    pub unit_uscc: UnitCode,
    /// 件数.
    pub items: u32,
    /// As registered.
    pub root: Sha256,
    /// The certificate, sealed.
    pub certificate: DocumentRef,
    /// Ed25519 public key of the administration.
    pub administration_key: [u8; 32],
    /// Signature over [`CertificateIssued::signed_text`].
    pub administration_signature: [u8; 64],
}

impl CertificateIssued {
    pub(super) fn read(p: v1::CertificateIssued) -> Result<Self, ReadError> {
        Ok(Self {
            certificate_no: p.certificate_no.parse()?,
            registration_no: p.registration_no.parse()?,
            batch: uuid(&p.batch)?,
            unit_uscc: p.unit_uscc.parse()?,
            items: p.items,
            root: Sha256::from_slice(&p.root)?,
            certificate: DocumentRef::read(p.certificate)?,
            administration_key: fixed(&p.administration_key)?,
            administration_signature: fixed(&p.administration_signature)?,
        })
    }

    pub(super) fn write(&self) -> v1::CertificateIssued {
        v1::CertificateIssued {
            certificate_no: self.certificate_no.to_string(),
            registration_no: self.registration_no.to_string(),
            batch: self.batch.as_bytes().to_vec().into(),
            unit_uscc: self.unit_uscc.to_string(),
            items: self.items,
            root: self.root.as_bytes().to_vec().into(),
            certificate: Some(self.certificate.write()),
            administration_key: self.administration_key.to_vec().into(),
            administration_signature: self.administration_signature.to_vec().into(),
        }
    }

    /// The text that the administration's key signs.
    pub fn signed_text(
        area: &AreaCode,
        number: &SerialNo,
        registration: &SerialNo,
        certificate: &Sha256,
    ) -> String {
        format!("dengbei/certificate/v1\n{area}\n{number}\n{registration}\n{certificate}\n")
    }
}
