//! 档号 of a service item (DA/T 13-2022): `全宗号-ZY·类别·年度·保管期限-件号`, as `J019-ZY·XK·2026·D30-00001`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{EventType, FondsNo, Invalid, Retention};

/// What a counter of item numbers is kept for: numbers restart per (fonds, class, year, retention).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassCode {
    /// 全宗号
    pub fonds: FondsNo,
    /// 事项类型, the second class
    pub event_type: EventType,
    /// 年度: the year of closing
    pub year: u16,
    /// 保管期限
    pub retention: Retention,
}

impl fmt::Display for ClassCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-ZY·{}·{:04}·{}", self.fonds, self.event_type.class(), self.year, self.retention)
    }
}

/// The code of one filed item: given once, gap-free, never changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchivalCode {
    /// The counter's key.
    pub class: ClassCode,
    /// 件号, from 1.
    pub number: u32,
}

impl fmt::Display for ArchivalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:05}", self.class, self.number)
    }
}

impl FromStr for ArchivalCode {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        parse(s).ok_or_else(|| Invalid::new("档号 archival code", s))
    }
}

fn parse(s: &str) -> Option<ArchivalCode> {
    let mut halves = s.splitn(3, '-');
    let (fonds, class, number) = (halves.next()?, halves.next()?, halves.next()?);
    let parts: Vec<&str> = class.split('·').collect();
    let ["ZY", letters, year, retention] = parts[..] else { return None };
    let event_type = EventType::ALL.iter().find(|row| row.3 == letters)?.0;
    let digits = |text: &str, range: std::ops::RangeInclusive<usize>| {
        range.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(year, 4..=4) || !digits(number, 5..=7) || !matches!(retention, "Y" | "D30" | "D10") {
        return None;
    }
    let code = ArchivalCode {
        class: ClassCode {
            fonds: fonds.parse().ok()?,
            event_type,
            year: year.parse().ok()?,
            retention: Retention::from_source(retention).ok()?,
        },
        number: number.parse().ok()?,
    };
    (code.number > 0 && code.to_string() == s).then_some(code)
}

impl Serialize for ArchivalCode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArchivalCode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_code_reads_back(fonds in "[A-Z][0-9]{3}", kind in 0usize..11, year in 1949u16..2200, keep in 0usize..3, number in 1u32..9_999_999) {
            let retention = [Retention::Permanent, Retention::ThirtyYears, Retention::TenYears][keep];
            let class = ClassCode { fonds: fonds.parse().unwrap(), event_type: EventType::ALL[kind].0, year, retention };
            let code = ArchivalCode { class, number };
            prop_assert_eq!(code.to_string().parse::<ArchivalCode>().unwrap(), code);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = text.parse::<ArchivalCode>();
        }
    }

    #[test]
    fn two_spellings_of_one_code_are_not_both_read() {
        assert!("J019-ZY·XK·2026·D30-00001".parse::<ArchivalCode>().is_ok());
        assert!("J019-ZY·XK·2026·D30-000001".parse::<ArchivalCode>().is_err());
        assert!("J019-ZY·XK·2026·D30-00000".parse::<ArchivalCode>().is_err());
    }
}
