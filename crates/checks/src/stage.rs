//! When checks run, and what they do when they fail: the letters of the table.

use std::fmt;
use std::str::FromStr;

use dengbei_records::Invalid;
use serde::{Deserialize, Serialize};

/// When checks run. A transfer runs Y three times: 移交 by the unit, 接收 by the archive, 入库 on storing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// 预归档: at the door
    P,
    /// 归档
    G,
    /// 移交与接收
    Y,
    /// 长期保存
    C,
}

impl Stage {
    /// Every stage, in the order of a record's life.
    pub const ALL: [Self; 4] = [Self::P, Self::G, Self::Y, Self::C];

    /// The prefix in DA/T 70. Pre-filing is the first half of filing there.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::P | Self::G => "GD",
            Self::Y => "YJ",
            Self::C => "CQ",
        }
    }

    /// The letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P => "P",
            Self::G => "G",
            Self::Y => "Y",
            Self::C => "C",
        }
    }

    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::P => "预归档",
            Self::G => "归档",
            Self::Y => "移交与接收",
            Self::C => "长期保存",
        }
    }

    /// The English word.
    pub const fn word_en(self) -> &'static str {
        match self {
            Self::P => "pre-filing",
            Self::G => "filing",
            Self::Y => "transfer",
            Self::C => "keeping",
        }
    }

    /// Reads the letter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// What a failing check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// 警告: kept and shown.
    #[serde(rename = "W")]
    Warns,
    /// 阻断: the package goes back.
    #[serde(rename = "B")]
    Blocks,
    /// 人工: a person looks and signs; what is not signed, waits.
    #[serde(rename = "M")]
    Signed,
}

impl Severity {
    /// `B`, `W` or `M`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warns => "W",
            Self::Blocks => "B",
            Self::Signed => "M",
        }
    }

    /// The word of forms: 阻断, 警告, 人工.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warns => "警告",
            Self::Blocks => "阻断",
            Self::Signed => "人工",
        }
    }
}

/// A check at a stage: what its failing does, and whether it looks at the sample only (`Bs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    /// What its failing does.
    pub severity: Severity,
    /// On the sample only.
    pub is_sampled: bool,
}

impl FromStr for Rule {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let letter = text.strip_suffix('s').unwrap_or(text);
        let severity = match letter {
            "B" => Severity::Blocks,
            "W" => Severity::Warns,
            "M" if letter == text => Severity::Signed,
            _ => return Err(Invalid::new("检测级别 severity", text)),
        };
        Ok(Self { severity, is_sampled: letter != text })
    }
}

impl TryFrom<String> for Rule {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sample = if self.is_sampled { "s" } else { "" };
        write!(f, "{}{sample}", self.severity.as_str())
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}
