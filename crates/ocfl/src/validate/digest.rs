//! The digest algorithms that inventories name: two for content, the others for the fixity block.

use std::io::{self, Read};

use blake2::{Blake2b, Blake2b512};
use sha2::digest::Digest;
use sha2::digest::consts::{U20, U32, U48};

/// Files are hashed in pieces of this size.
const CHUNK: usize = 256 * 1024;

trait Hashing {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> String;
}

impl<D: Digest> Hashing for D {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> String {
        hex::encode(D::finalize(*self))
    }
}

/// An algorithm by its name in the specification and in extensions 0001 and 0009.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Sha512,
    Sha256,
    Md5,
    Sha1,
    Sha512Of256,
    Blake2b160,
    Blake2b256,
    Blake2b384,
    Blake2b512,
}

impl Algorithm {
    /// Name and length in hexadecimal digits.
    const ALL: [(Self, &'static str, usize); 9] = [
        (Self::Sha512, "sha512", 128),
        (Self::Sha256, "sha256", 64),
        (Self::Md5, "md5", 32),
        (Self::Sha1, "sha1", 40),
        (Self::Sha512Of256, "sha512/256", 64),
        (Self::Blake2b160, "blake2b-160", 40),
        (Self::Blake2b256, "blake2b-256", 64),
        (Self::Blake2b384, "blake2b-384", 96),
        (Self::Blake2b512, "blake2b-512", 128),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The digest in lower case, if `text` can be one.
    pub(super) fn normalize(self, text: &str) -> Option<String> {
        let len = Self::ALL.iter().find(|row| row.0 == self)?.2;
        let is_one = text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_one.then(|| text.to_ascii_lowercase())
    }

    fn hasher(self) -> Box<dyn Hashing> {
        match self {
            Self::Sha512 => Box::new(sha2::Sha512::new()),
            Self::Sha256 => Box::new(sha2::Sha256::new()),
            Self::Md5 => Box::new(md5::Md5::new()),
            Self::Sha1 => Box::new(sha1::Sha1::new()),
            Self::Sha512Of256 => Box::new(sha2::Sha512_256::new()),
            Self::Blake2b160 => Box::new(Blake2b::<U20>::new()),
            Self::Blake2b256 => Box::new(Blake2b::<U32>::new()),
            Self::Blake2b384 => Box::new(Blake2b::<U48>::new()),
            Self::Blake2b512 => Box::new(Blake2b512::new()),
        }
    }

    /// The digest of bytes at hand.
    pub(super) fn of(self, bytes: &[u8]) -> String {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Hashes streams, keeping its buffer between files.
pub(super) struct Hasher(Vec<u8>);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(vec![0; CHUNK])
    }

    /// Every digest of one stream in one reading, in the order of `algorithms`.
    pub(super) fn digests(
        &mut self,
        input: &mut dyn Read,
        algorithms: &[Algorithm],
    ) -> io::Result<Vec<String>> {
        let mut hashers: Vec<_> = algorithms.iter().map(|a| a.hasher()).collect();
        loop {
            match input.read(&mut self.0) {
                Ok(0) => return Ok(hashers.into_iter().map(Hashing::finish).collect()),
                Ok(got) => hashers.iter_mut().for_each(|h| h.update(&self.0[..got])),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_abc_are_the_published_ones() {
        let expected = [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Sha512Of256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
            (Algorithm::Blake2b256, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
        ];
        for (algorithm, digest) in expected {
            assert_eq!(algorithm.of(b"abc"), digest, "{algorithm:?}");
        }
        for (algorithm, name, len) in Algorithm::ALL {
            assert_eq!((algorithm.of(b"").len(), Algorithm::named(name)), (len, Some(algorithm)));
        }
    }
}
