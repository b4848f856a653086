//! 巡检: every copy is read again, each kind of damage is told apart and stated once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dengbei_chain::facts::{Damage, PackDamaged, PackInspected, PackRepaired, Purpose};
use dengbei_chain::{Event, Fact, Subject};
use dengbei_records::{PackNumber, Sha256};

use super::world::{Filed, World, event};
use crate::inspect::Inspector;

const TICK: Duration = Duration::from_secs(1);

/// Two packs on every site, stated.
async fn stored() -> (World, [Filed; 2]) {
    let world = World::open().await;
    let packs = [world.pack(1, 2), world.pack(2, 1)];
    for pack in &packs {
        world.file(pack).await;
        for site in [&world.primary, &world.archive, &world.remote] {
            world.desk.hear(&[world.stored(site, pack, Purpose::Backup)]).await.unwrap();
        }
    }
    (world, packs)
}

/// An inspector that always finds everything due.
fn inspector(world: &World) -> Inspector {
    Inspector {
        pool: world.desk.pool.clone(),
        sites: world.sites.clone(),
        author: world.desk.checks.author.clone(),
        bound: Duration::ZERO,
        grace: Duration::from_secs(3600),
        wake: std::sync::Arc::default(),
    }
}

async fn inspected(world: &World) -> Vec<PackInspected> {
    let events = world.desk.events().await.into_iter();
    events
        .filter_map(|e| match e.fact {
            Some(Fact::PackInspected(fact)) => Some(fact),
            _ => None,
        })
        .collect()
}

async fn findings(world: &World) -> Vec<Event> {
    let is_finding = |e: &Event| matches!(e.fact, Some(Fact::PackDamaged(_) | Fact::PackMissing(_)));
    world.desk.events().await.into_iter().filter(is_finding).collect()
}

async fn damages(world: &World) -> Vec<PackDamaged> {
    let damage = |e: Event| match e.fact {
        Some(Fact::PackDamaged(fact)) => Some(fact),
        _ => None,
    };
    findings(world).await.into_iter().filter_map(damage).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn good_copies_are_one_event_a_site_with_a_report_of_each() {
    let (world, packs) = stored().await;
    inspector(&world).pass(TICK).await.unwrap();
    let runs = inspected(&world).await;
    let mut sites: Vec<&str> = runs.iter().map(|r| r.site.as_str()).collect();
    sites.sort_unstable();
    assert_eq!(sites, ["archive", "primary", "remote"]);
    let bytes: u64 = packs.iter().map(|p| p.bytes.len() as u64).sum();
    for run in &runs {
        assert_eq!((run.packs, run.bytes, run.first.get(), run.last.get()), (2, bytes, 1, 2));
        let body = world.desk.document(&run.report.digest).await;
        let report: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(report["packs"].as_array().unwrap().len(), 2);
        assert!(report["packs"][0]["signature"].is_string(), "{report}");
    }
    assert!(findings(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_is_told_apart_and_names_its_receipt() {
    let world = World::open().await;
    let packs: Vec<Filed> = (1..=3).map(|n| world.pack(n, 1)).collect();
    let mut receipts = Vec::new();
    for pack in &packs {
        world.file(pack).await;
        receipts.push(world.stored(&world.archive, pack, Purpose::Backup));
    }
    world.desk.hear(&receipts).await.unwrap();
    world.archive.flip(1, 20_000.min(packs[0].bytes.len() as u64 - 2000));
    world.archive.put(2, &packs[1].bytes[..packs[1].bytes.len() / 2]);
    world.archive.remove(3);
    let inspector = inspector(&world);
    inspector.pass(TICK).await.unwrap();
    let found = findings(&world).await;
    assert_eq!(found.len(), 3, "{found:?}");
    for event in &found {
        let number = match &event.fact {
            Some(Fact::PackDamaged(fact)) => fact.pack,
            Some(Fact::PackMissing(fact)) => fact.pack,
            other => panic!("{other:?}"),
        };
        assert_eq!(event.causes, [receipts[usize::try_from(number.get()).unwrap() - 1].hash]);
    }
    let damages = damages(&world).await;
    let of = |n: u64| damages.iter().find(|d| d.pack.get() == n).cloned();
    assert_eq!(of(1).unwrap().kind, Damage::Damaged);
    assert_eq!(of(1).unwrap().found_bytes, packs[0].bytes.len() as u64);
    let cut = of(2).unwrap();
    assert_eq!((cut.kind, cut.found_bytes), (Damage::Truncated, packs[1].bytes.len() as u64 / 2));
    assert_eq!(cut.found, Some(Sha256::of(&packs[1].bytes[..packs[1].bytes.len() / 2])));
    assert_eq!(of(3), None, "a pack that is gone is missing");
    // Once: what was found rests until it is repaired.
    inspector.pass(TICK).await.unwrap();
    assert_eq!(findings(&world).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repaired_copy_is_read_again_at_once_and_can_be_found_again() {
    let (world, packs) = stored().await;
    let mut inspector = inspector(&world);
    world.remote.flip(1, 1500);
    inspector.pass(TICK).await.unwrap();
    assert_eq!(findings(&world).await.len(), 1);
    world.remote.put(1, &packs[0].bytes);
    let fact = PackRepaired {
        from_site: "primary".into(),
        bad_digest: None,
        receipt: world.remote.receipt(1, Purpose::Backup),
    };
    let repaired = event(Subject::Pack(PackNumber::new(1)), vec![], Fact::PackRepaired(fact));
    world.desk.hear(&[repaired]).await.unwrap();
    // Nothing else is due now.
    inspector.bound = Duration::from_secs(3600);
    let before = world.remote.attested.load(Ordering::SeqCst);
    inspector.pass(TICK).await.unwrap();
    assert_eq!(world.remote.attested.load(Ordering::SeqCst), before + 1);
    world.remote.flip(1, 1500);
    inspector.bound = Duration::ZERO;
    inspector.pass(TICK).await.unwrap();
    assert_eq!(findings(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_is_no_finding() {
    let (world, _) = stored().await;
    world.remote.down(true);
    inspector(&world).pass(TICK).await.unwrap();
    assert!(findings(&world).await.is_empty());
    assert!(inspected(&world).await.iter().all(|run| run.site != "remote"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_its_site_cannot_read_twice_is_unreadable() {
    let (world, _) = stored().await;
    world.remote.unreadable(true);
    let inspector = inspector(&world);
    inspector.pass(TICK).await.unwrap();
    assert!(findings(&world).await.is_empty(), "once may be chance");
    inspector.pass(TICK).await.unwrap();
    let damages = damages(&world).await;
    assert_eq!(damages.len(), 2, "{damages:?}");
    assert!(damages.iter().all(|d| d.kind == Damage::Unreadable && d.found.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_nobody_stored_is_unexpected_after_the_grace_period_alone() {
    let (world, packs) = stored().await;
    world.archive.put(9, &packs[0].bytes);
    world.primary.put(9, &packs[0].bytes);
    let mut inspector = inspector(&world);
    inspector.pass(TICK).await.unwrap();
    assert!(findings(&world).await.is_empty());
    inspector.grace = Duration::ZERO;
    inspector.pass(TICK).await.unwrap();
    inspector.pass(TICK).await.unwrap();
    let damages = damages(&world).await;
    // On the primary it may be one that is being filed.
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!((damages[0].site.as_str(), damages[0].kind), ("archive", Damage::Unexpected));
    assert_eq!(damages[0].found, Some(Sha256::of(&packs[0].bytes)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_whose_log_went_back_has_its_gone_packs_rolled_back_and_is_read_again() {
    let (world, _) = stored().await;
    let mut inspector = inspector(&world);
    inspector.bound = Duration::from_secs(3600);
    world.archive.log_size.store(100, Ordering::SeqCst);
    inspector.pass(TICK).await.unwrap();
    assert_eq!(world.archive.attested.load(Ordering::SeqCst), 0, "nothing is due");
    world.archive.log_size.store(60, Ordering::SeqCst);
    world.archive.remove(2);
    inspector.pass(TICK).await.unwrap();
    let damages = damages(&world).await;
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!((damages[0].pack.get(), damages[0].kind), (2, Damage::RolledBack));
    assert_eq!(world.archive.attested.load(Ordering::SeqCst), 1, "what is still there was read again");
    inspector.pass(TICK).await.unwrap();
    assert_eq!(world.archive.attested.load(Ordering::SeqCst), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listing_shows_is_noticed_before_the_copy_is_due() {
    let (world, _) = stored().await;
    let mut inspector = inspector(&world);
    inspector.bound = Duration::from_secs(3600);
    world.remote.remove(1);
    inspector.pass(TICK).await.unwrap();
    assert!(matches!(findings(&world).await[0].fact, Some(Fact::PackMissing(_))));
    assert_eq!(world.primary.attested.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_read_evenly_before_the_bound() {
    let world = World::open().await;
    for n in 1..=8 {
        let pack = world.pack(n, 1);
        world.file(&pack).await;
    }
    let mut inspector = inspector(&world);
    inspector.bound = Duration::from_secs(1000);
    // All were read 600 s ago: in 400 s, each tick of 100 s reads a quarter.
    sqlx::query("update copies set verified_at = verified_at - 600000")
        .execute(&world.desk.pool)
        .await
        .unwrap();
    inspector.pass(Duration::from_secs(100)).await.unwrap();
    assert_eq!(world.primary.attested.load(Ordering::SeqCst), 2);
    // What waited too long is read at once.
    sqlx::query("update copies set verified_at = verified_at - 350000")
        .execute(&world.desk.pool)
        .await
        .unwrap();
    inspector.pass(Duration::from_secs(100)).await.unwrap();
    assert_eq!(world.primary.attested.load(Ordering::SeqCst), 8);
}
