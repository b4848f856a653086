//! The schemes of a deployment: all documents of a folder together, and which one holds for a package.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use dengbei_checks::{CheckId, Holds, Scheme, Schemes, Stage};
use dengbei_records::{AreaCode, Timestamp};

/// 2026-11-22 in Beijing.
const NOW: Timestamp = Timestamp::from_millis(1_795_300_000_000);

fn document(id: &str, base: &Scheme, parts: &str) -> Vec<u8> {
    format!(
        r#"{{"format":"dengbei.scheme/1","id":"{id}","version":"1","title":"测","title_en":"test",
            "extends":{{"id":"{}","version":"{}","digest":"{}"}},{parts}}}"#,
        base.id, base.version, base.digest
    )
    .into_bytes()
}

fn files(documents: &[(&str, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    documents.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect()
}

fn from(areas: &str) -> String {
    format!(r#""in_force_from":"2026-01-01","areas":[{areas}]"#)
}

fn codes(documents: &[(&str, Vec<u8>)]) -> Vec<(String, String)> {
    let error = Schemes::read(&files(documents)).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("检测方案无效") && said.contains("invalid"), "{said}");
    error.0.into_iter().map(|(file, fault)| (file, fault.code)).collect()
}

#[test]
fn the_nearest_document_holds_and_the_built_in_one_where_none_is_for_it() {
    let base = Scheme::builtin();
    let city = document("city", &base, &from(r#""3303""#));
    let parent = Scheme::read(&city, &[]).unwrap();
    // Its base is read after it.
    let county = document("a-county", &parent, &from(r#""330382""#));
    let schemes = Schemes::read(&files(&[("a.json", county), ("b.json", city)])).unwrap();
    let own: AreaCode = "330382".parse().unwrap();
    let of = |area: &str| schemes.of((area, &own), NOW).id.clone();
    assert_eq!((of("330382").as_str(), of("330381").as_str()), ("a-county", "city"));
    assert_eq!(of("511602"), base.id);
    assert_eq!(of("县里"), "a-county", "what is no code stands for the deployment's own area");
    assert_eq!(schemes.of(("330382", &own), Timestamp::from_millis(0)).id, base.id, "not in force yet");
    assert_eq!(schemes.all().count(), 3);
    assert_eq!(Schemes::default().of(("330382", &own), NOW).id, base.id);
}

#[test]
fn every_problem_of_every_document_and_of_all_together_is_told() {
    let base = Scheme::builtin();
    let twice = document("one", &base, &from(r#""3303""#));
    let other = document("other", &base, &from(r#""3303","3304""#));
    let transfer = document("transfers", &Scheme::transfer(), &from(""));
    let weak = document("weak", &base, r#""in_force_from":"2026-01-01","stages":{"P":{"A-02":"-"}}"#);
    let found = codes(&[
        ("a.json", twice.clone()),
        ("b.json", twice),
        ("c.json", other),
        ("d.json", transfer),
        ("e.json", weak),
        ("f.json", b"{".to_vec()),
    ]);
    for (file, code) in [
        ("b.json", "scheme.twice"),
        ("c.json", "scheme.ambiguous"),
        ("d.json", "scheme.not_for_packages"),
        ("e.json", "scheme.too_weak"),
        ("f.json", "scheme.not_json"),
    ] {
        assert!(found.contains(&(file.to_owned(), code.to_owned())), "{file} {code}: {found:?}");
    }
    assert!(!found.iter().any(|(file, _)| file == "a.json"), "{found:?}");
}

#[test]
fn a_document_whose_base_is_nowhere_says_so() {
    let base = Scheme::read(&document("gone", &Scheme::builtin(), &from("")), &[]).unwrap();
    let found = codes(&[("a.json", document("left", &base, &from("")))]);
    assert_eq!(found, [("a.json".to_owned(), "scheme.unknown_base".to_owned())]);
}

#[test]
fn what_a_document_says_at_y_holds_for_transfers_of_its_area_and_what_it_inherits_stays() {
    let base = Scheme::builtin();
    let says = format!(
        r#"{},"stages":{{"Y":{{"I-06":"B","S-03":"W","A-12":"-"}}}},"aliases":{{"Y":{{"I-06":"YJ-9"}}}}"#,
        from(r#""3303""#)
    );
    let silent = document("silent", &base, &from(r#""3304""#));
    let schemes =
        Schemes::read(&files(&[("a.json", document("strict", &base, &says)), ("b.json", silent)])).unwrap();
    let of = |area: &str| schemes.for_transfer(&area.parse().unwrap(), NOW);
    assert_eq!(of("511602"), None, "no document is for it");
    let letter = |scheme: &Scheme, check: CheckId| {
        scheme.of_transfer().iter().find(|l| l.check == check).map(|l| (l.rule.to_string(), l.alias.clone()))
    };
    let (strict, silent) = (of("330382").unwrap(), of("330402").unwrap());
    assert_eq!(letter(strict, CheckId::I06), Some(("B".to_owned(), "YJ-9".to_owned())));
    assert_eq!(letter(strict, CheckId::S03).unwrap().0, "W");
    assert_eq!(letter(strict, CheckId::A12), None);
    assert_eq!(silent.of_transfer(), Scheme::transfer().lines(Stage::Y));
    assert_eq!(schemes.named("strict/1"), Some(strict));
    // Written out whole, without a base, the built-in letters change nothing.
    assert_eq!(Scheme::read(&base.to_bytes(), &[]).unwrap().of_transfer(), silent.of_transfer());
}

#[test]
fn a_filing_runs_verdict_holds_only_where_it_compared_the_same_and_blocked_as_much() {
    let base = Scheme::builtin();
    let read =
        |parts: &str| Scheme::read(&document("s", &base, &format!("{},{parts}", from(""))), &[]).unwrap();
    let holds = |parts: &str, check| read(parts).holds(Some(&base), check);
    let nothing = r#""stages":{}"#;
    for check in [CheckId::A09, CheckId::U05, CheckId::U06, CheckId::S02] {
        assert_eq!(holds(nothing, check), Holds::Always, "{check}: as built in");
    }
    assert_eq!(read(nothing).holds(None, CheckId::A09), Holds::Never, "nobody knows by what");
    let unless = |warned, unverified, silent| Holds::Unless { warned, unverified, silent };
    assert_eq!(holds(r#""stages":{"Y":{"U-06":"B"}}"#, CheckId::U06), unless(true, false, false));
    assert_eq!(holds(r#""unverified_blocks":{"Y":["S-02"]}"#, CheckId::S02), unless(false, true, false));
    assert_eq!(holds(r#""unverified_blocks":{"Y":["U-04"]}"#, CheckId::U04), unless(false, true, true));
    assert_eq!(holds(r#""stages":{"Y":{"U-05":"B"}}"#, CheckId::U05), Holds::Never, "not run at filing");
    assert_eq!(holds(r#""parameters":{"U-03":{"allowed":["ofd"]}}"#, CheckId::U03), Holds::Never);
    // A document that judged both: what it compares with is the same, and what it let rest at filing is run.
    let both = read(r#""stages":{"G":{"A-11":"-"}},"parameters":{"U-03":{"allowed":["ofd"]}}"#);
    assert_eq!(both.holds(Some(&both), CheckId::U03), Holds::Always);
    assert_eq!(both.holds(Some(&both), CheckId::A11), Holds::Never);
}
