//! Units' Ed25519 keys (立档单位签章密钥): `keys/units/<uscc>.key`, PKCS#8 PEM, mode 0600, and `.pub` beside it.
//!
//! Made once, at a unit's first matter, never overwritten, never in a database. A key that is missing later is not
//! made again: a second key would say that somebody else signs. It is an alarm.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use dengbei_kit::seals::{SealError, SealKeys};
use dengbei_records::{ErrorClass, UnitCode};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{Signer as _, SigningKey};

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

    fn path(&self, unit: &UnitCode, ending: &str) -> PathBuf {
        self.folder.join(format!("{unit}.{ending}"))
    }

    /// Whether the unit's key is there.
    pub(crate) fn has(&self, unit: &UnitCode) -> bool {
        self.path(unit, "key").is_file()
    }

    /// Makes the unit's key unless there is one. Durable when it returns. Blocking.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`] when it cannot be made, [`KeyError::Unreadable`] when what is there is no key.
    pub(crate) fn ensure(&self, unit: &UnitCode) -> Result<(), KeyError> {
        let made = match self.load(unit) {
            Ok(key) => key,
            Err(KeyError::Missing(_)) => self.make(unit)?,
            Err(e) => return Err(e),
        };
        self.publish(unit, &made).map_err(KeyError::Unavailable)
    }

    /// Signs `text` with the unit's key. Blocking, but short.
    ///
    /// # Errors
    /// [`KeyError::Missing`] or [`KeyError::Unreadable`].
    pub(crate) fn sign(&self, unit: &UnitCode, text: &str) -> Result<Signed, KeyError> {
        let key = self.load(unit)?;
        Ok(Signed { key: key.verifying_key().to_bytes(), signature: key.sign(text.as_bytes()).to_bytes() })
    }

    /// The unit's keys for sealing papers. Blocking, but short.
    ///
    /// # Errors
    /// [`KeyError::Missing`] when the unit has none: they are never made here.
    pub(crate) fn seals(&self, unit: &UnitCode) -> Result<SealKeys, KeyError> {
        self.load(unit)?;
        SealKeys::open_or_make(&self.folder, unit.as_str()).map_err(|e| match e {
            SealError::Unavailable { source, .. } => KeyError::Unavailable(source),
            SealError::Unreadable(_) | SealError::Signing => KeyError::Unreadable(unit.clone()),
        })
    }

    fn load(&self, unit: &UnitCode) -> Result<SigningKey, KeyError> {
        let pem = match fs::read_to_string(self.path(unit, "key")) {
            Ok(pem) => pem,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(KeyError::Missing(unit.clone())),
            Err(e) => return Err(KeyError::Unavailable(e)),
        };
        SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::Unreadable(unit.clone()))
    }

    fn make(&self, unit: &UnitCode) -> Result<SigningKey, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| KeyError::Unavailable(io::Error::other(e.to_string())))?;
        let key = SigningKey::from_bytes(&seed);
        let pem = KeypairBytes { secret_key: seed, public_key: None }
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Unreadable(unit.clone()))?;
        fs::create_dir_all(&self.folder).map_err(KeyError::Unavailable)?;
        let is_first =
            write_new(&self.path(unit, "key"), pem.as_bytes(), 0o600).map_err(KeyError::Unavailable)?;
        // Another worker was faster: its key is the unit's.
        if is_first { Ok(key) } else { self.load(unit) }
    }

    fn publish(&self, unit: &UnitCode, key: &SigningKey) -> io::Result<()> {
        let path = self.path(unit, "pub");
        if path.is_file() {
            return Ok(());
        }
        let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(io::Error::other)?;
        write_new(&path, pem.as_bytes(), 0o644).map(drop)
    }
}

/// Writes a file durably under a name that must be free; whether it was.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<bool> {
    let temporary = path.with_extension(format!("{}.new", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A link fails where a rename would overwrite.
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    match linked {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
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
