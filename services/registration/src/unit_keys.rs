//! Units' Ed25519 keys (立档单位签章密钥): `keys/units/<uscc>.key`, PKCS#8 PEM, mode 0600, and `.pub` beside it.
//!
//! Made once, at a unit's first matter, never overwritten, never in a database. A key that is missing later is not
//! made again: a second key would say that somebody else signs. It is an alarm.

use std::io;
use std::path::{Path, PathBuf};

use dengbei_kit::seals::{SealError, SealKeys};
use dengbei_records::{ErrorClass, UnitCode};

/// Why a unit cannot sign.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The unit has a fonds, but its key is not there.
    #[error("单位签章密钥缺失 / the unit's key is missing: {0}")]
    Missing(UnitCode),
    /// The file holds no key.
    #[error("单位签章密钥无法读取 / the unit's key cannot be read: {0}")]
    Unreadable(UnitCode),
    /// The disk or the system's randomness failed.
    #[error("单位签章密钥无法写入 / the unit's key cannot be written")]
    Unavailable(#[source] io::Error),
}

impl KeyError {
    /// What can be done about it.
    pub(crate) const fn class(&self) -> ErrorClass {
        match self {
            Self::Missing(_) | Self::Unreadable(_) => ErrorClass::Internal,
            Self::Unavailable(_) => ErrorClass::Unavailable,
        }
    }
}

/// The folder of units' keys.
#[derive(Debug, Clone)]
pub(crate) struct UnitKeys {
    folder: PathBuf,
}

/// A signature and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// Ed25519 public key.
    pub(crate) key: [u8; 32],
    /// Over the text given.
    pub(crate) signature: [u8; 64],
}

impl UnitKeys {
    /// Keys under the deployment's key folder.
    pub(crate) fn new(keys: &Path) -> Self {
        Self { folder: keys.join("units") }
    }

    /// Whether the unit's key is there.
    pub(crate) fn has(&self, unit: &UnitCode) -> bool {
        self.folder.join(format!("{unit}.key")).is_file()
    }

    /// Makes the unit's key unless there is one. Durable when it returns. Blocking.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when it cannot be made, [`KeyError::Unreadable`] when what is there is no key.
    pub(crate) fn ensure(&self, unit: &UnitCode) -> Result<(), KeyError> {
        SealKeys::open_or_make(&self.folder, unit.as_str()).map(drop).map_err(|e| fault(unit, e))
    }

    /// Signs `text` with the unit's key. Blocking, but short.
    ///
    /// # Errors
    /// [`KeyError::Missing`] or [`KeyError::Unreadable`].
    pub(crate) fn sign(&self, unit: &UnitCode, text: &str) -> Result<Signed, KeyError> {
        let keys = self.seals(unit)?;
        Ok(Signed { key: keys.public(), signature: keys.sign(text) })
    }

    /// The unit's keys for sealing papers. Blocking, but short.
    ///
    /// # Errors
    /// [`KeyError::Missing`] when the unit has none: they are never made here.
    pub(crate) fn seals(&self, unit: &UnitCode) -> Result<SealKeys, KeyError> {
        let opened = SealKeys::open(&self.folder, unit.as_str()).map_err(|e| fault(unit, e))?;
        opened.ok_or_else(|| KeyError::Missing(unit.clone()))
    }
}

fn fault(unit: &UnitCode, error: SealError) -> KeyError {
    match error {
        SealError::Unavailable { source, .. } => KeyError::Unavailable(source),
        SealError::Unreadable(_) | SealError::Signing => KeyError::Unreadable(unit.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;

    fn unit() -> UnitCode {
        "115113016823646795".parse().unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        let keys = UnitKeys::new(folder.path());
        keys.ensure(&unit()).unwrap();
        let path = folder.path().join("units/115113016823646795.key");
        let first = fs::read(&path).unwrap();
        keys.ensure(&unit()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let signed = keys.sign(&unit(), "text").unwrap();
        let key = VerifyingKey::from_bytes(&signed.key).unwrap();
        key.verify_strict(b"text", &Signature::from_bytes(&signed.signature)).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("units")).unwrap().count(), 2);
    }

    #[test]
    fn a_missing_key_is_not_made_again_when_it_should_sign() {
        let folder = tempfile::tempdir().unwrap();
        let keys = UnitKeys::new(folder.path());
        assert!(matches!(keys.sign(&unit(), "text"), Err(KeyError::Missing(_))));
        assert!(!keys.has(&unit()));
    }
}
