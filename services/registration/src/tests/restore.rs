//! 旧备份恢复: a database restored from an old dump replays what it stated since, and gives nothing twice.

use std::collections::HashSet;

use dengbei_bus::Outcome;
use dengbei_chain::{Event, Fact};
use dengbei_register::LogReader;
use dengbei_testkit::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::world::{OTHER_UNIT, TestItem, UNIT, World};
use crate::register::StartError;

/// A copy of the database as it is now: the dump.
pub(super) async fn dump(world: &World) -> String {
    world.parts.pool.close().await;
    let postgres = Postgres::start().await.unwrap();
    let name = world.database.rsplit('/').next().unwrap();
    let copy = format!("{name}_dump");
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {copy} template {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    world.database.replace(name, &copy)
}

/// Sends everything in the outbox to the register once, as the relay would, and seals.
pub(super) async fn seal_everything(world: &World, sequence: u64, foreign: &[Event]) {
    if !foreign.is_empty() {
        world.append("ingest.00000001", sequence, foreign).await;
    }
    let stated = world.stated().await;
    for (n, event) in stated.iter().enumerate() {
        world.append("registration.00000001", sequence * 1000 + n as u64, std::slice::from_ref(event)).await;
    }
    sqlx::query("delete from bus.outbox").execute(&world.parts.pool).await.unwrap();
    world.parts.sealer().seal_once().await.unwrap();
}

/// Hears the whole log in its order, holding back what waits for a cause, as the bus does.
pub(super) async fn hear_log(world: &World) {
    let reader = LogReader::new(world.parts.log.tiles.clone());
    let size = world.ask::<i64>("select size from log_head").await as u64;
    let mut waiting: Vec<Event> =
        reader.entries(0..size, size).await.unwrap().into_iter().map(|e| Event::read(e).unwrap()).collect();
    while !waiting.is_empty() {
        let mut later = Vec::new();
        for event in &waiting {
            if let [Outcome::WaitFor(_)] = world.hear(std::slice::from_ref(event)).await[..] {
                later.push(event.clone());
            }
        }
        assert!(later.len() < waiting.len(), "nothing more can be applied");
        waiting = later;
    }
}

#[tokio::test]
async fn an_old_dump_is_replayed_and_no_code_no_pack_number_and_no_fact_comes_twice() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let old = TestItem::new(1);
    let prefiled = world.prefile(&old).await;
    let checked = world.pass(std::slice::from_ref(&prefiled)).await;
    world.file().await;
    let planned = TestItem::new(2);
    let planned_event = world.prefile(&planned).await;
    let planned_checked = world.pass(std::slice::from_ref(&planned_event)).await;
    world.clock.advance(world.parts.linger);
    assert_eq!(world.parts.planner().pass().await.unwrap(), 1, "a plan is open when the dump is taken");
    seal_everything(&world, 1, &[prefiled, checked, planned_event, planned_checked]).await;
    let dumped = dump(&world).await;

    let world = world.with_database(&world.database).await;
    let (third, fourth) = (TestItem::new(3), TestItem { unit: OTHER_UNIT, ..TestItem::new(4) });
    world
        .parts
        .publisher()
        .publish(super::world::matter(OTHER_UNIT, "M-2", "许可").as_bytes(), None)
        .await
        .unwrap();
    let (third_event, fourth_event) = (world.prefile(&third).await, world.prefile(&fourth).await);
    let passed = world.pass(std::slice::from_ref(&third_event)).await;
    let failed = world.failed(&fourth_event, &["I-04"]);
    world.hear(std::slice::from_ref(&failed)).await;
    world.parts.stater().pass().await.unwrap();
    assert_eq!(world.file().await, 2);
    seal_everything(&world, 2, &[third_event, fourth_event, passed, failed]).await;
    let codes = world.codes().await;
    let head = world.ask::<Vec<u8>>("select root from log_head").await;
    world.parts.pool.close().await;

    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    assert_eq!(restored.ask::<Vec<u8>>("select root from log_head").await, head);
    hear_log(&restored).await;
    assert_eq!(restored.codes().await, codes);
    assert_eq!(restored.ask::<i64>("select last from counters where name = 'pack'").await, 3);
    assert_eq!(restored.ask::<i64>("select last from counters where name = 'fonds'").await, 2);
    assert_eq!(restored.ask::<i64>("select count(*) from plans where state = 'open'").await, 0);
    assert_eq!(restored.ask::<i64>("select count(*) from packs").await, 3);
    assert_eq!(restored.ask::<i64>("select count(*) from pack_items where start is null").await, 0);
    assert_eq!(restored.ask::<i64>("select count(*) from items where state = 'returned'").await, 1);
    assert_eq!(restored.parts.stater().pass().await.unwrap(), 0, "the return is not stated again");
    assert_eq!(restored.file().await, 0, "nothing is filed again");
    assert!(restored.stated().await.is_empty());
    assert_eq!(restored.parts.holdings().holding(third.id()).await.unwrap().data_version, 1);

    let next = TestItem::new(5);
    let event = restored.prefile(&next).await;
    restored.pass(&[event]).await;
    assert_eq!(restored.file().await, 1);
    let all = restored.codes().await;
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4);
    assert_eq!(all.last().unwrap(), "J001-ZY·XK·2026·D30-00004");
    let filed = restored.stated().await;
    let Some(Fact::ItemFiled(fact)) = &filed[0].fact else { panic!("{filed:?}") };
    assert_eq!(fact.pack.get(), 4);
}

#[tokio::test]
async fn a_restored_database_gives_up_its_name_as_a_producer() {
    let world = World::new().await;
    world.publish(UNIT).await;
    sqlx::query("insert into bus.producer (epoch) values ('0000abcd')")
        .execute(&world.parts.pool)
        .await
        .unwrap();
    seal_everything(&world, 1, &[]).await;
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    let events: Vec<Event> = (0..3).map(|n| world.stage(&TestItem::new(n))).collect();
    seal_everything(&world, 2, &events).await;
    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    let mut tx = restored.parts.pool.begin().await.unwrap();
    let (_, seen) = crate::register::sealed_up_to(&mut tx, "registration.0000abcd", 0).await.unwrap();
    assert!(seen > 1 << 40, "the relay begins a new epoch when the register has seen more than it gave");
    let (_, other) = crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap();
    assert_eq!(other, 0);
}

#[tokio::test]
async fn events_that_waited_in_an_old_dump_are_not_logged_twice() {
    let world = World::new().await;
    let events: Vec<Event> = (0..3).map(|n| world.stage(&TestItem::new(n))).collect();
    world.append("ingest.00000001", 1, &events).await;
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    // In the life that was lost another bundle came first.
    let other = world.stage(&TestItem::new(9));
    sqlx::query("delete from log_entries").execute(&world.parts.pool).await.unwrap();
    sqlx::query("delete from log_bundles").execute(&world.parts.pool).await.unwrap();
    world.append("fixity.00000001", 1, &[other]).await;
    world.append("ingest.00000001", 1, &events).await;
    world.parts.sealer().seal_once().await.unwrap();
    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    restored.parts.sealer().seal_once().await.unwrap();
    assert_eq!(restored.ask::<i64>("select size from log_head").await, 4);
    let mut tx = restored.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (1, 1));
}

#[tokio::test]
async fn unpublished_tiles_of_a_lost_life_are_set_aside() {
    let world = World::new().await;
    let first: Vec<Event> = (0..5).map(|n| world.stage(&TestItem::new(n))).collect();
    world.append("ingest.00000001", 1, &first).await;
    world.parts.sealer().seal_once().await.unwrap();
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    // Tiles written beyond the checkpoint, over the end of a tile; then the database is lost.
    let lost: Vec<Event> = (100..400).map(|n| world.stage(&TestItem::new(n))).collect();
    let bytes: Vec<bytes::Bytes> = lost.iter().map(|e| e.bytes.clone()).collect();
    let log = &world.parts.log;
    let mut writer =
        dengbei_register::LogWriter::open(log.tiles.clone(), log.signer.verifier()).await.unwrap();
    writer.append(&bytes).await.unwrap();
    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    let mut others: Vec<Event> = (400..700).map(|n| restored.stage(&TestItem::new(n))).collect();
    others.truncate(256);
    restored.append("ingest.00000001", 2, &others).await;
    restored.parts.sealer().seal_once().await.unwrap();
    let reader = LogReader::new(restored.parts.log.tiles.clone());
    let opened = reader.checkpoint(restored.parts.log.signer.verifier(), &[]).await.unwrap().unwrap();
    assert_eq!(opened.checkpoint.size(), 261);
    assert_eq!(reader.root_at(261).await.unwrap(), opened.checkpoint.root());
    let entries = reader.entries(0..261, 261).await.unwrap();
    assert_eq!(entries[5..], others.iter().map(|e| e.bytes.clone()).collect::<Vec<_>>()[..]);
    assert!(std::fs::read_dir(restored.site().join("quarantine")).unwrap().count() > 0);
    let again = restored.with_database(&dumped).await;
    assert!(!matches!(again.parts.sealer().start().await, Err(StartError::Forked { .. })));
}

#[tokio::test]
async fn a_plan_of_an_old_dump_that_the_log_contradicts_is_cancelled() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let items: Vec<TestItem> = (0..3).map(TestItem::new).collect();
    let prefiled: Vec<Event> = items.iter().map(|i| world.stage(i)).collect();
    world.hear(&prefiled).await;
    let checked = world.pass(&prefiled).await;
    let dumped = dump(&world).await;
    // In the life that was lost two of the three were filed, with the first two codes.
    let world = world.with_database(&world.database).await;
    let gone = world.peers.staged.lock().unwrap().remove(&items[0].submission).unwrap();
    assert_eq!(world.file().await, 1);
    world.peers.staged.lock().unwrap().insert(items[0].submission, gone);
    let mut foreign = prefiled.clone();
    foreign.push(checked);
    seal_everything(&world, 1, &foreign).await;
    let codes = world.codes().await;
    // The restored database planned all three before it heard of that.
    let restored = world.with_database(&dumped).await;
    restored.clock.advance(restored.parts.linger);
    assert_eq!(restored.parts.planner().pass().await.unwrap(), 1);
    restored.parts.sealer().start().await.unwrap();
    hear_log(&restored).await;
    assert_eq!(restored.codes().await, codes);
    assert_eq!(restored.ask::<String>("select state from plans").await, "cancelled");
    assert_eq!(restored.ask::<i64>("select count(*) from items where state = 'ready'").await, 1);
    assert_eq!(
        restored.ask::<i64>("select last from counters where name = 'code/J001-ZY·XK·2026·D30'").await,
        2
    );
    assert_eq!(restored.file().await, 1);
    assert_eq!(restored.codes().await.len(), 3);
    assert_eq!(restored.codes().await[2], "J001-ZY·XK·2026·D30-00003");
    let packs: Vec<i64> = sqlx::query_scalar("select pack from packs order by pack")
        .fetch_all(&restored.parts.pool)
        .await
        .unwrap();
    assert_eq!(packs, [1, 2]);
}
