//! 移交检测: each side of a transfer is checked once, on its own copy, and only what is bad itself is unfit.

use std::sync::atomic::Ordering;

use dengbei_chain::facts::{PackRepaired, Purpose, Side};
use dengbei_chain::{Fact, Subject, TransferCheck, TransferReport, root};
use dengbei_ocfl::PackReader;
use dengbei_records::PackNumber;
use serde_json::json;

use super::world::{World, event};

fn check<'a>(report: &'a TransferReport, id: &str) -> &'a TransferCheck {
    report.checks.iter().find(|c| c.id == id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_transfer_is_fit_on_each_side_and_no_file_is_read_again() {
    let world = World::open().await;
    let packs = [world.pack(1, 3), world.pack(2, 2)];
    for pack in &packs {
        world.file(pack).await;
    }
    let packed = world.packed(&[&packs[0], &packs[1]]).await;
    let asked = world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.transfers.pass().await.unwrap();
    let (event, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!((checked.checked, checked.unfit), (5, 0), "{:?}", report.unfit);
    assert_eq!(event.causes, [asked.hash]);
    assert_eq!(checked.root, packed.root);
    assert_eq!(report.receipts.len(), 2);
    assert_eq!(report.reused.iter().map(|r| r.items).sum::<u32>(), 5);
    assert_eq!((check(&report, "A-01").result.as_str(), check(&report, "A-01").compared), ("passed", 2));
    assert_eq!(check(&report, "A-08").reused, "run");
    assert!(report.checks.iter().all(|c| c.failed == 0 || c.id == "I-06"), "{:?}", report.checks);
    let whole: u64 = packs.iter().map(|p| p.bytes.len() as u64).sum();
    assert!(world.primary.sent.load(Ordering::SeqCst) < whole, "only catalogues are read by range");
    assert_eq!(world.archive.attested.load(Ordering::SeqCst), 0);

    world.about_transfer(Fact::TransferSubmitted(World::submitted(&packed))).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Archive).await;
    assert_eq!((checked.unfit, report.site.as_str()), (0, "archive"));
    assert_eq!(world.archive.attested.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn storing_waits_for_the_archives_receipt_of_every_pack() {
    let world = World::open().await;
    let packs = [world.pack(1, 1), world.pack(2, 1)];
    for pack in &packs {
        world.file(pack).await;
    }
    let packed = world.packed(&[&packs[0], &packs[1]]).await;
    world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.transfers.pass().await.unwrap();
    let accepted = world.about_transfer(Fact::TransferAccepted(World::accepted(&packed))).await;
    let stored: Vec<_> = packs.iter().map(|p| world.stored(&world.archive, p, Purpose::Accession)).collect();
    let backup = world.stored(&world.archive, &packs[1], Purpose::Backup);
    world.desk.hear(&[stored[0].clone(), backup]).await.unwrap();
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    assert!(world.trouble(Side::Storing).await.contains("pack 00000002"));
    // The receipt makes the run due at once.
    world.desk.hear(&stored[1..]).await.unwrap();
    world.transfers.pass().await.unwrap();
    let (event, checked, report) = world.verdict(Side::Storing).await;
    assert_eq!(event.causes, [accepted.hash, stored[0].hash, stored[1].hash]);
    assert_eq!(checked.unfit, 0);
    assert!(report.receipts.iter().all(|r| r.purpose == "accession" && r.event.is_some()), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_unfit_on_storing_is_inspected_at_once_and_checked_again_when_it_is_repaired() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.transfers.pass().await.unwrap();
    let stored = world.stored(&world.archive, &pack, Purpose::Accession);
    world.about_transfer(Fact::TransferAccepted(World::accepted(&packed))).await;
    world.desk.hear(&[stored]).await.unwrap();
    world.archive.flip(1, pack.places[0].range.end - 1500);
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdict(Side::Storing).await.1.unfit, 1);
    let urgent: bool = sqlx::query_scalar("select is_urgent from copies where site = 'archive'")
        .fetch_one(&world.desk.pool)
        .await
        .unwrap();
    assert!(urgent);
    world.archive.put(1, &pack.bytes);
    let receipt = world.archive.receipt(1, Purpose::Accession);
    let fact = PackRepaired { from_site: "primary".into(), bad_digest: None, receipt };
    let repaired = event(Subject::Pack(PackNumber::new(1)), vec![], Fact::PackRepaired(fact));
    world.desk.hear(std::slice::from_ref(&repaired)).await.unwrap();
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdict(Side::Storing).await.1.unfit, 0);
    // A repair of what was fit opens nothing.
    world.desk.hear(&[repaired]).await.unwrap();
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdicts().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_damaged_pack_only_the_item_whose_bytes_are_bad_is_unfit() {
    let world = World::open().await;
    let pack = world.pack(1, 4);
    world.file(&pack).await;
    let place = &pack.places[2].range;
    world.primary.flip(1, place.end - 1500);
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!((checked.checked, checked.unfit), (4, 1), "{:?}", report.unfit);
    let unfit = &report.unfit[0];
    assert_eq!((unfit.event, unfit.failed.as_slice()), (pack.hash(2), ["A-02".to_owned()].as_slice()));
    assert!(unfit.message.contains("J019-ZY·XK·2026·D30-01003"), "{}", unfit.message);
    assert!(!unfit.message_en.is_empty() && !unfit.remedy.is_empty());
    assert_eq!(report.list.hashes(), [pack.hash(0), pack.hash(1), pack.hash(3)]);
    assert_eq!(checked.root, root(&report.list.hashes()));
    assert_eq!(check(&report, "A-01").result, "failed");
    assert!(report.receipts.is_empty(), "nothing was signed as it should be");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_catalogue_makes_no_item_unfit_because_another_site_tells_where_they_lie() {
    let world = World::open().await;
    let pack = world.pack(1, 3);
    world.file(&pack).await;
    world.primary.flip(1, 700);
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 0, "{:?}", report.unfit);
    assert_eq!(check(&report, "A-01").result, "warning");
    assert_eq!(check(&report, "U-07").result, "warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_truncated_pack_what_lies_before_the_cut_is_fit() {
    let world = World::open().await;
    let pack = world.pack(1, 3);
    world.file(&pack).await;
    let cut = usize::try_from(pack.places[1].range.end).unwrap() + 100;
    world.primary.put(1, &pack.bytes[..cut]);
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 1, "{:?}", report.unfit);
    assert_eq!(report.unfit[0].event, pack.hash(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_a_missing_pack_is_unfit_and_the_rest_is_fit() {
    let world = World::open().await;
    let packs = [world.pack(1, 2), world.pack(2, 2)];
    for pack in &packs {
        world.file(pack).await;
    }
    world.primary.remove(2);
    world.about_transfer(Fact::TransferPacked(world.packed(&[&packs[0], &packs[1]]).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!((checked.checked, checked.unfit), (4, 2), "{:?}", report.unfit);
    assert!(report.unfit.iter().all(|u| u.failed == ["I-07"]), "{:?}", report.unfit);
    assert_eq!(report.list.hashes(), [packs[0].hash(0), packs[0].hash(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_puts_the_run_off_and_never_makes_a_verdict() {
    let world = World::open().await;
    let pack = world.pack(1, 1);
    world.file(&pack).await;
    world.primary.down(true);
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    assert!(world.verdicts().await.is_empty());
    assert!(world.trouble(Side::Unit).await.contains("primary"));
    world.primary.down(false);
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdict(Side::Unit).await.1.unfit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_under_another_key_than_the_sites_is_no_verdict() {
    let world = World::open().await;
    let pack = world.pack(1, 1);
    world.file(&pack).await;
    let known = world.keys().join("sites/primary.pub");
    std::fs::copy(world.keys().join("sites/remote.pub"), &known).unwrap();
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    assert!(world.verdicts().await.is_empty());
    assert!(world.trouble(Side::Unit).await.contains("another key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivered_and_concurrent_runs_state_one_verdict() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let asked = world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    let both = futures::future::join(world.transfers.pass(), world.transfers.pass()).await;
    both.0.and(both.1).unwrap();
    world.desk.hear(std::slice::from_ref(&asked)).await.unwrap();
    world.desk.hear(&pack.items).await.unwrap();
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdicts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn filings_that_have_not_arrived_are_waited_for() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.primary.put(1, &pack.bytes);
    world.desk.hear(std::slice::from_ref(&pack.batch)).await.unwrap();
    world.desk.hear(&pack.items[..1]).await.unwrap();
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    assert!(world.trouble(Side::Unit).await.contains("item.filed"));
    world.desk.hear(&pack.items[1..]).await.unwrap();
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    assert_eq!(world.verdict(Side::Unit).await.1.unfit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_that_contradict_the_members_make_everything_unfit() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let mut packed = world.packed(&[&pack]).await;
    packed.items = 3;
    packed.bytes += 1;
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 2);
    assert_eq!(report.unfit[0].failed, ["I-01", "I-02"]);
    assert_eq!(checked.root, root(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_never_filed_and_one_listed_twice_are_unfit() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let mut members = pack.members();
    members.push(members[0].clone());
    let mut stranger = members[1].clone();
    stranger.event = dengbei_records::EventHash::of(b"never filed");
    members.push(stranger);
    let mut packed = world.packed(&[&pack]).await;
    (packed.members, packed.root) = world.list(members).await;
    packed.items = 4;
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    let failed: Vec<_> = report.unfit.iter().map(|u| u.failed.clone()).collect();
    assert_eq!((checked.checked, failed), (4, vec![vec!["A-13".to_owned()], vec!["A-18".to_owned()]]));
    assert_eq!(report.list.hashes(), [pack.hash(0), pack.hash(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_numbers_only_warns() {
    let world = World::open().await;
    let pack = world.pack(1, 3);
    world.file(&pack).await;
    let members = pack.members();
    let mut packed = world.packed(&[&pack]).await;
    (packed.members, packed.root) = world.list(vec![members[0].clone(), members[2].clone()]).await;
    packed.items = 2;
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 0);
    assert_eq!((check(&report, "I-06").result.as_str(), check(&report, "I-06").failed), ("warning", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_at_filing_that_blocks_at_transfer_makes_its_item_unfit_without_reading_it_again() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let outcome = |id: &str, severity: &str| {
        let finding = json!({"place": "~$草稿.tmp", "message": "多余文件", "message_en": "a left-over file", "remedy": "删去"});
        json!({"id": id, "alias": "", "name": "", "name_en": "", "property": "security", "severity": severity,
               "result": "warning", "compared": 1, "findings": [finding]})
    };
    // One has a left-over file: warned of at filing, blocking at a transfer. The other's warning stays one.
    let report = world.ran(&pack, &[json!([outcome("S-03", "W")]), json!([outcome("A-09", "B")])]).await;
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, transfer) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 1, "{:?}", transfer.unfit);
    assert_eq!((transfer.unfit[0].event, transfer.unfit[0].failed[0].as_str()), (pack.hash(0), "S-03"));
    assert_eq!(
        (transfer.reused.len(), transfer.reused[0].report, transfer.reused[0].items),
        (1, Some(report), 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_pack_is_located_item_by_item_too() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    world.primary.unreadable(true);
    world.about_transfer(Fact::TransferPacked(world.packed(&[&pack]).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 2, "{:?}", report.unfit);
    assert!(report.unfit.iter().all(|u| u.failed == ["I-07"]));
}

#[test]
fn the_packs_made_here_are_sound() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::open());
    let pack = world.pack(1, 3);
    let report = PackReader::open(std::io::Cursor::new(&pack.bytes)).unwrap().verify().unwrap();
    assert!(report.is_sound(), "{report:?}");
}
