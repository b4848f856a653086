//! Numbers that offices write on paper: 登记号, 证书号, 移交号. `DJ-330402-2026-1-000001-8`: prefix, area, year of
//! giving, kind, a gap-free sequence, and a check digit (ISO 7064 MOD 11,10 over the digits) against typing errors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AreaCode, Invalid};

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// 登记号
    Registration,
    /// 登记证书号
    Certificate,
    /// 移交号
    Transfer,
}

impl Series {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Registration, "DJ"), (Self::Certificate, "ZS"), (Self::Transfer, "YJ")];

    /// `DJ`, `ZS`, `YJ`.
    pub fn prefix(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

/// A number of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SerialNo {
    series: Series,
    area: AreaCode,
    year: u16,
    kind: u8,
    sequence: u32,
}

impl SerialNo {
    /// The number `sequence` (from 1) of a series in a year. Kind 1 is 批次.
    ///
    /// # Errors
    /// [`Invalid`] when year, kind or sequence do not fit their digits.
    pub fn new(series: Series, area: AreaCode, year: u16, sequence: u32) -> Result<Self, Invalid> {
        Self::of_kind(series, area, year, 1, sequence)
    }

    fn of_kind(series: Series, area: AreaCode, year: u16, kind: u8, sequence: u32) -> Result<Self, Invalid> {
        if !(1000..=9999).contains(&year) || kind > 9 || !(1..=999_999).contains(&sequence) {
            return Err(Invalid::new("编号 serial number", format!("{year}-{kind}-{sequence}")));
        }
        Ok(Self { series, area, year, kind, sequence })
    }

    /// Which series it is of.
    pub const fn series(&self) -> Series {
        self.series
    }

    /// The area that gave it.
    pub const fn area(&self) -> &AreaCode {
        &self.area
    }

    /// The year in which it was given.
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// Its place in the year's series, from 1.
    pub const fn sequence(&self) -> u32 {
        self.sequence
    }

    fn body(&self) -> String {
        let Self { series, area, year, kind, sequence } = self;
        format!("{}-{area}-{year}-{kind}-{sequence:06}", series.prefix())
    }
}

/// ISO 7064 MOD 11,10 over the digits of `text`.
fn check_digit(text: &str) -> u32 {
    let digits = text.chars().filter_map(|c| c.to_digit(10));
    let carried = digits.fold(10, |carry, digit| match (carry + digit) % 10 {
        0 => 20 % 11,
        sum => sum * 2 % 11,
    });
    (11 - carried) % 10
}

impl fmt::Display for SerialNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body();
        write!(f, "{body}-{}", check_digit(&body))
    }
}

impl FromStr for SerialNo {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("编号 serial number", s);
        let parts: Vec<&str> = s.split('-').collect();
        let [prefix, area, year, kind, sequence, _check] = parts[..] else { return Err(invalid()) };
        let series = Series::ALL.iter().find(|row| row.1 == prefix).ok_or_else(invalid)?.0;
        let year = year.parse().map_err(|_| invalid())?;
        let kind = kind.parse().map_err(|_| invalid())?;
        let sequence = sequence.parse().map_err(|_| invalid())?;
        let read = Self::of_kind(series, area.parse()?, year, kind, sequence)?;
        if read.to_string() == s { Ok(read) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for SerialNo {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl From<SerialNo> for String {
    fn from(number: SerialNo) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> SerialNo {
        SerialNo::new(Series::Certificate, "330402".parse().unwrap(), 2026, 17).unwrap()
    }

    #[test]
    fn a_number_reads_as_it_was_written() {
        let text = number().to_string();
        assert!(text.starts_with("ZS-330402-2026-1-000017-"), "{text}");
        assert_eq!(text.parse::<SerialNo>().unwrap(), number());
    }

    #[test]
    fn any_single_wrong_digit_is_noticed() {
        let text = number().to_string();
        for (at, _) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for digit in '0'..='9' {
                let mut wrong = text.clone();
                wrong.replace_range(at..=at, &digit.to_string());
                assert_eq!(wrong == text, wrong.parse::<SerialNo>().is_ok(), "{wrong}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_its_digits_is_refused() {
        let area: AreaCode = "330402".parse().unwrap();
        assert!(SerialNo::new(Series::Transfer, area.clone(), 2026, 0).is_err());
        assert!(SerialNo::new(Series::Transfer, area, 2026, 1_000_000).is_err());
    }
}
