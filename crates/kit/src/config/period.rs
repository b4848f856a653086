//! A length of time as people write it: `250ms`, `15s`, `15m`, `24h`, `7d`. For `#[serde(with = "period")]`.

use std::time::Duration;

use dengbei_records::Invalid;
use serde::{Deserialize as _, Deserializer, Serializer};

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a period.
///
/// # Errors
/// [`Invalid`] without a known unit, or when it does not fit.
pub fn parse(text: &str) -> Result<Duration, Invalid> {
    let invalid = || Invalid::new("时长 period (250ms, 15s, 15m, 24h, 7d)", text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let millis = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?.1;
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(invalid)
}

/// Writes a period in the largest unit that divides it.
pub fn format(period: Duration) -> String {
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS.iter().rev().find(|(_, size)| millis % size == 0).unwrap_or(&UNITS[0]);
    format!("{}{}", millis / unit.1, unit.0)
}

/// For serde.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(period: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&format(*period))
}

/// For serde.
///
/// # Errors
/// The deserializer's own, or a text that is no period.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
}
