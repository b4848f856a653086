//! Public halves that are known of somebody: the present one (`<name>.pub`) and the former ones (`<name>.former.pub`,
//! PEM after PEM, oldest first). What a former key signed stays signed.

use std::fs;
use std::io;
use std::path::Path;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";

/// Ed25519 keys of `<folder>/<name>`, the present one first; `None`: nothing is known of it here. Blocking, but short.
///
/// # Errors
/// The disk's; [`io::ErrorKind::InvalidData`] when a file holds no key.
pub fn known(folder: &Path, name: &str) -> io::Result<Option<Vec<[u8; 32]>>> {
    let Some(present) = read(&folder.join(format!("{name}.pub")))? else { return Ok(None) };
    let former = read(&folder.join(format!("{name}.former.pub")))?.unwrap_or_default();
    let keys = present.iter().chain(former.iter().rev()).map(|pem| key(pem));
    keys.collect::<io::Result<Vec<_>>>().map(Some)
}

/// The PEM blocks of a file; `None`: there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<String>>> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
        Ok(text) => {
            let blocks: Vec<String> =
                text.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{}\n", rest.trim_end())).collect();
            if blocks.is_empty() { Err(no_key(&path.display().to_string())) } else { Ok(Some(blocks)) }
        }
    }
}

fn key(pem: &str) -> io::Result<[u8; 32]> {
    VerifyingKey::from_public_key_pem(pem).map(|key| key.to_bytes()).map_err(|_| no_key("PEM"))
}

fn no_key(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("不是公钥 / no public key: {what}"))
}
