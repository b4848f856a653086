//! Staging: durable when acknowledged, one sync for many, nothing kept that nobody wants.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dengbei_vault::{DiskSync, Part, Receipt, SegmentId, Staging, StagingError, StagingOptions};
use futures::TryStreamExt as _;
use proptest::prelude::*;

/// Counts syncs, holds them while the gate is shut, and fails on demand.
#[derive(Default)]
struct Gate {
    syncs: AtomicUsize,
    shut: Mutex<bool>,
    opened: Condvar,
    fails: AtomicBool,
}

impl Gate {
    fn set(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    fn count(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }
}

struct Gated(Arc<Gate>);

impl DiskSync for Gated {
    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        let shut = self.0.shut.lock().unwrap();
        drop(self.0.opened.wait_while(shut, |shut| *shut).unwrap());
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        file.sync_data()
    }
}

fn gated() -> (Arc<Gate>, StagingOptions) {
    let gate = Arc::new(Gate::default());
    let options =
        StagingOptions { sync: Arc::new(Gated(gate.clone())), min_free_bytes: 0, ..Default::default() };
    (gate, options)
}

fn open(folder: &Path) -> Staging {
    Staging::open(folder).unwrap()
}

fn parts(text: &str) -> Vec<Part> {
    vec![Part::bytes("record.json", text.to_owned()), Part::bytes("files/0001.pdf", format!("pdf of {text}"))]
}

async fn text(staging: &Staging, receipt: &Receipt, part: usize) -> Bytes {
    let range = receipt.parts[part].range.clone();
    staging.read_all(receipt.segment, range, 1 << 30).await.unwrap()
}

fn segments(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("seg-")).count()
}

async fn until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < deadline, "condition not met in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_was_appended_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let staging = open(folder.path());
    let one = staging.append(parts("一")).await.unwrap();
    let two = staging.append(parts("二")).await.unwrap();
    assert_eq!(text(&staging, &one, 0).await, "一");
    assert_eq!(text(&staging, &two, 1).await, "pdf of 二");
    assert_eq!((one.parts[1].name.as_str(), one.segment), ("files/0001.pdf", two.segment));
    assert_eq!(staging.live_bytes(), 2 * ("一".len() + "pdf of 一".len()) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_wait_together_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, options) = gated();
    let staging = Staging::open_with(folder.path(), options).unwrap();
    gate.set(true);
    let spawn = |n: usize| {
        let staging = staging.clone();
        tokio::spawn(async move { staging.append(parts(&format!("{n:03}"))).await.unwrap() })
    };
    let first = spawn(0);
    until(|| gate.count() == 1).await;
    let rest: Vec<_> = (1..=100).map(spawn).collect();
    until(|| staging.waiting() == 100).await;
    gate.set(false);
    first.await.unwrap();
    for (n, task) in rest.into_iter().enumerate() {
        let receipt = task.await.unwrap();
        assert_eq!(text(&staging, &receipt, 0).await, format!("{:03}", n + 1));
    }
    assert_eq!(gate.count(), 2, "one sync for the first, one for the hundred that waited");
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_sync_returned() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, options) = gated();
    let staging = Staging::open_with(folder.path(), options).unwrap();
    gate.set(true);
    let waiting = staging.clone();
    let task = tokio::spawn(async move { waiting.append(parts("一")).await });
    until(|| gate.count() == 1).await;
    assert!(!task.is_finished() && staging.live_bytes() == 0);
    gate.set(false);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failed_sync_refuses_everybody_and_its_segment_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, options) = gated();
    let staging = Staging::open_with(folder.path(), options).unwrap();
    let kept = staging.append(parts("一")).await.unwrap();
    gate.fails.store(true, Ordering::SeqCst);
    let refused = staging.append(parts("二")).await;
    assert!(matches!(refused, Err(StagingError::Exhausted { .. })), "{refused:?}");
    gate.fails.store(false, Ordering::SeqCst);
    let next = staging.append(parts("三")).await.unwrap();
    assert_ne!(next.segment, kept.segment);
    assert_eq!(text(&staging, &kept, 0).await, "一");
}

#[tokio::test]
async fn a_caller_that_went_away_leaves_nothing_live() {
    let folder = tempfile::tempdir().unwrap();
    let (gate, options) = gated();
    let staging = Staging::open_with(folder.path(), options).unwrap();
    gate.set(true);
    let waiting = staging.clone();
    let task = tokio::spawn(async move { waiting.append(parts("一")).await });
    until(|| gate.count() == 1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    gate.set(false);
    let next = staging.append(parts("二")).await.unwrap();
    assert_eq!(staging.live_bytes(), next.ranges().iter().map(|r| r.end - r.start).sum::<u64>());
}

#[tokio::test]
async fn a_large_submission_gets_a_segment_of_its_own_and_is_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let staging = open(folder.path());
    let small = staging.append(parts("一")).await.unwrap();
    let bytes: Vec<u8> = (0..9_000_000u32).map(|n| (n / 7) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let large =
        staging.append(vec![Part::file("big.bin", file), Part::bytes("record.json", "{}")]).await.unwrap();
    assert_ne!(large.segment, small.segment);
    let pieces = staging.read(large.segment, large.parts[0].range.clone()).await.unwrap();
    let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 256 * 1024));
    assert_eq!(pieces.concat(), bytes);
    staging.release(large.segment, large.ranges()).await.unwrap();
    assert_eq!(segments(folder.path()), 1);
}

#[tokio::test]
async fn a_full_segment_goes_when_everything_in_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let options = StagingOptions { segment_bytes: 10, min_free_bytes: 0, ..Default::default() };
    let staging = Staging::open_with(folder.path(), options).unwrap();
    let one = staging.append(parts("一")).await.unwrap();
    let two = staging.append(parts("二")).await.unwrap();
    let three = staging.append(parts("三")).await.unwrap();
    assert_eq!((one.segment, segments(folder.path())), (SegmentId::new(1), 3));
    staging.release(one.segment, vec![one.parts[0].range.clone()]).await.unwrap();
    assert_eq!(segments(folder.path()), 3);
    staging.release(one.segment, one.ranges()).await.unwrap();
    staging.release(one.segment, one.ranges()).await.unwrap();
    assert_eq!(segments(folder.path()), 2);
    let gone = staging.read_all(one.segment, one.parts[0].range.clone(), 100).await;
    assert!(matches!(gone, Err(StagingError::NotFound { .. })));
    assert_eq!(text(&staging, &two, 0).await, "二");
    assert_eq!(text(&staging, &three, 0).await, "三");
}

#[tokio::test]
async fn released_bytes_go_back_to_the_disk_and_read_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let staging = open(folder.path());
    let secret = staging.append(vec![Part::bytes("a", vec![7; 1 << 20])]).await.unwrap();
    let kept = staging.append(parts("一")).await.unwrap();
    let path = folder.path().join(secret.segment.to_string());
    let before = std::fs::metadata(&path).unwrap().blocks();
    staging.release(secret.segment, secret.ranges()).await.unwrap();
    assert_eq!(text(&staging, &kept, 0).await, "一");
    let after = std::fs::metadata(&path).unwrap().blocks();
    if after < before {
        assert_eq!(std::fs::read(&path).unwrap()[..1 << 20], vec![0; 1 << 20]);
    } else {
        eprintln!("skipped: this file system cannot punch holes");
    }
}

#[tokio::test]
async fn settling_keeps_what_is_live_and_frees_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let options = || StagingOptions { segment_bytes: 10, min_free_bytes: 0, ..Default::default() };
    let staging = Staging::open_with(folder.path(), options()).unwrap();
    let one = staging.append(parts("一")).await.unwrap();
    let two = staging.append(parts("二")).await.unwrap();
    let three = staging.append(parts("三")).await.unwrap();
    drop(staging);
    let live = [(two.segment, vec![two.parts[1].range.clone()])];
    let staging = Staging::open_with(folder.path(), options()).unwrap();
    let adopted = staging.adopt().await.unwrap();
    assert_eq!(segments(folder.path()), 3, "adopting frees nothing");
    assert!(staging.owned().is_empty() && staging.lost(live.clone()).await.unwrap().is_empty());
    staging.settle(adopted.clone(), live.clone()).await.unwrap();
    staging.settle(adopted, live).await.unwrap();
    assert_eq!(segments(folder.path()), 1);
    assert_eq!(text(&staging, &two, 1).await, "pdf of 二");
    for gone in [(&one, 0), (&two, 0), (&three, 0)] {
        let range = gone.0.parts[gone.1].range.clone();
        assert!(staging.read_all(gone.0.segment, range, 100).await.is_err());
    }
    assert!(staging.is_gone(one.segment).await.unwrap() && !staging.is_gone(two.segment).await.unwrap());
    let next = staging.append(parts("四")).await.unwrap();
    assert!(next.segment > three.segment, "a number is never used twice");
    assert!(staging.release(two.segment, two.ranges()).await.unwrap());
    assert_eq!(segments(folder.path()), 1);
}

#[tokio::test]
async fn numbers_are_not_used_again_even_when_every_segment_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = SegmentId::new(0);
    for _ in 0..3 {
        let staging = open(folder.path());
        let adopted = staging.adopt().await.unwrap();
        staging.settle(adopted, []).await.unwrap();
        assert_eq!(segments(folder.path()), 0);
        let receipt = staging.append(parts("一")).await.unwrap();
        assert!(receipt.segment > last);
        last = receipt.segment;
    }
}

#[tokio::test]
async fn lost_bytes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let staging = open(folder.path());
    let one = staging.append(parts("一")).await.unwrap();
    let (segment, ranges) = (one.segment, one.ranges());
    let path = folder.path().join(segment.to_string());
    File::options().write(true).open(&path).unwrap().set_len(5).unwrap();
    let lost = staging.lost([(segment, ranges.clone())]).await.unwrap();
    assert_eq!(lost, [(segment, ranges[1].clone())]);
    let nowhere = SegmentId::new(4_711);
    assert_eq!(
        staging.lost([(nowhere, std::iter::once(3..9).collect::<Vec<_>>())]).await.unwrap(),
        [(nowhere, 3..9)]
    );
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = StagingOptions { min_free_bytes: 1 << 60, ..Default::default() };
    let staging = Staging::open_with(folder.path(), options).unwrap();
    for len in [10, 9 << 20] {
        let refused = staging.append(vec![Part::bytes("a", vec![0; len])]).await;
        assert!(matches!(refused, Err(StagingError::Exhausted { free }) if free > 0));
    }
    assert!(staging.free_bytes().unwrap() > 0);
    assert_eq!(segments(folder.path()), 0);
}

#[tokio::test]
async fn an_empty_part_and_an_empty_submission_are_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let staging = open(folder.path());
    let receipt = staging
        .append(vec![Part::bytes("a", ""), Part::bytes("b", "b"), Part::bytes("c", "")])
        .await
        .unwrap();
    assert_eq!(text(&staging, &receipt, 0).await, "");
    assert_eq!(text(&staging, &receipt, 1).await, "b");
    assert!(staging.append(vec![]).await.unwrap().parts.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_released_the_rest_reads_back(
        submissions in prop::collection::vec((prop::collection::vec(0usize..9000, 1..4), any::<bool>()), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let options = StagingOptions { segment_bytes: 20_000, large_bytes: 15_000, min_free_bytes: 0, ..Default::default() };
            let staging = Staging::open_with(folder.path(), options.clone()).unwrap();
            let fill = |n: usize, lens: &[usize]| lens.iter().map(|len| Part::bytes("p", vec![n as u8 + 1; *len])).collect();
            let all = submissions.iter().enumerate().map(|(n, (lens, _))| staging.append(fill(n, lens)));
            let receipts: Vec<Receipt> = futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
            let mut live = Vec::new();
            for (n, receipt) in receipts.iter().enumerate() {
                if submissions[n].1 {
                    staging.release(receipt.segment, receipt.ranges()).await.unwrap();
                } else {
                    live.push((receipt.segment, receipt.ranges()));
                }
            }
            drop(staging);
            let staging = Staging::open_with(folder.path(), options).unwrap();
            assert!(staging.lost(live.clone()).await.unwrap().is_empty());
            let adopted = staging.adopt().await.unwrap();
            staging.settle(adopted, live).await.unwrap();
            for (n, receipt) in receipts.iter().enumerate().filter(|(n, _)| !submissions[*n].1) {
                for (part, len) in receipt.parts.iter().zip(&submissions[n].0) {
                    let bytes = staging.read_all(receipt.segment, part.range.clone(), 10_000).await;
                    let bytes = if *len == 0 { bytes.unwrap_or_default() } else { bytes.unwrap() };
                    assert_eq!(bytes, vec![n as u8 + 1; *len]);
                }
            }
        });
    }
}
