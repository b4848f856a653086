//! What files say, and readers that had to be stopped: marks in a text warn with their page; a file that nobody could read
//! is never a pass.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io;

use dengbei_checks::{CheckId, CheckOutcome, CheckResult, PackageView, Report, Scheme, Stage, check_package};
use dengbei_formats::content::{Collected, Finding, Here, Inspection, Kind, Readers};
use dengbei_formats::{Discard, examine_with, read_package};
use support::{DECISION, FORM, Sample, known};

/// Does not survive any PDF.
#[derive(Debug)]
struct Fragile;

impl Readers for Fragile {
    fn inspect(&self, file: Collected) -> io::Result<Inspection> {
        if file.format().kind == Kind::Pdf {
            return Ok(Inspection::stopped(file.format().clone(), Finding::new("已终止", "it was stopped")));
        }
        Here.inspect(file)
    }
}

fn checked(sample: &Sample, readers: &dyn Readers) -> Report {
    let source = sample.source();
    let (package, files) =
        (read_package(&source).unwrap(), examine_with(&source, &mut Discard, readers).unwrap());
    let view = PackageView { package: &package, files: &files, context: &sample.context };
    check_package(&view, Stage::G, &Scheme::builtin())
}

fn outcome(report: &Report, id: CheckId) -> &CheckOutcome {
    report.checks.iter().find(|check| check.id == id).unwrap()
}

#[test]
fn a_mark_in_what_a_file_says_warns_with_its_place_and_does_not_refuse() {
    let sample = known().with(FORM, "申请书\n机 密★\n10年").settled();
    let report = checked(&sample, &Here);
    let found = outcome(&report, CheckId::S08);
    assert_eq!(found.result, CheckResult::Warning, "{found:#?}");
    assert_eq!((found.findings[0].place.as_str(), found.findings.len()), (FORM, 1));
    assert!(found.findings[0].message.contains("第1页") && found.findings[0].message.contains("机密★"));
    assert!(report.is_passed());
    let plain = checked(&known(), &Here);
    let clean = outcome(&plain, CheckId::S08);
    assert_eq!(clean.result, CheckResult::Passed);
    assert!(clean.evidence.iter().any(|e| e.what == "正文 text"), "{clean:#?}");
}

#[test]
fn a_file_whose_reader_was_stopped_passes_no_check_of_its_content_and_the_package_goes_on() {
    let report = checked(&known(), &Fragile);
    for id in [CheckId::A14, CheckId::I07, CheckId::U03, CheckId::U04, CheckId::U08] {
        let found = outcome(&report, id);
        assert_eq!(found.result, CheckResult::Unverifiable, "{found:#?}");
        let said = found.findings.iter().find(|finding| finding.place == DECISION).unwrap();
        assert_eq!(said.message_en, "it was stopped");
    }
    assert!(report.checks.len() > 30);
    assert!(report.notable().all(|check| check.result == CheckResult::Unverifiable), "nothing else is wrong");
}

#[test]
fn where_files_were_read_and_how_many_pages_they_have_is_evidence() {
    let report = checked(&known(), &Here);
    let told: Vec<&str> = outcome(&report, CheckId::U04).evidence.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(told, ["页数 pages", "读取 readers"]);
}
