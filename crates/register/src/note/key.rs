//! Keys of signed notes: names, ids, Ed25519 signing keys (PKCS#8 PEM) and verifier keys (key text).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::SignatureLine;

/// The signature type byte of plain Ed25519.
const ED25519: u8 = 0x01;

/// A key that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or with a space or a plus sign.
    #[error("密钥名无效 / not a key name: {0}")]
    Name(String),
    /// Not `name+id+base64`.
    #[error("密钥文本格式不对 / malformed verifier key")]
    Malformed,
    /// The id is not that of name and key.
    #[error("密钥标识不符 / the key id is not that of this name and key")]
    WrongId,
    /// Not Ed25519.
    #[error("不支持的密钥类型{0} / unsupported kind of key: {0}")]
    Kind(u8),
    /// A point that is no key, or one that anybody can sign for.
    #[error("密钥无效 / not a sound Ed25519 key")]
    Unsound,
    /// No Ed25519 private key in PKCS#8 PEM.
    #[error("不是Ed25519私钥(PKCS#8 PEM) / not an Ed25519 private key in PKCS#8 PEM")]
    Pem(#[source] ed25519_dalek::pkcs8::Error),
}

/// The name of a key: not empty, without spaces, control characters or `+`. Often the log's origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let is_refused = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.contains(is_refused) {
            return Err(KeyError::Name(text.chars().take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first four bytes of a digest over name, kind and key: tells keys apart, proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Takes an id as it stands in a signature.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    fn of(name: &KeyName, key: &VerifyingKey) -> Self {
        let hasher = Sha256::new().chain_update(name.as_str()).chain_update([b'\n', ED25519]);
        let digest: [u8; 32] = hasher.chain_update(key.as_bytes()).finalize().into();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A public key with its name. Key text: `name+id+base64(0x01 ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

impl Verifier {
    /// A named Ed25519 key.
    ///
    /// # Errors
    /// [`KeyError::Unsound`] when the bytes are no key or a weak one.
    pub fn new(name: KeyName, key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Unsound)?;
        if key.is_weak() {
            return Err(KeyError::Unsound);
        }
        Ok(Self { id: KeyId::of(&name, &key), name, key })
    }

    /// The key's name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The raw public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's over `text`; the strict rules of `verify_strict`.
    pub fn is_valid(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = BASE64.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        write!(f, "{}+{}+{encoded}", self.name, self.id)
    }
}

impl FromStr for Verifier {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(KeyError::Malformed);
        let (name, id, encoded) = (part()?.parse()?, part()?, part()?);
        let bytes = BASE64.decode(encoded).map_err(|_| KeyError::Malformed)?;
        let (kind, key) = bytes.split_first().ok_or(KeyError::Malformed)?;
        if *kind != ED25519 {
            return Err(KeyError::Kind(*kind));
        }
        let verifier = Self::new(name, key.try_into().map_err(|_| KeyError::Malformed)?)?;
        if verifier.id.to_string() == id { Ok(verifier) } else { Err(KeyError::WrongId) }
    }
}

/// A private key with its name. Debug shows the public half only; memory is cleared when dropped.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

impl Signer {
    /// The key that belongs to a secret of 32 random bytes.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        Self::from_key(name, SigningKey::from_bytes(seed))
    }

    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// What the system says when it has none.
    pub fn generate(name: KeyName) -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self::from_seed(name, &seed))
    }

    /// Reads a PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` or [`Signer::to_pem`] writes it.
    ///
    /// # Errors
    /// [`KeyError::Pem`] when it is none.
    pub fn from_pem(name: KeyName, pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(|key| Self::from_key(name, key)).map_err(KeyError::Pem)
    }

    /// Writes the PKCS#8 PEM, without the public key, which older OpenSSL cannot read.
    ///
    /// # Errors
    /// [`KeyError::Pem`] when it cannot be encoded.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let bytes = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        Ok(bytes.to_pkcs8_pem(LineEnding::LF).map_err(KeyError::Pem)?.to_string())
    }

    fn from_key(name: KeyName, key: SigningKey) -> Self {
        let public = key.verifying_key();
        Self { verifier: Verifier { id: KeyId::of(&name, &public), name, key: public }, key }
    }

    /// The key's name.
    pub const fn name(&self) -> &KeyName {
        self.verifier.name()
    }

    /// The public half.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signature line over `text`, which ends in a newline.
    pub fn sign(&self, text: &str) -> SignatureLine {
        let signature = self.key.sign(text.as_bytes()).to_vec();
        SignatureLine { name: self.verifier.name.clone(), id: self.verifier.id, signature }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPENSSL_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    #[test]
    fn key_text_reads_back_and_any_other_id_is_refused() {
        let text = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
        assert_eq!(text.parse::<Verifier>().unwrap().to_string(), text);
        assert_eq!(text.replace("33d7", "33d8").parse::<Verifier>(), Err(KeyError::WrongId));
        assert_eq!(text.replace("33d7", "33D7").parse::<Verifier>(), Err(KeyError::WrongId));
        assert_eq!(text.replace(".com", ".org").parse::<Verifier>(), Err(KeyError::WrongId));
        assert_eq!(text.replace("+AeHT", "+BOHT").parse::<Verifier>(), Err(KeyError::Kind(4)));
        assert_eq!(text.replace("kkSx", "kk==").parse::<Verifier>(), Err(KeyError::Malformed));
        assert!(matches!("a b+33d7b496+AeHT".parse::<Verifier>(), Err(KeyError::Name(_))));
    }

    #[test]
    fn private_key_in_the_form_of_openssl_is_read_and_written() {
        let signer = Signer::from_pem("a".parse().unwrap(), OPENSSL_PEM).unwrap();
        assert_eq!(signer.to_pem().unwrap(), OPENSSL_PEM);
        // RFC 8410, section 10: the public key that belongs to this private key.
        let public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
        assert_eq!(hex::encode(signer.verifier().public_key()), public);
        assert!(matches!(Signer::from_pem("a".parse().unwrap(), "junk"), Err(KeyError::Pem(_))));
    }

    #[test]
    fn two_generated_keys_differ_and_debug_hides_the_secret() {
        let [one, two] = [(), ()].map(|()| Signer::generate("a".parse().unwrap()).unwrap());
        assert_ne!(one.verifier(), two.verifier());
        assert!(!format!("{one:?}").contains(&format!("{:?}", one.key.to_bytes())));
    }

    #[test]
    fn weak_key_is_refused() {
        let identity = {
            let mut key = [0; 32];
            key[0] = 1;
            key
        };
        assert_eq!(Verifier::new("a".parse().unwrap(), &identity), Err(KeyError::Unsound));
    }

    proptest! {
        #[test]
        fn reading_a_key_never_panics(text in "[a-c]{0,2}[+]?[0-9a-f]{0,9}[+]?[A-Za-z0-9+/=]{0,48}|.*") {
            let _ = text.parse::<Verifier>();
        }
    }
}
