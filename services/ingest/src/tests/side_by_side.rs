//! Several ingests on one database and one staging folder: each reads all, frees its own, and what one leaves another
//! takes over.

use dengbei_records::SubmissionId;
use dengbei_vault::Part;

use super::house::House;
use super::made::Package;

/// Whether anything in the folder still holds these bytes: released ones read as zeros.
fn holds(house: &House, submission: &Option<Vec<(String, Vec<u8>)>>) -> bool {
    submission.is_some() && house.segments() > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reads_what_another_staged() {
    let one = House::with_matter().await;
    let other = one.beside().await;
    let (ours, theirs) = (one.submit(&Package::of(1)).await, other.submit(&Package::of(2)).await);
    for house in [&one, &other] {
        for received in [&ours, &theirs] {
            let staged = house.staged(received.submission).await;
            assert!(holds(house, &staged), "{}", received.submission);
        }
    }
    assert_eq!(other.outcome(&Package::of(1)).await, "duplicate");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_is_let_go_by_its_owner_alone() {
    let one = House::with_matter().await;
    let other = one.beside().await;
    let received = one.submit(&Package::of(1)).await;
    other.filed(&received).await;
    assert_eq!(other.parts.let_go.let_go().await.unwrap(), 0);
    assert_eq!(one.staged_rows().await, 1);
    assert_eq!(one.parts.let_go.let_go().await.unwrap(), 1);
    assert_eq!(one.staged_rows().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_frees_nothing_of_a_living_neighbour() {
    let one = House::with_matter().await;
    // Synced, and its transaction not begun yet.
    one.parts.let_go.stage.append(Part::bytes("p", "about-to-be-committed-0815")).await.unwrap();
    let other = one.beside().await;
    other.parts.adoption.look().await.unwrap();
    other.let_go().await;
    assert!(one.finds("about-to-be-committed-0815").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ended_process_left_is_served_adopted_and_let_go_by_another() {
    let one = House::with_matter().await;
    let other = one.beside().await;
    let (decided, open) = (one.submit(&Package::of(1)).await, one.submit(&Package::of(2)).await);
    one.parts.let_go.stage.append(Part::bytes("p", "nobodys-0815")).await.unwrap();
    drop(one);
    assert!(other.staged(open.submission).await.is_some(), "reading needs no owner");
    other.filed(&decided).await;
    other.inherit().await;
    assert!(!other.finds("nobodys-0815").await);
    other.let_go().await;
    assert_eq!(other.staged_rows().await, 1);
    assert!(other.staged(open.submission).await.is_some());
    other.returned(&open).await;
    other.let_go().await;
    assert_eq!((other.staged_rows().await, other.segments()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_segment_that_is_gone_are_struck_out_by_anybody() {
    let one = House::with_matter().await;
    let other = one.beside().await;
    let received = one.submit(&Package::of(1)).await;
    one.filed(&received).await;
    // As when the owner ended between freeing the bytes and noting it.
    let names = std::fs::read_dir(one.folder.path()).unwrap().flatten().map(|entry| entry.path());
    let segment = names.filter(|p| p.to_str().unwrap().contains("seg-")).collect::<Vec<_>>();
    assert_eq!(segment.len(), 1);
    other.parts.adoption.look().await.unwrap();
    assert_eq!(other.staged_rows().await, 1, "the segment is there");
    std::fs::remove_file(&segment[0]).unwrap();
    other.parts.adoption.look().await.unwrap();
    assert_eq!(other.staged_rows().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_committed_stays_and_what_was_not_goes() {
    let house = House::with_matter().await;
    let received = house.submit(&Package::of(1)).await;
    let stage = &house.parts.let_go.stage;
    let piece: (i64, i64, i64) = sqlx::query_as("select segment, place, length from submissions")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    let committed = (piece.0.cast_unsigned(), piece.1.cast_unsigned(), piece.2.cast_unsigned());
    let (segment, range) = stage.append(Part::bytes("p", "never-committed-0815")).await.unwrap();
    let doubts = &house.parts.committer.doubts;
    doubts.note((received.submission, committed));
    let nobody = SubmissionId::from_uuid(uuid::Uuid::from_u128(7));
    doubts.note((nobody, (segment, range.start, range.end - range.start)));
    house.parts.adoption.look().await.unwrap();
    assert!(!house.finds("never-committed-0815").await);
    assert!(house.staged(received.submission).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undecided_counts_for_the_deployment() {
    let one = House::with_matter().await;
    let other = one.beside().await;
    one.submit(&Package::of(1)).await;
    other.submit(&Package::of(2)).await;
    let standing = &other.parts.let_go.standing;
    standing.recount(&other.pool).await.unwrap();
    assert_eq!(standing.now().items, 2);
}
