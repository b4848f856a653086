//! Digests as types, so that a SHA-512 never stands where a SHA-256 is meant. Lower-case hex in text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use crate::Invalid;

/// Which algorithm made a digest: told apart by type, never by length.
pub trait Algorithm: Copy + Eq + Ord + std::hash::Hash {
    /// The name in messages.
    const NAME: &'static str;
}

/// Markers for [`Algorithm`].
pub mod algorithm {
    /// SHA-256.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Sha256 {}
    /// SHA-512.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Sha512 {}
    /// SM3.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Sm3 {}
    /// The hash of an event.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Event {}
}

impl Algorithm for algorithm::Sha256 {
    const NAME: &'static str = "SHA-256";
}
impl Algorithm for algorithm::Sha512 {
    const NAME: &'static str = "SHA-512";
}
impl Algorithm for algorithm::Sm3 {
    const NAME: &'static str = "SM3";
}
impl Algorithm for algorithm::Event {
    const NAME: &'static str = "event hash";
}

/// A digest of `N` bytes made by `A`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest<A: Algorithm, const N: usize>([u8; N], PhantomData<A>);

/// SHA-256 (FIPS 180-4): packs, tree nodes, documents.
pub type Sha256 = Digest<algorithm::Sha256, 32>;
/// SHA-512 (FIPS 180-4): file content, OCFL inventories.
pub type Sha512 = Digest<algorithm::Sha512, 64>;
/// SM3 (GB/T 32905): file content, for Chinese forms.
pub type Sm3 = Digest<algorithm::Sm3, 32>;
/// SHA-256(0x00 ‖ event bytes), the RFC 6962 leaf hash: names an event everywhere.
pub type EventHash = Digest<algorithm::Event, 32>;

impl<A: Algorithm, const N: usize> Digest<A, N> {
    /// Takes digest bytes that were computed elsewhere.
    pub const fn from_bytes(bytes: [u8; N]) -> Self {
        Self(bytes, PhantomData)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// Reads raw bytes.
    ///
    /// # Errors
    /// [`Invalid`] when the length is not this digest's.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        let bytes = bytes.try_into().map_err(|_| Invalid::new(A::NAME, format!("{} bytes", bytes.len())))?;
        Ok(Self::from_bytes(bytes))
    }
}

impl<A: Algorithm, const N: usize> fmt::Display for Digest<A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<A: Algorithm, const N: usize> fmt::Debug for Digest<A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", A::NAME, hex::encode(&self.0[..6]))
    }
}

impl<A: Algorithm, const N: usize> FromStr for Digest<A, N> {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        if s.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(Invalid::new(A::NAME, s));
        }
        let bytes = hex::decode(s).map_err(|_| Invalid::new(A::NAME, s))?;
        Self::from_slice(&bytes)
    }
}

impl<A: Algorithm, const N: usize> Serialize for Digest<A, N> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de, A: Algorithm, const N: usize> Deserialize<'de> for Digest<A, N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Sha256 {
    /// Digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(sha2::Sha256::digest(bytes).into())
    }
}

impl Sha512 {
    /// Digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(sha2::Sha512::digest(bytes).into())
    }
}

impl EventHash {
    /// The leaf hash of an event's encoded bytes (RFC 6962, 2.1).
    pub fn of(event: &[u8]) -> Self {
        let mut hasher = sha2::Sha256::new();
        hasher.update([0]);
        hasher.update(event);
        Self::from_bytes(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_upper_case_is_refused() {
        let digest = Sha256::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Sha256>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Sha256>().is_err());
    }
}
