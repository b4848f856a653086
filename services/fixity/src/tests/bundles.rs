//! What becomes of bundles: one verdict each, whatever comes how often.

use dengbei_bus::Outcome;
use dengbei_chain::MemberList;
use dengbei_chain::facts::Verdict;
use dengbei_checks::Report;
use dengbei_records::ErrorClass;

use super::desk::{Desk, prefiled, published};
use super::door::{Staged, package};

pub(super) fn good(n: u32) -> Staged {
    package(n, &format!("33038201-XK-00001-001-2026-30年-{n:07}"), |_| {})
}

fn untitled(n: u32) -> Staged {
    package(n, &format!("33038201-XK-00001-001-2026-30年-{n:07}"), |files| {
        files[1].1 = files[1].1.replace("甲申请食品经营许可", "");
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_pass_are_one_event_with_a_root_and_those_that_fail_are_each_their_own() {
    let desk = Desk::with_matter().await;
    let staged = [good(1), untitled(2), good(3)];
    staged.iter().for_each(|s| desk.door.put(s));
    let events: Vec<_> = staged.iter().map(prefiled).collect();
    assert_eq!(desk.hear(&events).await.unwrap(), [Outcome::Applied; 3]);
    let stated = desk.stated().await;
    assert_eq!(stated.len(), 2, "{stated:?}");
    let (_, passed) = &stated[0];
    let body = desk.document(&passed.report.digest).await;
    let list = MemberList::read(&body, &passed.report).unwrap();
    assert_eq!(list.hashes(), [events[0].hash, events[2].hash]);
    assert_eq!(passed.verdict, Verdict::Passed { count: 2, root: list.root() });
    let (event, failing) = &stated[1];
    let Verdict::Failed { item, failed, .. } = &failing.verdict else { panic!("{failing:?}") };
    assert_eq!((*item, &event.causes), (staged[1].item, &vec![events[1].hash]));
    assert!(failed.contains(&"I-04".to_owned()), "{failed:?}");
    let report: Report = serde_json::from_slice(&desk.document(&failing.report.digest).await).unwrap();
    assert!(!report.is_passed());
    assert_eq!(desk.runs().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivered_bundle_is_checked_once() {
    let desk = Desk::with_matter().await;
    let staged = [good(1), untitled(2)];
    staged.iter().for_each(|s| desk.door.put(s));
    let events: Vec<_> = staged.iter().map(prefiled).collect();
    desk.hear(&events).await.unwrap();
    assert_eq!(desk.hear(&events).await.unwrap(), [Outcome::Skipped; 2]);
    // And one of its events alone, in another company.
    let other = good(3);
    desk.door.put(&other);
    let mixed = [events[0].clone(), prefiled(&other)];
    assert_eq!(desk.hear(&mixed).await.unwrap(), [Outcome::Skipped, Outcome::Applied]);
    assert_eq!((desk.stated().await.len(), desk.runs().await), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deliveries_at_the_same_time_reach_one_verdict() {
    let desk = Desk::with_matter().await;
    let staged = good(1);
    desk.door.put(&staged);
    let events = [prefiled(&staged)];
    let both = futures::future::join(desk.hear(&events), desk.hear(&events)).await;
    for outcome in [both.0, both.1] {
        // The slower one finds the row, or runs into it and is told to come again.
        match outcome {
            Ok(outcomes) => assert_eq!(outcomes.len(), 1),
            Err(e) => assert_eq!(e.class(), ErrorClass::Unavailable, "{}", e.reason()),
        }
    }
    assert_eq!((desk.stated().await.len(), desk.runs().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_staged_any_more_is_skipped() {
    let desk = Desk::with_matter().await;
    let staged = [good(1), good(2)];
    staged.iter().for_each(|s| desk.door.put(s));
    desk.door.let_go(&staged[0]);
    let events: Vec<_> = staged.iter().map(prefiled).collect();
    assert_eq!(desk.hear(&events).await.unwrap(), [Outcome::Skipped, Outcome::Applied]);
    assert_eq!(desk.runs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_table_that_is_not_here_yet_is_waited_for() {
    let desk = Desk::open().await;
    let staged = good(1);
    desk.door.put(&staged);
    let events = [prefiled(&staged)];
    assert_eq!(desk.hear(&events).await.unwrap_err().class(), ErrorClass::Unavailable);
    desk.hear(&[published()]).await.unwrap();
    assert_eq!(desk.hear(&events).await.unwrap(), [Outcome::Applied]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_since_its_reception_fails_a_02() {
    let desk = Desk::with_matter().await;
    let mut staged = good(1);
    let form = staged.files.iter_mut().find(|(f, _)| f.content.starts_with("files/")).unwrap();
    let mut bytes = form.1.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    form.1 = bytes.into();
    desk.door.put(&staged);
    desk.hear(&[prefiled(&staged)]).await.unwrap();
    let Verdict::Failed { failed, .. } = &desk.stated().await[0].1.verdict else { panic!() };
    assert!(failed.contains(&"A-02".to_owned()), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reception_that_is_not_the_events_is_never_believed() {
    let desk = Desk::with_matter().await;
    let staged = good(1);
    desk.door.put(&package(1, "33038201-XK-00001-001-2026-30年-0000007", |_| {}));
    let refused = desk.hear(&[prefiled(&staged)]).await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Unavailable);
    assert_eq!(desk.runs().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_number_belongs_to_the_first_item_that_passes_with_it() {
    let desk = Desk::with_matter().await;
    let same = |n| package(n, "33038201-XK-00001-001-2026-30年-0000001", |_| {});
    let staged = [same(1), same(2), same(3)];
    staged.iter().for_each(|s| desk.door.put(s));
    // In one bundle, then in another.
    desk.hear(&[prefiled(&staged[0]), prefiled(&staged[1])]).await.unwrap();
    desk.hear(&[prefiled(&staged[2])]).await.unwrap();
    let stated = desk.stated().await;
    assert!(matches!(stated[0].1.verdict, Verdict::Passed { count: 1, .. }), "{stated:?}");
    for (_, checked) in &stated[1..] {
        let Verdict::Failed { failed, .. } = &checked.verdict else { panic!("{checked:?}") };
        assert!(failed.contains(&"A-13".to_owned()), "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reports_with_the_same_findings_have_different_digests() {
    let desk = Desk::with_matter().await;
    let staged = [untitled(1), untitled(2)];
    staged.iter().for_each(|s| desk.door.put(s));
    let events: Vec<_> = staged.iter().map(prefiled).collect();
    desk.hear(&events).await.unwrap();
    let stated = desk.stated().await;
    assert_ne!(stated[0].1.report.digest, stated[1].1.report.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_too_large_for_memory_is_checked_from_a_file() {
    let desk = Desk::with_matter().await;
    let staged = package(1, "33038201-XK-00001-001-2026-30年-0000001", |files| {
        files[3].1 = "申请".repeat(2_000_000);
    });
    desk.door.put(&staged);
    desk.hear(&[prefiled(&staged)]).await.unwrap();
    let stated = desk.stated().await;
    assert!(matches!(stated[0].1.verdict, Verdict::Passed { count: 1, .. }), "{stated:?}");
}
