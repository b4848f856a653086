//! Every rule of the submission key, through the whole door.

use dengbei_chain::Fact;
use dengbei_records::Custody;

use super::house::House;
use super::made::{self, Package};
use crate::commit::Answer;
use crate::receive::Head;

#[tokio::test(flavor = "multi_thread")]
async fn a_good_package_is_prefiled_with_one_event_that_says_what_was_kept() {
    let house = House::with_matter().await;
    let received = house.submit(&Package::of(1)).await;
    assert_eq!(
        received.answer,
        Answer::Taken(received.submission, Custody::Prefiled),
        "{:?}",
        received.noted
    );
    let events = house.events().await;
    let [event] = &events[..] else { panic!("{events:?}") };
    let Some(Fact::ItemPrefiled(fact)) = &event.fact else { panic!("{event:?}") };
    assert_eq!((Some(fact.item), fact.submission), (received.item, received.submission));
    assert_eq!((fact.year, fact.scope_version.as_str(), fact.files), (2026, "2026-01", 4));
    let staged = house.staged(received.submission).await.unwrap();
    assert_eq!(dengbei_records::Sha256::of(&staged[0].1), fact.reception);
    assert_eq!(staged[1..].iter().map(|(_, b)| b.len() as u64).sum::<u64>(), fact.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_package_again_is_a_duplicate_and_states_nothing() {
    let house = House::with_matter().await;
    let first = house.submit(&Package::of(1)).await;
    let again = house.submit(&Package::of(1)).await;
    assert_eq!(again.answer, Answer::Duplicate(first.submission, Custody::Prefiled));
    house.filed(&first).await;
    let later = house.submit(&Package::of(1)).await;
    assert_eq!(later.answer, Answer::Duplicate(first.submission, Custody::Filed));
    assert_eq!(house.facts().await, ["item.prefiled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_in_flight_or_filed_are_a_conflict_and_leave_nothing() {
    let house = House::with_matter().await;
    let first = house.submit(&Package::of(1)).await;
    let other = Package::of(1).titled("另一内容");
    let conflict = house.submit(&other).await;
    assert_eq!(conflict.answer.outcome(), "conflict");
    let problem = conflict.problem.unwrap();
    assert_eq!(problem.code, "submission.conflict");
    assert!(!problem.remedy.is_empty() && !problem.message_en.is_empty());
    house.filed(&first).await;
    assert_eq!(house.outcome(&other).await, "conflict");
    house.let_go().await;
    assert_eq!(house.staged_rows().await, 0);
    assert!(!house.finds("另一内容").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_after_a_return_are_a_new_attempt() {
    let house = House::with_matter().await;
    let first = house.submit(&Package::of(1)).await;
    house.returned(&first).await;
    assert_eq!(house.outcome(&Package::of(1)).await, "duplicate");
    let second = house.submit(&Package::of(1).titled("更正后")).await;
    assert_eq!(second.answer.outcome(), "prefiled");
    assert_eq!(house.attempts(first.item.unwrap()).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_version_is_a_conflict_and_a_higher_one_is_new() {
    let house = House::with_matter().await;
    assert_eq!(house.outcome(&Package::of(1).version(2)).await, "prefiled");
    assert_eq!(house.outcome(&Package::of(1).version(1)).await, "conflict");
    assert_eq!(house.outcome(&Package::of(1).version(3)).await, "prefiled");
    assert_eq!(house.facts().await, ["item.prefiled", "item.prefiled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_named_beside_a_package_counts_when_it_carries_none() {
    let house = House::with_matter().await;
    let head = Head { data_version: Some(4.try_into().unwrap()), ..Head::default() };
    let named = house.upload(Package::of(1).zip(), head.clone()).await.remove(0);
    assert_eq!((named.data_version, named.answer.outcome()), (4, "prefiled"));
    let differs = house.upload(Package::of(2).version(3).zip(), head).await.remove(0);
    assert_eq!(
        (differs.answer.outcome(), differs.problem.unwrap().code.as_str()),
        ("refused", "package.data_version")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_submissions_of_one_item_agree_on_one() {
    let house = House::with_matter().await;
    let same: Vec<Package> = vec![Package::of(1); 8];
    let other: Vec<Package> = (0..8).map(|n| Package::of(1).titled(&format!("版本{n}"))).collect();
    let all: Vec<Package> = same.into_iter().chain(other).collect();
    let outcomes = futures::future::join_all(all.iter().map(|p| house.outcome(p))).await;
    assert_eq!(outcomes.iter().filter(|o| **o == "prefiled").count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|o| ["prefiled", "duplicate", "conflict"].contains(o)), "{outcomes:?}");
    assert_eq!(house.facts().await, ["item.prefiled"]);
    house.let_go().await;
    assert_eq!(house.staged_rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_item_twice_in_one_batch_gets_two_firm_answers() {
    let house = House::with_matter().await;
    let twin = Package { record_no: "33038201-XK-00001-001-2026-30年-0000009".into(), ..Package::of(1) };
    let bytes = made::batch(&[Package::of(1), twin, Package::of(2)]);
    let head = Head { is_batch: true, ..Head::default() };
    let mut outcomes: Vec<_> = house.upload(bytes, head).await.iter().map(|r| r.answer.outcome()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["conflict", "prefiled", "prefiled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_number_of_another_item_is_refused_by_its_check() {
    let house = House::with_matter().await;
    house.submit(&Package::of(1)).await;
    let stolen = Package { record_no: Package::of(1).record_no, ..Package::of(2) };
    let received = house.submit(&stolen).await;
    assert_eq!(received.answer.outcome(), "refused");
    assert!(received.noted.iter().any(|n| n.id == "A-13" && n.severity == "block"), "{:?}", received.noted);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_database_agree_on_one() {
    let house = House::with_matter().await;
    let other = house.neighbour().await;
    for round in 1..=6 {
        let packages: Vec<Package> =
            (0..6).map(|n| Package::of(round).titled(&format!("第{}稿", n % 4))).collect();
        let both = packages
            .iter()
            .enumerate()
            .map(|(n, p)| if n % 2 == 0 { house.outcome(p) } else { other.outcome(p) });
        let outcomes = futures::future::join_all(both).await;
        assert_eq!(outcomes.iter().filter(|o| **o == "prefiled").count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|o| ["prefiled", "duplicate", "conflict"].contains(o)), "{outcomes:?}");
    }
    assert_eq!(house.facts().await, ["item.prefiled"; 6]);
}
