//! The relay: nothing committed is lost, nothing is numbered twice, nothing leaves before it is sealed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests only")]

mod world;

use dengbei_bus::Outbox;
use dengbei_testkit::{PATIENCE, eventually};
use world::{World, area, event, events};

#[tokio::test]
async fn a_row_that_commits_late_is_not_lost() {
    let world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, _hearing) = (ingest.relay(), query.hear());
    let (late, early) = (event(&[]), event(&[]));
    let mut slow = ingest.pool.begin().await.unwrap();
    Outbox::new(area()).put(&mut slow, std::slice::from_ref(&late)).await.unwrap();
    let other = event(&[]);
    ingest.state(std::slice::from_ref(&early)).await;
    ingest.state(std::slice::from_ref(&other)).await;
    slow.commit().await.unwrap();
    query.applies(&[late, early, other]).await;
}

#[tokio::test]
async fn sequences_have_no_gaps_after_rollbacks() {
    let world = World::new().await;
    world.register.seal(false);
    let ingest = world.service("ingest").await;
    let _relay = ingest.relay();
    for round in 0..30 {
        let mut tx = ingest.pool.begin().await.unwrap();
        Outbox::new(area()).put(&mut tx, &events(2)).await.unwrap();
        if round % 3 == 0 {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
        }
    }
    ingest.publishes().await;
    assert_eq!(ingest.sequences().await, (1..=20).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_large_transaction_travels_in_bundles_of_256() {
    let world = World::new().await;
    world.register.seal(false);
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let many = events(600);
    ingest.state(&many).await;
    let sizes: Vec<i32> =
        sqlx::query_scalar("select count from bus.outbox order by id").fetch_all(&ingest.pool).await.unwrap();
    assert_eq!(sizes, [256, 256, 88]);
    let (_relay, _hearing) = (ingest.relay(), query.hear());
    query.applies(&many).await;
    assert_eq!(query.keeper.prepared(), 3);
}

#[tokio::test]
async fn only_what_is_sealed_leaves_the_outbox() {
    let world = World::new().await;
    world.register.seal(false);
    let ingest = world.service("ingest").await;
    let (_relay, _register) = (ingest.relay(), world.register_hears().await);
    ingest.state(&events(3)).await;
    ingest.publishes().await;
    eventually(PATIENCE, "the register has heard it and not sealed it", async || {
        anyhow::ensure!(world.register.offered() > 0, "not yet");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(ingest.count("select count(*) from bus.outbox").await, 1);
    world.register.seal(true);
    ingest.state(&events(2)).await;
    // What the register let pass unsealed is sent to it again directly.
    ingest.seals().await;
    assert_eq!(world.register.size(), 5);
    assert!(world.register.appended() >= 1);
}

#[tokio::test]
async fn with_the_bus_dead_everything_goes_by_the_register() {
    let mut world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    world.bus.stop().await.unwrap();
    let (_relay, _hearing) = (ingest.relay(), query.hear());
    let stated = events(5);
    ingest.state(&stated).await;
    query.applies(&stated).await;
    ingest.seals().await;
    // It comes back, and is used again.
    world.bus.start_again().await.unwrap();
    let appended = world.register.appended();
    let (_register, later) = (world.register_hears().await, events(5));
    ingest.state(&later).await;
    query.applies(&[stated, later].concat()).await;
    ingest.seals().await;
    assert_eq!(world.register.appended(), appended);
}

#[tokio::test]
async fn a_restored_dump_begins_another_epoch() {
    let world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_register, _hearing) = (world.register_hears().await, query.hear());
    let relay = ingest.relay();
    let first = [event(&[]), event(&[])];
    ingest.state(&first[..1]).await;
    ingest.state(&first[1..]).await;
    ingest.seals().await;
    relay.stop().await;
    // As if a dump from before the second event were restored, and other things then happened.
    sqlx::query("update bus.producer set next_sequence = 2").execute(&ingest.pool).await.unwrap();
    let other = event(&[]);
    ingest.state(std::slice::from_ref(&other)).await;
    let _relay = ingest.relay();
    query.applies(&[first[0].clone(), first[1].clone(), other]).await;
    ingest.seals().await;
    let producers: std::collections::BTreeSet<String> =
        world.register.seen().into_iter().map(|(producer, _)| producer).collect();
    assert_eq!(producers.len(), 2, "{producers:?}");
}

#[tokio::test]
async fn nothing_is_sent_before_the_register_says_what_it_has_seen() {
    let world = World::new().await;
    world.register.leave(true);
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, _hearing) = (ingest.relay(), query.hear());
    let stated = events(1);
    ingest.state(&stated).await;
    eventually(PATIENCE, "the relay has its name and waits", async || {
        let named = ingest.count("select count(*) from bus.producer").await;
        anyhow::ensure!(named == 1, "no name yet");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(ingest.sequences().await, Vec::<i64>::new());
    world.register.leave(false);
    query.applies(&stated).await;
}

#[tokio::test]
async fn two_relays_of_one_service_do_not_number_twice() {
    let world = World::new().await;
    world.register.seal(false);
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (first, _second, _hearing) = (ingest.relay(), ingest.relay(), query.hear());
    let before = events(20);
    for event in &before {
        ingest.state(std::slice::from_ref(event)).await;
    }
    first.stop().await;
    let after = events(20);
    for event in &after {
        ingest.state(std::slice::from_ref(event)).await;
    }
    query.applies(&[before, after].concat()).await;
    assert_eq!(ingest.sequences().await, (1..=40).collect::<Vec<i64>>());
}
