//! Two processes of the role on one database: what one does at a time is done by one, and by the other when it ends.

use std::time::Duration;

use dengbei_kit::Drain;
use dengbei_testkit::{PATIENCE, eventually};
use tokio::task::JoinHandle;

use super::world::{TestItem, UNIT, World};
use crate::filing;

/// Plans, as a process does.
fn planning(world: &World, drain: &Drain) -> JoinHandle<anyhow::Result<()>> {
    let (parts, drain) = (world.parts.clone(), drain.clone());
    tokio::spawn(async move { filing::plan(&parts, &drain).await })
}

/// Seals, as a process does.
fn sealing(world: &World, drain: &Drain) -> JoinHandle<anyhow::Result<()>> {
    let (sealer, drain) = (world.parts.sealer(), drain.clone());
    tokio::spawn(async move { sealer.run(&drain).await })
}

async fn until(world: &World, question: &'static str, wanted: i64) {
    eventually(PATIENCE, question, async || {
        let found = world.ask::<i64>(question).await;
        anyhow::ensure!(found == wanted, "{found}");
        Ok(())
    })
    .await
    .unwrap();
}

async fn passed(world: &World, items: std::ops::Range<u32>) {
    let prefiled: Vec<_> = items.map(|n| world.stage(&TestItem::new(n))).collect();
    world.hear(&prefiled).await;
    world.pass(&prefiled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_processes_plans_and_the_other_when_it_ended() {
    let one = World::new().await;
    let other = one.with_database(&one.database).await;
    one.publish(UNIT).await;
    passed(&one, 0..40).await;
    one.clock.advance(Duration::from_secs(61));
    let (first, second) = (Drain::new(), Drain::new());
    let planner = planning(&one, &first);
    until(&one, "select count(*) from plans", 1).await;
    let standing_by = planning(&other, &second);
    passed(&one, 40..60).await;
    one.clock.advance(Duration::from_secs(61));
    until(&one, "select count(*) from plans", 2).await;
    assert!(!other.parts.leases.hold("registration.plan").await.unwrap(), "the first has it still");
    first.request();
    planner.await.unwrap().unwrap();
    passed(&one, 60..80).await;
    one.clock.advance(Duration::from_secs(61));
    until(&one, "select count(*) from plans", 3).await;
    second.request();
    standing_by.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_processes_seals_and_the_other_when_it_ended() {
    let one = World::new().await;
    let other = one.with_database(&one.database).await;
    let event = |n: u32| one.stage(&TestItem::new(n));
    let (first, second) = (Drain::new(), Drain::new());
    let (sealer, standing_by) = (sealing(&one, &first), sealing(&other, &second));
    for n in 1..=5 {
        one.append("ingest.00000001", u64::from(n), &[event(n)]).await;
        until(&one, "select size from log_head", i64::from(n)).await;
    }
    first.request();
    sealer.await.unwrap().unwrap();
    for n in 6..=10 {
        one.append("ingest.00000001", u64::from(n), &[event(n)]).await;
        until(&one, "select size from log_head", i64::from(n)).await;
    }
    second.request();
    standing_by.await.unwrap().unwrap();
    assert_eq!(one.ask::<i64>("select count(distinct index) from log_entries").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_whose_connection_is_cut_is_replaced_and_no_entry_is_sealed_twice() {
    let one = World::new().await;
    let other = one.with_database(&one.database).await;
    let drain = Drain::new();
    let both = [sealing(&one, &drain), sealing(&other, &drain)];
    for n in 1..=6_u32 {
        one.append("ingest.00000001", u64::from(n), &[one.stage(&TestItem::new(n))]).await;
        until(&one, "select size from log_head", i64::from(n)).await;
        let cut = "select count(pg_terminate_backend(pid)) from pg_locks
                   where locktype = 'advisory' and granted and pid <> pg_backend_pid()
                     and database = (select oid from pg_database where datname = current_database())";
        one.ask::<i64>(cut).await;
    }
    drain.request();
    for sealer in both {
        sealer.await.unwrap().unwrap();
    }
    assert_eq!(one.ask::<i64>("select size from log_head").await, 6);
    assert_eq!(one.ask::<i64>("select count(distinct index) from log_entries").await, 6);
}
