//! Makes what keys and tokens are missing, once. Never again where one is damaged, half there, or was lost: a second
//! key would say that somebody else signs, and a second id key would give every item another id.

use std::path::{Path, PathBuf};

use dengbei_kit::seals::{SealError, SealKeys};
use dengbei_records::AreaCode;
use dengbei_register::note::KeyName;
use dengbei_register::{KeyError, Signer, Verifier};

use super::pairs;
use crate::up::{UpError, durable};

/// 登记机关 and 档案馆: who seals certificates and handovers.
const BODIES: [&str; 2] = ["administration", "archive"];

/// What is made for whom.
#[derive(Debug)]
pub(crate) struct Making<'a> {
    /// The key folder; made if it is missing.
    pub(crate) keys: &'a Path,
    /// Names the log.
    pub(crate) area: &'a AreaCode,
    /// The log of the primary site where it is a folder: what lies there was written with keys that must still be.
    pub(crate) log: Option<PathBuf>,
    /// Sites that run on this key folder.
    pub(crate) sites: Vec<String>,
}

impl Making<'_> {
    /// Makes what is missing; the names of what was made. Durable when it returns.
    ///
    /// # Errors
    /// Refuses a damaged key, half a pair, keys of another area, and new keys for a log that was begun with others.
    pub(crate) fn run(&self) -> Result<Vec<String>, UpError> {
        durable::folder(self.keys, 0o700)?;
        pairs::check(self.keys)?;
        self.refuse_another_area()?;
        self.refuse_to_replace_what_was_lost()?;
        let mut made = Vec::new();
        let mut note = |name: &str, is_new: bool| made.extend(is_new.then(|| name.to_owned()));
        note("id.key", token(&self.keys.join("id.key"))?.1);
        self.check_id_key()?;
        note("register.key", self.register_key()?);
        for body in BODIES {
            let (keys, is_new) = self.seal_key(body)?;
            keys.make_sm2().map_err(|e| self.not_a_seal(body, &e))?;
            note(body, is_new);
        }
        for site in &self.sites {
            let name = format!("sites/{site}");
            note(&name, self.seal_key(&name)?.1);
        }
        for name in ["actor.key", "mesh.token"] {
            note(name, token(&self.keys.join(name))?.1);
        }
        Ok(made)
    }

    fn seal_key(&self, name: &str) -> Result<(SealKeys, bool), UpError> {
        let is_new = !self.keys.join(format!("{name}.key")).exists();
        let keys = SealKeys::open_or_make(self.keys, name).map_err(|e| self.not_a_seal(name, &e))?;
        Ok((keys, is_new))
    }

    fn refuse_another_area(&self) -> Result<(), UpError> {
        let path = self.keys.join("register.pub");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        let wanted = format!("dengbei/{}", self.area);
        match text.parse::<Verifier>() {
            Ok(verifier) if verifier.name().as_str() != wanted => Err(UpError::refused(
                "keys.area_differs",
                format!("{} 属于登记簿 {}，不是 {wanted}", path.display(), verifier.name().as_str()),
                format!("{} is of the log {}, not {wanted}", path.display(), verifier.name().as_str()),
            )
            .with_remedy("改回配置中的 area，或换一个密钥目录 / set area back, or name another key folder")),
            // What is unreadable is written again from the private half.
            _ => Ok(()),
        }
    }

    fn refuse_to_replace_what_was_lost(&self) -> Result<(), UpError> {
        let Some(log) = self.log.as_ref().filter(|log| log.join("checkpoint").exists()) else {
            return Ok(());
        };
        let lost = ["id.key", "register.key"].map(|name| self.keys.join(name));
        match lost.iter().find(|path| !path.exists()) {
            None => Ok(()),
            Some(path) => Err(UpError::refused(
                "keys.lost",
                format!("登记簿 {} 已有内容，但密钥 {} 不在了", log.display(), path.display()),
                format!("the log {} was begun, but {} is gone", log.display(), path.display()),
            )
            .with_remedy("从密钥备份恢复 / restore it: dengbei keys restore FILE --to DIR")),
        }
    }

    fn check_id_key(&self) -> Result<(), UpError> {
        let path = self.keys.join("id.key");
        let text = std::fs::read_to_string(&path).map_err(UpError::io(&path))?;
        let is_key = hex::decode(text.trim()).is_ok_and(|bytes| bytes.len() == 32);
        if is_key {
            Ok(())
        } else {
            Err(damaged(&path, &"不是 32 字节的十六进制 / not 32 bytes in hex"))
        }
    }

    /// The log's key and, derived from it again at every start, its public text. Whether it was made.
    fn register_key(&self) -> Result<bool, UpError> {
        let path = self.keys.join("register.key");
        let unreadable = |reason: KeyError| damaged(&path, &reason);
        let name: KeyName = format!("dengbei/{}", self.area).parse().map_err(unreadable)?;
        let mut is_new = false;
        if !path.exists() {
            let pem = Signer::from_seed(name.clone(), &rand::random()).to_pem().map_err(unreadable)?;
            is_new = durable::create(&path, pem.as_bytes(), 0o600)?;
        }
        let pem = std::fs::read_to_string(&path).map_err(UpError::io(&path))?;
        let signer = Signer::from_pem(name, &pem).map_err(unreadable)?;
        let public = signer.verifier().to_string();
        durable::replace(&self.keys.join("register.pub"), public.as_bytes(), 0o644).map(|()| is_new)
    }

    fn not_a_seal(&self, body: &str, reason: &SealError) -> UpError {
        damaged(&self.keys.join(body), reason)
    }
}

/// 32 random bytes in hexadecimal, made once; and whether they were made now.
pub(crate) fn token(path: &Path) -> Result<(String, bool), UpError> {
    let mut is_new = false;
    if !path.exists() {
        is_new = durable::create(path, hex::encode(rand::random::<[u8; 32]>()).as_bytes(), 0o600)?;
    }
    let text = std::fs::read_to_string(path).map_err(UpError::io(path))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(damaged(path, &"空文件 / empty"));
    }
    Ok((text.to_owned(), is_new))
}

/// A file that should hold a key and does not.
pub(super) fn damaged(path: &Path, reason: &dyn std::fmt::Display) -> UpError {
    UpError::refused(
        "up.key_unreadable",
        format!("密钥文件 {} 无法读取：{reason}", path.display()),
        format!("cannot read key file {}: {reason}", path.display()),
    )
    .with_remedy(
        "从密钥备份恢复该文件，不要重新生成 / restore the file from the key backup, do not make a new one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn making(keys: &Path) -> Result<Vec<String>, UpError> {
        let area = "330499".parse().unwrap();
        Making { keys, area: &area, log: Some(keys.join("../log")), sites: vec!["primary".into()] }.run()
    }

    fn code(made: Result<Vec<String>, UpError>) -> String {
        made.unwrap_err().to_string().split(':').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn everything_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let made = making(&keys).unwrap();
        let all = [
            "id.key",
            "register.key",
            "administration",
            "archive",
            "sites/primary",
            "actor.key",
            "mesh.token",
        ];
        assert_eq!(made, all);
        let before = dengbei_kit::keyring::files(&keys).unwrap();
        assert!(making(&keys).unwrap().is_empty());
        assert_eq!(dengbei_kit::keyring::files(&keys).unwrap(), before);
    }

    #[test]
    fn half_a_pair_another_pair_another_area_and_a_lost_key_are_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        making(&keys).unwrap();
        let key = |name: &str| keys.join(name);
        let archive = std::fs::read(key("archive.key")).unwrap();
        std::fs::remove_file(key("archive.key")).unwrap();
        assert!(code(making(&keys)).contains("keys.half_missing"));
        assert!(!key("archive.key").exists());
        std::fs::copy(key("administration.key"), key("archive.key")).unwrap();
        assert!(code(making(&keys)).contains("keys.pair_differs"));
        std::fs::write(key("archive.key"), archive).unwrap();
        assert!(making(&keys).unwrap().is_empty());
        let area = "330400".parse().unwrap();
        assert!(
            code(Making { keys: &keys, area: &area, log: None, sites: Vec::new() }.run())
                .contains("keys.area_differs")
        );
        std::fs::remove_file(key("id.key")).unwrap();
        std::fs::create_dir(folder.path().join("log")).unwrap();
        std::fs::write(folder.path().join("log/checkpoint"), "x").unwrap();
        assert!(code(making(&keys)).contains("keys.lost"));
        std::fs::write(key("id.key"), "short").unwrap();
        assert!(code(making(&keys)).contains("up.key_unreadable"));
    }
}
