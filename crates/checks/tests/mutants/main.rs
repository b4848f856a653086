//! Every automatic check of one item has a mutant: one fault, and exactly these checks fail or warn, nothing else. The package
//! that they are made of passes every check of every stage with everything known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod authenticity;
mod content;
mod metadata;
mod mutant;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use dengbei_checks::facts::{EvidenceKind, NamedDigest, Standing};
use dengbei_checks::{CheckId, CheckResult, Scope, Severity, Stage, Verdict};
use mutant::{Mutant, signed};
use support::{BASIC_XML, FORM, Sample, ids, known};

fn all() -> Vec<Mutant> {
    let mut all = authenticity::authenticity();
    all.extend(metadata::metadata());
    all.extend(content::content());
    all
}

#[test]
fn the_good_package_passes_every_check_of_every_stage() {
    for stage in Stage::ALL {
        let report = known().check(stage);
        for check in &report.checks {
            let is_alone =
                matches!(check.id, CheckId::U05 | CheckId::U06) && check.result == CheckResult::NotApplicable;
            assert!(check.result == CheckResult::Passed || is_alone, "{stage:?} {check:#?}");
        }
        assert_eq!(report.verdict, Verdict::Passed);
    }
}

#[test]
fn each_mutant_fails_exactly_what_it_must() {
    for m in all() {
        let report = m.sample.check_by(m.stage, &m.scheme);
        let notable = ids(report.notable_ids());
        assert_eq!(notable, m.expected, "{}: {:#?}", m.name, report.notable().collect::<Vec<_>>());
        let id: CheckId = m.check.parse().unwrap();
        assert!(notable.contains(&m.check), "{}", m.name);
        let blocks = m.scheme.severity(m.stage, id) == Some(Severity::Blocks);
        let outcome = report.checks.iter().find(|c| c.id == id).unwrap();
        if blocks && outcome.result == CheckResult::Failed {
            assert_eq!(report.verdict, Verdict::Failed, "{}", m.name);
        }
        for finding in report.notable().flat_map(|c| &c.findings).filter(|f| !f.remedy.is_empty()) {
            assert!(
                !finding.remedy_en.is_empty() && !finding.message_en.is_empty(),
                "{}: {finding:?}",
                m.name
            );
        }
        assert!(
            outcome.findings.iter().any(|f| !f.remedy.is_empty()),
            "{}: nothing says how to mend it",
            m.name
        );
    }
}

#[test]
fn every_automatic_check_of_an_item_has_a_mutant() {
    let made: BTreeSet<&str> = all().iter().map(|m| m.check).collect();
    let wanted: BTreeSet<&str> =
        CheckId::all().filter(|id| id.scope() == Scope::Item).map(CheckId::as_str).collect();
    assert_eq!(made, wanted);
}

#[test]
fn what_a_service_does_not_know_is_never_a_pass() {
    let strip: Vec<(&str, Stage, Sample)> = vec![
        ("A-01", Stage::G, known().knowing(|c| c.digests = None)),
        ("A-02", Stage::G, known().knowing(|c| c.manifest = None)),
        ("A-06", Stage::G, known().knowing(|c| c.sender = None)),
        ("A-13", Stage::G, known().knowing(|c| c.duplicates = None)),
        ("A-18", Stage::G, known().knowing(|c| c.events = None)),
        ("I-06", Stage::Y, known().knowing(|c| c.classes = None)),
        ("I-09", Stage::G, known().knowing(|c| c.matter = None)),
        ("I-10", Stage::G, known().knowing(|c| c.recorded = None)),
        ("U-09", Stage::C, known().knowing(|c| c.restored = None)),
        ("S-02", Stage::G, known().knowing(|c| c.scan = None)),
    ];
    for (id, stage, sample) in strip {
        let report = sample.check(stage);
        let outcome = report.checks.iter().find(|c| c.id.as_str() == id).unwrap();
        assert!(
            matches!(outcome.result, CheckResult::NotApplicable | CheckResult::Unverifiable),
            "{id}: {outcome:?}"
        );
        assert!(
            !outcome.findings[0].message.is_empty() && !outcome.findings[0].message_en.is_empty(),
            "{id}"
        );
    }
}

#[test]
fn evidence_that_cannot_be_told_is_unverifiable_and_does_not_block() {
    for (kind, id) in [
        (EvidenceKind::Signature, CheckId::A03),
        (EvidenceKind::Seal, CheckId::A04),
        (EvidenceKind::TimeStamp, CheckId::A05),
    ] {
        for standing in [Standing::Intact, Standing::Unknown] {
            let report = signed(kind, standing).check(Stage::G);
            let outcome = report.checks.iter().find(|c| c.id == id).unwrap();
            assert_eq!(
                (outcome.result, report.verdict),
                (CheckResult::Unverifiable, Verdict::Passed),
                "{id}"
            );
            assert!(report.kept().any(|c| c.id == id), "{id} is worth keeping");
        }
    }
}

#[test]
fn a_weak_digest_alone_proves_nothing_and_a_wrong_one_is_a_fault() {
    let md5 = |hex: &str| NamedDigest { algorithm: "MD5".into(), hex: hex.into() };
    let with = |found: &str| {
        known().knowing(|c| {
            let digests = c.digests.as_mut().unwrap();
            (digests.stated, digests.found) = (vec![md5("aa")], vec![md5(found)]);
        })
    };
    let result = |s: Sample| s.check(Stage::G).checks[0].result;
    assert_eq!((result(with("AA")), result(with("bb"))), (CheckResult::Unverifiable, CheckResult::Failed));
}

#[test]
fn what_looks_at_the_sample_only_rests_for_the_others() {
    let spoilt = known().with(FORM, *b"").settled();
    let sampled = spoilt.check(Stage::C);
    assert_eq!(ids(sampled.failing_ids()), ["I-07"]);
    let other = spoilt.knowing(|c| c.is_in_sample = false).check(Stage::C);
    assert_eq!(ids(other.failing_ids()), [""; 0]);
    let outcome = other.checks.iter().find(|c| c.id == CheckId::I07).unwrap();
    assert_eq!(outcome.result, CheckResult::NotApplicable);
}

#[test]
fn a_document_is_read_as_it_is_whatever_case_its_ending_has() {
    let mut lower = known();
    let bytes = lower.files.remove(BASIC_XML).unwrap();
    lower.files.insert("基本信息描述.xml".into(), bytes);
    assert_eq!(lower.settled().check(Stage::G).verdict, Verdict::Passed);
}
