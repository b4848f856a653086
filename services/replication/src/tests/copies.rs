//! Who gets what, when, and what is stated about it.

use std::time::Duration;

use dengbei_bus::Outcome;
use dengbei_chain::facts::{Purpose, Witness};
use dengbei_chain::{Ids as _, RandomIds};
use ed25519_dalek::{Signature, VerifyingKey};

use super::deployment::{SITES, area};
use super::events;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_pack_is_signed_for_by_every_site_and_secured_once() {
    let world = World::new().await;
    let filed = world.file(1).await;
    let registered = world.register(&[&filed]).await;
    world.tend_all().await;
    let stored = world.stored().await;
    let mut sites: Vec<_> = stored.iter().map(|(_, s)| s.receipt.site.as_str()).collect();
    sites.sort_unstable();
    assert_eq!(sites, ["archive", "primary", "remote"]);
    for (event, fact) in &stored {
        assert_eq!(event.causes, [filed.hash, registered.hash]);
        let receipt = &fact.receipt;
        assert_eq!(receipt.purpose, Purpose::Backup);
        let Witness::Signed { key, signature } = &receipt.witness else { panic!("unsigned") };
        let key = VerifyingKey::from_bytes(key).unwrap();
        let signature = Signature::from_bytes(signature);
        key.verify_strict(receipt.signed_text(&area()).as_bytes(), &signature).unwrap();
    }
    let [(event, secured)] = world.secured().await.try_into().unwrap();
    assert_eq!(event.causes[..2], [registered.hash, filed.hash]);
    assert_eq!((event.causes.len(), secured.policy.as_str()), (5, "default/1"));
    let in_order: Vec<_> = secured.receipts.iter().map(|r| r.site.as_str()).collect();
    assert_eq!(in_order, SITES);
    for (cause, receipt) in event.causes[2..].iter().zip(&secured.receipts) {
        let of = stored.iter().find(|(_, s)| s.receipt == *receipt).unwrap();
        assert_eq!(of.0.hash, *cause);
    }
    let bytes = std::fs::read(world.sites.pack("primary", 1)).unwrap();
    for site in SITES {
        assert_eq!(std::fs::read(world.sites.pack(site, 1)).unwrap(), bytes, "{site}");
    }
    // Heard again, tended again: nothing happens twice.
    world.hear(&[filed, registered]).await;
    world.tend_all().await;
    assert_eq!(world.parts.committer().secure_all().await.unwrap(), 0);
    assert_eq!(world.stated().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_its_cause_waits_for_it() {
    let world = World::new().await;
    let pack = world.write(1).await;
    let filed = events::filed(1, &pack, world.now());
    let batch = RandomIds.next();
    let applied = events::applied(batch, &[&filed], world.now());
    let registered = events::registered(batch, &applied, world.now());
    let waits = world.hear(&[registered.clone(), applied.clone()]).await;
    assert_eq!(waits, [Outcome::WaitFor(applied.hash), Outcome::WaitFor(filed.hash)]);
    assert_eq!(world.hear(&[filed, applied, registered]).await, [Outcome::Applied; 3]);
    world.tend_all().await;
    assert_eq!(world.secured().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_is_not_registered_within_a_minute_gets_storage_copies_that_are_no_backup() {
    let world = World::new().await;
    let (early, late) = (world.file(1).await, world.file(2).await);
    let places = world.parts.places.clone();
    assert_eq!(places.store_due(&world.parts.pool, world.now()).await.unwrap(), 0);
    world.register(&[&early]).await;
    world.advance(Duration::from_secs(61));
    assert_eq!(places.store_due(&world.parts.pool, world.now()).await.unwrap(), 1);
    world.tend_all().await;
    let stored = world.stored().await;
    let of = |number: u64, purpose| {
        let matching = |s: &&(dengbei_chain::Event, dengbei_chain::facts::PackStored)| {
            (s.1.receipt.pack.get(), s.1.receipt.purpose) == (number, purpose)
        };
        stored.iter().filter(matching).count()
    };
    assert_eq!((of(1, Purpose::Backup), of(1, Purpose::Storage)), (3, 0));
    assert_eq!((of(2, Purpose::Backup), of(2, Purpose::Storage)), (0, 3));
    let (event, _) = stored.iter().find(|(_, s)| s.receipt.pack.get() == 2).unwrap();
    assert_eq!(event.causes, [late.hash]);
    assert_eq!(world.secured().await.len(), 1, "storage copies secure nothing");
    // Registered later: the same bytes are read back again and signed for as backup.
    world.register(&[&late]).await;
    world.tend_all().await;
    assert_eq!((world.stored().await.len(), world.secured().await.len()), (9, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_copies_that_are_still_waiting_are_not_made_when_backup_is_ordered() {
    let world = World::new().await;
    let filed = world.file(1).await;
    world.advance(Duration::from_secs(61));
    world.parts.places.store_due(&world.parts.pool, world.now()).await.unwrap();
    world.tend("primary").await.unwrap();
    world.register(&[&filed]).await;
    world.tend_all().await;
    let storage = world.stored().await.into_iter().filter(|(_, s)| s.receipt.purpose == Purpose::Storage);
    assert_eq!(storage.map(|(_, s)| s.receipt.site).collect::<Vec<_>>(), ["primary"]);
    assert_eq!(world.secured().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn document_packs_are_copied_at_once() {
    let world = World::new().await;
    let pack = world.write(1).await;
    let written = events::written(1, &pack, world.now());
    world.hear(std::slice::from_ref(&written)).await;
    world.parts.places.store_due(&world.parts.pool, world.now()).await.unwrap();
    world.tend_all().await;
    let stored = world.stored().await;
    assert_eq!(stored.len(), 3);
    assert!(stored.iter().all(|(e, s)| e.causes == [written.hash] && s.receipt.purpose == Purpose::Storage));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_alone_signs_for_what_it_took_over_even_if_that_is_heard_before_the_pack() {
    let world = World::new().await;
    world.secure(1).await;
    let first = events::accepted(&[1], world.now());
    world.hear(std::slice::from_ref(&first)).await;
    let pack = world.write(2).await;
    let early = events::accepted(&[2], world.now());
    let filed = events::filed(2, &pack, world.now());
    world.hear(&[early.clone(), filed.clone()]).await;
    world.tend_all().await;
    let stored = world.stored().await;
    let accessions: Vec<_> = stored.iter().filter(|(_, s)| s.receipt.purpose == Purpose::Accession).collect();
    assert_eq!(accessions.len(), 2);
    assert!(accessions.iter().all(|(_, s)| s.receipt.site == "archive"));
    let second = accessions.iter().find(|(_, s)| s.receipt.pack.get() == 2).unwrap();
    assert_eq!(second.0.causes, [early.hash, filed.hash]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_holds_up_nobody_else_and_catches_up() {
    let mut world = World::new().await;
    let filed = world.file(1).await;
    world.register(&[&filed]).await;
    world.sites.stop_site("archive").await;
    let down = world.tend("archive").await.unwrap_err();
    assert!(down.is_of_site(), "{down}");
    world.tend("remote").await.unwrap();
    world.tend("primary").await.unwrap();
    assert_eq!((world.stored().await.len(), world.secured().await.len()), (2, 0));
    world.sites.start_site("archive").await;
    world.tend("archive").await.unwrap();
    assert_eq!((world.stored().await.len(), world.secured().await.len()), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_with_another_key_is_refused_until_it_has_its_own_again() {
    let mut world = World::new().await;
    world.secure(1).await;
    world.sites.stop_site("remote").await;
    let keys = world.sites.folder.path().join("keys/sites");
    let kept = world.sites.folder.path().join("kept.key");
    std::fs::rename(keys.join("remote.key"), &kept).unwrap();
    std::fs::remove_file(keys.join("remote.pub")).unwrap();
    world.sites.start_site("remote").await;
    let filed = world.file(2).await;
    world.register(&[&filed]).await;
    let refused = world.tend("remote").await.unwrap_err();
    assert_eq!((refused.code(), refused.is_of_site()), ("replication.key_changed", true));
    world.tend("archive").await.unwrap();
    assert_eq!(world.secured().await.len(), 1);
    world.sites.stop_site("remote").await;
    std::fs::remove_file(keys.join("remote.pub")).unwrap();
    std::fs::rename(&kept, keys.join("remote.key")).unwrap();
    world.sites.start_site("remote").await;
    world.tend_all().await;
    assert_eq!(world.secured().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_changed_on_purpose_is_believed_and_its_receipts_count() {
    let mut world = World::new().await;
    world.secure(1).await;
    world.sites.stop_site("remote").await;
    let keys = world.sites.folder.path().join("keys/sites");
    let before = std::fs::read(keys.join("remote.pub")).unwrap();
    dengbei_kit::seals::change(&keys, "remote").unwrap();
    assert_ne!(std::fs::read(keys.join("remote.pub")).unwrap(), before);
    world.sites.start_site("remote").await;
    let filed = world.file(2).await;
    world.register(&[&filed]).await;
    world.tend_all().await;
    assert_eq!(world.secured().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_tend_one_site_state_every_copy_once() {
    let world = World::new().await;
    let mut filed = Vec::new();
    for number in 1..=12 {
        filed.push(world.file(number).await);
    }
    for eight in filed.chunks(8) {
        world.register(&eight.iter().collect::<Vec<_>>()).await;
    }
    let twice = ["primary", "archive", "remote", "remote", "archive", "primary"].map(|s| world.tend(s));
    for outcome in futures::future::join_all(twice).await {
        outcome.unwrap();
    }
    assert_eq!((world.stored().await.len(), world.secured().await.len()), (36, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_new_gets_everything_that_it_should_hold() {
    let world = World::new().await;
    world.secure(1).await;
    let pack = world.write(2).await;
    world.hear(&[events::written(2, &pack, world.now()), events::accepted(&[1], world.now())]).await;
    world.parts.places.store_due(&world.parts.pool, world.now()).await.unwrap();
    let mut sites = world.sites.sites.clone();
    let url = sites[1].url.clone();
    sites.push(dengbei_kit::SiteAddress { name: "archive-2".into(), class: "archive".into(), url });
    for _ in 0..2 {
        crate::order::configure(&world.parts.pool, &sites, world.now()).await.unwrap();
    }
    let ordered: Vec<(i64, String)> =
        sqlx::query_as("select pack, purpose from copies where site = 'archive-2' order by pack, purpose")
            .fetch_all(&world.parts.pool)
            .await
            .unwrap();
    let expected = [(1, "accession"), (1, "backup"), (2, "storage")];
    assert_eq!(ordered, expected.map(|(pack, purpose)| (pack, purpose.to_owned())));
}
