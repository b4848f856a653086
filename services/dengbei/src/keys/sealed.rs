//! One sealed file of all keys: a line that says what it is, a line of JSON ([`Header`]), then a tar archive under
//! ChaCha20-Poly1305 with a key that Argon2id makes of the passphrase. The two lines are authenticated too.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use argon2::{Algorithm, Argon2, Params, Version};
use dengbei_kit::keyring::{Header, MAGIC, fingerprint};
use dengbei_records::Timestamp;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

/// Memory (KiB), passes, lanes: 64 MiB keeps guessing dear where the passphrase is a person's.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// A header may not ask for more than this to be opened.
const MOST_COST: (u32, u32, u32) = (4 * 1024 * 1024, 100, 16);

/// Why a sealed file cannot be made or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[allow(clippy::enum_variant_names, reason = "each says what the file is not")]
pub(crate) enum SealedError {
    /// Not one of ours, or its two lines are damaged.
    #[error("keys.not_a_backup: 不是密钥备份，或已损坏 / not a backup of keys, or damaged")]
    NotABackup,
    /// The passphrase is wrong or a byte differs; which of the two cannot be told.
    #[error("keys.not_opened: 口令错误，或文件已损坏 / the passphrase is wrong, or the file is damaged")]
    NotOpened,
    /// No randomness, or no memory.
    #[error("keys.not_sealed: 无法封存 / cannot seal")]
    NotSealed,
}

/// Files by their path inside the key folder.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Seals `files`.
pub(crate) fn seal(files: &Files, passphrase: &str, now: Timestamp) -> Result<Vec<u8>, SealedError> {
    let (salt, nonce) = (rand::random::<[u8; 16]>(), rand::random::<[u8; 12]>());
    let salt = hex::encode(salt);
    let print = |(name, bytes): (&String, &Vec<u8>)| (name.clone(), fingerprint(&salt, name, bytes));
    let header = Header {
        made_at: now.rfc3339(),
        made_at_millis: now.millis(),
        argon2id: COST,
        nonce: hex::encode(nonce),
        files: files.iter().map(print).collect(),
        salt: salt.clone(),
    };
    let json = serde_json::to_string(&header).map_err(|_| SealedError::NotSealed)?;
    let mut whole = format!("{MAGIC}\n{json}\n").into_bytes();
    let mut sealed = archive(files).map_err(|_| SealedError::NotSealed)?;
    let key = key(passphrase, &header).ok_or(SealedError::NotSealed)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&whole), &mut sealed)
        .map_err(|_| SealedError::NotSealed)?;
    whole.append(&mut sealed);
    Ok(whole)
}

/// Opens what [`seal`] made.
pub(crate) fn open(whole: &[u8], passphrase: &str) -> Result<Files, SealedError> {
    let (header, begins) = Header::read(whole).map_err(|_| SealedError::NotABackup)?;
    let nonce: [u8; 12] =
        hex::decode(&header.nonce).ok().and_then(|n| n.try_into().ok()).ok_or(SealedError::NotABackup)?;
    let key = key(passphrase, &header).ok_or(SealedError::NotABackup)?;
    let (clear, sealed) = whole.split_at(begins);
    let mut sealed = sealed.to_vec();
    let opened = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(clear), &mut sealed)
        .map_err(|_| SealedError::NotOpened)?;
    let files = unpack(opened).map_err(|_| SealedError::NotOpened)?;
    if files.keys().eq(header.files.keys()) { Ok(files) } else { Err(SealedError::NotOpened) }
}

fn key(passphrase: &str, header: &Header) -> Option<LessSafeKey> {
    let (memory, passes, lanes) = header.argon2id;
    if memory > MOST_COST.0 || passes > MOST_COST.1 || lanes > MOST_COST.2 {
        return None;
    }
    let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), header.salt.as_bytes(), &mut key)
        .ok()?;
    UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new)
}

fn archive(files: &Files) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut entry = tar::Header::new_ustar();
        entry.set_size(bytes.len() as u64);
        entry.set_mode(if name.ends_with(".pub") { 0o644 } else { 0o600 });
        archive.append_data(&mut entry, name, bytes.as_slice())?;
    }
    archive.into_inner()
}

fn unpack(archive: &[u8]) -> std::io::Result<Files> {
    let mut files = Files::new();
    for entry in tar::Archive::new(Cursor::new(archive)).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(name, bytes);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let unit = ("units/115113016823646795.key".to_owned(), b"unit\n".to_vec());
        Files::from([("id.key".to_owned(), vec![7; 64]), unit, ("empty".to_owned(), Vec::new())])
    }

    #[test]
    fn what_was_sealed_opens_with_its_passphrase_alone() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let sealed = seal(&files(), "correct horse", now).unwrap();
        assert_eq!(open(&sealed, "correct horse").unwrap(), files());
        assert_eq!(open(&sealed, "correct hors").unwrap_err(), SealedError::NotOpened);
        assert_ne!(sealed, seal(&files(), "correct horse", now).unwrap(), "salt and nonce are new each time");
        assert!(!sealed.windows(8).any(|w| w == [7; 8]));
    }

    #[test]
    fn every_kind_of_damage_is_noticed() {
        let sealed = seal(&files(), "p", Timestamp::from_millis(5)).unwrap();
        let (_, begins) = Header::read(&sealed).unwrap();
        let digit = sealed.windows(9).position(|w| w == b"made_at\":").unwrap() + 10;
        for at in [0, digit, begins, (begins + sealed.len()) / 2, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&damaged, "p").is_err(), "byte {at}");
        }
        assert!(open(&sealed[..sealed.len() - 1], "p").is_err());
        assert!(open(b"", "p").is_err());
    }

    #[test]
    fn a_header_that_asks_for_all_memory_is_refused() {
        let sealed = seal(&files(), "p", Timestamp::from_millis(5)).unwrap();
        let text = String::from_utf8_lossy(&sealed[..200]).into_owned();
        let greedy = text.replace("[65536,3,1]", "[4194305,3,1]");
        assert_ne!(text, greedy);
        let greedy = [greedy.as_bytes(), &sealed[200..]].concat();
        assert!(open(&greedy, "p").is_err());
    }
}
