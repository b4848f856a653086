//! What a run of checks found: kept for ever, cited by digest, shown to the sender. Never overwritten: a person's second
//! look is a row of its own (`recheck`).

use std::borrow::Cow;
use std::fmt;

use dengbei_records::{Invalid, Sha256, Timestamp, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::signing::Task;
use crate::{CheckId, Office, Property, Sample, Scope, Severity, Stage};

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
    /// The same in English
    #[serde(default)]
    pub remedy_en: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: zh.into(),
            message_en: en.into(),
            remedy: String::new(),
            remedy_en: String::new(),
        }
    }

    pub(crate) fn remedy(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        (self.remedy, self.remedy_en) = (zh.into(), en.into());
        self
    }

    /// Both languages in one text, as pages split it: `中文 / English`.
    pub fn remedies(&self) -> String {
        if self.remedy_en.is_empty() {
            self.remedy.clone()
        } else {
            format!("{} / {}", self.remedy, self.remedy_en)
        }
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

/// What was compared, by name: digests, versions, counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What, in a stable word: `stated.sm3`, `engine`.
    pub what: String,
    /// As it was.
    pub value: String,
}

/// One check of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// `A-02`
    pub id: CheckId,
    /// DA/T 70: `GD-1-1`; empty if it has none
    pub alias: Cow<'static, str>,
    /// Chinese name
    pub name: Cow<'static, str>,
    /// English name
    pub name_en: Cow<'static, str>,
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
    /// What was compared with what.
    #[serde(default)]
    pub basis: Cow<'static, str>,
    /// The same in English.
    #[serde(default)]
    pub basis_en: Cow<'static, str>,
    /// Digests, versions and counts that were compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// The office that can mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<Office>,
    /// Whether 无法验证 keeps an item out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blocks_unverified: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Which scheme a run followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeName {
    /// Name
    pub id: String,
    /// Version
    pub version: String,
    /// SHA-256 of its document
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
}

impl fmt::Display for SchemeName {
    /// `id/version`, as events name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.id, self.version)
    }
}

/// What a run looked at, where it was not one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Batch, carrier or system.
    pub scope: Scope,
    /// Its number or name.
    pub number: String,
}

/// What the run decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No blocking check failed, none was left open, everything is signed.
    Passed,
    /// A blocking check failed, or a person found something wrong.
    Failed,
    /// Nothing failed, but a check whose 无法验证 blocks could not be verified: fit for a self-check, not for filing.
    Unverifiable,
    /// Nothing failed, but somebody must still sign.
    Unsigned,
}

impl Verdict {
    /// The snake-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unverifiable => "unverifiable",
            Self::Unsigned => "unsigned",
        }
    }

    /// The word of reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "通过",
            Self::Failed => "不通过",
            Self::Unverifiable => "部分项无法验证",
            Self::Unsigned => "待人工检测",
        }
    }
}

/// A run of checks at one stage. The same input gives the same report but for its times, byte by byte in canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Stage
    pub stage: Stage,
    /// Scheme
    pub scheme: SchemeName,
    /// Engine and its version
    pub engine: Cow<'static, str>,
    /// Decision
    pub verdict: Verdict,
    /// Every check of the stage and scope, in order of ids.
    pub checks: Vec<CheckOutcome>,
    /// What it looked at; absent: one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// When it began: the time that its checks call now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// When it ended, if its caller says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What persons sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// The sample, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// 32 random bytes, hex, so that a digest of it in a public event tells nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
    /// SHA-256 of this report in canonical JSON without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
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

    /// What is worth keeping beside an item that passed: what is notable, what became of evidence that it carries, and by
    /// which engine and signatures it was scanned, or that it was not.
    pub fn kept(&self) -> impl Iterator<Item = &CheckOutcome> {
        self.checks.iter().filter(|c| {
            let is_evidence = matches!(c.id, CheckId::A03 | CheckId::A04 | CheckId::A05) && c.compared > 0;
            let is_scan = c.id == CheckId::S02 && c.result != CheckResult::NotApplicable;
            is_evidence || is_scan || matches!(c.result, CheckResult::Failed | CheckResult::Warning)
        })
    }

    /// Ids of the checks that failed (B), in order.
    pub fn failing_ids(&self) -> Vec<CheckId> {
        self.failing().map(|c| c.id).collect()
    }

    /// Ids of the checks that failed or warn, in order.
    pub fn notable_ids(&self) -> Vec<CheckId> {
        self.notable().map(|c| c.id).collect()
    }

    /// The checks that keep an item out: those that failed, and those that could not be verified where that blocks.
    pub fn blocking(&self) -> impl Iterator<Item = &CheckOutcome> {
        self.checks.iter().filter(|c| is_blocking(c))
    }

    /// What somebody must still sign.
    pub fn outstanding(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|t| t.is_outstanding())
    }

    /// Whether nothing blocks, nothing was left open and everything is signed.
    pub fn is_passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// With the time of its end.
    #[must_use]
    pub fn ended(mut self, at: Timestamp) -> Self {
        self.ended_at = Some(at);
        self
    }

    /// With salt and its own digest, ready to be kept: the report and its canonical bytes.
    ///
    /// # Errors
    /// [`Invalid`] when a number in it is beyond what JSON holds.
    pub fn sealed(mut self, salt: String) -> Result<(Self, Vec<u8>), Invalid> {
        self.salt = salt;
        self.digest = None;
        let mut tree = serde_json::to_value(&self).map_err(|e| Invalid::new("检测报告 check report", e))?;
        let digest = Sha256::of(&canonical::to_vec(&tree)?);
        self.digest = Some(digest);
        if let Value::Object(fields) = &mut tree {
            fields.insert("digest".to_owned(), Value::String(digest.to_string()));
        }
        Ok((self, canonical::to_vec(&tree)?))
    }

    /// Whether its own digest is that of its content; a report without one is not.
    pub fn is_intact(&self) -> bool {
        let Some(stated) = self.digest else { return false };
        let bare = Self { digest: None, ..self.clone() };
        canonical::to_vec(&bare).is_ok_and(|bytes| Sha256::of(&bytes) == stated)
    }

    pub(crate) fn decide(checks: &[CheckOutcome], tasks: &[Task]) -> Verdict {
        if checks.iter().any(|c| c.result == CheckResult::Failed) {
            Verdict::Failed
        } else if checks.iter().any(is_blocking) {
            Verdict::Unverifiable
        } else if tasks.iter().any(Task::is_outstanding) {
            Verdict::Unsigned
        } else {
            Verdict::Passed
        }
    }
}

fn is_blocking(c: &CheckOutcome) -> bool {
    c.result == CheckResult::Failed || c.result == CheckResult::Unverifiable && c.blocks_unverified
}
