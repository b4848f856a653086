//! Why there is no verdict.

use std::io;

/// No verdict. Never to be taken for clean.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// clamd cannot be reached, broke off, or was silent too long. Trying again later may help.
    #[error("杀毒引擎无应答 / the virus scanner does not answer")]
    Unavailable(#[source] io::Error),
    /// clamd said something that this client does not know.
    #[error("杀毒引擎的应答无法理解 / the virus scanner's answer is not understood: {0:?}")]
    Answer(String),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(error)
    }
}
