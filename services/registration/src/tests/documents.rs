//! 文档包: documents that facts cite lie in packs, with items or alone, and come back from them.

use std::time::Duration;

use dengbei_bus::Outcome;
use dengbei_chain::Ids as _;
use dengbei_chain::facts::{PackInspected, PackWritten};
use dengbei_chain::{DocumentRef, Event, Fact, RandomIds, Subject};
use dengbei_records::{PackNumber, Sha256};
use dengbei_vault::PackName;

use super::batches::{file_packs, register};
use super::restore::{dump, hear_log, seal_everything};
use super::world::{UNIT, World, area, state};
use crate::store::documents::{self, Held};

/// A world with one registered batch: its application and decision wait for a pack.
async fn registered() -> World {
    let world = World::new().await;
    world.publish(UNIT).await;
    file_packs(&world, 0, 1).await;
    assert_eq!(register(&world).await, 1);
    world
}

fn written(events: &[Event]) -> Vec<PackWritten> {
    let of = |e: &Event| if let Some(Fact::PackWritten(f)) = &e.fact { Some(f.clone()) } else { None };
    events.iter().filter_map(of).collect()
}

async fn hold(world: &World, count: u32) {
    let mut tx = world.parts.pool.begin().await.unwrap();
    for n in 0..count {
        let body = bytes::Bytes::from(format!("{{\"n\":{n}}}"));
        let held = Held { digest: Sha256::of(&body), media_type: "application/json".into(), body };
        documents::hold(&mut tx, &held, world.parts.author.now(), None).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn documents_that_no_pack_takes_along_get_a_pack_of_their_own() {
    let world = registered().await;
    let archivist = world.parts.archivist();
    assert_eq!(archivist.pass().await.unwrap(), 0, "they may still go along with items");
    world.clock.advance(world.parts.linger);
    assert_eq!(archivist.pass().await.unwrap(), 1);
    assert_eq!(archivist.pass().await.unwrap(), 0);
    let fact = written(&world.stated().await).remove(0);
    assert_eq!((fact.pack, fact.documents), (PackNumber::new(2), 2));
    let report = world.parts.site.verify_pack(&PackName::first(area(), fact.pack)).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(
        (report.sha256, report.catalogue.unwrap().versions_root),
        (fact.pack_digest, fact.versions_root)
    );
    let left = "select count(*) from documents_held where packed_in is null";
    assert_eq!(world.ask::<i64>(left).await, 0);
    file_packs(&world, 10, 1).await;
    assert_eq!(
        world.ask::<i64>("select max(pack) from packs").await,
        3,
        "one series of numbers without gaps"
    );
}

#[tokio::test]
async fn many_documents_do_not_wait_and_a_pack_holds_512() {
    let world = World::new().await;
    hold(&world, 513).await;
    assert_eq!(world.parts.archivist().pass().await.unwrap(), 1);
    assert_eq!(written(&world.stated().await)[0].documents, 512);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.parts.archivist().pass().await.unwrap(), 1);
    assert_eq!(written(&world.stated().await)[1].documents, 1);
}

#[tokio::test]
async fn a_plan_of_documents_is_finished_once_by_whoever_comes_next() {
    let world = World::new().await;
    hold(&world, 3).await;
    world.clock.advance(Duration::from_secs(60));
    let planned = world.parts.archivist().plan().await.unwrap().unwrap();
    hold(&world, 4).await;
    let other = world.with_database(&world.database).await;
    let (one, two) = (world.parts.archivist(), other.parts.archivist());
    let (a, b) = tokio::join!(one.finish(), two.finish());
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    let facts = written(&world.stated().await);
    assert_eq!((facts.len(), facts[0].pack, facts[0].documents), (1, planned, 3));
}

#[tokio::test]
async fn bytes_that_nobody_committed_do_not_stand_in_the_way_of_a_pack_of_documents() {
    let world = World::new().await;
    hold(&world, 1).await;
    world.clock.advance(Duration::from_secs(60));
    world.parts.archivist().plan().await.unwrap();
    let path = world.site().join(PackName::first(area(), PackNumber::new(1)).path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"of a life that was lost").unwrap();
    assert_eq!(world.parts.archivist().finish().await.unwrap(), 1);
    let aside = std::fs::read_dir(world.site().join("quarantine")).unwrap().count();
    assert_eq!(aside, 2, "the bytes and the reason");
}

#[tokio::test]
async fn a_restored_database_finds_its_documents_in_their_packs_again() {
    let world = World::new().await;
    world.publish(UNIT).await;
    hold(&world, 2).await;
    world.clock.advance(Duration::from_secs(60));
    // The dump has a plan of documents under number 1; in the life that is lost the log gives 1 to it and 2, 3 to others.
    world.parts.archivist().plan().await.unwrap();
    seal_everything(&world, 1, &[]).await;
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    assert_eq!(world.parts.archivist().finish().await.unwrap(), 1);
    let item = super::world::TestItem::new(7);
    let prefiled = world.prefile(&item).await;
    let checked = world.pass(std::slice::from_ref(&prefiled)).await;
    world.file().await;
    assert_eq!(register(&world).await, 1);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.parts.archivist().pass().await.unwrap(), 1);
    let papers = "select count(*) from documents where media_type = 'application/vnd.dengbei.paper+json'";
    assert_eq!(world.ask::<i64>(papers).await, 2);
    seal_everything(&world, 2, &[prefiled, checked]).await;
    world.parts.pool.close().await;

    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    hear_log(&restored).await;
    assert_eq!(restored.ask::<i64>("select last from counters where name = 'pack'").await, 3);
    assert_eq!(restored.ask::<i64>(papers).await, 2, "served from here again");
    let unpacked = "select count(*) from documents_held where packed_in is null";
    assert_eq!(restored.ask::<i64>(unpacked).await, 0);
    restored.clock.advance(Duration::from_secs(600));
    assert_eq!(restored.parts.archivist().pass().await.unwrap(), 0, "nothing is packed again");
    let open = "select count(*) from document_packs where state = 'open'";
    assert_eq!(restored.ask::<i64>(open).await, 0);
    let batch = restored.parts.office().show(&crate::batches::Which::Pack(PackNumber::new(2))).await.unwrap();
    assert!(batch.1.iter().all(|step| !step.by.is_empty()), "the documents say who: {:?}", batch.1);
}

#[tokio::test]
async fn a_number_that_the_log_gave_to_items_is_taken_from_a_plan_of_documents() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let item = super::world::TestItem::new(1);
    let prefiled = world.prefile(&item).await;
    let checked = world.pass(std::slice::from_ref(&prefiled)).await;
    seal_everything(&world, 1, &[]).await;
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    assert_eq!(world.file().await, 1);
    seal_everything(&world, 2, &[prefiled, checked]).await;
    world.parts.pool.close().await;
    let restored = world.with_database(&dumped).await;
    hold(&restored, 1).await;
    restored.clock.advance(Duration::from_secs(60));
    assert_eq!(restored.parts.archivist().plan().await.unwrap(), Some(PackNumber::new(1)));
    restored.parts.sealer().start().await.unwrap();
    hear_log(&restored).await;
    assert_eq!(restored.ask::<String>("select state from document_packs").await, "cancelled");
    assert_eq!(restored.parts.archivist().pass().await.unwrap(), 1);
    assert_eq!(written(&restored.stated().await)[0].pack, PackNumber::new(2));
}

#[tokio::test]
async fn the_report_of_an_inspection_is_fetched_and_packed() {
    let world = World::new().await;
    let body = bytes::Bytes::from_static(b"{\"packs\":[]}");
    let report = DocumentRef::to(&body, "application/vnd.dengbei.inspection+json");
    let known = (report.media_type.clone(), body.clone());
    world.peers.documents.lock().unwrap().insert(report.digest, known);
    let fact = PackInspected {
        run: RandomIds.next(),
        site: "archive".into(),
        packs: 1,
        bytes: 10,
        first: PackNumber::new(1),
        last: PackNumber::new(1),
        report: report.clone(),
    };
    let event = state(
        Subject::Site("archive".into()),
        Vec::new(),
        Fact::PackInspected(fact),
        world.parts.author.now(),
    );
    assert_eq!(world.hear(&[event]).await, [Outcome::Applied]);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.parts.archivist().pass().await.unwrap(), 1);
    let mut connection = world.parts.pool.acquire().await.unwrap();
    assert_eq!(documents::body(&mut connection, &report.digest).await.unwrap(), Some(body));
}
