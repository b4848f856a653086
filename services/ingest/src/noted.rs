//! What is said about a package's checks: to the sender, and kept beside the submission. Only what is not a plain pass.

use dengbei_checks::{CheckOutcome, CheckResult, Report, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Findings told of one check: the rest are of the same kind.
const TOLD: usize = 10;

/// One finding of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// `A-08`
    pub(crate) id: String,
    /// `block` or `warn`
    pub(crate) severity: String,
    /// `failed` or `warning`
    pub(crate) result: String,
    pub(crate) message: String,
    pub(crate) message_en: String,
    /// Path or field.
    pub(crate) place: String,
    /// `中文 / English`
    pub(crate) remedy: String,
}

/// What did not plainly pass, in order of check ids.
pub(crate) fn of(report: &Report) -> Vec<Noted> {
    report.notable().flat_map(of_check).collect()
}

fn of_check(check: &CheckOutcome) -> Vec<Noted> {
    let (severity, result) = (severity(check.severity), result(check.result));
    let noted = |place: &str, message: &str, message_en: &str, remedy: &str| Noted {
        id: check.id.to_string(),
        severity: severity.to_owned(),
        result: result.to_owned(),
        message: plain(message),
        message_en: plain(message_en),
        place: plain(place),
        remedy: plain(remedy),
    };
    if check.findings.is_empty() {
        return vec![noted("", &check.name, &check.name_en, "")];
    }
    let told = check.findings.iter().take(TOLD);
    told.map(|f| noted(&f.place, &f.message, &f.message_en, &f.remedies())).collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocks => "block",
        Severity::Warns => "warn",
        Severity::Signed => "sign",
    }
}

const fn result(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "passed",
        CheckResult::Failed => "failed",
        CheckResult::Warning => "warning",
        CheckResult::NotApplicable => "not_applicable",
        CheckResult::Unverifiable => "unverifiable",
    }
}

/// As the database stores it.
pub(crate) fn to_value(noted: &[Noted]) -> Value {
    serde_json::to_value(noted).unwrap_or_default()
}

/// As it was stored.
pub(crate) fn from_value(value: Value) -> Vec<Noted> {
    serde_json::from_value(value).unwrap_or_default()
}

/// PostgreSQL's texts cannot hold U+0000, and no message needs it.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
