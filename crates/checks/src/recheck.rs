//! 人工复检: a person looks again at what a machine found. A row of its own with person and reason, never a change of the
//! report; what holds is worked out from both.

use std::fmt;

use dengbei_records::{ErrorClass, Sha256, Timestamp};
use serde::{Deserialize, Serialize};

use crate::report::CheckOutcome;
use crate::{CheckId, CheckResult, Report, Verdict};

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// 认可: what the machine found is no fault.
    Overruled,
    /// 维持: it is one.
    Upheld,
}

impl Opinion {
    /// As events, documents and interfaces write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overruled => "overruled",
            Self::Upheld => "upheld",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Overruled, Self::Upheld].into_iter().find(|o| o.as_str() == name)
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recheck {
    /// Digest of the report that was looked at.
    pub report: Sha256,
    /// Which check of it.
    pub check: CheckId,
    /// What the person says.
    pub opinion: Opinion,
    /// Who.
    pub person: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What holds after all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// The decision.
    pub verdict: Verdict,
    /// The checks that keep the item out.
    pub blocking: Vec<CheckId>,
    /// The rows that hold: the last of each check.
    pub holding: Vec<Recheck>,
}

/// Why a row does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecheckError {
    /// The report carries no right digest of its own, so that nothing can refer to it.
    Unsealed,
    /// The row is about another report.
    OtherReport,
    /// The report has no such check, or nothing in it to look at again.
    NothingToRecheck(CheckId),
    /// No person may overrule that check.
    Stands(CheckId),
    /// Person or reason is missing.
    Incomplete,
}

impl RecheckError {
    /// What the caller can do.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unsealed | Self::OtherReport => ErrorClass::Conflict,
            Self::NothingToRecheck(_) | Self::Stands(_) | Self::Incomplete => ErrorClass::Invalid,
        }
    }

    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsealed => "recheck.unsealed",
            Self::OtherReport => "recheck.other_report",
            Self::NothingToRecheck(_) => "recheck.nothing",
            Self::Stands(_) => "recheck.stands",
            Self::Incomplete => "recheck.incomplete",
        }
    }
}

impl fmt::Display for RecheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsealed => {
                f.write_str("检测报告没有正确的摘要 / the report has no right digest of its own")
            }
            Self::OtherReport => f.write_str("复检针对的是另一份报告 / the re-check is of another report"),
            Self::NothingToRecheck(id) => {
                write!(f, "{id} 没有可复检的结果 / {id} has nothing to look at again")
            }
            Self::Stands(id) => write!(f, "{id} 不得由人工改判 / no person may overrule {id}"),
            Self::Incomplete => {
                f.write_str("复检须写明复检人和理由 / a re-check names its person and reason")
            }
        }
    }
}

impl std::error::Error for RecheckError {}

/// Whether a row may stand beside a report.
///
/// # Errors
/// [`RecheckError`]
pub fn judge_recheck(report: &Report, row: &Recheck) -> Result<(), RecheckError> {
    if report.digest != Some(row.report) {
        return Err(RecheckError::OtherReport);
    }
    if !report.is_intact() {
        return Err(RecheckError::Unsealed);
    }
    if row.person.trim().is_empty() || row.reason.trim().is_empty() {
        return Err(RecheckError::Incomplete);
    }
    let is_open = |r: CheckResult| !matches!(r, CheckResult::Passed | CheckResult::NotApplicable);
    let found = report.checks.iter().find(|c| c.id == row.check && is_open(c.result));
    let found = found.ok_or(RecheckError::NothingToRecheck(row.check))?;
    if row.opinion == Opinion::Overruled && !may_overrule(found) {
        return Err(RecheckError::Stands(row.check));
    }
    Ok(())
}

/// A label above 限制 is no matter of opinion; a word in a title is.
fn may_overrule(found: &CheckOutcome) -> bool {
    let is_label = found.id == CheckId::S08 && found.findings.iter().any(|f| f.place == "security");
    found.id.declared().may_overrule && !is_label
}

/// What holds when persons have looked again: for each check the last row counts.
///
/// # Errors
/// [`RecheckError`] of the first row that does not count.
pub fn with_recheck(report: &Report, rows: &[Recheck]) -> Result<Effective, RecheckError> {
    let mut holding: Vec<Recheck> = Vec::new();
    for row in rows {
        judge_recheck(report, row)?;
        match holding.iter_mut().find(|h| h.check == row.check) {
            Some(held) if held.at <= row.at => *held = row.clone(),
            Some(_) => {}
            None => holding.push(row.clone()),
        }
    }
    let said = |id: CheckId| holding.iter().find(|h| h.check == id).map(|h| h.opinion);
    // What was not verified and what only warned blocks once a person upholds it.
    let is_blocking = |c: &CheckOutcome| match said(c.id) {
        Some(Opinion::Overruled) => false,
        Some(Opinion::Upheld) => true,
        None => report.blocking().any(|b| b.id == c.id),
    };
    let blocking: Vec<CheckId> = report.checks.iter().filter(|c| is_blocking(c)).map(|c| c.id).collect();
    let is_failed =
        |id: &CheckId| said(*id) == Some(Opinion::Upheld) || report.failing().any(|c| c.id == *id);
    let verdict = if blocking.iter().any(is_failed) {
        Verdict::Failed
    } else if !blocking.is_empty() {
        Verdict::Unverifiable
    } else if report.outstanding().next().is_some() {
        Verdict::Unsigned
    } else {
        Verdict::Passed
    };
    holding.sort_by_key(|h| h.check);
    Ok(Effective { verdict, blocking, holding })
}
