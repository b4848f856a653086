//! 备份回执: what a site signs after it read back what it holds. Part of `pack.stored`, `pack.secured`, `pack.repaired`.

use dengbei_proto::v1;
use dengbei_records::{AreaCode, Invalid, PackNumber, Sha256, Timestamp};
use std::fmt;
use std::str::FromStr;

use super::{ReadError, fixed};

/// Why a copy is on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// 存储副本: for durability, before registration; not called backup.
    Storage,
    /// 备份: of what was registered.
    Backup,
    /// 进馆: the archive's own copy.
    Accession,
}

impl Purpose {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Storage, "storage", "存储副本"),
        (Self::Backup, "backup", "备份"),
        (Self::Accession, "accession", "进馆"),
    ];

    /// `storage`, `backup`, `accession`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The word that offices see.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Purpose {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let row = Self::ALL.iter().find(|row| row.1 == s);
        row.map(|row| row.0).ok_or_else(|| Invalid::new("备份目的 purpose", s))
    }
}

/// Who stands for a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness {
    /// The site itself, with its key.
    Signed {
        /// Ed25519 public key of the site.
        key: [u8; 32],
        /// Over [`SiteReceipt::signed_text`].
        signature: [u8; 64],
    },
    /// A bare bucket signs nothing: who read it back. Policy may refuse to count it.
    ObservedBy(String),
}

/// 备份回执.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteReceipt {
    /// 备份点
    pub site: String,
    /// `primary`, `archive`, `remote`, `offline`.
    pub class: String,
    /// Why.
    pub purpose: Purpose,
    /// 存储包
    pub pack: PackNumber,
    /// Generation of the pack, from 1.
    pub generation: u32,
    /// SHA-256 of what was read back.
    pub digest: Sha256,
    /// RFC 6962 root over the object versions inside; survives a rewrite.
    pub versions_root: Sha256,
    /// Bytes of the pack.
    pub bytes: u64,
    /// When it was read back.
    pub stored_at: Timestamp,
    /// Who says so.
    pub witness: Witness,
}

impl SiteReceipt {
    /// Reads the message.
    ///
    /// # Errors
    /// [`ReadError`] when a field holds what it must not.
    pub fn read(p: v1::SiteReceipt) -> Result<Self, ReadError> {
        let witness = if p.observed_by.is_empty() {
            Witness::Signed { key: fixed(&p.key)?, signature: fixed(&p.signature)? }
        } else {
            Witness::ObservedBy(p.observed_by)
        };
        Ok(Self {
            site: p.site,
            class: p.class,
            purpose: p.purpose.parse()?,
            pack: PackNumber::new(p.pack),
            generation: p.generation,
            digest: Sha256::from_slice(&p.digest)?,
            versions_root: Sha256::from_slice(&p.versions_root)?,
            bytes: p.bytes,
            stored_at: Timestamp::from_millis(p.stored_at),
            witness,
        })
    }

    /// As it travels.
    pub fn write(&self) -> v1::SiteReceipt {
        let (key, signature, observed_by) = match &self.witness {
            Witness::Signed { key, signature } => (key.to_vec(), signature.to_vec(), String::new()),
            Witness::ObservedBy(who) => (Vec::new(), Vec::new(), who.clone()),
        };
        v1::SiteReceipt {
            site: self.site.clone(),
            class: self.class.clone(),
            purpose: self.purpose.name().into(),
            pack: self.pack.get(),
            generation: self.generation,
            digest: self.digest.as_bytes().to_vec().into(),
            versions_root: self.versions_root.as_bytes().to_vec().into(),
            bytes: self.bytes,
            stored_at: self.stored_at.millis(),
            key: key.into(),
            signature: signature.into(),
            observed_by,
        }
    }

    /// The text that the site's key signs: everything but the witness, one a line.
    pub fn signed_text(&self, area: &AreaCode) -> String {
        let Self { site, class, purpose, pack, generation, digest, versions_root, bytes, stored_at, .. } =
            self;
        let at = stored_at.millis();
        format!(
            "dengbei/site-receipt/v1\n{area}\n{site}\n{class}\n{purpose}\n{pack}\n{generation}\n{digest}\n{versions_root}\n{bytes}\n{at}\n"
        )
    }
}
