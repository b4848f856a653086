//! Runs the checks of a stage. Every check looks at the whole package; none stops another.

use dengbei_formats::{FileFacts, PackageSource, ReadError, ReceivedPackage, Sink, examine, read_package};

use crate::report::SchemeName;
use crate::rules::{self, Judged, State};
use crate::{
    CheckId, CheckOutcome, CheckResult, Context, ENGINE, PackageView, Report, Scheme, Severity, Stage,
};

/// Findings kept of one check.
const MAX_FINDINGS: usize = 100;

/// Runs the checks of `stage` over a package.
pub fn check_package(view: &PackageView<'_>, stage: Stage, scheme: &Scheme) -> Report {
    let run = |(id, severity)| {
        let judged = rules::run(id, view, stage, &scheme.parameters);
        outcome(id, severity, stage, judged)
    };
    report(stage, scheme, scheme.checks(stage).map(run).collect())
}

/// What [`read_and_check`] gives: the package, its files' facts, and the report.
#[derive(Debug, Clone)]
pub struct Checked {
    /// As read.
    pub package: ReceivedPackage,
    /// Facts of every file, in the order of the source's entries.
    pub files: Vec<FileFacts>,
    /// The report.
    pub report: Report,
}

/// Reads a package once and checks it: the self-check, and the door when it has nothing to look up in between.
///
/// # Errors
/// When its bytes cannot be read; [`refusal`](crate::refusal) makes a report of a refused one.
pub fn read_and_check(
    source: &dyn PackageSource,
    sink: &mut dyn Sink,
    context: &Context,
    stage: Stage,
    scheme: &Scheme,
) -> Result<Checked, ReadError> {
    let package = read_package(source)?;
    let files = examine(source, sink)?;
    let report = check_package(&PackageView { package: &package, files: &files, context }, stage, scheme);
    Ok(Checked { package, files, report })
}

pub(crate) fn report(stage: Stage, scheme: &Scheme, checks: Vec<CheckOutcome>) -> Report {
    Report {
        stage,
        scheme: SchemeName { id: scheme.id.clone(), version: scheme.version.clone() },
        engine: ENGINE.to_owned(),
        verdict: Report::decide(&checks),
        checks,
    }
}

pub(crate) fn outcome(id: CheckId, severity: Severity, stage: Stage, judged: Judged) -> CheckOutcome {
    let result = match judged.state {
        State::NotApplicable => CheckResult::NotApplicable,
        State::Unverifiable if judged.faults.is_empty() => CheckResult::Unverifiable,
        _ if !judged.faults.is_empty() && severity == Severity::Blocks => CheckResult::Failed,
        _ if judged.faults.is_empty() && judged.remarks.is_empty() => CheckResult::Passed,
        _ => CheckResult::Warning,
    };
    let mut findings = judged.faults;
    findings.extend(judged.remarks);
    findings.truncate(MAX_FINDINGS);
    CheckOutcome {
        id,
        alias: id.alias(stage),
        name: id.name().to_owned(),
        name_en: id.name_en().to_owned(),
        property: id.property(),
        severity,
        result,
        compared: judged.compared,
        findings,
    }
}
