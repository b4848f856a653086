//! Schemes as documents: the built-in one reads back, others extend it, every problem is told at once, docs/checks.md says
//! what is declared.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::PathBuf;

use dengbei_checks::{CheckId, CheckResult, Scheme, Severity, Stage, Verdict};
use dengbei_records::canonical;
use support::{sample, scheme};

fn base() -> String {
    let base = Scheme::builtin();
    format!(r#""extends":{{"id":"{}","version":"{}","digest":"{}"}}"#, base.id, base.version, base.digest)
}

fn faults(parts: &str) -> Vec<(String, String)> {
    let text = format!(
        r#"{{"format":"dengbei.scheme/1","id":"test/one","version":"1","title":"测","title_en":"test","in_force_from":"2026-01-01",{parts}}}"#
    );
    let faults = Scheme::read(text.as_bytes(), &[]).unwrap_err();
    for fault in &faults {
        for text in [&fault.message, &fault.message_en, &fault.remedy, &fault.remedy_en] {
            assert!(!text.is_empty(), "{fault:?}");
        }
    }
    faults.into_iter().map(|f| (f.code, f.place)).collect()
}

fn codes(parts: &str) -> Vec<String> {
    faults(&format!("{},{parts}", base())).into_iter().map(|f| f.0).collect()
}

#[test]
fn the_built_in_documents_read_back_with_the_same_digest() {
    for scheme in [Scheme::builtin(), Scheme::transfer()] {
        let bytes = scheme.to_bytes();
        let tree: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(canonical::to_vec(&tree).unwrap(), bytes);
        assert_eq!(tree["digest"], scheme.digest.to_string());
    }
    let read = Scheme::read(&Scheme::builtin().to_bytes(), &[]).unwrap_or_else(|f| panic!("{f:#?}"));
    assert_eq!(read, Scheme::builtin());
}

#[test]
fn a_document_changes_what_it_names_and_nothing_else() {
    let ours = scheme(
        r#""areas":["3302"],"stages":{"G":{"A-11":"-","A-14":"W","A-10":"W"},"P":{"A-10":"B"}},
        "unverified_blocks":{"G":["S-02"]},"aliases":{"G":{"A-10":"1-5-2"}},
        "parameters":{"A-07":{"max_lengths":{"title":5}},"A-08":{"item_number_digits":16}}"#,
    );
    assert_eq!(ours.severity(Stage::G, CheckId::A11), None);
    assert_eq!(ours.severity(Stage::G, CheckId::A10), Some(Severity::Warns));
    assert_eq!(ours.severity(Stage::P, CheckId::A10), Some(Severity::Blocks));
    assert_eq!(ours.severity(Stage::G, CheckId::A02), Some(Severity::Blocks));
    assert_eq!(ours.line(Stage::G, CheckId::A10).unwrap().alias, "1-5-2");
    assert_eq!(ours.parameters.a07.max_lengths["record_no"], 64);
    assert_eq!(ours.parameters.a07.max_lengths["title"], 5);
    let report = sample().check_by(Stage::G, &ours);
    let failing: Vec<&str> = report.failing().map(|c| c.id.as_str()).collect();
    assert_eq!(failing, ["A-07", "A-08"]);
    assert_eq!(report.scheme.digest, Some(ours.digest));
    let s02 = report.checks.iter().find(|c| c.id == CheckId::S02).unwrap();
    assert!(s02.result == CheckResult::Unverifiable && s02.blocks_unverified);
    assert!(report.blocking().any(|c| c.id == CheckId::S02));
}

#[test]
fn what_a_scheme_lets_block_unverified_keeps_an_item_out() {
    let strict = scheme(r#""unverified_blocks":{"G":["S-02"]}"#);
    assert_eq!(sample().check_by(Stage::G, &strict).verdict, Verdict::Unverifiable);
    assert_eq!(sample().check(Stage::G).verdict, Verdict::Passed);
}

#[test]
fn a_scheme_may_extend_another_that_is_known() {
    let city = scheme(r#""stages":{"P":{"A-10":"B"}}"#);
    let text = format!(
        r#"{{"format":"dengbei.scheme/1","id":"test/two","version":"1","title":"测","title_en":"test","in_force_from":"2026-01-01",
        "extends":{{"id":"{}","version":"{}","digest":"{}"}}}}"#,
        city.id, city.version, city.digest
    );
    let county = Scheme::read(text.as_bytes(), std::slice::from_ref(&city)).unwrap();
    assert_eq!(county.severity(Stage::P, CheckId::A10), Some(Severity::Blocks));
    let faults = Scheme::read(text.as_bytes(), &[]).unwrap_err();
    assert_eq!(faults[0].code, "scheme.unknown_base");
}

#[test]
fn what_may_never_be_weaker_stays() {
    for id in ["A-01", "A-02", "A-13", "A-15", "A-18", "I-07", "U-07", "U-08", "S-02", "S-08", "S-09"] {
        for letters in ["-", "W"] {
            assert_eq!(
                codes(&format!(r#""stages":{{"G":{{"{id}":"{letters}"}}}}"#)),
                ["scheme.too_weak"],
                "{id} {letters}"
            );
        }
    }
    assert_eq!(codes(r#""stages":{"G":{"I-09":"-"}}"#), ["scheme.too_weak"]);
    assert_eq!(codes(r#""stages":{"G":{"A-02":"Bs"}}"#), ["scheme.too_weak"]);
    assert_eq!(codes(r#""stages":{"G":{"A-08":"M"}}"#), ["scheme.manual"]);
    assert_eq!(codes(r#""stages":{"Y":{"S-06":"W"}}"#), ["scheme.manual"]);
    assert_eq!(codes(r#""parameters":{"U-07":{"max_files":5000}}"#), ["scheme.bad_parameter"]);
    assert_eq!(codes(r#""parameters":{"S-08":{"marks":["密"]}}"#), ["scheme.parameter_too_weak"]);
    assert_eq!(codes(r#""parameters":{"A-02":{"sample_percent":5}}"#), ["scheme.parameter_too_weak"]);
    scheme(r#""stages":{"G":{"I-09":"W"},"Y":{"S-06":"-"}},"parameters":{"A-02":{"sample_percent":40}}"#);
}

#[test]
fn a_document_that_extends_nothing_must_name_what_cannot_rest() {
    let found = faults(r#""stages":{"G":{"A-02":"B"}}"#);
    assert!(found.contains(&("scheme.too_weak".into(), "/stages/G/S-08".into())), "{found:?}");
    assert!(!found.iter().any(|(_, place)| place == "/stages/G/A-02" || place == "/stages/G/A-11"));
}

#[test]
fn every_problem_is_told_at_once() {
    let text = r#"{"format":"x","id":"a b","version":"","title":"","title_en":"t","in_force_from":"2026-02-30","in_force_until":5,
        "extends":{"id":"dengbei/service-item","version":"2026-03","digest":"0000000000000000000000000000000000000000000000000000000000000000"},
        "areas":["hangzhou"],"surprise":1,
        "stages":{"X":{},"G":{"A-99":"B","A-02":"Z"}},"unverified_blocks":{"G":["I-99"]},"aliases":{"G":{"A-02":""}},
        "parameters":{"A-08":{"item_number_digits":"many","shoe":1},"Z-1":{}}}"#;
    let faults = Scheme::read(text.as_bytes(), &[]).unwrap_err();
    let codes: Vec<&str> = faults.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "scheme.unknown_field",
            "scheme.missing_field",
            "scheme.missing_field",
            "scheme.bad_field",
            "scheme.bad_field",
            "scheme.bad_date",
            "scheme.bad_date",
            "scheme.bad_area",
            "scheme.base_digest",
            "scheme.unknown_stage",
            "scheme.unknown_check",
            "scheme.bad_severity",
            "scheme.bad_alias",
            "scheme.unknown_check",
            "scheme.bad_parameter",
            "scheme.unknown_parameter",
            "scheme.unknown_check",
        ]
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for (text, code) in [("", "scheme.not_json"), ("[]", "scheme.not_an_object"), ("{", "scheme.not_json")] {
        assert_eq!(Scheme::read(text.as_bytes(), &[]).unwrap_err()[0].code, code);
    }
    assert_eq!(Scheme::read(&vec![b' '; 2 << 20], &[]).unwrap_err()[0].code, "scheme.too_large");
    let mut tampered: serde_json::Value = serde_json::from_slice(&Scheme::builtin().to_bytes()).unwrap();
    tampered["title"] = "别的".into();
    let faults = Scheme::read(tampered.to_string().as_bytes(), &[]).unwrap_err();
    assert_eq!(faults[0].code, "scheme.digest");
}

/// `DENGBEI_BLESS=1` writes the tables into the page.
#[test]
fn the_page_about_checks_says_what_is_declared() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- tables: dengbei scheme show --markdown -->\n", "<!-- end of tables -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (tables, after) = rest.split_once(end).unwrap();
    let declared = Scheme::builtin().markdown();
    if std::env::var_os("DENGBEI_BLESS").is_some() {
        std::fs::write(&page, format!("{before}{begin}{declared}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(tables, declared, "docs/checks.md: run with DENGBEI_BLESS=1");
}
