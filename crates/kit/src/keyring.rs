//! The key folder as a whole (密钥目录): what lies in it, and whether the sealed backup beside it covers all of it.
//!
//! Sealing and opening are the command line's (`dengbei keys`); this reads only what a sealed backup says in the
//! clear. Neighbours: `seals` for single keys; registration measures the coverage. Blocking, but short.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dengbei_records::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Folder inside the key folder for what is about keys and is no key.
const BACKUP: &str = "backup";
/// How a sealed backup begins; the next line is its [`Header`], the rest is sealed.
pub const MAGIC: &str = "dengbei-keys-backup/1";
/// A header longer than this is none.
const LONGEST_HEADER: usize = 4 << 20;

/// The sealed backup inside a key folder.
pub fn sealed(keys: &Path) -> PathBuf {
    keys.join(BACKUP).join("keys.sealed")
}

/// The code that opens the first backup, until the operator has taken it away.
pub fn recovery_code(keys: &Path) -> PathBuf {
    keys.join(BACKUP).join("recovery-code")
}

/// What a sealed backup says in the clear: how it was sealed, and which files it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When, RFC 3339.
    pub made_at: String,
    /// When, milliseconds.
    pub made_at_millis: i64,
    /// Argon2id: memory (KiB), passes, lanes.
    pub argon2id: (u32, u32, u32),
    /// For Argon2id and for the fingerprints, hexadecimal.
    pub salt: String,
    /// For ChaCha20-Poly1305, hexadecimal.
    pub nonce: String,
    /// Each file and its fingerprint: it tells whether a file is still the one that was sealed, and nothing of it,
    /// because every secret in the folder is random.
    pub files: BTreeMap<String, String>,
}

impl Header {
    /// The header of a sealed backup and where what is sealed begins.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when it is none.
    pub fn read(bytes: &[u8]) -> io::Result<(Self, usize)> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "不是密钥备份 / not a backup of keys");
        let rest = bytes.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
        let rest = rest.ok_or_else(invalid)?;
        let end = rest.iter().take(LONGEST_HEADER).position(|b| *b == b'\n').ok_or_else(invalid)?;
        let header = serde_json::from_slice(&rest[..end]).map_err(|_| invalid())?;
        Ok((header, bytes.len() - rest.len() + end + 1))
    }
}

/// What tells a file from another one of that name.
pub fn fingerprint(salt: &str, name: &str, content: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [salt.as_bytes(), name.as_bytes(), content] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file of the folder by its path inside, but the backup's own and those that are being written.
///
/// # Errors
/// The disk's.
pub fn files(keys: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    walk(keys, "", &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, inside: &str, found: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a name that is no text"))?;
        let is_own = inside.is_empty() && name == BACKUP;
        if name.starts_with('.') || name == "lost+found" || is_own {
            continue;
        }
        let inside = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        // Mounted secrets are links to files.
        if fs::metadata(entry.path())?.is_dir() {
            walk(&entry.path(), &inside, found)?;
        } else {
            found.insert(inside, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// How the sealed backup in a key folder stands to what lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// When the backup was made; `None`: there is none, or it is unreadable.
    pub made_at: Option<Timestamp>,
    /// Private files that it lacks, or holds in another form.
    pub uncovered: Vec<String>,
    /// Whether the recovery code still lies beside it.
    pub has_code: bool,
}

impl Coverage {
    /// Whether every private file is in the backup as it is.
    pub fn is_whole(&self) -> bool {
        self.made_at.is_some() && self.uncovered.is_empty()
    }
}

/// Compares the backup with the folder. Public halves need no backup.
///
/// # Errors
/// The disk's.
pub fn coverage(keys: &Path) -> io::Result<Coverage> {
    let header = match fs::read(sealed(keys)) {
        Ok(bytes) => Header::read(&bytes).ok().map(|(header, _)| header),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let is_covered = |name: &String, content: &[u8]| {
        name.ends_with(".pub")
            || header
                .as_ref()
                .is_some_and(|h| h.files.get(name) == Some(&fingerprint(&h.salt, name, content)))
    };
    let files = files(keys)?;
    let uncovered = files.iter().filter(|(name, content)| !is_covered(name, content));
    Ok(Coverage {
        uncovered: uncovered.map(|(name, _)| name.clone()).collect(),
        made_at: header.as_ref().map(|header| Timestamp::from_millis(header.made_at_millis)),
        has_code: recovery_code(keys).exists(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(keys: &Path) -> Header {
        let files = files(keys).unwrap();
        Header {
            made_at: String::new(),
            made_at_millis: 7,
            argon2id: (8, 1, 1),
            salt: "ab".into(),
            nonce: "cd".into(),
            files: files.iter().map(|(name, bytes)| (name.clone(), fingerprint("ab", name, bytes))).collect(),
        }
    }

    fn seal(keys: &Path) {
        fs::create_dir_all(keys.join("backup")).unwrap();
        let header = serde_json::to_string(&header(keys)).unwrap();
        fs::write(sealed(keys), format!("{MAGIC}\n{header}\nsealed")).unwrap();
    }

    #[test]
    fn a_backup_covers_the_keys_it_was_made_of_and_no_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path();
        fs::create_dir(keys.join("units")).unwrap();
        fs::write(keys.join("id.key"), "a").unwrap();
        fs::write(keys.join("units/u.key"), "b").unwrap();
        let none = coverage(keys).unwrap();
        assert_eq!((none.made_at, none.uncovered.len()), (None, 2));
        seal(keys);
        assert!(coverage(keys).unwrap().is_whole());
        fs::write(keys.join("units/u.pub"), "public").unwrap();
        assert!(coverage(keys).unwrap().is_whole());
        fs::write(keys.join("units/v.key"), "c").unwrap();
        fs::write(keys.join("id.key"), "another").unwrap();
        assert_eq!(coverage(keys).unwrap().uncovered, ["id.key", "units/v.key"]);
    }

    #[test]
    fn what_is_no_backup_is_none() {
        for bytes in ["", "dengbei-keys-backup/1\n", "dengbei-keys-backup/1\n{}\n", "other\n{}\n"] {
            assert!(Header::read(bytes.as_bytes()).is_err(), "{bytes}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("backup")).unwrap();
        fs::write(sealed(folder.path()), "damaged").unwrap();
        assert!(!coverage(folder.path()).unwrap().is_whole());
    }
}
