//! What a sender states about the bytes of its upload, or its catalogue about a package's archive, and what they are
//! only what is stated is computed.

use std::io::{self, Read};

use dengbei_checks::facts::{NamedDigest, PackageDigests};
use dengbei_formats::ReadAt;
use sha2::digest::DynDigest;

const BUFFER: usize = 256 << 10;

/// Whether digests by that algorithm can be computed here.
pub(crate) fn is_known(algorithm: &str) -> bool {
    hasher(algorithm).is_some()
}

fn hasher(algorithm: &str) -> Option<Box<dyn DynDigest>> {
    match plain(algorithm).as_str() {
        "sha256" => Some(Box::<sha2::Sha256>::default()),
        "sha512" => Some(Box::<sha2::Sha512>::default()),
        "sm3" => Some(Box::<sm3::Sm3>::default()),
        _ => None,
    }
}

/// `SHA-512` and `sha512` are one.
fn plain(algorithm: &str) -> String {
    algorithm.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Computes what is stated, in one pass. `None`: nothing is stated.
///
/// # Errors
/// When the bytes cannot be read.
pub(crate) fn compare(stated: &[NamedDigest], bytes: impl Read) -> io::Result<Option<PackageDigests>> {
    if stated.is_empty() {
        return Ok(None);
    }
    let found = compute(stated.iter().map(|digest| plain(&digest.algorithm)), bytes)?;
    Ok(Some(PackageDigests { stated: stated.to_vec(), found }))
}

/// Compares what a catalogue states of a package's own archive (digitalSummary). It names no algorithm: the length tells,
/// and of two of one length the one that fits.
///
/// # Errors
/// When the bytes cannot be read.
pub(crate) fn compare_listed(hex: &str, archive: Option<impl Read>) -> io::Result<PackageDigests> {
    let hex = hex.trim();
    let named = |algorithm: &str| NamedDigest { algorithm: algorithm.to_owned(), hex: hex.to_owned() };
    let algorithms: &[&str] = match hex.len() {
        32 => &["md5"],
        40 => &["sha1"],
        64 => &["sha256", "sm3"],
        128 => &["sha512"],
        _ => &["unknown"],
    };
    let found = match archive {
        Some(bytes) => compute(algorithms.iter().map(|algorithm| (*algorithm).to_owned()), bytes)?,
        None => Vec::new(),
    };
    let fitting = found.iter().find(|digest| digest.hex.eq_ignore_ascii_case(hex));
    let stated = named(fitting.map_or(algorithms[0], |digest| digest.algorithm.as_str()));
    Ok(PackageDigests { stated: vec![stated], found })
}

/// Whether everything that can be compared is the same.
pub(crate) fn agree(digests: &PackageDigests) -> bool {
    digests.stated.iter().all(|stated| {
        let is_same = |found: &NamedDigest| {
            plain(&found.algorithm) != plain(&stated.algorithm)
                || found.hex.eq_ignore_ascii_case(stated.hex.trim())
        };
        digests.found.iter().all(is_same)
    })
}

fn compute(algorithms: impl Iterator<Item = String>, mut bytes: impl Read) -> io::Result<Vec<NamedDigest>> {
    let mut computed: Vec<(String, Box<dyn DynDigest>)> = Vec::new();
    for algorithm in algorithms {
        if !computed.iter().any(|(known, _)| *known == algorithm) {
            computed.extend(hasher(&algorithm).map(|hasher| (algorithm, hasher)));
        }
    }
    let mut buffer = vec![0; BUFFER];
    loop {
        match bytes.read(&mut buffer)? {
            0 => break,
            n => computed.iter_mut().for_each(|(_, hasher)| hasher.update(&buffer[..n])),
        }
    }
    let named = |(algorithm, hasher): (String, Box<dyn DynDigest>)| NamedDigest {
        algorithm,
        hex: hex::encode(hasher.finalize()),
    };
    Ok(computed.into_iter().map(named).collect())
}

/// Reads from the beginning.
pub(crate) struct FromStart<'a> {
    bytes: &'a dyn ReadAt,
    at: u64,
}

impl<'a> FromStart<'a> {
    pub(crate) fn of(bytes: &'a dyn ReadAt) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_computed_and_nothing_else() {
        let of = |algorithm: &str| NamedDigest { algorithm: algorithm.to_owned(), hex: "00".to_owned() };
        let body = bytes::Bytes::from_static(b"abc");
        assert_eq!(compare(&[], FromStart::of(&body)).unwrap(), None);
        let digests = compare(&[of("SHA-256"), of("sm3")], FromStart::of(&body)).unwrap().unwrap();
        assert!(!agree(&digests));
        let found: Vec<_> = digests.found.iter().map(|d| (d.algorithm.as_str(), &d.hex[..8])).collect();
        assert_eq!(found, [("sha256", "ba7816bf"), ("sm3", "66c7f0f4")]);
        assert!(is_known("sha-512") && !is_known("md5"));
    }

    #[test]
    fn a_listed_digest_is_of_the_algorithm_that_fits() {
        let sm3 = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        let digests = compare_listed(&sm3.to_uppercase(), Some(&b"abc"[..])).unwrap();
        assert_eq!((digests.stated[0].algorithm.as_str(), agree(&digests)), ("sm3", true));
        let other = compare_listed(&"0".repeat(64), Some(&b"abc"[..])).unwrap();
        assert_eq!((other.stated[0].algorithm.as_str(), agree(&other)), ("sha256", false));
        let md5 = compare_listed(&"0".repeat(32), Some(&b"abc"[..])).unwrap();
        assert_eq!((md5.stated[0].algorithm.as_str(), md5.found.len()), ("md5", 0));
        assert!(compare_listed(sm3, None::<&[u8]>).unwrap().found.is_empty(), "a folder has no archive");
    }
}
