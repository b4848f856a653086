//! The checks by their stable ids. What each is stands in [`declared`](crate::declared); here is only its name tag.

use std::fmt;
use std::str::FromStr;

use dengbei_records::Invalid;
use serde::{Deserialize, Serialize};

use crate::declared::{DECLARED, Declared};
use crate::{Scope, Stage};

/// 四性: which of the four properties a check belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// 真实性
    Authenticity,
    /// 完整性
    Integrity,
    /// 可用性
    Usability,
    /// 安全性
    Security,
}

impl Property {
    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authenticity => "真实性",
            Self::Integrity => "完整性",
            Self::Usability => "可用性",
            Self::Security => "安全性",
        }
    }

    /// The English word.
    pub const fn word_en(self) -> &'static str {
        match self {
            Self::Authenticity => "authenticity",
            Self::Integrity => "integrity",
            Self::Usability => "usability",
            Self::Security => "security",
        }
    }
}

/// A check. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs, reason = "`CheckId::declared` gives each its Chinese and English name")]
pub enum CheckId {
    A01,
    A02,
    A03,
    A04,
    A05,
    A06,
    A07,
    A08,
    A09,
    A10,
    A11,
    A12,
    A13,
    A14,
    A15,
    A16,
    A17,
    A18,
    I01,
    I02,
    I03,
    I04,
    I05,
    I06,
    I07,
    I08,
    I09,
    I10,
    I11,
    I12,
    U01,
    U02,
    U03,
    U04,
    U05,
    U06,
    U07,
    U08,
    U09,
    S01,
    S02,
    S03,
    S04,
    S05,
    S06,
    S07,
    S08,
    S09,
}

impl CheckId {
    /// How many checks there are.
    pub const COUNT: usize = 48;

    /// Every check, in order of ids.
    pub fn all() -> impl Iterator<Item = Self> {
        DECLARED.iter().map(|d| d.id)
    }

    /// What is declared about it.
    pub fn declared(self) -> &'static Declared {
        &DECLARED[self as usize]
    }

    /// `A-02`
    pub fn as_str(self) -> &'static str {
        self.declared().code
    }

    /// The numbers of DA/T 70 at a stage: `GD-1-1`, `YJ-4-5 YJ-4-6`; empty where DA/T 70 has none.
    ///
    /// The numbers of 移交 and 长期保存 run in parallel to those of 归档; a scheme may name others.
    pub fn alias(self, stage: Stage) -> String {
        let prefix = stage.prefix();
        let numbers = self.declared().numbers.iter().map(|n| format!("{prefix}-{n}"));
        numbers.collect::<Vec<_>>().join(" ")
    }

    /// Chinese name.
    pub fn name(self) -> &'static str {
        self.declared().name
    }

    /// English name.
    pub fn name_en(self) -> &'static str {
        self.declared().name_en
    }

    /// What one run of it looks at.
    pub fn scope(self) -> Scope {
        self.declared().scope
    }

    /// Which of the four properties.
    pub fn property(self) -> Property {
        match self.as_str().as_bytes()[0] {
            b'A' => Property::Authenticity,
            b'I' => Property::Integrity,
            b'U' => Property::Usability,
            _ => Property::Security,
        }
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckId {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let found = DECLARED.iter().find(|d| d.code == s);
        found.map(|d| d.id).ok_or_else(|| Invalid::new("检测项 check id", s))
    }
}

impl TryFrom<String> for CheckId {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl From<CheckId> for String {
    fn from(id: CheckId) -> Self {
        id.as_str().to_owned()
    }
}
