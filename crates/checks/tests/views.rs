//! What is not per item: batches, carriers, the system; tasks of persons; second looks.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;

use dengbei_checks::facts::Numbers;
use dengbei_checks::{
    Arrived, BatchView, CarrierView, CheckId, CheckResult, Opinion, Paper, ReadBack, Recheck, RecheckError,
    Report, ScannerState, Scheme, Signed, Stage, SystemView, Verdict, check_batch, check_carrier,
    check_system, with_recheck,
};
use dengbei_records::{IdKey, ItemId, Sha256, Timestamp, canonical};
use support::{NOW, ids, sample, scheme};

fn arrived(n: u32) -> Arrived {
    Arrived { record_no: format!("号-{n}"), title: format!("题名{n}") }
}

fn signed(check: CheckId, person: &str, is_in_order: bool) -> Signed {
    Signed { check, person: person.into(), at: NOW, is_in_order, note: String::new() }
}

/// A batch in order, signed by two.
fn batch() -> BatchView {
    let paper =
        |name: &str| Paper { name: name.into(), items: 2, bytes: Some(10), root: Some(Sha256::of(b"root")) };
    let numbers = Numbers { given: vec![2, 1], first: Some(1), explained: Vec::new() };
    BatchView {
        stated_items: Some(2),
        listed: Some(vec![arrived(1), arrived(2)]),
        arrived: vec![arrived(2), arrived(1)],
        stated_bytes: Some(10),
        bytes: 10,
        classes: BTreeMap::from([("A001".to_owned(), numbers)]),
        papers: vec![paper("移交目录"), paper("登记表"), paper("登记证书")],
        signed: vec![signed(CheckId::S06, "甲", true), signed(CheckId::S06, "乙", true)],
        ..BatchView::new("YJ-1", NOW)
    }
}

fn system() -> SystemView {
    let read =
        ReadBack { database: "registration".into(), written: Sha256::of(b"x"), read: Ok(Sha256::of(b"x")) };
    let scanner = ScannerState { engine: "ClamAV".into(), answered_at: Some(NOW), signatures_at: Some(NOW) };
    SystemView {
        name: "330499".into(),
        now: NOW,
        databases: vec![read],
        scanner: Some(scanner),
        signed: vec![signed(CheckId::S07, "丙", true)],
    }
}

fn result(report: &Report, id: CheckId) -> CheckResult {
    report.checks.iter().find(|c| c.id == id).unwrap().result
}

fn failing(view: &BatchView) -> Vec<&'static str> {
    ids(check_batch(view, Stage::Y, &Scheme::builtin()).failing_ids())
}

#[test]
fn a_batch_in_order_passes_at_transfer() {
    let report = check_batch(&batch(), Stage::Y, &Scheme::builtin());
    assert_eq!(
        (report.verdict, report.notable_ids(), report.outstanding().count()),
        (Verdict::Passed, vec![], 0)
    );
    assert!(report.checks.iter().all(|c| c.result == CheckResult::Passed));
    assert_eq!(report.subject.as_ref().unwrap().number, "YJ-1");
}

#[test]
fn each_fault_of_a_batch_fails_its_check_alone() {
    assert_eq!(failing(&BatchView { stated_items: Some(3), ..batch() }), ["I-01"]);
    assert_eq!(failing(&BatchView { stated_items: None, ..batch() }), ["I-01"]);
    assert_eq!(failing(&BatchView { arrived: vec![arrived(1), arrived(3)], ..batch() }), ["I-01"]);
    let mut renamed = batch();
    renamed.arrived[0].title.push('改');
    assert_eq!(failing(&renamed), ["I-01"]);
    assert_eq!(failing(&BatchView { bytes: 11, ..batch() }), ["I-02"]);
    let mut gap = batch();
    gap.classes.get_mut("A001").unwrap().given = vec![1, 4];
    assert_eq!(failing(&gap), ["I-06"]);
    gap.classes.get_mut("A001").unwrap().explained = vec![2..=3];
    assert_eq!(failing(&gap), [""; 0]);
    let mut twice = batch();
    twice.classes.get_mut("A001").unwrap().given = vec![1, 2, 2];
    assert_eq!(failing(&twice), ["I-06"]);
    for change in [
        |p: &mut Paper| p.items = 3,
        |p: &mut Paper| p.bytes = Some(9),
        |p: &mut Paper| p.root = Some(Sha256::of(b"x")),
    ] {
        let mut other = batch();
        change(&mut other.papers[1]);
        assert_eq!(failing(&other), ["I-12"]);
    }
}

#[test]
fn what_a_batch_does_not_say_is_no_pass() {
    let bare = check_batch(&BatchView::new("批", NOW), Stage::Y, &Scheme::builtin());
    assert_eq!(result(&bare, CheckId::I01), CheckResult::NotApplicable);
    assert_eq!(result(&bare, CheckId::I02), CheckResult::NotApplicable);
    assert_eq!(result(&bare, CheckId::I12), CheckResult::Unverifiable);
    assert_eq!(bare.verdict, Verdict::Unsigned);
}

#[test]
fn a_batch_waits_for_two_different_persons() {
    for (signed, outstanding) in [
        (vec![], 1),
        (vec![signed(CheckId::S06, "甲", true)], 1),
        (vec![signed(CheckId::S06, "甲", true), signed(CheckId::S06, "甲", true)], 1),
        (vec![signed(CheckId::S06, "甲", true), signed(CheckId::S06, "  ", true)], 1),
        (vec![signed(CheckId::S06, "甲", true), signed(CheckId::S06, "乙", true)], 0),
    ] {
        let report = check_batch(&BatchView { signed, ..batch() }, Stage::G, &Scheme::builtin());
        assert_eq!(report.outstanding().count(), outstanding);
        assert_eq!(report.verdict == Verdict::Passed, outstanding == 0);
        let task = &report.tasks[0];
        assert!(!task.task.is_empty() && !task.task_en.is_empty() && task.persons == 2);
    }
    let refused = BatchView { signed: vec![signed(CheckId::S06, "甲", false)], ..batch() };
    assert_eq!(failing(&refused), ["S-06"]);
}

#[test]
fn the_months_session_is_signed_for_its_batches_unless_the_scheme_wants_each() {
    let of_session = || BatchView { session: Some("2026-11".to_owned()), signed: vec![], ..batch() };
    let report = check_batch(&of_session(), Stage::G, &Scheme::builtin());
    assert_eq!((report.verdict, report.outstanding().count()), (Verdict::Passed, 0));
    let covered = report.checks.iter().find(|c| c.id == CheckId::S06).unwrap();
    assert_eq!(covered.result, CheckResult::NotApplicable);
    assert!(covered.findings[0].message.contains("2026-11"));
    let each = scheme(r#""parameters":{"S-06":{"every_batch":1}}"#);
    let report = check_batch(&of_session(), Stage::G, &each);
    assert_eq!((report.verdict, report.outstanding().count()), (Verdict::Unsigned, 1));
}

#[test]
fn a_person_looks_at_the_sample_that_the_seed_draws() {
    let (key, source) = (IdKey::from_bytes([1; 32]), "zwfw".parse().unwrap());
    let items: Vec<ItemId> = (0..50).map(|n: u32| ItemId::derive(&key, &source, &n.to_string())).collect();
    let view = BatchView { items, seed: "2026-1".into(), ..batch() };
    let looking = scheme(r#""parameters":{"U-04":{"look_percent":10}}"#);
    let report = check_batch(&view, Stage::Y, &looking);
    let drawn = report.sample.clone().unwrap();
    assert_eq!((report.verdict, drawn.items.len(), drawn.seed.as_str()), (Verdict::Unsigned, 5, "2026-1"));
    assert_eq!(report.outstanding().next().unwrap().items, drawn.items);
    let mut done = view.clone();
    done.signed.push(signed(CheckId::U04, "丁", true));
    assert_eq!(check_batch(&done, Stage::Y, &looking).verdict, Verdict::Passed);
    done.signed.push(signed(CheckId::U04, "戊", false));
    assert_eq!(ids(check_batch(&done, Stage::Y, &looking).failing_ids()), ["U-04"]);
    assert_eq!(check_batch(&view, Stage::Y, &Scheme::builtin()).sample, None);
}

#[test]
fn carriers_are_looked_at_offline_only() {
    let view = |is_offline, signed| CarrierView { number: "盘1".into(), now: NOW, is_offline, signed };
    let online = check_carrier(&view(false, vec![]), Stage::Y, &Scheme::builtin());
    assert_eq!((online.verdict, online.tasks.len()), (Verdict::Passed, 0));
    assert!(online.checks.iter().all(|c| c.result == CheckResult::NotApplicable) && online.checks.len() == 2);
    let offline = check_carrier(&view(true, vec![]), Stage::Y, &Scheme::builtin());
    assert_eq!((offline.verdict, offline.outstanding().count()), (Verdict::Unsigned, 2));
    let both = vec![signed(CheckId::S04, "甲", true), signed(CheckId::S05, "甲", true)];
    assert_eq!(check_carrier(&view(true, both), Stage::C, &Scheme::builtin()).verdict, Verdict::Passed);
    let scratched = vec![signed(CheckId::S05, "甲", false)];
    assert_eq!(check_carrier(&view(true, scratched), Stage::C, &Scheme::builtin()).verdict, Verdict::Failed);
}

#[test]
fn the_system_is_checked_as_a_whole() {
    let of = |view: &SystemView| check_system(view, Stage::C, &Scheme::builtin());
    assert_eq!((of(&system()).verdict, of(&system()).notable_ids()), (Verdict::Passed, vec![]));
    let mut changed = system();
    changed.databases[0].read = Ok(Sha256::of(b"y"));
    assert_eq!(ids(of(&changed).failing_ids()), ["U-02"]);
    changed.databases[0].read = Err("connection refused".into());
    assert_eq!(ids(of(&changed).failing_ids()), ["U-02"]);
    changed.databases.clear();
    assert_eq!(result(&of(&changed), CheckId::U02), CheckResult::Unverifiable);
    let long_ago = Some(Timestamp::from_millis(NOW.millis() - 8 * 86_400_000));
    for change in
        [|s: &mut ScannerState, at| s.answered_at = at, |s: &mut ScannerState, at| s.signatures_at = at]
    {
        let mut stale = system();
        change(stale.scanner.as_mut().unwrap(), long_ago);
        assert_eq!(ids(of(&stale).failing_ids()), ["S-01"]);
    }
    let none = of(&SystemView { scanner: None, ..system() });
    assert_eq!((result(&none, CheckId::S01), none.verdict), (CheckResult::Warning, Verdict::Passed));
    assert_eq!(of(&SystemView { signed: vec![], ..system() }).verdict, Verdict::Unsigned);
}

fn sealed() -> Report {
    let spoilt = sample().basic("<result>准予", "<result>神秘").with("申请材料/别的.txt", *b"x");
    spoilt.check(Stage::G).ended(NOW).sealed("salt".into()).unwrap().0
}

fn recheck(report: &Report, check: CheckId, opinion: Opinion) -> Recheck {
    let (person, reason) = ("李某".to_owned(), "地方代码表已补".to_owned());
    Recheck { report: report.digest.unwrap(), check, opinion, person, reason, at: NOW }
}

#[test]
fn a_report_says_its_own_digest_and_keeps_it() {
    let (report, bytes) = sample().check(Stage::G).ended(NOW).sealed("ab".into()).unwrap();
    assert!(report.is_intact());
    assert_eq!(canonical::from_slice::<Report>(&bytes).unwrap(), report);
    let mut tree: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let stated = tree.as_object_mut().unwrap().remove("digest").unwrap();
    assert_eq!(stated, Sha256::of(&canonical::to_vec(&tree).unwrap()).to_string());
    let mut changed = report;
    changed.checks[3].compared += 1;
    assert!(!changed.is_intact());
}

#[test]
fn a_second_look_changes_what_holds_and_never_the_report() {
    let report = sealed();
    assert_eq!(ids(report.failing_ids()), ["A-09", "A-15", "I-11"]);
    let before = report.clone();
    let rows = [recheck(&report, CheckId::A09, Opinion::Overruled)];
    let holds = with_recheck(&report, &rows).unwrap();
    assert_eq!((holds.verdict, ids(holds.blocking)), (Verdict::Failed, vec!["A-15", "I-11"]));
    assert_eq!(report, before);
    let later = Recheck {
        at: Timestamp::from_millis(NOW.millis() + 1),
        ..recheck(&report, CheckId::A09, Opinion::Upheld)
    };
    let holds = with_recheck(&report, &[later, rows[0].clone()]).unwrap();
    assert_eq!(ids(holds.blocking), ["A-09", "A-15", "I-11"], "the last row of a check counts");
}

#[test]
fn a_warning_that_a_person_upholds_blocks_and_an_overruled_one_lets_pass() {
    let report =
        sample().basic("<result>准予", "<result>神秘").check(Stage::P).sealed(String::new()).unwrap().0;
    assert_eq!(report.verdict, Verdict::Passed);
    let upheld = with_recheck(&report, &[recheck(&report, CheckId::A09, Opinion::Upheld)]).unwrap();
    assert_eq!((upheld.verdict, ids(upheld.blocking)), (Verdict::Failed, vec!["A-09"]));
    let report =
        sample().basic("<result>准予", "<result>神秘").check(Stage::G).sealed(String::new()).unwrap().0;
    let overruled = with_recheck(&report, &[recheck(&report, CheckId::A09, Opinion::Overruled)]).unwrap();
    assert_eq!((overruled.verdict, overruled.blocking), (Verdict::Passed, vec![]));
}

#[test]
fn rows_that_do_not_count_are_refused() {
    let report = sealed();
    let good = recheck(&report, CheckId::A09, Opinion::Overruled);
    let refused = |row: Recheck| with_recheck(&report, &[row]).unwrap_err();
    assert_eq!(refused(Recheck { report: Sha256::of(b"x"), ..good.clone() }), RecheckError::OtherReport);
    assert_eq!(refused(Recheck { person: " ".into(), ..good.clone() }), RecheckError::Incomplete);
    assert_eq!(refused(Recheck { reason: String::new(), ..good.clone() }), RecheckError::Incomplete);
    assert_eq!(refused(Recheck { check: CheckId::A15, ..good.clone() }), RecheckError::Stands(CheckId::A15));
    assert_eq!(
        refused(Recheck { check: CheckId::A02, ..good.clone() }),
        RecheckError::NothingToRecheck(CheckId::A02)
    );
    let mut changed = report.clone();
    changed.checks.clear();
    assert_eq!(with_recheck(&changed, &[good]).unwrap_err(), RecheckError::Unsealed);
}

#[test]
fn a_word_in_a_title_may_be_overruled_a_security_class_never() {
    let of = |from: &str, to: &str| sample().basic(from, to).check(Stage::G).sealed(String::new()).unwrap().0;
    let word = of("供水报装</projectname>", "（机密）文件销毁登记</projectname>");
    let holds = with_recheck(&word, &[recheck(&word, CheckId::S08, Opinion::Overruled)]).unwrap();
    assert_eq!(holds.verdict, Verdict::Passed);
    let label = of("<result>", "<security>机密</security><result>");
    let row = recheck(&label, CheckId::S08, Opinion::Overruled);
    assert_eq!(with_recheck(&label, &[row]).unwrap_err(), RecheckError::Stands(CheckId::S08));
}
