//! Filing: plan, write, commit, and what happens when a process dies between them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dengbei_bus::Outcome;
use dengbei_chain::facts::{BatchFiled, ItemFiled};
use dengbei_chain::{Event, Fact, root};
use dengbei_records::Custody;
use dengbei_vault::PackName;
use ed25519_dalek::{Signature, VerifyingKey};

use super::world::{TestItem, UNIT, World, area};
use crate::store::{documents, plans};

fn batches(events: &[Event]) -> Vec<BatchFiled> {
    let batch = |e: &Event| match &e.fact {
        Some(Fact::BatchFiled(f)) => Some(f.clone()),
        _ => None,
    };
    events.iter().filter_map(batch).collect()
}

fn filings(events: &[Event]) -> Vec<(Event, ItemFiled)> {
    let filed = |e: &Event| match &e.fact {
        Some(Fact::ItemFiled(f)) => Some((e.clone(), f.clone())),
        _ => None,
    };
    events.iter().filter_map(filed).collect()
}

/// A world in which `count` items passed their checks.
async fn ready(count: u32) -> (World, Vec<TestItem>) {
    let world = World::new().await;
    world.publish(UNIT).await;
    let items: Vec<TestItem> = (0..count).map(TestItem::new).collect();
    for group in items.chunks(200) {
        let prefiled: Vec<Event> = group.iter().map(|i| world.stage(i)).collect();
        world.hear(&prefiled).await;
        world.pass(&prefiled).await;
    }
    (world, items)
}

#[tokio::test]
async fn items_that_passed_are_filed_in_a_sound_pack_with_codes_and_the_units_signature() {
    let (world, items) = ready(3).await;
    assert_eq!(world.file().await, 1);
    let events = world.stated().await;
    let (filed, batch) = (filings(&events), batches(&events).remove(0));
    assert_eq!(filed.len(), 3);
    let codes: Vec<String> = filed.iter().map(|(_, f)| f.archival_code.to_string()).collect();
    assert_eq!(codes[0], "J001-ZY·XK·2026·D30-00001");
    assert_eq!(codes[2], "J001-ZY·XK·2026·D30-00003");
    let hashes: Vec<_> = filed.iter().map(|(e, _)| e.hash).collect();
    assert_eq!(batch.root, root(&hashes));
    let text = BatchFiled::signed_text(&area(), batch.pack, &batch.root, &batch.pack_digest);
    let key = VerifyingKey::from_bytes(&batch.unit_key).unwrap();
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(&batch.unit_signature)).unwrap();
    let report = world.parts.site.verify_pack(&PackName::first(area(), batch.pack)).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.sha256, batch.pack_digest);
    let objects = report.catalogue.unwrap().versions;
    let documents = objects.iter().filter(|v| v.object.as_str().starts_with("urn:dengbei:document:"));
    assert_eq!(
        (objects.len(), documents.count()),
        (5, 2),
        "three items, the run's and the batch's member lists"
    );
    let holding = world.parts.holdings().holding(items[1].id()).await.unwrap();
    assert_eq!(holding.custody, Custody::Filed);
    assert!(String::from_utf8_lossy(&holding.record).contains("\"archival_code\""));
}

#[tokio::test]
async fn a_filed_file_reads_back_by_its_path_and_by_its_received_name() {
    let (world, items) = ready(2).await;
    world.file().await;
    for path in ["files/0001.pdf", "申请材料/申请表.pdf"] {
        let mut pieces = world.parts.holdings().read(items[1].id(), 0, path.into()).await.unwrap();
        let mut body = Vec::new();
        while let Some(piece) = pieces.recv().await {
            body.extend_from_slice(&piece.unwrap().data);
        }
        assert_eq!(body, items[1].files[0]);
    }
    let mut all = world.parts.holdings().read(items[0].id(), 0, String::new()).await.unwrap();
    let mut names = Vec::new();
    while let Some(piece) = all.recv().await {
        names.push(piece.unwrap().content);
    }
    assert_eq!(names, ["files/0001.pdf", "files/0002.pdf", "reception.json", "record.json"]);
}

#[tokio::test]
async fn two_planners_at_once_give_gap_free_codes_and_pack_numbers() {
    let (world, _) = ready(300).await;
    let other = world.with_database(&world.database).await;
    world.clock.advance(Duration::from_secs(61));
    for _ in 0..3 {
        let (one, two) = (world.parts.planner(), other.parts.planner());
        let (a, b) = tokio::join!(one.pass(), two.pass());
        assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    }
    world.file().await;
    let expected: Vec<String> = (1..=300).map(|n| format!("J001-ZY·XK·2026·D30-{n:05}")).collect();
    assert_eq!(world.codes().await, expected);
    let packs: Vec<u64> = batches(&world.stated().await).iter().map(|b| b.pack.get()).collect();
    assert_eq!(packs, (1..=packs.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.ask::<i64>("select count(*) from items where state = 'filed'").await, 300);
}

#[tokio::test]
async fn redelivered_events_file_once() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let item = TestItem::new(1);
    let prefiled = world.prefile(&item).await;
    let checked = world.pass(std::slice::from_ref(&prefiled)).await;
    world.hear(&[prefiled.clone(), checked.clone(), prefiled.clone()]).await;
    world.file().await;
    world.hear(&[checked, prefiled]).await;
    world.hear(&world.stated().await).await;
    assert_eq!(world.file().await, 0);
    assert_eq!(filings(&world.stated().await).len(), 1);
}

#[tokio::test]
async fn a_verdict_that_comes_before_its_item_waits_for_it() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let prefiled = world.stage(&TestItem::new(1));
    let passed = world.passed(std::slice::from_ref(&prefiled));
    assert_eq!(world.hear(&[passed]).await, [Outcome::WaitFor(prefiled.hash)]);
    let failed = world.failed(&prefiled, &["A-08"]);
    assert_eq!(world.hear(&[failed]).await, [Outcome::WaitFor(prefiled.hash)]);
}

#[tokio::test]
async fn a_process_that_dies_between_plan_and_commit_leaves_a_plan_that_any_other_finishes_to_the_same_bytes()
{
    let (world, _) = ready(3).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.parts.planner().pass().await.unwrap(), 1);
    // Dies after the plan: another process writes. Dies after writing: a third finds the bytes and commits.
    let second = world.with_database(&world.database).await;
    let mut connection = second.parts.pool.acquire().await.unwrap();
    let pack = plans::open(&mut connection, world.parts.author.now(), 1).await.unwrap()[0];
    let plan = plans::load(&mut connection, pack).await.unwrap().unwrap();
    let held = documents::of_pack(&mut connection, pack).await.unwrap();
    let written = second.parts.filer().writer.write(&plan, &held, world.parts.author.now()).await.unwrap();
    assert!(!written.stored.was_there);
    world.clock.advance(Duration::from_secs(3600));
    let third = world.with_database(&world.database).await;
    let again = third.parts.filer().writer.write(&plan, &held, world.parts.author.now()).await.unwrap();
    assert!(again.stored.was_there);
    assert!(third.parts.filer().finish(pack).await.unwrap());
    assert!(!second.parts.filer().finish(pack).await.unwrap(), "a plan is committed once");
    let events = world.stated().await;
    assert_eq!(batches(&events)[0].pack_digest, written.stored.sha256);
    assert_eq!(filings(&events).iter().map(|(e, _)| e.hash).collect::<Vec<_>>(), plan.hashes());
}

#[tokio::test]
async fn a_plan_whose_staged_bytes_cannot_be_read_waits_and_is_never_dropped() {
    let (world, items) = ready(2).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.parts.planner().pass().await.unwrap(), 1);
    world.peers.is_down.store(true, Ordering::SeqCst);
    assert_eq!(world.file().await, 0);
    assert_eq!(world.ask::<i32>("select tries from plans").await, 1);
    world.peers.is_down.store(false, Ordering::SeqCst);
    let lost = world.peers.staged.lock().unwrap().remove(&items[0].submission).unwrap();
    assert_eq!(world.file().await, 0);
    assert!(world.ask::<String>("select trouble from plans").await.contains("not staged"));
    world.peers.staged.lock().unwrap().insert(items[0].submission, lost);
    assert_eq!(world.file().await, 1);
}

#[tokio::test]
async fn an_item_whose_reception_is_missing_holds_up_no_other() {
    let (world, items) = ready(3).await;
    let lost = world.peers.staged.lock().unwrap().remove(&items[1].submission).unwrap();
    assert_eq!(world.file().await, 1);
    assert_eq!(world.codes().await.len(), 2);
    world.peers.staged.lock().unwrap().insert(items[1].submission, lost);
    assert_eq!(world.file().await, 1);
    assert_eq!(world.codes().await[2], "J001-ZY·XK·2026·D30-00003");
}

#[tokio::test]
async fn a_pack_that_nobody_committed_is_quarantined_and_written_again() {
    let (world, _) = ready(1).await;
    let folder = world.site().join("packs/330382");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("00000001.g1.tar"), b"somebody else's").unwrap();
    assert_eq!(world.file().await, 1);
    assert_eq!(
        std::fs::read_dir(world.site().join("quarantine")).unwrap().count(),
        2,
        "the pack and its reason"
    );
    let name = PackName::first(area(), dengbei_records::PackNumber::new(1));
    assert!(world.parts.site.verify_pack(&name).await.unwrap().is_sound());
}

#[tokio::test]
async fn a_failing_item_is_returned_with_its_ids_and_may_come_again() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let item = TestItem::new(1);
    let prefiled = world.prefile(&item).await;
    let failed = world.failed(&prefiled, &["A-08", "I-09"]);
    assert_eq!(world.hear(std::slice::from_ref(&failed)).await, [Outcome::Applied]);
    assert_eq!(world.parts.stater().pass().await.unwrap(), 1);
    assert_eq!(world.parts.stater().pass().await.unwrap(), 0);
    let stated = world.stated().await.pop().unwrap();
    let Some(Fact::ItemReturned(returned)) = &stated.fact else { panic!("{:?}", stated.fact) };
    assert_eq!(returned.failed, ["A-08", "I-09"]);
    assert_eq!(stated.causes, [prefiled.hash, failed.hash]);
    let holding = world.parts.holdings().holding(item.id()).await.unwrap();
    assert_eq!((holding.custody, holding.failed.len()), (Custody::Returned, 2));
    assert!(!holding.report.is_empty());
    let again = world.prefile(&item.again()).await;
    world.pass(&[again]).await;
    assert_eq!(world.file().await, 1);
    assert_eq!(world.codes().await.len(), 1);
}

#[tokio::test]
async fn a_higher_version_supersedes_what_is_not_planned_and_is_filed_alone() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let item = TestItem::new(1);
    let first = world.prefile(&item).await;
    world.pass(std::slice::from_ref(&first)).await;
    let second = world.prefile(&item.corrected()).await;
    world.parts.stater().pass().await.unwrap();
    let stated = world.stated().await.pop().unwrap();
    let Some(Fact::ItemSuperseded(superseded)) = &stated.fact else { panic!("{:?}", stated.fact) };
    assert_eq!((superseded.data_version.get(), superseded.by_data_version.get()), (1, 2));
    assert_eq!(stated.causes, [first.hash, second.hash]);
    world.pass(&[second]).await;
    world.file().await;
    let filed = filings(&world.stated().await);
    assert_eq!((filed.len(), filed[0].1.data_version.get(), filed[0].1.object_version), (1, 2, 1));
}

#[tokio::test]
async fn a_correction_keeps_its_code_and_carries_unchanged_files_forward() {
    let (world, items) = ready(2).await;
    world.file().await;
    let corrected = items[0].corrected();
    let prefiled = world.prefile(&corrected).await;
    world.pass(&[prefiled]).await;
    world.file().await;
    let filed = filings(&world.stated().await);
    assert_eq!(
        filed[2].1.archival_code,
        filed.iter().find(|f| f.1.item == items[0].id()).unwrap().1.archival_code
    );
    assert_eq!((filed[2].1.object_version, filed[2].1.pack.get()), (2, 2));
    assert_eq!(world.codes().await.len(), 2);
    for (version, n) in [(2, 0), (2, 1), (1, 1)] {
        let path = format!("files/{:04}.pdf", n + 1);
        let mut pieces = world.parts.holdings().read(items[0].id(), version, path).await.unwrap();
        let mut body = Vec::new();
        while let Some(piece) = pieces.recv().await {
            body.extend_from_slice(&piece.unwrap().data);
        }
        let expected = if version == 2 { &corrected.files[n] } else { &items[0].files[n] };
        assert_eq!(&body, expected, "version {version}, file {n}");
    }
}

#[tokio::test]
async fn a_higher_version_waits_behind_a_planned_one() {
    let (world, items) = ready(1).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.parts.planner().pass().await.unwrap(), 1);
    let second = world.prefile(&items[0].corrected()).await;
    world.pass(&[second]).await;
    assert_eq!(world.file().await, 1, "only the planned one: its successor is not planned beside it");
    assert_eq!(world.parts.stater().pass().await.unwrap(), 0);
    assert_eq!(world.file().await, 1);
    let filed = filings(&world.stated().await);
    assert_eq!(filed.iter().map(|f| f.1.object_version).collect::<Vec<_>>(), [1, 2]);
}
