//! What the checks compare with, check by check. A scheme's document carries them grouped by check id; [`SPECS`] says of
//! each its unit, its bounds and how far a scheme may go from the built-in value, which stands in `defaults`.

mod defaults;
mod specs;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use defaults::words;
pub use specs::{Kind, SPECS, Spec, Strictness};

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
    /// 1: they sign for every batch and transfer; 0: for the month's session of work, which stands for all of them.
    pub every_batch: u64,
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
