//! A database that was lost or restored from an old dump learns from the log what it stated, and states it once.

use dengbei_bus::Outcome;
use dengbei_chain::Event;

use super::events;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stated_before_is_known_again_and_not_stated_twice() {
    let mut world = World::new().await;
    let filed = world.file(1).await;
    let batch = uuid::Uuid::from_u128(7);
    let applied = events::applied(batch, &[&filed], world.now());
    let registered = events::registered(batch, &applied, world.now());
    world.hear(&[applied.clone(), registered.clone()]).await;
    world.tend_all().await;
    let stored = world.stored().await;
    let bad = world.sites.flip("remote", 1);
    let of_remote = stored.iter().find(|(_, s)| s.receipt.site == "remote").unwrap().0.hash;
    let damaged = events::damaged("remote", 1, &bad, of_remote, world.now());
    world.hear(std::slice::from_ref(&damaged)).await;
    world.tend_all().await;
    let own: Vec<Event> = world.stated().await;
    assert_eq!(own.len(), 5, "three copies, secured, repaired");

    world.forget().await;
    let others = [filed, applied, registered, damaged];
    // Whatever comes first: what waits for its cause comes again.
    let mut left: Vec<Event> = own.iter().rev().chain(others.iter().rev()).cloned().collect();
    for _ in 0..6 {
        let outcomes = world.hear(&left).await;
        let waiting = outcomes.iter().map(|o| matches!(o, Outcome::WaitFor(_)));
        left = left.iter().zip(waiting).filter(|(_, waits)| *waits).map(|(e, _)| e.clone()).collect();
    }
    assert!(left.is_empty(), "{left:?}");
    world.tend_all().await;
    assert_eq!(world.parts.committer().secure_all().await.unwrap(), 0);
    assert!(world.stated().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_came_back_with_the_log_are_enough_for_what_was_not_stated_yet() {
    let mut world = World::new().await;
    let filed = world.file(1).await;
    let batch = uuid::Uuid::from_u128(7);
    let applied = events::applied(batch, &[&filed], world.now());
    let registered = events::registered(batch, &applied, world.now());
    world.hear(&[applied.clone(), registered.clone()]).await;
    world.tend_all().await;
    let stored: Vec<Event> = world.stored().await.into_iter().map(|(e, _)| e).collect();
    world.forget().await;
    world.hear(&[filed, applied, registered]).await;
    world.hear(&stored).await;
    assert_eq!(world.parts.committer().secure_all().await.unwrap(), 1);
    let [(event, _)] = world.secured().await.try_into().unwrap();
    assert!(stored.iter().all(|s| event.causes.contains(&s.hash)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_number_that_is_stated_twice_is_a_dead_letter() {
    use dengbei_bus::Handler as _;
    let world = World::new().await;
    world.file(1).await;
    let other = events::filed(1, &world.put("archive", 1, "other").await, world.now());
    let mut tx = world.parts.pool.begin().await.unwrap();
    let refused = world.parts.orders().apply(&mut tx, &[other], ()).await.unwrap_err();
    assert_eq!(refused.class(), dengbei_records::ErrorClass::Invalid);
    assert!(refused.reason().contains("stated twice"), "{}", refused.reason());
}
