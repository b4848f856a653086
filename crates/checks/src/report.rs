//! What a run of checks found: kept for ever, cited by digest, shown to the sender.

use serde::{Deserialize, Serialize};

use crate::{CheckId, Property, Severity, Stage};

/// One thing that is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Field key, path, or row.
    pub place: String,
    /// Chinese
    pub message: String,
    /// English
    pub message_en: String,
    /// 把…换成…
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { place: place.into(), message: zh.into(), message_en: en.into(), remedy: String::new() }
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// 通过
    Passed,
    /// 不通过: blocks
    Failed,
    /// 警告: kept and shown
    Warning,
    /// 不适用: nothing to compare with
    NotApplicable,
    /// 无法验证: what it needs to know is not known
    Unverifiable,
}

impl CheckResult {
    /// The word of reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "通过",
            Self::Failed => "不通过",
            Self::Warning => "警告",
            Self::NotApplicable => "不适用",
            Self::Unverifiable => "无法验证",
        }
    }
}

/// One check of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// `A-02`
    pub id: CheckId,
    /// DA/T 70: `GD-1-1`; empty if it has none
    pub alias: String,
    /// Chinese name
    pub name: String,
    /// English name
    pub name_en: String,
    /// 四性
    pub property: Property,
    /// What its failing does at this stage.
    pub severity: Severity,
    /// Result
    pub result: CheckResult,
    /// How many things were compared.
    pub compared: u32,
    /// What is wrong; for 无法验证 and 不适用 why. At most 100.
    pub findings: Vec<Finding>,
}

/// Which scheme a run followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeName {
    /// Name
    pub id: String,
    /// Version
    pub version: String,
}

/// What the run decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No blocking check failed, none was left open.
    Passed,
    /// A blocking check failed.
    Failed,
    /// No blocking check failed, but one could not be verified: fit for a self-check, not for filing.
    Unverifiable,
}

impl Verdict {
    /// The snake-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// A run of checks over one package at one stage. The same input gives the same report, byte by byte in canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Stage
    pub stage: Stage,
    /// Scheme
    pub scheme: SchemeName,
    /// Engine and its version
    pub engine: String,
    /// Decision
    pub verdict: Verdict,
    /// Every check of the stage, in order of ids.
    pub checks: Vec<CheckOutcome>,
}

impl Report {
    /// The checks that failed (B).
    pub fn failing(&self) -> impl Iterator<Item = &CheckOutcome> {
        self.checks.iter().filter(|c| c.result == CheckResult::Failed)
    }

    /// The checks that failed or warn.
    pub fn notable(&self) -> impl Iterator<Item = &CheckOutcome> {
        self.checks.iter().filter(|c| matches!(c.result, CheckResult::Failed | CheckResult::Warning))
    }

    /// Ids of the checks that failed (B), in order.
    pub fn failing_ids(&self) -> Vec<CheckId> {
        self.failing().map(|c| c.id).collect()
    }

    /// Ids of the checks that failed or warn, in order.
    pub fn notable_ids(&self) -> Vec<CheckId> {
        self.notable().map(|c| c.id).collect()
    }

    /// Whether nothing blocks and nothing was left open.
    pub fn is_passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    pub(crate) fn decide(checks: &[CheckOutcome]) -> Verdict {
        let open = |c: &CheckOutcome| c.result == CheckResult::Unverifiable && c.severity == Severity::Blocks;
        if checks.iter().any(|c| c.result == CheckResult::Failed) {
            Verdict::Failed
        } else if checks.iter().any(open) {
            Verdict::Unverifiable
        } else {
            Verdict::Passed
        }
    }
}
