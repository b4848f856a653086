//! 归档检测 of one package (stage G): what ingest received is read again from its staged bytes and checked against its
//! reception and the filing table that its event names. Pure but for reading the package.
//!
//! Before: `staged.rs` brings the package. After: `verdict.rs` states what came out.

use std::collections::BTreeMap;

use dengbei_checks::{
    CheckResult, Context, Duplicate, PackageView, Report, Scheme, Severity, Stage, Verdict, check_package,
    refusal,
};
use dengbei_formats::{Discard, ReadError, examine, read_package};
use dengbei_records::{ItemId, Matter, Timestamp};

use crate::staged::Package;

/// What the checks compare with, beside the package.
#[derive(Debug, Clone)]
pub(crate) struct Against {
    /// The filing table that the event names.
    pub(crate) matter: Matter,
    /// Another item that holds the same 电子文件号.
    pub(crate) same_record_no: Option<ItemId>,
    /// Now.
    pub(crate) now: Timestamp,
}

/// Runs the G checks.
///
/// # Errors
/// When the spooled bytes cannot be read: to be tried again. Faults of the content are in the report.
pub(crate) fn check(package: &Package, against: Against, scheme: &Scheme) -> std::io::Result<Report> {
    let manifest: BTreeMap<_, _> = package.manifest().map(|f| (f.path.clone(), f.sha512)).collect();
    let context = Context {
        matter: Some(against.matter),
        // Which areas a deployment's units stand in changes with reforms: the matter decides, not the area.
        area: None,
        duplicates: Some(against.same_record_no.iter().map(duplicate).collect()),
        manifest: Some(manifest),
        ..Context::at(against.now)
    };
    let read = read_package(package).and_then(|read| Ok((read, examine(package, &mut Discard)?)));
    match read {
        Ok((read, files)) => {
            let view = PackageView { package: &read, files: &files, context: &context };
            Ok(check_package(&view, Stage::G, scheme))
        }
        Err(ReadError::Refused(problem)) => Ok(refusal(&problem, Stage::G, scheme)),
        Err(ReadError::Io(e)) => Err(e),
    }
}

fn duplicate(other: &ItemId) -> Duplicate {
    Duplicate { what: "电子文件号".to_owned(), with: other.to_string() }
}

/// Ids of the checks that keep an item from being filed: those that failed, and those that block but could not be
/// verified. Empty exactly when it passed.
pub(crate) fn failing(report: &Report) -> Vec<String> {
    let open = report.verdict == Verdict::Unverifiable;
    let keeps = |result: CheckResult, severity: Severity| {
        result == CheckResult::Failed
            || (open && result == CheckResult::Unverifiable && severity == Severity::Blocks)
    };
    report.checks.iter().filter(|c| keeps(c.result, c.severity)).map(|c| c.id.to_string()).collect()
}
