//! Durability: many submissions share a sync, bytes stay until the decision and go after it, orphans are reclaimed.

use std::sync::atomic::Ordering;

use dengbei_vault::Part;

use super::house::House;
use super::made::{self, Package};
use crate::receive::Head;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_shares_syncs_and_its_transaction() {
    let house = House::with_matter().await;
    let packages: Vec<Package> = (1..=30).map(Package::of).collect();
    let before = house.syncs.0.load(Ordering::SeqCst);
    let replies = house.upload(made::batch(&packages), Head { is_batch: true, ..Head::default() }).await;
    assert!(replies.iter().all(|r| r.answer.outcome() == "prefiled"));
    let syncs = house.syncs.0.load(Ordering::SeqCst) - before;
    assert!(syncs <= 6, "{syncs} syncs for 30 submissions");
    let transactions: i64 = sqlx::query_scalar("select count(distinct xmin::text) from submissions")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    assert!(transactions <= 6, "{transactions} transactions for 30 submissions");
    assert_eq!(house.facts().await.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_bytes_read_back_until_the_decision_and_are_let_go_after_it() {
    let house = House::with_matter().await;
    let large: Vec<u8> = (0..700_000u32).flat_map(|n| (n % 251).to_string().into_bytes()).collect();
    let received = house.submit(&Package { form: large.clone(), ..Package::of(1) }).await;
    let small = house.submit(&Package::of(2)).await;
    let staged = house.staged(received.submission).await.unwrap();
    assert_eq!(staged[0].0, "reception.json");
    let form = staged.iter().find(|(content, _)| content == "files/0001.txt").unwrap();
    assert!(form.1 == large, "the large file reads back in pieces");
    assert!(staged.iter().any(|(content, _)| content == "metadata/3.xml"));
    house.filed(&received).await;
    assert!(house.staged(received.submission).await.is_none());
    house.let_go().await;
    assert_eq!(house.staged_rows().await, 1);
    assert!(house.staged(small.submission).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_too_large_for_memory_goes_by_a_file_and_reads_back() {
    let house = House::with_matter().await;
    let large: Vec<u8> = (0..9_000_000u32).map(|n| b'a' + (n % 23) as u8).collect();
    let received = house.submit(&Package { form: large.clone(), ..Package::of(1) }).await;
    assert_eq!(received.answer.outcome(), "prefiled", "{:?}", received.noted);
    let staged = house.staged(received.submission).await.unwrap();
    assert!(staged.iter().any(|(content, bytes)| content == "files/0001.txt" && *bytes == large));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_staged_without_a_row_are_nobodys_and_the_rest_survives_a_restart() {
    let house = House::with_matter().await;
    let kept = house.submit(&Package::of(1)).await;
    // As after a crash between the sync and the commit.
    house.parts.let_go.stage.append(Part::bytes("orphan", "orphan-marker-0815".repeat(1000))).await.unwrap();
    assert!(house.finds("orphan-marker-0815").await);
    let (house, kept) = (house.restart().await, kept);
    assert!(!house.finds("orphan-marker-0815").await);
    assert_eq!(house.staged(kept.submission).await.unwrap().len(), 5);
    assert_eq!(house.outcome(&Package::of(1)).await, "duplicate");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undecided_is_counted() {
    let house = House::with_matter().await;
    house.submit(&Package::of(1)).await;
    house.submit(&Package::of(2).matter("许可-9")).await;
    let standing = &house.parts.let_go.standing;
    standing.recount(&house.pool).await.unwrap();
    let now = standing.now();
    assert_eq!((now.items, now.parked), (2, 1));
    assert!(now.bytes > 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_waits_a_while_for_its_segment_to_go_whole() {
    let house = House::with_matter().await;
    let small = house.submit(&Package::of(1)).await;
    let large: Vec<u8> = (0..9_000_000u32).map(|n| b'a' + (n % 23) as u8).collect();
    let large = house.submit(&Package { form: large, ..Package::of(2) }).await;
    let patient = crate::let_go::LetGo { patience: crate::let_go::PATIENCE, ..house.parts.let_go.clone() };
    house.filed(&small).await;
    assert_eq!(patient.let_go().await.unwrap(), 0, "its segment is still written to");
    house.filed(&large).await;
    assert_eq!(patient.let_go().await.unwrap(), 1, "it has a segment of its own, which goes whole");
    assert_eq!(house.staged_rows().await, 1);
    assert_eq!(house.parts.let_go.let_go().await.unwrap(), 1, "patience is over");
}
