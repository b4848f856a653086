//! Where clamd listens, as configuration writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::ScanError;

/// `tcp://host:port` or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Host and port. The stream is not encrypted: a network of one's own.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = ScanError;

    fn from_str(text: &str) -> Result<Self, ScanError> {
        let invalid = || ScanError::Address(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(invalid()) };
        }
        let host = text.strip_prefix("tcp://").ok_or_else(invalid)?;
        let (name, port) = host.rsplit_once(':').ok_or_else(invalid)?;
        match port.parse::<u16>() {
            Ok(port) if port > 0 && !name.is_empty() && !name.contains('/') => Ok(Self::Tcp(host.to_owned())),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_and_writes_as_text() {
        for text in ["tcp://clamd:3310", "tcp://[::1]:3310", "unix:/run/clamav/clamd.ctl"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "clamd:3310", "tcp://clamd", "tcp://:3310", "tcp://a/b:1", "tcp://clamd:0", "unix:clamd.ctl"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
