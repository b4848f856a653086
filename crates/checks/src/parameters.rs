//! What the checks compare with, check by check. A scheme's document carries them grouped by check id; [`SPECS`] says of
//! each its unit, its bounds and how far a scheme may go from the built-in value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CheckId, FIELDS};

/// Parameters of the checks. The field names are the documents' keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "one field a check that has parameters; `SPECS` says what each is")]
pub struct Parameters {
    #[serde(rename = "A-02")]
    pub a02: Sampling,
    #[serde(rename = "A-05")]
    pub a05: Certificates,
    #[serde(rename = "A-07")]
    pub a07: Lengths,
    #[serde(rename = "A-08")]
    pub a08: Forms,
    #[serde(rename = "A-09")]
    pub a09: Lists,
    #[serde(rename = "A-10")]
    pub a10: Clocks,
    #[serde(rename = "I-05")]
    pub i05: Steps,
    #[serde(rename = "U-03")]
    pub u03: Formats,
    #[serde(rename = "U-04")]
    pub u04: Looking,
    #[serde(rename = "U-05")]
    pub u05: Risks,
    #[serde(rename = "U-06")]
    pub u06: Software,
    #[serde(rename = "U-07")]
    pub u07: Bounds,
    #[serde(rename = "U-09")]
    pub u09: Drills,
    #[serde(rename = "S-01")]
    pub s01: Scanner,
    #[serde(rename = "S-06")]
    pub s06: Session,
    #[serde(rename = "S-08")]
    pub s08: Secrecy,
}

/// A-02 and every other check that looks at the sample only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Items of a hundred.
    pub sample_percent: u64,
}

///
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificates {
    /// In long-term keeping: warn this many days before the certificate ends.
    pub ends_within_days: u64,
}

///
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lengths {
    /// Key of the metadata → greatest number of characters.
    pub max_lengths: BTreeMap<String, usize>,
}

///
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forms {
    /// Digits of a 办件编号.
    pub item_number_digits: usize,
}

///
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// 办理结果 begins with one of these.
    pub results: Vec<String>,
}

///
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clocks {
    /// Minutes that a sender's clock may run ahead.
    pub clock_ahead_minutes: i64,
}

/// I-05: words that the steps begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Steps {
    /// 申请
    pub apply: Vec<String>,
    /// 受理
    pub accept: Vec<String>,
    /// 审核: not asked of 即办件
    pub review: Vec<String>,
    /// 决定 or 办结
    pub decide: Vec<String>,
}

/// U-03
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Formats {
    /// Formats that are filed, by name.
    pub allowed: Vec<String>,
    /// Formats that are filed with a warning.
    pub warned: Vec<String>,
}

/// U-04
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Looking {
    /// Items of a hundred that a person opens and looks at; 0: none.
    pub look_percent: u64,
}

/// U-05
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Risks {
    /// Formats, by name or PRONOM id, that need migration beside those of the register.
    pub at_risk: Vec<String>,
}

/// U-06
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Software {
    /// Formats that open in their own viewer only.
    pub special_formats: Vec<String>,
    /// Formats whose viewer the archive keeps.
    pub viewers: Vec<String>,
    /// Programs that may have made a file: the recorded name begins with one; empty: any.
    pub applications: Vec<String>,
}

/// U-07
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Files of a package.
    pub max_files: usize,
    /// Bytes of a package.
    pub max_bytes: u64,
}

/// U-09
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drills {
    /// Days between two restores to quarantine, at most.
    pub drill_days: u64,
}

/// S-01
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scanner {
    /// Seconds since the scanner last answered, at most.
    pub heartbeat_seconds: u64,
    /// Days that its signatures may be old.
    pub signature_days: u64,
}

/// S-06
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Persons who sign.
    pub persons: usize,
}

/// S-08
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrecy {
    /// 1: this network is public, 限制 and 内部 are refused too.
    pub public_zone: u64,
    /// Marks (patterns) that refuse: `#` a digit, `?` any character, all else itself.
    pub marks: Vec<String>,
    /// Words that warn.
    pub words: Vec<String>,
}

pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|w| (*w).to_owned()).collect()
}

impl Default for Sampling {
    fn default() -> Self {
        Self { sample_percent: 10 }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self { ends_within_days: 365 }
    }
}

impl Default for Lengths {
    fn default() -> Self {
        Self { max_lengths: FIELDS.iter().map(|f| (f.key.to_owned(), f.max)).collect() }
    }
}

impl Default for Forms {
    fn default() -> Self {
        Self { item_number_digits: 21 }
    }
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            results: words(&[
                "准予",
                "予以",
                "同意",
                "批准",
                "通过",
                "办结",
                "转报",
                "不予",
                "不同意",
                "不通过",
                "驳回",
                "撤回",
                "退件",
                "退回",
                "作废",
                "终止",
                "其他",
                "01",
                "02",
                "03",
            ]),
        }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self { clock_ahead_minutes: 10 }
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            apply: words(&["申请", "申报", "收件", "登记"]),
            accept: words(&["受理", "立案", "不予受理"]),
            review: words(&["审核", "审查", "初审", "复审", "审批", "承办", "特别程序"]),
            decide: words(&["决定", "办结", "批准", "审定", "审批"]),
        }
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            allowed: words(&["ofd", "pdf", "jpeg", "tiff", "png", "txt", "xml", "mp3", "wav", "mp4", "avi"]),
            warned: words(&["dwg"]),
        }
    }
}

impl Default for Software {
    fn default() -> Self {
        Self { special_formats: words(&["dwg"]), viewers: Vec::new(), applications: Vec::new() }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_files: 2_000, max_bytes: 16 << 30 }
    }
}

impl Default for Drills {
    fn default() -> Self {
        Self { drill_days: 92 }
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self { heartbeat_seconds: 300, signature_days: 7 }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { persons: 2 }
    }
}

impl Default for Secrecy {
    fn default() -> Self {
        Self {
            public_zone: 0,
            marks: words(&[
                "秘密★",
                "机密★",
                "绝密★",
                "秘密☆",
                "机密☆",
                "绝密☆",
                "（秘密）",
                "（机密）",
                "（绝密）",
                "(秘密)",
                "(机密)",
                "(绝密)",
                "【秘密】",
                "【机密】",
                "【绝密】",
                "[秘密]",
                "[机密]",
                "[绝密]",
            ]),
            words: words(&["内部资料", "不得外传", "秘密级", "机密级", "绝密级"]),
        }
    }
}

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
    spec(CheckId::S08, "public_zone", ["1为公网", "1: public"], Kind::Number(0, 1), Strictness::NotBelow),
    spec(CheckId::S08, "marks", ["标志", "marks"], Kind::Words, Strictness::KeepsWords),
    spec(CheckId::S08, "words", ["词", "words"], Kind::Words, Strictness::KeepsWords),
];

#[cfg(test)]
mod tests {
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
