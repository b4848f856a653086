//! Bad copies are made again from good ones, and the bad bytes are kept.

use std::time::Duration;

use dengbei_bus::Outcome;
use dengbei_chain::facts::Purpose;
use dengbei_records::Sha256;

use super::events;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_replaced_from_a_good_one_and_kept_as_evidence() {
    let world = World::new().await;
    let stored = world.secure(1).await;
    let good = std::fs::read(world.sites.pack("remote", 1)).unwrap();
    let bad = world.sites.flip("remote", 1);
    let damaged = events::damaged("remote", 1, &bad, stored["remote"].hash, world.now());
    assert_eq!(world.hear(std::slice::from_ref(&damaged)).await, [Outcome::Applied]);
    world.tend_all().await;
    assert_eq!(std::fs::read(world.sites.pack("remote", 1)).unwrap(), good);
    assert_eq!(world.sites.quarantined("remote"), 1);
    let [(event, repaired)] = world.repaired().await.try_into().unwrap();
    assert_eq!(event.causes, [damaged.hash]);
    assert_eq!((repaired.from_site.as_str(), repaired.bad_digest), ("primary", Some(Sha256::of(&bad))));
    assert_eq!((repaired.receipt.site.as_str(), repaired.receipt.purpose), ("remote", Purpose::Backup));
    // The same finding again, and another round: nothing is left to do.
    world.hear(&[damaged]).await;
    world.tend_all().await;
    assert_eq!(world.repaired().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_copy_on_the_primary_comes_back_from_another_site() {
    let world = World::new().await;
    let stored = world.secure(1).await;
    std::fs::remove_file(world.sites.pack("primary", 1)).unwrap();
    let missing = events::missing("primary", 1, stored["primary"].hash, world.now());
    world.hear(std::slice::from_ref(&missing)).await;
    world.tend_all().await;
    let copy = std::fs::read(world.sites.pack("archive", 1)).unwrap();
    assert_eq!(std::fs::read(world.sites.pack("primary", 1)).unwrap(), copy);
    let [(event, repaired)] = world.repaired().await.try_into().unwrap();
    assert_eq!((event.causes.as_slice(), repaired.bad_digest), ([missing.hash].as_slice(), None));
    assert_eq!(repaired.from_site, "archive");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bytes_stay_where_they_are_while_no_good_copy_is_left() {
    let world = World::new().await;
    let stored = world.secure(1).await;
    let mut found = Vec::new();
    for site in ["primary", "archive", "remote"] {
        let bad = world.sites.flip(site, 1);
        found.push(events::damaged(site, 1, &bad, stored[site].hash, world.now()));
        std::fs::copy(world.sites.pack(site, 1), world.sites.folder.path().join(site.to_owned() + ".bad"))
            .unwrap();
    }
    world.hear(&found).await;
    world.tend_all().await;
    assert!(world.repaired().await.is_empty());
    for site in ["primary", "archive", "remote"] {
        assert_eq!(world.sites.quarantined(site), 0, "{site}");
        assert!(world.sites.pack(site, 1).exists(), "{site}");
    }
    // A good copy comes back, from a tape say: the rest follows by itself.
    let good = world.sites.flip("archive", 1);
    assert_eq!(Sha256::of(&good), pack_digest(&stored["archive"]));
    for _ in 0..3 {
        world.advance(Duration::from_secs(600));
        world.tend_all().await;
    }
    assert_eq!(world.repaired().await.len(), 3);
    for site in ["primary", "remote"] {
        assert_eq!(std::fs::read(world.sites.pack(site, 1)).unwrap(), good, "{site}");
    }
}

fn pack_digest(stored: &dengbei_chain::Event) -> Sha256 {
    match &stored.fact {
        Some(dengbei_chain::Fact::PackStored(fact)) => fact.receipt.digest,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_known_to_be_bad_does_not_count_before_it_is_repaired() {
    let mut world = World::new().await;
    let filed = world.file(1).await;
    world.register(&[&filed]).await;
    world.tend("primary").await.unwrap();
    world.tend("remote").await.unwrap();
    let stored = world.stored().await;
    let remote = stored.iter().find(|(_, s)| s.receipt.site == "remote").unwrap().0.hash;
    let bad = world.sites.flip("remote", 1);
    world.hear(&[events::damaged("remote", 1, &bad, remote, world.now())]).await;
    world.tend("archive").await.unwrap();
    assert_eq!((world.stored().await.len(), world.secured().await.len()), (3, 0));
    world.sites.stop_site("archive").await;
    world.tend("remote").await.unwrap();
    assert_eq!((world.repaired().await.len(), world.secured().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_met_where_a_copy_should_go_are_set_aside_for_the_good_ones() {
    let world = World::new().await;
    world.put("remote", 1, "somebody else's").await;
    world.secure(1).await;
    let copy = std::fs::read(world.sites.pack("primary", 1)).unwrap();
    assert_eq!(std::fs::read(world.sites.pack("remote", 1)).unwrap(), copy);
    assert_eq!(world.sites.quarantined("remote"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_was_never_copied_and_is_bad_on_the_primary_is_put_off_and_shown() {
    let world = World::new().await;
    let filed = world.file(1).await;
    let good = std::fs::read(world.sites.pack("primary", 1)).unwrap();
    world.sites.flip("primary", 1);
    world.register(&[&filed]).await;
    world.tend_all().await;
    assert!(world.stated().await.is_empty());
    let stuck = crate::store::copies::stuck(&world.parts.pool, 10).await.unwrap();
    assert_eq!(stuck.len(), 3);
    assert!(
        stuck.iter().any(|(site, .., why)| site == "primary" && why.contains("site.differs")),
        "{stuck:?}"
    );
    std::fs::write(world.sites.pack("primary", 1), good).unwrap();
    world.advance(Duration::from_secs(60));
    world.tend_all().await;
    assert_eq!(world.secured().await.len(), 1);
}
