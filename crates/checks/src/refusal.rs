//! The report of a package that could not be opened: which check its problem stands for.

use dengbei_records::Problem;

use crate::engine::{outcome, report};
use crate::rules::Judged;
use crate::scheme::Line;
use crate::{CheckId, Finding, Report, Rule, Scheme, Severity, Stage};

/// (problem, its check, how to mend it in English). What is not listed does not unpack: U-07.
const TABLE: &[(&str, CheckId, &str)] = &[
    ("archive.path_escape", CheckId::S09, "take the paths out that leave the package"),
    ("archive.absolute_path", CheckId::S09, "pack with relative paths"),
    ("archive.drive_letter", CheckId::S09, "pack with relative paths"),
    ("archive.control_character", CheckId::S09, "give the file a plain name"),
    ("archive.bad_name", CheckId::S09, "give the file a plain name"),
    ("archive.name_too_long", CheckId::S09, "give the file a shorter name"),
    ("archive.link", CheckId::S09, "put the file itself in place of the link"),
    ("archive.device", CheckId::S09, "take the device entry out"),
    ("archive.duplicate_name", CheckId::S09, "give every file a name of its own"),
    ("archive.encrypted", CheckId::U08, "pack without a password"),
    ("archive.corrupt", CheckId::I07, "pack and send it again"),
    ("package.changed", CheckId::I07, "send it again when the file is complete"),
    ("package.metadata_too_large", CheckId::U01, "put metadata only into the XML"),
];

/// The check that a problem of `formats` belongs to.
pub fn check_of(code: &str) -> CheckId {
    TABLE.iter().find(|row| row.0 == code).map_or(CheckId::U07, |row| row.1)
}

/// A failed report with the one check that the problem stands for. Other checks did not run.
pub fn refusal(problem: &Problem, stage: Stage, scheme: &Scheme) -> Report {
    let finding = Finding::new(problem.code.clone(), problem.message.clone(), problem.message_en.clone());
    let remedy_en = TABLE
        .iter()
        .find(|row| row.0 == problem.code)
        .map_or("pack it again as a plain zip within the bounds", |row| row.2);
    let remedy = if problem.remedy.is_empty() { "重新打包后报送" } else { &problem.remedy };
    let mut judged = Judged::of(1);
    judged.fault(finding.remedy(remedy, remedy_en));
    let check = check_of(&problem.code);
    let rule = Rule { severity: Severity::Blocks, is_sampled: false };
    let line = Line { check, rule, blocks_unverified: false, alias: check.alias(stage) };
    report(stage, scheme, vec![outcome(&line, judged)])
}
