//! Keys that stand under papers and receipts: `<name>.key` Ed25519 for what peers' tools read, `<name>.sm2.key` SM2
//! (GB/T 32918) for Chinese forms; PKCS#8 PEM, mode 0600, and the public halves beside them (`.pub`).
//!
//! Made once, durably, and never again where one is damaged: a second key would say that somebody else signs. Never
//! in a database. Blocking, but short. Checked by `evidence::seals`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dengbei_records::papers::Seal;
use dengbei_records::{ErrorClass, Sha256, Timestamp};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{Signer as _, SigningKey};
use sm2::dsa::SigningKey as Sm2SigningKey;
use sm2::elliptic_curve::sec1::ToSec1Point as _;

use crate::durable;

mod change;
mod known;

pub use change::{Changed, change};
pub use known::known;

/// `Seal::algorithm` of Ed25519 (RFC 8032).
pub const ED25519: &str = "Ed25519";
/// `Seal::algorithm` of SM2 over SM3 (GB/T 32918.2).
pub const SM2: &str = "SM2-SM3";
/// The user id of GB/T 32918.2 where none was agreed (GB/T 35276).
pub const SM2_USER: &str = "1234567812345678";

/// Why somebody cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file holds no key.
    #[error("密钥无法读取 / the key cannot be read: {0}")]
    Unreadable(PathBuf),
    /// The disk or the system's randomness failed.
    #[error("密钥无法写入 / the key cannot be written: {path}")]
    Unavailable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The signature could not be made.
    #[error("无法签章 / cannot sign")]
    Signing,
}

impl SealError {
    /// What can be done about it.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Unreadable(_) | Self::Signing => ErrorClass::Internal,
        }
    }
}

/// What a seal stands under.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `Sealed::paper`.
    pub paper: &'a str,
    /// `Sealed::body_digest`.
    pub body: &'a Sha256,
    /// `Seal::role`.
    pub role: &'a str,
    /// `Seal::name`.
    pub name: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Signed<'_> {
    fn seal(&self, algorithm: &str, key: &[u8], sign: impl FnOnce(&str) -> Option<Vec<u8>>) -> Option<Seal> {
        let at = self.at.rfc3339();
        let value = sign(&Seal::text(self.paper, self.body, self.role, self.name, &at))?;
        Some(Seal {
            role: self.role.into(),
            name: self.name.into(),
            at,
            algorithm: algorithm.into(),
            key: hex::encode(key),
            value: hex::encode(value),
        })
    }
}

/// The keys of one who seals.
#[derive(Clone)]
pub struct SealKeys {
    ed25519: SigningKey,
    path: PathBuf,
}

impl std::fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealKeys").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SealKeys {
    /// Opens `<folder>/<name>.key`, made now if there is none. Durable when it returns.
    ///
    /// # Errors
    /// [`SealError::Unreadable`] when what is there is no key.
    pub fn open_or_make(folder: &Path, name: &str) -> Result<Self, SealError> {
        let path = folder.join(name);
        let file = with_ending(&path, "key");
        let keys = Self::read(path, &obtain(&file, new_ed25519)?)?;
        let public = keys.ed25519.verifying_key().to_public_key_pem(LineEnding::LF);
        let public = public.map_err(|_| SealError::Signing)?;
        obtain(&with_ending(&keys.path, "pub"), || Some(public))?;
        Ok(keys)
    }

    /// Opens `<folder>/<name>.key`; `None`: there is none, and none is made.
    ///
    /// # Errors
    /// [`SealError::Unreadable`] when what is there is no key.
    pub fn open(folder: &Path, name: &str) -> Result<Option<Self>, SealError> {
        let path = folder.join(name);
        let file = with_ending(&path, "key");
        match fs::read_to_string(&file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SealError::Unavailable { path: file, source }),
            Ok(pem) => Self::read(path, &pem).map(Some),
        }
    }

    fn read(path: PathBuf, pem: &str) -> Result<Self, SealError> {
        let read = SigningKey::from_pkcs8_pem(pem);
        let ed25519 = read.map_err(|_| SealError::Unreadable(with_ending(&path, "key")))?;
        Ok(Self { ed25519, path })
    }

    /// Ed25519 public key.
    pub fn public(&self) -> [u8; 32] {
        self.ed25519.verifying_key().to_bytes()
    }

    /// Ed25519 signature over `text`.
    pub fn sign(&self, text: &str) -> [u8; 64] {
        self.ed25519.sign(text.as_bytes()).to_bytes()
    }

    /// A person's signature or a body's seal under a paper, Ed25519.
    ///
    /// # Errors
    /// None that can happen; the type is that of [`Self::seal_sm2`].
    pub fn seal_ed25519(&self, what: &Signed<'_>) -> Result<Seal, SealError> {
        let sign = |text: &str| Some(self.sign(text).to_vec());
        what.seal(ED25519, &self.public(), sign).ok_or(SealError::Signing)
    }

    /// A body's seal under a Chinese form: SM2 over SM3. Its key is made at the first seal.
    ///
    /// # Errors
    /// [`SealError`] when the key cannot be made or read.
    pub fn seal_sm2(&self, what: &Signed<'_>) -> Result<Seal, SealError> {
        let key = self.sm2()?;
        let public = key.verifying_key().to_sec1_point(false);
        let sign = |text: &str| {
            let signature: sm2::dsa::Signature =
                sm2::dsa::signature::Signer::try_sign(&key, text.as_bytes()).ok()?;
            Some(signature.to_bytes().to_vec())
        };
        what.seal(SM2, public.as_bytes(), sign).ok_or(SealError::Signing)
    }

    /// Makes the SM2 key now instead of at the first seal.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be made or read.
    pub fn make_sm2(&self) -> Result<(), SealError> {
        self.sm2().map(drop)
    }

    fn sm2(&self) -> Result<Sm2SigningKey, SealError> {
        use sm2::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
        let file = with_ending(&self.path, "sm2.key");
        let pem = obtain(&file, new_sm2)?;
        let secret = sm2::SecretKey::from_pkcs8_pem(&pem).map_err(|_| SealError::Unreadable(file.clone()))?;
        let public = secret.public_key().to_public_key_pem(sm2::pkcs8::LineEnding::LF);
        let public = public.map_err(|_| SealError::Signing)?;
        obtain(&with_ending(&self.path, "sm2.pub"), || Some(public))?;
        Sm2SigningKey::new(SM2_USER, &secret).map_err(|_| SealError::Unreadable(file))
    }
}

/// The public half of a private key, Ed25519 or SM2, PEM; `None`: it is none.
pub fn public_of(pem: &str) -> Option<String> {
    use sm2::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
    if let Ok(key) = SigningKey::from_pkcs8_pem(pem) {
        return key.verifying_key().to_public_key_pem(LineEnding::LF).ok();
    }
    let secret = sm2::SecretKey::from_pkcs8_pem(pem).ok()?;
    secret.public_key().to_public_key_pem(sm2::pkcs8::LineEnding::LF).ok()
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn new_ed25519() -> Option<String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok()?;
    let pem = KeypairBytes { secret_key: seed, public_key: None }.to_pkcs8_pem(LineEnding::LF).ok()?;
    Some(pem.to_string())
}

fn new_sm2() -> Option<String> {
    use sm2::pkcs8::EncodePrivateKey as _;
    loop {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).ok()?;
        // A seed beyond the order of the curve is no key: one in four thousand million.
        if let Ok(secret) = sm2::SecretKey::from_slice(&seed) {
            return Some(secret.to_pkcs8_pem(sm2::pkcs8::LineEnding::LF).ok()?.to_string());
        }
    }
}

/// What the file holds; written now with what `make` gives if there is none. Of several writers one wins.
fn obtain(path: &Path, make: impl FnOnce() -> Option<String>) -> Result<String, SealError> {
    let unavailable = |source| SealError::Unavailable { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        read => return read.map_err(unavailable),
    }
    let text = make().ok_or(SealError::Signing)?;
    let mode = if path.extension().is_some_and(|e| e == "pub") { 0o644 } else { 0o600 };
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).map_err(unavailable)?;
    durable::create(path, text.as_bytes(), mode).map_err(unavailable)?;
    fs::read_to_string(path).map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sm2::dsa::signature::Verifier as _;

    use super::*;

    fn what(body: &Sha256) -> Signed<'_> {
        let at = Timestamp::from_millis(1_790_000_000_000);
        Signed { paper: "certificate/1", body, role: "administration.seal", name: "区档案局", at }
    }

    #[test]
    fn keys_are_made_once_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = SealKeys::open_or_make(folder.path(), "administration").unwrap();
        let again = SealKeys::open_or_make(folder.path(), "administration").unwrap();
        assert_eq!(first.public(), again.public());
        let body = Sha256::of(b"body");
        let seals = [first.seal_sm2(&what(&body)).unwrap(), again.seal_sm2(&what(&body)).unwrap()];
        assert_eq!(seals[0].key, seals[1].key);
        for (ending, mode) in [("key", 0o600), ("sm2.key", 0o600), ("pub", 0o644), ("sm2.pub", 0o644)] {
            let path = folder.path().join(format!("administration.{ending}"));
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{ending}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "no temporary file stays");
    }

    #[test]
    fn a_key_that_is_missing_is_not_made_by_opening() {
        let folder = tempfile::tempdir().unwrap();
        assert!(SealKeys::open(folder.path(), "archive").unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let made = SealKeys::open_or_make(folder.path(), "archive").unwrap();
        let opened = SealKeys::open(folder.path(), "archive").unwrap().unwrap();
        assert_eq!(opened.public(), made.public());
    }

    #[test]
    fn a_damaged_key_is_reported_and_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("archive.key"), "damaged").unwrap();
        let opened = SealKeys::open_or_make(folder.path(), "archive");
        assert!(matches!(opened, Err(SealError::Unreadable(_))));
        assert_eq!(fs::read(folder.path().join("archive.key")).unwrap(), b"damaged");
    }

    #[test]
    fn an_sm2_seal_verifies_with_the_public_key_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SealKeys::open_or_make(folder.path(), "archive").unwrap();
        let body = Sha256::of(b"body");
        let seal = keys.seal_sm2(&what(&body)).unwrap();
        let key = hex::decode(&seal.key).unwrap();
        assert_eq!((key.len(), seal.value.len()), (65, 128));
        let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_USER, &key).unwrap();
        let text = Seal::text("certificate/1", &body, &seal.role, &seal.name, &seal.at);
        let value = sm2::dsa::Signature::from_slice(&hex::decode(&seal.value).unwrap()).unwrap();
        key.verify(text.as_bytes(), &value).unwrap();
        assert!(key.verify(format!("{text} ").as_bytes(), &value).is_err());
    }
}
