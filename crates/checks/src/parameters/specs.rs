//! What is said of each parameter: its unit, its bounds, and how far a scheme may go from the built-in value.

use crate::CheckId;

/// What a parameter's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from … to ….
    Number(u64, u64),
    /// A list of texts.
    Words,
    /// Metadata key → whole number.
    Lengths,
}

/// How far a scheme may go from the built-in value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Anywhere within the bounds.
    Any,
    /// Not above the built-in value.
    NotAbove,
    /// Not below it.
    NotBelow,
    /// Every built-in word stays; more may be added.
    KeepsWords,
}

/// One parameter, described.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Whose.
    pub check: CheckId,
    /// Its key.
    pub key: &'static str,
    /// Unit, Chinese.
    pub unit: &'static str,
    /// Unit, English.
    pub unit_en: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// How far a scheme may go.
    pub strictness: Strictness,
}

const fn spec(
    check: CheckId,
    key: &'static str,
    units: [&'static str; 2],
    kind: Kind,
    strictness: Strictness,
) -> Spec {
    Spec { check, key, unit: units[0], unit_en: units[1], kind, strictness }
}

/// Every parameter.
#[rustfmt::skip]
pub const SPECS: &[Spec] = &[
    spec(CheckId::A02, "sample_percent", ["件/百件", "items of 100"], Kind::Number(1, 100), Strictness::NotBelow),
    spec(CheckId::A05, "ends_within_days", ["天", "days"], Kind::Number(1, 3_650), Strictness::Any),
    spec(CheckId::A07, "max_lengths", ["字符", "characters"], Kind::Lengths, Strictness::Any),
    spec(CheckId::A08, "item_number_digits", ["位", "digits"], Kind::Number(6, 64), Strictness::Any),
    spec(CheckId::A09, "results", ["词", "words"], Kind::Words, Strictness::Any),
    spec(CheckId::A10, "clock_ahead_minutes", ["分钟", "minutes"], Kind::Number(0, 1_440), Strictness::Any),
    spec(CheckId::I05, "apply", ["词", "words"], Kind::Words, Strictness::Any),
    spec(CheckId::I05, "accept", ["词", "words"], Kind::Words, Strictness::Any),
    spec(CheckId::I05, "review", ["词", "words"], Kind::Words, Strictness::Any),
    spec(CheckId::I05, "decide", ["词", "words"], Kind::Words, Strictness::Any),
    spec(CheckId::U03, "allowed", ["格式", "formats"], Kind::Words, Strictness::Any),
    spec(CheckId::U03, "warned", ["格式", "formats"], Kind::Words, Strictness::Any),
    spec(CheckId::U04, "look_percent", ["件/百件", "items of 100"], Kind::Number(0, 100), Strictness::Any),
    spec(CheckId::U05, "at_risk", ["格式", "formats"], Kind::Words, Strictness::Any),
    spec(CheckId::U06, "special_formats", ["格式", "formats"], Kind::Words, Strictness::Any),
    spec(CheckId::U06, "viewers", ["格式", "formats"], Kind::Words, Strictness::Any),
    spec(CheckId::U06, "applications", ["程序", "programs"], Kind::Words, Strictness::Any),
    spec(CheckId::U07, "max_files", ["个", "files"], Kind::Number(1, 2_000), Strictness::NotAbove),
    spec(CheckId::U07, "max_bytes", ["字节", "bytes"], Kind::Number(1, 16 << 30), Strictness::NotAbove),
    spec(CheckId::U09, "drill_days", ["天", "days"], Kind::Number(1, 366), Strictness::NotAbove),
    spec(CheckId::S01, "heartbeat_seconds", ["秒", "seconds"], Kind::Number(1, 86_400), Strictness::Any),
    spec(CheckId::S01, "signature_days", ["天", "days"], Kind::Number(1, 30), Strictness::Any),
    spec(CheckId::S06, "persons", ["人", "persons"], Kind::Number(2, 10), Strictness::NotBelow),
    spec(CheckId::S06, "every_batch", ["1为每批", "1: every batch"], Kind::Number(0, 1), Strictness::Any),
    spec(CheckId::S08, "public_zone", ["1为公网", "1: public"], Kind::Number(0, 1), Strictness::NotBelow),
    spec(CheckId::S08, "marks", ["标志", "marks"], Kind::Words, Strictness::KeepsWords),
    spec(CheckId::S08, "words", ["词", "words"], Kind::Words, Strictness::KeepsWords),
];

#[cfg(test)]
mod tests {
    use super::super::Parameters;
    use super::*;

    #[test]
    fn every_parameter_is_described_and_every_description_has_its_parameter() {
        let tree = serde_json::to_value(Parameters::default()).unwrap();
        let mut keys: Vec<(String, String)> = Vec::new();
        for (check, fields) in tree.as_object().unwrap() {
            keys.extend(fields.as_object().unwrap().keys().map(|key| (check.clone(), key.clone())));
        }
        let described: Vec<_> = SPECS.iter().map(|s| (s.check.to_string(), s.key.to_owned())).collect();
        assert_eq!(keys, described);
    }
}
