//! Seals under papers: Ed25519 (RFC 8032), and SM2 over SM3 (GB/T 32918.2) with the user id that holds where none was
//! agreed. Made by `kit::seals`; what the papers say is checked in `papers.rs`.

use dengbei_records::Sha256;
use dengbei_records::papers::Seal;
use sm2::dsa::signature::Verifier as _;

use crate::finding::Finding;
use crate::signatures;

/// `Seal::algorithm` of Ed25519.
pub const ED25519: &str = "Ed25519";
/// `Seal::algorithm` of SM2 over SM3.
pub const SM2: &str = "SM2-SM3";
/// The user id of GB/T 32918.2 where none was agreed (GB/T 35276).
pub const SM2_USER: &str = "1234567812345678";

/// Whether the seal is its key's over this body of this paper.
///
/// # Errors
/// `seal.algorithm` for one that is not known, `seal.form` when key or value have another length or spelling,
/// `seal.wrong` when the signature is not right.
pub fn verify(seal: &Seal, paper: &str, body: &Sha256) -> Result<(), Finding> {
    let text = Seal::text(paper, body, &seal.role, &seal.name, &seal.at);
    let is_right = match seal.algorithm.as_str() {
        ED25519 => {
            let (key, value) = (bytes::<32>(seal, &seal.key)?, bytes::<64>(seal, &seal.value)?);
            signatures::is_right(&key, &text, &value)
        }
        SM2 => {
            let (key, value) = (bytes::<65>(seal, &seal.key)?, bytes::<64>(seal, &seal.value)?);
            sm2_is_right(SM2_USER, &key, text.as_bytes(), &value)
        }
        _ => return Err(finding("seal.algorithm", seal, "签名算法未知", "the algorithm is not known")),
    };
    if is_right { Ok(()) } else { Err(finding("seal.wrong", seal, "签章不对", "the seal is wrong")) }
}

fn sm2_is_right(user: &str, key: &[u8; 65], text: &[u8], value: &[u8; 64]) -> bool {
    let (Ok(key), Ok(value)) =
        (sm2::dsa::VerifyingKey::from_sec1_bytes(user, key), sm2::dsa::Signature::from_slice(value))
    else {
        return false;
    };
    key.verify(text, &value).is_ok()
}

/// Lower-case hex of exactly `N` bytes: one value, one spelling.
fn bytes<const N: usize>(seal: &Seal, text: &str) -> Result<[u8; N], Finding> {
    let is_lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    let read = hex::decode(text).ok().and_then(|b| <[u8; N]>::try_from(b).ok());
    read.filter(|_| is_lower)
        .ok_or_else(|| finding("seal.form", seal, "密钥或签名的格式不对", "key or value are malformed"))
}

fn finding(code: &'static str, seal: &Seal, zh: &str, en: &str) -> Finding {
    let Seal { role, name, .. } = seal;
    Finding::new(code, format!("/seals/{role}"), format!("{zh}：{name}"), format!("{en}: {name}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;
    use std::process::Command;

    use ed25519_dalek::{Signer as _, SigningKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_standards_sm2_vectors_get_their_verdicts() {
        let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/sm.tar.xz");
        if !suite.exists() {
            eprintln!("skipped: ../shared/suites/sm.tar.xz is not beside the checkout");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let tar = Command::new("tar").arg("xJf").arg(suite).arg("-C").arg(folder.path()).status().unwrap();
        assert!(tar.success());
        let file = std::fs::read(folder.path().join("visible/sm2_sign_vectors.json")).unwrap();
        let vectors: Value = serde_json::from_slice(&file).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        let field = |case: &Value, name: &str| case[name].as_str().unwrap().to_owned();
        for case in cases {
            let key: [u8; 65] = hex::decode(field(case, "pub_hex")).unwrap().try_into().unwrap();
            let value = hex::decode(field(case, "r") + &field(case, "s")).unwrap().try_into().unwrap();
            let is_right = sm2_is_right(&field(case, "id"), &key, field(case, "msg").as_bytes(), &value);
            assert_eq!(is_right, field(case, "expect") == "VALID", "{}", case["name"]);
        }
        eprintln!("SM2 vectors: {} verdicts", cases.len());
        assert!(cases.len() >= 5);
    }

    fn sealed(algorithm: &str) -> (Seal, Sha256) {
        let body = Sha256::of(b"body");
        let (role, name, at) = ("archive.seal", "区档案馆", "2026-11-22T10:00:00+08:00");
        let text = Seal::text("handover/1", &body, role, name, at);
        let (key, value) = if algorithm == SM2 {
            let secret = sm2::SecretKey::from_slice(&[7; 32]).unwrap();
            let key = sm2::dsa::SigningKey::new(SM2_USER, &secret).unwrap();
            let value: sm2::dsa::Signature =
                sm2::dsa::signature::Signer::try_sign(&key, text.as_bytes()).unwrap();
            use sm2::elliptic_curve::sec1::ToSec1Point as _;
            let public = key.verifying_key().to_sec1_point(false);
            (public.as_bytes().to_vec(), value.to_bytes().to_vec())
        } else {
            let key = SigningKey::from_bytes(&[7; 32]);
            (key.verifying_key().to_bytes().to_vec(), key.sign(text.as_bytes()).to_bytes().to_vec())
        };
        let seal = Seal {
            role: role.into(),
            name: name.into(),
            at: at.into(),
            algorithm: algorithm.into(),
            key: hex::encode(key),
            value: hex::encode(value),
        };
        (seal, body)
    }

    #[test]
    fn a_seal_holds_for_its_own_paper_name_and_moment_alone() {
        for algorithm in [ED25519, SM2] {
            let (seal, body) = sealed(algorithm);
            verify(&seal, "handover/1", &body).unwrap();
            let wrong = |seal: &Seal, paper: &str, body: &Sha256| verify(seal, paper, body).unwrap_err().code;
            assert_eq!(wrong(&seal, "certificate/1", &body), "seal.wrong");
            assert_eq!(wrong(&seal, "handover/1", &Sha256::of(b"other")), "seal.wrong");
            let other = [
                Seal { name: "别处".into(), ..seal.clone() },
                Seal { role: "unit.seal".into(), ..seal.clone() },
                Seal { at: "2026-11-23T10:00:00+08:00".into(), ..seal.clone() },
            ];
            for changed in other {
                assert_eq!(wrong(&changed, "handover/1", &body), "seal.wrong");
            }
        }
    }

    #[test]
    fn what_is_no_key_or_no_algorithm_is_told_apart() {
        let (seal, body) = sealed(SM2);
        let code = |seal: Seal| verify(&seal, "handover/1", &body).unwrap_err().code;
        assert_eq!(code(Seal { algorithm: "RSA".into(), ..seal.clone() }), "seal.algorithm");
        assert_eq!(code(Seal { key: seal.key[2..].into(), ..seal.clone() }), "seal.form");
        assert_eq!(code(Seal { value: seal.value.to_uppercase(), ..seal.clone() }), "seal.form");
        assert_eq!(code(Seal { key: format!("04{}", "00".repeat(64)), ..seal }), "seal.wrong");
    }
}
