//! The report of a package that could not be opened: which check its problem stands for.

use dengbei_records::Problem;

use crate::engine::{outcome, report};
use crate::rules::Judged;
use crate::{CheckId, Finding, Report, Scheme, Severity, Stage};

/// The check that a problem of `formats` belongs to.
pub fn check_of(code: &str) -> CheckId {
    match code {
        "archive.path_escape"
        | "archive.absolute_path"
        | "archive.drive_letter"
        | "archive.control_character"
        | "archive.bad_name"
        | "archive.name_too_long"
        | "archive.link"
        | "archive.device"
        | "archive.duplicate_name" => CheckId::S09,
        "archive.encrypted" => CheckId::U08,
        "archive.corrupt" | "package.changed" => CheckId::I07,
        "package.metadata_too_large" => CheckId::U01,
        // Not a zip, cut short, bombs, too much, odd methods, overlaps: it does not unpack.
        _ => CheckId::U07,
    }
}

/// A failed report with the one check that the problem stands for. Other checks did not run.
pub fn refusal(problem: &Problem, stage: Stage, scheme: &Scheme) -> Report {
    let finding = Finding::new(problem.code.clone(), problem.message.clone(), problem.message_en.clone());
    let mut judged = Judged::of(1);
    judged.fault(finding.remedy(problem.remedy.clone()));
    report(stage, scheme, vec![outcome(check_of(&problem.code), Severity::Blocks, stage, judged)])
}
