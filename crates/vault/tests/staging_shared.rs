//! Staging shared by several processes: each reads all, frees only its own, and adopts what the dead left.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use dengbei_vault::{Part, Receipt, SegmentId, Staging, StagingError, StagingOptions};

fn open(folder: &Path) -> Staging {
    let options = StagingOptions { segment_bytes: 100, min_free_bytes: 0, ..Default::default() };
    Staging::open_with(folder, options).unwrap()
}

async fn put(staging: &Staging, text: &str) -> Receipt {
    staging.append(vec![Part::bytes("p", text.to_owned())]).await.unwrap()
}

async fn get(staging: &Staging, receipt: &Receipt) -> Result<Bytes, StagingError> {
    staging.read_all(receipt.segment, receipt.parts[0].range.clone(), 1 << 20).await
}

fn files(folder: &Path, prefix: &str) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(prefix)).count()
}

#[tokio::test]
async fn two_processes_write_side_by_side_and_each_reads_both() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    let (ours, theirs) = (put(&one, "一").await, put(&other, "二").await);
    assert_ne!(ours.segment, theirs.segment);
    for staging in [&one, &other] {
        assert_eq!(get(staging, &ours).await.unwrap(), "一");
        assert_eq!(get(staging, &theirs).await.unwrap(), "二");
    }
}

#[tokio::test]
async fn numbers_of_many_processes_never_meet() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Staging> = (0..4).map(|_| open(folder.path())).collect();
    let mut seen = std::collections::HashSet::new();
    let long = "x".repeat(100);
    for _ in 0..100 {
        let each = futures::future::join_all(all.iter().map(|staging| put(staging, &long))).await;
        for receipt in each {
            assert!(seen.insert(receipt.segment), "{} twice", receipt.segment);
        }
    }
}

#[tokio::test]
async fn nobody_frees_what_a_living_process_owns() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(folder.path());
    let committed = put(&one, "已提交").await;
    let about_to_be = put(&one, "将提交").await;
    // Another opens, adopts and settles as if its database knew of nothing.
    let other = open(folder.path());
    assert!(other.adopt().await.unwrap().is_empty());
    other.settle(vec![committed.segment], []).await.unwrap();
    assert!(!other.release(committed.segment, committed.ranges()).await.unwrap());
    assert!(other.owned().is_empty());
    assert_eq!(get(&one, &committed).await.unwrap(), "已提交");
    assert_eq!(get(&other, &about_to_be).await.unwrap(), "将提交");
    assert!(one.release(committed.segment, committed.ranges()).await.unwrap());
}

#[tokio::test]
async fn what_an_ended_process_left_is_adopted_once_and_freed_only_when_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, three) = (open(folder.path()), open(folder.path()), open(folder.path()));
    let (kept, unknown) = (put(&one, &"k".repeat(100)).await, put(&one, &"u".repeat(100)).await);
    drop(one);
    let adopted = two.adopt().await.unwrap();
    assert_eq!(adopted.len(), 2);
    assert!(three.adopt().await.unwrap().is_empty(), "it has an owner again");
    // Until it is settled nothing is freed, but everything is read.
    assert!(!two.release(unknown.segment, unknown.ranges()).await.unwrap());
    assert_eq!(get(&three, &unknown).await.unwrap().len(), 100);
    two.settle(adopted, [(kept.segment, kept.ranges())]).await.unwrap();
    assert!(matches!(get(&three, &unknown).await, Err(StagingError::NotFound { .. })));
    assert_eq!(get(&three, &kept).await.unwrap(), "k".repeat(100));
    assert!(two.release(kept.segment, kept.ranges()).await.unwrap());
    assert_eq!(files(folder.path(), "seg-"), 0);
}

#[tokio::test]
async fn locks_of_blocks_in_which_nothing_lies_go() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(folder.path());
    let long = "x".repeat(100);
    let mut receipts = Vec::new();
    for _ in 0..70 {
        receipts.push(put(&one, &long).await);
    }
    assert_eq!(files(folder.path(), "blk-"), 2);
    for receipt in receipts {
        assert!(one.release(receipt.segment, receipt.ranges()).await.unwrap());
    }
    assert_eq!(files(folder.path(), "blk-"), 1, "one has numbers left");
    drop(one);
    let other = open(folder.path());
    assert!(other.adopt().await.unwrap().is_empty());
    assert_eq!((files(folder.path(), "blk-"), files(folder.path(), "seg-")), (0, 0));
    assert!(put(&other, "一").await.segment.get() >= 128, "numbers are not used again");
}

#[tokio::test]
async fn a_folder_of_the_version_before_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("next-segment"), "131").unwrap();
    std::fs::write(folder.path().join("seg-00000070.dat"), "0123456789").unwrap();
    let alone = File::create(folder.path().join("lock")).unwrap();
    alone.lock().unwrap();
    assert!(matches!(Staging::open(folder.path()), Err(StagingError::InUse(_))));
    drop(alone);
    let staging = open(folder.path());
    let adopted = staging.adopt().await.unwrap();
    assert_eq!(adopted, [SegmentId::new(70)]);
    staging.settle(adopted, [(SegmentId::new(70), std::iter::once(0..5).collect::<Vec<_>>())]).await.unwrap();
    assert_eq!(staging.read_all(SegmentId::new(70), 0..5, 10).await.unwrap(), "01234");
    assert!(put(&staging, "一").await.segment.get() >= 131);
    // And the version before does not open while we have it.
    assert!(File::open(folder.path().join("lock")).unwrap().try_lock().is_err());
}
