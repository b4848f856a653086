//! Runs the checks of a stage. Every check looks at the whole of its subject; none stops another.

use std::borrow::Cow;

use dengbei_formats::{FileFacts, PackageSource, ReadError, ReceivedPackage, Sink, examine, read_package};
use dengbei_records::Timestamp;

use crate::facts::Restored;
use crate::report::Subject;
use crate::rules::{self, Judged, State};
use crate::scheme::Line;
use crate::signing::{self, Signed, Task};
use crate::views::{BatchView, CarrierView, SystemView};
use crate::{
    CheckId, CheckOutcome, CheckResult, Context, ENGINE, PackageView, Report, Rule, Sample, Scheme, Scope,
    Severity, Stage,
};

/// Findings kept of one check.
const MAX_FINDINGS: usize = 100;

/// Runs the checks of `stage` over a package.
pub fn check_package(view: &PackageView<'_>, stage: Stage, scheme: &Scheme) -> Report {
    let mut checks = Vec::with_capacity(scheme.lines(stage).len());
    for line in of_scope(scheme, stage, Scope::Item).filter(|l| !is_signed(l)) {
        let judged = if line.rule.is_sampled && !view.context.is_in_sample {
            Judged::not_applicable("本件不在抽样之列", "this item is not in the sample")
        } else {
            rules::item(line.check, view, stage, &scheme.parameters)
        };
        checks.push(outcome(line, judged));
    }
    Report { began_at: Some(view.context.now), ..report(stage, scheme, checks) }
}

/// Runs the checks of `stage` over a batch, a transfer or a session of work.
pub fn check_batch(view: &BatchView, stage: Stage, scheme: &Scheme) -> Report {
    let session = view.session.as_deref().filter(|_| scheme.parameters.s06.every_batch == 0);
    let covered =
        |line: &Line| session.filter(|_| line.check == CheckId::S06).map(rules::signed_with_session);
    let judge = |line: &Line| covered(line).unwrap_or_else(|| rules::batch(line.check, view));
    let asks = |line: &Line| is_signed(line) && covered(line).is_none();
    let subject = (view.number.as_str(), view.now, view.signed.as_slice());
    let mut whole = over(Scope::Batch, (stage, scheme), (&judge, &asks), subject);
    if let Some(line) = scheme.line(stage, CheckId::I06).filter(|_| !view.classes.is_empty()) {
        whole.checks.push(outcome(line, rules::numbers(view)));
    }
    look(view, stage, scheme, &mut whole);
    whole.checks.sort_by_key(|c| c.id);
    whole.verdict = Report::decide(&whole.checks, &whole.tasks);
    whole
}

/// U-04 by a person, over the sample, where the scheme asks for one.
fn look(view: &BatchView, stage: Stage, scheme: &Scheme, whole: &mut Report) {
    let percent = scheme.parameters.u04.look_percent;
    let Some(line) = scheme.line(stage, CheckId::U04).filter(|_| percent > 0 && !view.items.is_empty())
    else {
        return;
    };
    let sample = view.sample(percent);
    let task = rules::look_at(&sample, &view.number, &view.signed);
    let (_, wrong) = signing::of(task.check, &view.signed);
    if !wrong.is_empty() {
        let line = Line { rule: Rule { severity: Severity::Signed, is_sampled: true }, ..line.clone() };
        whole.checks.push(outcome(&line, rules::signed_wrong(&wrong)));
    }
    whole.tasks.push(task);
    whole.sample = Some(sample);
}

/// Runs the checks of `stage` over a carrier.
pub fn check_carrier(view: &CarrierView, stage: Stage, scheme: &Scheme) -> Report {
    let none = |_: &Line| Judged::not_applicable("在线报送，没有载体", "sent on line, without a carrier");
    if view.is_offline {
        let subject = (view.number.as_str(), view.now, view.signed.as_slice());
        return over(Scope::Carrier, (stage, scheme), (&none, &is_signed), subject);
    }
    let checks = of_scope(scheme, stage, Scope::Carrier).map(|line| outcome(line, none(line))).collect();
    of_subject(report(stage, scheme, checks), Scope::Carrier, &view.number, view.now)
}

/// Runs the checks of `stage` over the system that keeps.
pub fn check_system(view: &SystemView, stage: Stage, scheme: &Scheme) -> Report {
    let judge = |line: &Line| rules::system(line.check, view, &scheme.parameters);
    over(Scope::System, (stage, scheme), (&judge, &is_signed), (&view.name, view.now, &view.signed))
}

/// Adds U-09 to a report over the system, where the scheme runs it: what a drill brought back last, as of `now`.
pub fn with_restored(
    mut report: Report,
    restored: Option<&Restored>,
    now: Timestamp,
    scheme: &Scheme,
) -> Report {
    let Some(line) = scheme.line(report.stage, CheckId::U09) else { return report };
    report.checks.push(outcome(line, rules::restored(restored, now, &scheme.parameters)));
    report.checks.sort_by_key(|c| c.id);
    report.verdict = Report::decide(&report.checks, &report.tasks);
    report
}

fn of_scope(scheme: &Scheme, stage: Stage, scope: Scope) -> impl Iterator<Item = &Line> {
    scheme.lines(stage).iter().filter(move |l| l.check.scope() == scope)
}

fn is_signed(line: &Line) -> bool {
    line.rule.severity == Severity::Signed
}

type Judge<'a> = &'a dyn Fn(&Line) -> Judged;
type Asks<'a> = &'a dyn Fn(&Line) -> bool;

/// What is judged of a scope, and the tasks of what `asks` for persons with what has been signed of them.
fn over(
    scope: Scope,
    (stage, scheme): (Stage, &Scheme),
    (judge, asks): (Judge<'_>, Asks<'_>),
    (number, now, signed): (&str, Timestamp, &[Signed]),
) -> Report {
    let (mut checks, mut tasks) = (Vec::new(), Vec::new());
    for line in of_scope(scheme, stage, scope) {
        if !asks(line) {
            checks.push(outcome(line, judge(line)));
            continue;
        }
        let (persons, wrong) = signing::of(line.check, signed);
        let task = rules::task(line.check, number, persons, &scheme.parameters);
        if !wrong.is_empty() {
            checks.push(outcome(line, rules::signed_wrong(&wrong)));
        } else if !task.is_outstanding() {
            checks.push(outcome(line, Judged::of(task.persons)));
        }
        tasks.push(task);
    }
    let verdict = Report::decide(&checks, &tasks);
    let whole = Report { tasks, verdict, ..report(stage, scheme, checks) };
    of_subject(whole, scope, number, now)
}

fn of_subject(report: Report, scope: Scope, number: &str, now: Timestamp) -> Report {
    Report { subject: Some(Subject { scope, number: number.to_owned() }), began_at: Some(now), ..report }
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
        scheme: scheme.name(),
        engine: Cow::Borrowed(ENGINE),
        verdict: Report::decide(&checks, &[]),
        checks,
        subject: None,
        began_at: None,
        ended_at: None,
        tasks: Vec::<Task>::new(),
        sample: None::<Sample>,
        salt: String::new(),
        digest: None,
    }
}

pub(crate) fn outcome(line: &Line, judged: Judged) -> CheckOutcome {
    let result = match judged.state {
        State::NotApplicable => CheckResult::NotApplicable,
        State::Unverifiable if judged.faults.is_empty() => CheckResult::Unverifiable,
        _ if !judged.faults.is_empty() && line.rule.severity != Severity::Warns => CheckResult::Failed,
        _ if judged.faults.is_empty() && judged.remarks.is_empty() => CheckResult::Passed,
        _ => CheckResult::Warning,
    };
    let mut findings = judged.faults;
    findings.extend(judged.remarks);
    findings.truncate(MAX_FINDINGS);
    let declared = line.check.declared();
    CheckOutcome {
        id: line.check,
        alias: Cow::Owned(line.alias.clone()),
        name: Cow::Borrowed(declared.name),
        name_en: Cow::Borrowed(declared.name_en),
        property: line.check.property(),
        severity: line.rule.severity,
        result,
        compared: judged.compared,
        findings,
        basis: Cow::Borrowed(declared.basis),
        basis_en: Cow::Borrowed(declared.basis_en),
        evidence: judged.evidence,
        office: Some(declared.office),
        blocks_unverified: line.blocks_unverified,
    }
}
