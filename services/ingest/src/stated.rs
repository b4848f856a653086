//! What a sender states about the bytes of its upload, and what they are: only what is stated is computed.

use std::io;

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
pub(crate) fn compare(stated: &[NamedDigest], bytes: &dyn ReadAt) -> io::Result<Option<PackageDigests>> {
    if stated.is_empty() {
        return Ok(None);
    }
    let mut found: Vec<(String, Box<dyn DynDigest>)> = Vec::new();
    for algorithm in stated.iter().map(|digest| plain(&digest.algorithm)) {
        if !found.iter().any(|(known, _)| *known == algorithm) {
            found.extend(hasher(&algorithm).map(|hasher| (algorithm, hasher)));
        }
    }
    let (mut buffer, mut at) = (vec![0; BUFFER], 0);
    loop {
        match bytes.read_at(&mut buffer, at)? {
            0 => break,
            n => {
                found.iter_mut().for_each(|(_, hasher)| hasher.update(&buffer[..n]));
                at += n as u64;
            }
        }
    }
    let named = |(algorithm, hasher): (String, Box<dyn DynDigest>)| NamedDigest {
        algorithm,
        hex: hex::encode(hasher.finalize()),
    };
    let found = found.into_iter().map(named).collect();
    Ok(Some(PackageDigests { stated: stated.to_vec(), found }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_computed_and_nothing_else() {
        let of = |algorithm: &str| NamedDigest { algorithm: algorithm.to_owned(), hex: "00".to_owned() };
        let body = bytes::Bytes::from_static(b"abc");
        assert_eq!(compare(&[], &body).unwrap(), None);
        let digests = compare(&[of("SHA-256"), of("sm3")], &body).unwrap().unwrap();
        let found: Vec<_> = digests.found.iter().map(|d| (d.algorithm.as_str(), &d.hex[..8])).collect();
        assert_eq!(found, [("sha256", "ba7816bf"), ("sm3", "66c7f0f4")]);
        assert!(is_known("sha-512") && !is_known("md5"));
    }
}
