//! Sealing: each step cut off and taken up again; forks refused.

use dengbei_chain::Event;
use dengbei_register::{LogReader, LogWriter, Signer, Tiles as _};

use super::world::{TestItem, UNIT, World};
use crate::register::StartError;

async fn events(world: &World, range: std::ops::Range<u32>) -> Vec<Event> {
    range.map(|n| world.stage(&TestItem::new(n))).collect()
}

async fn published(world: &World) -> u64 {
    let reader = LogReader::new(world.parts.log.tiles.clone());
    let verifier = world.parts.log.signer.verifier();
    reader.checkpoint(verifier, &[]).await.unwrap().map_or(0, |c| c.checkpoint.size())
}

#[tokio::test]
async fn what_was_appended_is_sealed_once_in_order_of_arrival() {
    let world = World::new().await;
    let (one, two) = (events(&world, 0..3).await, events(&world, 3..5).await);
    world.append("ingest.00000001", 1, &one).await;
    world.append("fixity.00000001", 1, &two).await;
    world.append("ingest.00000001", 1, &one).await;
    // The same events in another company, as after an epoch's change.
    world.append("ingest.00000002", 1, &[one[1].clone(), two[0].clone()]).await;
    world.parts.sealer().seal_once().await.unwrap();
    assert_eq!(published(&world).await, 5);
    let entries = LogReader::new(world.parts.log.tiles.clone()).entries(0..5, 5).await.unwrap();
    let expected: Vec<_> = one.iter().chain(&two).map(|e| e.bytes.clone()).collect();
    assert_eq!(entries, expected);
    let mut tx = world.parts.pool.begin().await.unwrap();
    for producer in ["ingest.00000001", "ingest.00000002", "fixity.00000001"] {
        assert_eq!(crate::register::sealed_up_to(&mut tx, producer, 0).await.unwrap(), (1, 1), "{producer}");
    }
}

#[tokio::test]
async fn bundles_that_lie_ready_are_stored_together_in_their_order_or_not_at_all() {
    let world = World::new().await;
    let all = events(&world, 0..7).await;
    let (one, two, three) = (&all[..3], &all[3..5], &all[5..]);
    assert!(world.append_together(&[("ingest.00000001", 1, one), ("fixity.00000001", 1, two)]).await);
    // One is known, or an event of one is: nothing of either is kept.
    assert!(!world.append_together(&[("ingest.00000001", 2, three), ("fixity.00000001", 1, two)]).await);
    assert!(!world.append_together(&[("ingest.00000001", 2, three), ("fixity.00000002", 1, two)]).await);
    assert!(!world.append_together(&[("ingest.00000001", 2, three), ("fixity.00000002", 1, three)]).await);
    assert_eq!(world.ask::<i64>("select count(*) from log_bundles").await, 2);
    world.append("ingest.00000001", 2, three).await;
    world.parts.sealer().seal_once().await.unwrap();
    let entries = LogReader::new(world.parts.log.tiles.clone()).entries(0..7, 7).await.unwrap();
    assert_eq!(entries, all.iter().map(|e| e.bytes.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_said_to_be_sealed_before_its_checkpoint_is_published() {
    let world = World::new().await;
    world.append("ingest.00000001", 1, &events(&world, 0..3).await).await;
    let sealer = world.parts.sealer();
    sealer.assign().await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (0, 1));
    tx.commit().await.unwrap();
    assert_eq!(world.ask::<i64>("select size from log_head").await, 0);
    sealer.seal_once().await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (1, 1));
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 5).await.unwrap(), (4, 1));
}

#[tokio::test]
async fn a_gap_in_a_producers_sequence_holds_its_watermark() {
    let world = World::new().await;
    for (sequence, n) in [(1, 0), (3, 1)] {
        world.append("ingest.00000001", sequence, &events(&world, n..n + 1).await).await;
    }
    world.parts.sealer().seal_once().await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (1, 3));
    tx.commit().await.unwrap();
    world.append("ingest.00000001", 2, &events(&world, 2..3).await).await;
    world.parts.sealer().seal_once().await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (3, 3));
}

#[tokio::test]
async fn a_sealer_that_dies_after_indices_tiles_or_checkpoint_is_taken_up_without_a_second_history() {
    let world = World::new().await;
    world.append("ingest.00000001", 1, &events(&world, 0..3).await).await;
    // After A: indices given, nothing written.
    world.parts.sealer().assign().await.unwrap();
    let second = world.with_database(&world.database).await;
    second.parts.sealer().start().await.unwrap();
    second.parts.sealer().seal_once().await.unwrap();
    assert_eq!(published(&world).await, 3);
    // After B: tiles written, no checkpoint.
    world.append("ingest.00000001", 2, &events(&world, 3..6).await).await;
    world.parts.sealer().assign().await.unwrap();
    let log = &world.parts.log;
    let mut writer = LogWriter::open(log.tiles.clone(), log.signer.verifier()).await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    writer.append(&crate::register::range(&mut tx, 3, 6).await.unwrap()).await.unwrap();
    drop(tx);
    let third = world.with_database(&world.database).await;
    third.parts.sealer().start().await.unwrap();
    third.parts.sealer().seal_once().await.unwrap();
    assert_eq!(published(&world).await, 6);
    // After C's publishing: the tables do not know.
    world.append("ingest.00000001", 3, &events(&world, 6..9).await).await;
    world.parts.sealer().assign().await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    writer.append(&crate::register::range(&mut tx, 6, 9).await.unwrap()).await.unwrap();
    drop(tx);
    writer.checkpoint(&log.signer).await.unwrap();
    let fourth = world.with_database(&world.database).await;
    fourth.parts.sealer().start().await.unwrap();
    assert_eq!(world.ask::<i64>("select size from log_head").await, 9);
    assert_eq!(world.ask::<i64>("select count(*) from log_bundles where producer = 'log'").await, 0);
    let mut tx = world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (3, 3));
}

#[tokio::test]
async fn a_database_of_another_history_refuses_to_start() {
    let world = World::new().await;
    world.append("ingest.00000001", 1, &events(&world, 0..4).await).await;
    world.parts.sealer().seal_once().await.unwrap();
    let other = World::new().await;
    std::fs::copy(
        world.folder.path().join("keys/register.key"),
        other.folder.path().join("keys/register.key"),
    )
    .unwrap();
    let other = other.with_database(&other.database).await;
    other.append("ingest.00000001", 1, &events(&other, 10..14).await).await;
    other.parts.sealer().seal_once().await.unwrap();
    // The other deployment's database over this one's site.
    let mut config = world.config.clone();
    config.database = other.database.as_str().into();
    let clock = std::sync::Arc::new(world.clock.clone());
    let mixed = crate::service::Parts::open(&config, clock).await.unwrap();
    let refused = mixed.sealer().start().await.unwrap_err();
    assert!(matches!(refused, StartError::Forked { size: 4, .. }), "{refused}");
    assert!(refused.to_string().contains("拒绝启动"));
    // Also when one of them is longer.
    world.append("ingest.00000001", 2, &events(&world, 4..6).await).await;
    world.parts.sealer().seal_once().await.unwrap();
    assert!(matches!(mixed.sealer().start().await.unwrap_err(), StartError::Forked { size: 4, .. }));
    other.append("ingest.00000001", 2, &events(&other, 14..24).await).await;
    other.parts.sealer().seal_once().await.unwrap();
    assert!(matches!(mixed.sealer().start().await.unwrap_err(), StartError::Forked { size: 6, .. }));
}

#[tokio::test]
async fn a_checkpoint_by_another_key_is_not_believed() {
    let world = World::new().await;
    world.append("ingest.00000001", 1, &events(&world, 0..2).await).await;
    world.parts.sealer().seal_once().await.unwrap();
    let name = world.parts.log.signer.name().clone();
    let stranger = Signer::generate(name).unwrap();
    std::fs::write(world.folder.path().join("keys/register.key"), stranger.to_pem().unwrap()).unwrap();
    let other = world.with_database(&world.database).await;
    assert!(matches!(other.parts.sealer().start().await, Err(StartError::Unsound(_))));
}

#[tokio::test]
async fn a_site_that_lost_its_log_gets_it_back_byte_for_byte() {
    let world = World::new().await;
    world.append("ingest.00000001", 1, &events(&world, 0..20).await).await;
    world.parts.sealer().seal_once().await.unwrap();
    let before = world.parts.log.tiles.read_checkpoint().await.unwrap().unwrap();
    std::fs::rename(world.site().join("log"), world.site().join("log-lost")).unwrap();
    let other = world.with_database(&world.database).await;
    other.parts.sealer().start().await.unwrap();
    other.parts.sealer().seal_once().await.unwrap();
    let after = other.parts.log.tiles.read_checkpoint().await.unwrap().unwrap();
    assert_eq!(before, after, "Ed25519 signs the same text alike");
}

#[tokio::test]
async fn a_receipt_proves_a_filed_item_offline() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let items: Vec<TestItem> = (0..3).map(TestItem::new).collect();
    let prefiled: Vec<Event> = items.iter().map(|i| world.stage(i)).collect();
    world.hear(&prefiled).await;
    let checked = world.pass(&prefiled).await;
    world.append("ingest.00000001", 1, &prefiled).await;
    world.append("fixity.00000001", 1, &[checked]).await;
    let receipts = world.parts.receipts();
    let none = receipts.build(items[1].id(), None).await.unwrap_err();
    assert_eq!(none.problem().code, "receipt.not_filed");
    world.file().await;
    let early = receipts.build(items[1].id(), None).await.unwrap_err();
    assert_eq!(early.problem().code, "receipt.not_sealed");
    world.append("registration.00000001", 1, &world.stated().await).await;
    world.parts.sealer().seal_once().await.unwrap();
    let receipt = receipts.build(items[1].id(), None).await.unwrap();
    let proven = dengbei_evidence::verify(&receipt, world.parts.log.signer.verifier(), false).unwrap();
    assert_eq!((proven.filed.item, proven.log_size), (items[1].id(), 9));
}
