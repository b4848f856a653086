//! 损坏: a copy is not what was stored. Caused by the `pack.stored` of that copy.
//!
//! Before: `fixity/src/inspect.rs`. After: `replication/src/repair.rs`.

use std::str::FromStr;

use dengbei_proto::v1;
use dengbei_records::{Invalid, PackNumber, Sha256};

use super::{ReadError, optional};

/// 损坏: a copy is not what was stored. Caused by the `pack.stored` of that copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackDamaged {
    /// 备份点.
    pub site: String,
    /// 存储包.
    pub pack: PackNumber,
    /// Generation of the pack.
    pub generation: u32,
    /// What is wrong.
    pub kind: Damage,
    /// SHA-256 that was signed.
    pub expected: Sha256,
    /// SHA-256 of what is there; `None`: it could not be read.
    pub found: Option<Sha256>,
    /// Bytes of what is there.
    pub found_bytes: u64,
}

impl PackDamaged {
    pub(super) fn read(p: v1::PackDamaged) -> Result<Self, ReadError> {
        Ok(Self {
            site: p.site,
            pack: PackNumber::new(p.pack),
            generation: p.generation,
            kind: p.kind.parse()?,
            expected: Sha256::from_slice(&p.expected)?,
            found: optional(&p.found)?,
            found_bytes: p.found_bytes,
        })
    }

    pub(super) fn write(&self) -> v1::PackDamaged {
        v1::PackDamaged {
            site: self.site.clone(),
            pack: self.pack.get(),
            generation: self.generation,
            kind: self.kind.name().into(),
            expected: self.expected.as_bytes().to_vec().into(),
            found: self.found.map(|d| d.as_bytes().to_vec()).unwrap_or_default().into(),
            found_bytes: self.found_bytes,
        }
    }
}

/// What is wrong with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// 内容改变: the same length, other bytes.
    Damaged,
    /// 长度改变.
    Truncated,
    /// 无法读取.
    Unreadable,
    /// 意外: there is a pack that nobody stored.
    Unexpected,
    /// 回退: an older generation, or the site's log went back.
    RolledBack,
}

impl Damage {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Damaged, "damaged", "内容改变"),
        (Self::Truncated, "truncated", "长度改变"),
        (Self::Unreadable, "unreadable", "无法读取"),
        (Self::Unexpected, "unexpected", "来历不明"),
        (Self::RolledBack, "rolled_back", "回退"),
    ];

    /// `damaged`, …
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The word that offices see.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }
}

impl FromStr for Damage {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let row = Self::ALL.iter().find(|row| row.1 == s);
        row.map(|row| row.0).ok_or_else(|| Invalid::new("损坏种类 damage", s))
    }
}
