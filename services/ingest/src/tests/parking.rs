//! 待配置: parked until a filing table covers the closing day, then prefiled exactly once.

use dengbei_chain::Fact;
use dengbei_records::Custody;

use super::house::House;
use super::made::{MATTER, Package, matter};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_prefiled_once_when_its_matter_is_published() {
    let house = House::open().await;
    let parked = house.submit(&Package::of(1)).await;
    assert_eq!(parked.answer.outcome(), "parked");
    assert!(house.staged(parked.submission).await.is_some());
    house.publish(&matter(MATTER, "2026-01", "2026-01-01")).await;
    assert_eq!(house.parts.release.release(MATTER).await.unwrap(), 1);
    assert_eq!(house.parts.release.release(MATTER).await.unwrap(), 0);
    assert_eq!(house.custody(parked.submission).await, Custody::Prefiled);
    let events = house.events().await;
    assert_eq!(house.facts().await, ["item.parked", "item.prefiled"]);
    assert_eq!(events[1].causes.len(), 2);
    assert_eq!(events[1].causes[0], events[0].hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_comes_into_force_after_closing_releases_nothing() {
    let house = House::open().await;
    let parked = house.submit(&Package::of(1)).await;
    house.publish(&matter(MATTER, "2026-07", "2026-07-01")).await;
    assert_eq!(house.parts.release.release(MATTER).await.unwrap(), 0);
    assert_eq!(house.custody(parked.submission).await, Custody::Parked);
    house.publish(&matter(MATTER, "2026-01", "2026-01-01")).await;
    assert_eq!(house.parts.release.release(MATTER).await.unwrap(), 1);
    let Some(Fact::ItemPrefiled(fact)) = house.events().await.pop().unwrap().fact else { panic!() };
    assert_eq!(fact.scope_version, "2026-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_releases_at_once_prefile_each_item_once() {
    let house = House::open().await;
    for n in 1..=12 {
        house.submit(&Package::of(n)).await;
    }
    house.publish(&matter(MATTER, "2026-01", "2026-01-01")).await;
    let release = &house.parts.release;
    let both = futures::future::join(release.release(MATTER), release.release(MATTER)).await;
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 12);
    let facts = house.facts().await;
    assert_eq!(facts.iter().filter(|f| **f == "item.prefiled").count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_package_can_be_mended_and_the_old_one_is_superseded() {
    let house = House::open().await;
    let old = house.submit(&Package::of(1)).await;
    let new = house.submit(&Package::of(1).titled("更正")).await;
    assert_eq!(new.answer.outcome(), "parked");
    assert_eq!(house.facts().await, ["item.parked", "item.parked", "item.superseded"]);
    assert_eq!(house.custody(old.submission).await, Custody::Superseded);
    house.let_go().await;
    assert!(house.staged(old.submission).await.is_none());
    house.publish(&matter(MATTER, "2026-01", "2026-01-01")).await;
    assert_eq!(house.parts.release.release(MATTER).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_task_notices_a_published_matter_by_itself() {
    let house = House::open().await;
    let parked = house.submit(&Package::of(1)).await;
    let drain = dengbei_kit::Drain::new();
    let task = tokio::spawn(house.parts.release.clone().run(house.parts.parked.clone(), drain.clone()));
    house.publish(&matter(MATTER, "2026-01", "2026-01-01")).await;
    dengbei_testkit::eventually(dengbei_testkit::PATIENCE, "it is prefiled", async || {
        anyhow::ensure!(house.custody(parked.submission).await == Custody::Prefiled);
        Ok(())
    })
    .await
    .unwrap();
    drain.request();
    task.await.unwrap().unwrap();
}
