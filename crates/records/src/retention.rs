//! 保管期限 (国家档案局令第8号): permanent, thirty years, ten years.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// How long a record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Retention {
    /// 永久
    #[serde(rename = "Y")]
    Permanent,
    /// 定期30年
    #[serde(rename = "D30")]
    ThirtyYears,
    /// 定期10年
    #[serde(rename = "D10")]
    TenYears,
}

impl Retention {
    /// Reads the code or any of the words that senders write (domain.md 2.7).
    ///
    /// # Errors
    /// [`Invalid`] for any other text.
    pub fn from_source(text: &str) -> Result<Self, Invalid> {
        match text.trim() {
            "Y" | "永久" => Ok(Self::Permanent),
            "D30" | "30年" | "定期30年" | "长期" => Ok(Self::ThirtyYears),
            "D10" | "10年" | "定期10年" | "短期" => Ok(Self::TenYears),
            other => Err(Invalid::new("保管期限 retention", other)),
        }
    }

    /// The code in archival codes: `Y`, `D30`, `D10`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Permanent => "Y",
            Self::ThirtyYears => "D30",
            Self::TenYears => "D10",
        }
    }

    /// As offices write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Permanent => "永久",
            Self::ThirtyYears => "定期30年",
            Self::TenYears => "定期10年",
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Retention {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        Self::from_source(s)
    }
}
