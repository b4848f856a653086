//! Ed25519 signatures inside events: those who stand for a step signed its text.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::finding::Finding;

/// Whether `signature` is `key`'s over `text`.
pub(crate) fn is_right(key: &[u8; 32], text: &str, signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok())
}

/// A body whose signature an event carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signatory {
    Unit,
    Administration,
    Archive,
    Site,
}

/// Refuses a signature that is not right.
pub(crate) fn check(who: Signatory, key: &[u8; 32], text: &str, signature: &[u8; 64]) -> Result<(), Finding> {
    if is_right(key, text, signature) {
        return Ok(());
    }
    let (code, zh, en) = match who {
        Signatory::Unit => ("receipt.unit_signature", "立档单位的签名不对", "the unit's signature is wrong"),
        Signatory::Administration => (
            "receipt.administration_signature",
            "登记机关的签名不对",
            "the administration's signature is wrong",
        ),
        Signatory::Archive => {
            ("receipt.archive_signature", "档案馆的签名不对", "the archive's signature is wrong")
        }
        Signatory::Site => {
            ("receipt.site_signature", "备份点的签名不对", "a backup site's signature is wrong")
        }
    };
    Err(Finding::new(code, "/events", zh, en))
}
