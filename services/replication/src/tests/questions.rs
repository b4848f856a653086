//! What the desk and the console are told.

use dengbei_proto::v1;
use dengbei_proto::v1::replication_server::Replication as _;
use dengbei_testkit::{PATIENCE, eventually};
use tonic::Request;

use super::events;
use super::world::World;

async fn sites(world: &World) -> Vec<v1::SiteStanding> {
    let reply = world.parts.served().sites(Request::new(v1::SitesRequest {})).await;
    reply.unwrap().into_inner().sites
}

async fn copies(world: &World, pack: u64) -> v1::CopiesReply {
    let reply = world.parts.served().copies(Request::new(v1::CopiesRequest { pack })).await;
    reply.unwrap().into_inner()
}

async fn troubles(world: &World) -> Vec<v1::PackTrouble> {
    let reply = world.parts.served().troubles(Request::new(v1::TroublesRequest { limit: 0 })).await;
    reply.unwrap().into_inner().troubles
}

#[tokio::test(flavor = "multi_thread")]
async fn every_site_is_shown_with_what_it_holds_and_whether_it_answers() {
    let mut world = World::new().await;
    world.secure(1).await;
    let filed = world.file(2).await;
    world.register(&[&filed]).await;
    world.sites.stop_site("remote").await;
    // What lies there is counted now and then, the less often the slower the disk is.
    let shown = eventually(PATIENCE, "the archive counted what it took", async || {
        let shown = sites(&world).await;
        let is_counted = shown.iter().any(|s| s.site == "archive" && s.packs == 1);
        if is_counted { Ok(shown) } else { Err(anyhow::anyhow!("{shown:?}")) }
    })
    .await
    .unwrap();
    let of = |name: &str| shown.iter().find(|s| s.site == name).unwrap();
    assert_eq!(shown.len(), 3);
    assert!(of("archive").answers && of("archive").key.len() == 32 && of("archive").free_bytes > 0);
    assert_eq!((of("archive").waiting, of("archive").damaged), (1, 0));
    assert!(of("archive").last_receipt_at > 0);
    assert_eq!((of("remote").answers, of("remote").packs), (false, 0));
    assert!(!of("remote").trouble.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copies_of_a_pack_tell_state_and_every_signature() {
    let world = World::new().await;
    let filed = world.file(1).await;
    world.register(&[&filed]).await;
    world.tend("primary").await.unwrap();
    let waiting = copies(&world, 1).await;
    let states = |reply: &v1::CopiesReply| {
        reply.copies.iter().map(|c| (c.site.clone(), c.state.clone(), c.receipts.len())).collect::<Vec<_>>()
    };
    let state = |site: &str, state: &str, receipts| (site.to_owned(), state.to_owned(), receipts);
    assert!(!waiting.secured);
    assert_eq!(
        states(&waiting),
        [state("archive", "waiting", 0), state("primary", "stored", 1), state("remote", "waiting", 0)]
    );
    world.tend_all().await;
    world.hear(&[events::accepted(&[1], world.now())]).await;
    world.tend_all().await;
    let stored = world.stored().await;
    let of = |site: &str| stored.iter().find(|(_, s)| s.receipt.site == site).unwrap().0.hash;
    let bad = world.sites.flip("remote", 1);
    world.hear(&[events::damaged("remote", 1, &bad, of("remote"), world.now())]).await;
    world.hear(&[events::missing("primary", 1, of("primary"), world.now())]).await;
    let told = copies(&world, 1).await;
    assert!(told.secured);
    assert_eq!(
        states(&told),
        [state("archive", "stored", 2), state("primary", "missing", 1), state("remote", "damaged", 1)]
    );
    let unknown = world.parts.served().copies(Request::new(v1::CopiesRequest { pack: 9 })).await.unwrap_err();
    assert_eq!(dengbei_kit::status::to_problem(&unknown).code, "pack.unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn troubles_are_open_ones_first_and_stay_known_when_repaired() {
    let world = World::new().await;
    let stored = world.secure(1).await;
    let bad = world.sites.flip("remote", 1);
    world.hear(&[events::damaged("remote", 1, &bad, stored["remote"].hash, world.now())]).await;
    let open = troubles(&world).await;
    assert_eq!((open.len(), open[0].kind.as_str(), open[0].repaired), (1, "damaged", false));
    world.tend_all().await;
    world.hear(&[events::missing("archive", 1, stored["archive"].hash, world.now())]).await;
    let both = troubles(&world).await;
    let told: Vec<_> = both.iter().map(|t| (t.site.as_str(), t.kind.as_str(), t.repaired)).collect();
    assert_eq!(told, [("archive", "missing", false), ("remote", "damaged", true)]);
    assert!(both[1].repaired_at > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_in_force_is_canonical_json() {
    let world = World::new().await;
    let reply = world.parts.served().policy(Request::new(v1::PolicyRequest {})).await.unwrap().into_inner();
    let read: serde_json::Value = dengbei_records::canonical::from_slice(&reply.policy).unwrap();
    assert_eq!((read["id"].as_str(), read["version"].as_u64()), (Some("default"), Some(1)));
    assert_eq!(read["requires"].as_array().unwrap().len(), 3);
}
