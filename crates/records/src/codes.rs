//! Codes that come from outside: areas, units, matters, source systems, fonds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A checked text code; `R` says which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "R: Rule")]
pub struct Code<R: Rule>(String, std::marker::PhantomData<R>);

/// What makes a text a code of its kind.
pub trait Rule: Clone {
    /// The name in messages.
    const NAME: &'static str;
    /// Whether `text` is one.
    fn accepts(text: &str) -> bool;
}

impl<R: Rule> Code<R> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<R: Rule> FromStr for Code<R> {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        if R::accepts(s) {
            Ok(Self(s.to_owned(), std::marker::PhantomData))
        } else {
            Err(Invalid::new(R::NAME, s))
        }
    }
}

impl<R: Rule> TryFrom<String> for Code<R> {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl<R: Rule> From<Code<R>> for String {
    fn from(code: Code<R>) -> Self {
        code.0
    }
}

impl<R: Rule> fmt::Display for Code<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rules for [`Code`].
pub mod rule {
    use super::Rule;

    fn visible(text: &str, max: usize) -> bool {
        (1..=max).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    }

    /// 行政区划 (GB/T 2260).
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Area {}
    /// 统一社会信用代码 (GB 32100), by form.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Unit {}
    /// 权力事项编码.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Matter {}
    /// 来源系统.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Source {}
    /// 全宗号 (DA/T 13-2022).
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Fonds {}

    impl Rule for Area {
        const NAME: &'static str = "行政区划 area code";
        fn accepts(text: &str) -> bool {
            text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
        }
    }
    impl Rule for Unit {
        const NAME: &'static str = "统一社会信用代码 unit code";
        fn accepts(text: &str) -> bool {
            text.len() == 18 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        }
    }
    impl Rule for Matter {
        const NAME: &'static str = "权力事项编码 matter code";
        fn accepts(text: &str) -> bool {
            visible(text, 64)
        }
    }
    impl Rule for Source {
        const NAME: &'static str = "来源系统 source system";
        fn accepts(text: &str) -> bool {
            visible(text, 64)
        }
    }
    impl Rule for Fonds {
        const NAME: &'static str = "全宗号 fonds number";
        fn accepts(text: &str) -> bool {
            let b = text.as_bytes();
            b.len() == 4 && b[0].is_ascii_uppercase() && b[1..].iter().all(u8::is_ascii_digit)
        }
    }
}

/// 行政区划: six digits (GB/T 2260). One deployment is one area.
pub type AreaCode = Code<rule::Area>;
/// 统一社会信用代码: 18 characters. Its check character is a check, not a condition of being one: real lists hold wrong ones.
pub type UnitCode = Code<rule::Unit>;
/// 权力事项编码 or 实施编码 of a matter, at most 64 characters.
pub type MatterCode = Code<rule::Matter>;
/// The system that sent a package, by its registered code (`ZWFW`).
pub type SourceSystem = Code<rule::Source>;
/// 全宗号: a letter and three digits, never reused.
pub type FondsNo = Code<rule::Fonds>;

/// 权力事项类型.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// 行政许可 01
    License,
    /// 行政处罚 02
    Penalty,
    /// 行政强制 03
    Coercion,
    /// 行政征收 04
    Levy,
    /// 行政给付 05
    Payment,
    /// 行政检查 06
    Inspection,
    /// 行政确认 07
    Confirmation,
    /// 行政奖励 08
    Award,
    /// 行政裁决 09
    Ruling,
    /// 其他行政权力 10
    Other,
    /// 公共服务 20
    PublicService,
}

impl EventType {
    /// Every value: (type, two-digit code, word, letters of the archival class).
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 11] = [
        (Self::License, "01", "行政许可", "XK"),
        (Self::Penalty, "02", "行政处罚", "CF"),
        (Self::Coercion, "03", "行政强制", "QZ"),
        (Self::Levy, "04", "行政征收", "ZS"),
        (Self::Payment, "05", "行政给付", "JF"),
        (Self::Inspection, "06", "行政检查", "JC"),
        (Self::Confirmation, "07", "行政确认", "QR"),
        (Self::Award, "08", "行政奖励", "JL"),
        (Self::Ruling, "09", "行政裁决", "CJ"),
        (Self::Other, "10", "其他行政权力", "QT"),
        (Self::PublicService, "20", "公共服务", "GG"),
    ];

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        // `ALL` lists every variant; the first row stands in for the impossible.
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0])
    }

    /// The two-digit code.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The Chinese word.
    pub fn word(self) -> &'static str {
        self.row().2
    }

    /// The class letters of the archival code (DA/T 13).
    pub fn class(self) -> &'static str {
        self.row().3
    }
}

impl FromStr for EventType {
    type Err = Invalid;
    /// Reads the code (`01`) or the word (`行政许可`): both are sent.
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let row = Self::ALL.iter().find(|row| row.1 == s || row.2 == s);
        row.map(|row| row.0).ok_or_else(|| Invalid::new("权力事项类型 event type", s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fonds_number_is_a_letter_and_three_digits() {
        assert!("Z008".parse::<FondsNo>().is_ok());
        assert!("z008".parse::<FondsNo>().is_err());
        assert!("Z08".parse::<FondsNo>().is_err());
    }

    #[test]
    fn an_event_type_reads_code_and_word() {
        assert_eq!("01".parse::<EventType>().unwrap(), "行政许可".parse().unwrap());
        assert!("行政神秘".parse::<EventType>().is_err());
    }
}
