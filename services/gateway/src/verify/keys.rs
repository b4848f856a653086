//! Public keys of this deployment, read from its folder of keys: the register's, and of everybody who may seal a paper.

use std::path::Path;

use base64::Engine as _;
use dengbei_evidence::papers::Keys;
use dengbei_register::Verifier;

/// SubjectPublicKeyInfo of Ed25519 (RFC 8410) before its 32 bytes.
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Of SM2 (GB/T 35276): id-ecPublicKey, curve 1.2.156.10197.1.301, before the 65 bytes of the point.
const SM2: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81,
    0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
];
/// Who seals: bodies beside each other, units, people and sites in folders of their own.
const FOLDERS: [&str; 4] = ["", "units", "people", "sites"];

/// The register's key.
pub(super) fn register(keys: &Path) -> Option<Verifier> {
    std::fs::read_to_string(keys.join("register.pub")).ok()?.trim().parse().ok()
}

/// The keys of everybody who may seal, with whose they are.
pub(super) fn trusted(keys: &Path) -> Keys {
    let mut trusted = Keys::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(keys.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(whose) = name.strip_suffix(".pub") else { continue };
            if let Some(key) = std::fs::read_to_string(entry.path()).ok().and_then(|pem| read(&pem)) {
                trusted.insert(key, format!("{folder}/{whose}").trim_start_matches('/').to_owned());
            }
        }
    }
    trusted
}

/// The key of a PEM file, hex as seals write it.
fn read(pem: &str) -> Option<String> {
    let body = pem.split("-----BEGIN PUBLIC KEY-----").nth(1)?.split("-----END").next()?;
    let text: String = body.split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let point =
        |prefix: &[u8], length| der.strip_prefix(prefix).filter(|key| key.len() == length).map(hex::encode);
    point(&ED25519, 32).or_else(|| point(&SM2, 65))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dengbei_kit::seals::SealKeys;
    use dengbei_records::{Sha256, Timestamp};

    #[test]
    fn keys_that_were_made_are_found_again_as_their_seals_write_them() {
        let folder = tempfile::tempdir().unwrap();
        let unit = SealKeys::open_or_make(&folder.path().join("units"), "u").unwrap();
        let (body, at) = (Sha256::of(b"x"), Timestamp::from_millis(1));
        let what = dengbei_kit::seals::Signed {
            paper: "certificate/1",
            body: &body,
            role: "unit.seal",
            name: "u",
            at,
        };
        let seals = [unit.seal_ed25519(&what).unwrap(), unit.seal_sm2(&what).unwrap()];
        let trusted = trusted(folder.path());
        for seal in &seals {
            assert!(trusted.contains_key(&seal.key), "{}: {trusted:?}", seal.algorithm);
        }
        assert_eq!(read("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), None);
    }
}
