//! Secrets that browsers and links carry: 32 random bytes. Here only their digests are kept.

use sha2::{Digest as _, Sha256};

use super::AccountError;

/// A secret in hexadecimal. It is shown once, to whom it is for.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    pub(super) fn new() -> Result<Self, AccountError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| AccountError::Fault(e.to_string()))?;
        Ok(Self(hex::encode(bytes)))
    }

    /// As the cookie or the link carries it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> [u8; 32] {
        digest_of(&self.0)
    }
}

/// What is kept of a secret that somebody brings.
pub(super) fn digest_of(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
