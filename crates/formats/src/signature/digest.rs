//! The digest algorithms that signatures state, by identifier or by name. Which of them are weak is said here, not
//! forgiven. Neighbours: `verify`, `cms`, `timestamp`, and the references of OFD signatures.

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Digest as _;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants are the algorithms' own names")]
pub enum DigestMethod {
    Sm3,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha1,
    Md5,
}

/// (method, identifier, name)
const TABLE: &[(DigestMethod, &str, &str)] = &[
    (DigestMethod::Sm3, "1.2.156.10197.1.401", "SM3"),
    (DigestMethod::Sha224, "2.16.840.1.101.3.4.2.4", "SHA224"),
    (DigestMethod::Sha256, "2.16.840.1.101.3.4.2.1", "SHA256"),
    (DigestMethod::Sha384, "2.16.840.1.101.3.4.2.2", "SHA384"),
    (DigestMethod::Sha512, "2.16.840.1.101.3.4.2.3", "SHA512"),
    (DigestMethod::Sha1, "1.3.14.3.2.26", "SHA1"),
    (DigestMethod::Md5, "1.2.840.113549.2.5", "MD5"),
];

/// SM3 as an older identifier writes it (with key: HMAC is never meant in a reference).
const SM3_BARE: &str = "1.2.156.10197.1.401.1";

impl DigestMethod {
    /// By identifier (`1.2.156.10197.1.401`) or by name, any case, with or without a hyphen (`SHA-256`).
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == SM3_BARE {
            return Some(Self::Sm3);
        }
        let name = text.replace(['-', '_'], "").to_ascii_uppercase();
        TABLE.iter().find(|row| row.1 == text || row.2 == name).map(|row| row.0)
    }

    /// The name, as reports write it.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }

    /// Whether two different contents of one digest can be made: MD5, SHA-1.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Sha1 | Self::Md5)
    }

    /// The digest of pieces, one after the other.
    pub fn digest(self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut hasher = self.hasher();
        pieces.iter().for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    pub(crate) fn hasher(self) -> Hasher {
        match self {
            Self::Sm3 => Hasher::Sm3(sm3::Sm3::default()),
            Self::Sha224 => Hasher::Sha224(sha2::Sha224::default()),
            Self::Sha256 => Hasher::Sha256(sha2::Sha256::default()),
            Self::Sha384 => Hasher::Sha384(sha2::Sha384::default()),
            Self::Sha512 => Hasher::Sha512(sha2::Sha512::default()),
            Self::Sha1 => Hasher::Sha1(Sha1::default()),
            Self::Md5 => Hasher::Md5(Md5::default()),
        }
    }
}

/// A digest on its way.
pub(crate) enum Hasher {
    Sm3(sm3::Sm3),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha1(Sha1),
    Md5(Md5),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sm3(h) => h.update(bytes),
            Self::Sha224(h) => h.update(bytes),
            Self::Sha256(h) => h.update(bytes),
            Self::Sha384(h) => h.update(bytes),
            Self::Sha512(h) => h.update(bytes),
            Self::Sha1(h) => h.update(bytes),
            Self::Md5(h) => h.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sm3(h) => h.finalize().to_vec(),
            Self::Sha224(h) => h.finalize().to_vec(),
            Self::Sha256(h) => h.finalize().to_vec(),
            Self::Sha384(h) => h.finalize().to_vec(),
            Self::Sha512(h) => h.finalize().to_vec(),
            Self::Sha1(h) => h.finalize().to_vec(),
            Self::Md5(h) => h.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_identifier_and_by_every_spelling_of_the_name() {
        for (method, oid, name) in TABLE {
            assert_eq!((DigestMethod::of(oid), DigestMethod::of(name)), (Some(*method), Some(*method)));
        }
        assert_eq!(DigestMethod::of("sha-256"), Some(DigestMethod::Sha256));
        assert_eq!(DigestMethod::of("1.2.156.10197.1.999"), None);
        assert!(DigestMethod::Md5.is_weak() && !DigestMethod::Sm3.is_weak());
    }

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        for (method, ..) in TABLE {
            assert_eq!(method.digest(&[b"a", b"bc"]), method.digest(&[b"abc"]));
        }
        let abc = hex::encode(DigestMethod::Md5.digest(&[b"abc"]));
        assert_eq!(abc, "900150983cd24fb0d6963f7d28e17f72");
    }
}
