//! Where the virus scanner (杀毒引擎, clamd) listens, as configuration writes it. Its client is `crates/scanner`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use dengbei_records::Invalid;

/// `host:port`, also written `tcp://host:port`, or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerAddress {
    /// Host and port. The stream is not encrypted: a network of one's own.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for ScannerAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("杀毒服务地址 scanner (host:port, unix:/path)", text);
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(invalid()) };
        }
        let host = text.strip_prefix("tcp://").unwrap_or(text);
        let (name, port) = host.rsplit_once(':').ok_or_else(invalid)?;
        let is_name = !name.is_empty()
            && !name.contains(|c: char| c == '/' || c == '@' || c.is_whitespace())
            && (!name.contains(':') || name.starts_with('[') && name.ends_with(']'));
        match port.parse::<u16>() {
            Ok(port) if port > 0 && is_name => Ok(Self::Tcp(host.to_owned())),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for ScannerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => f.write_str(host),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An empty text is none.
pub(super) mod optional {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::ScannerAddress;

    #[allow(clippy::ref_option, reason = "the shape that serde wants")]
    pub(crate) fn serialize<S: Serializer>(of: &Option<ScannerAddress>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&of.as_ref().map(ToString::to_string).unwrap_or_default())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<ScannerAddress>, D::Error> {
        let text = String::deserialize(d)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_and_writes_as_text() {
        for text in ["clamd:3310", "127.0.0.1:3310", "[::1]:3310", "unix:/run/clamav/clamd.ctl"] {
            assert_eq!(text.parse::<ScannerAddress>().unwrap().to_string(), text);
        }
        assert_eq!("tcp://clamd:3310".parse::<ScannerAddress>().unwrap().to_string(), "clamd:3310");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "",
            "clamd",
            "tcp://clamd",
            "tcp://:3310",
            ":3310",
            "tcp://a/b:1",
            "clamd:0",
            "unix:clamd.ctl",
            "http://clamd:3310",
            "u@clamd:1",
            "::1:3310",
            "cla md:1",
        ];
        for text in wrong {
            assert!(text.parse::<ScannerAddress>().is_err(), "{text}");
        }
    }
}
