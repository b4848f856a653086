//! Secrets never reach the disk, and what is refused leaves nothing.

use super::house::House;
use super::made::{self, MATTER, PASSWORD, Package, matter};
use crate::receive::Head;

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_nowhere_and_its_redaction_is_noted() {
    let house = House::with_matter().await;
    let received = house.submit(&Package::of(1)).await;
    let parked = house.submit(&Package::of(2).matter("许可-9")).await;
    assert_eq!(parked.answer.outcome(), "parked");
    assert!(!house.finds(PASSWORD).await);
    let staged = house.staged(received.submission).await.unwrap();
    let reception: dengbei_records::Reception = serde_json::from_slice(&staged[0].1).unwrap();
    assert_eq!(reception.redactions.len(), 1);
    assert_eq!(reception.redactions[0].element, "projectpassword");
    // The rest of the document is as it was received.
    let basic =
        staged[1..].iter().find(|(_, b)| String::from_utf8_lossy(b).contains("基本信息描述")).unwrap();
    assert!(
        String::from_utf8_lossy(&basic.1).contains("<projectpassword title=\"查询密码\"></projectpassword>")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_no_bytes_and_makes_one_event_however_often_it_is_sent() {
    let house = House::with_matter().await;
    let bad = Package::of(1).with("申请材料/多余.txt", b"a stray file with marker-4711");
    for _ in 0..3 {
        let received = house.submit(&bad).await;
        assert_eq!(received.answer.outcome(), "refused");
        assert!(
            received.noted.iter().any(|n| n.id == "A-15" && n.severity == "block" && !n.remedy.is_empty())
        );
    }
    assert_eq!(house.facts().await, ["submission.refused"]);
    assert_eq!(house.staged_rows().await, 0);
    assert!(!house.finds("marker-4711").await);
    assert!(!house.finds("甲申请第1号").await);
    // A refused version is open: the mended package is taken.
    assert_eq!(house.outcome(&Package::of(1)).await, "prefiled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_without_a_readable_item_is_refused_with_no_item() {
    let house = House::with_matter().await;
    let received = house.submit(&Package { without_basic: true, ..Package::of(1) }).await;
    assert_eq!((received.answer.outcome(), received.item), ("refused", None));
    assert!(received.noted.iter().any(|n| n.id == "A-17"), "{:?}", received.noted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_is_refused_under_a_check() {
    let house = House::with_matter().await;
    for _ in 0..2 {
        let received = house.upload("not a zip at all".into(), Head::default()).await.remove(0);
        assert_eq!((received.answer.outcome(), received.item), ("refused", None));
        assert_eq!(received.noted[0].id, "U-07");
    }
    assert_eq!(house.facts().await, ["submission.refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virus_test_file_is_refused_by_s_02() {
    let house = House::with_matter().await;
    let first = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$";
    let eicar = [&first[..], b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    let received = house.submit(&Package { form: eicar, ..Package::of(1) }).await;
    assert_eq!(received.answer.outcome(), "refused");
    assert!(received.noted.iter().any(|n| n.id == "S-02" && n.result == "failed"), "{:?}", received.noted);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_package_of_a_batch_disturbs_no_other() {
    let house = House::with_matter().await;
    let bad = Package::of(2).with("申请材料/多余.txt", b"x");
    let bytes = made::batch(&[Package::of(1), bad, Package::of(3)]);
    let replies = house.upload(bytes, Head { is_batch: true, ..Head::default() }).await;
    let outcomes: Vec<_> = replies.iter().map(|r| r.answer.outcome()).collect();
    assert_eq!(outcomes, ["prefiled", "refused", "prefiled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_day_that_cannot_be_read_is_left_to_the_filing_checks() {
    let house = House::with_matter().await;
    house.publish(&matter(MATTER, "2026-02", "2026-02-01")).await;
    let received = house.submit(&Package { closed: "2026-47-05 10:20:00".into(), ..Package::of(1) }).await;
    assert_eq!(received.answer.outcome(), "prefiled");
    assert!(received.noted.iter().any(|n| n.id == "A-08" && n.severity == "warn"), "{:?}", received.noted);
}
