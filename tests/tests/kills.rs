//! Any process killed at any instant, under load, over the whole life: every acknowledged item ends where its
//! retention says, once; numbers have no gaps; `fsck` is clean. The seed is printed; `DENGBEI_SEED=N` runs it again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dengbei_testkit::{Mesh, PATIENCE, binary, eventually, is_running, samples};
use dengbei_tests::load::{Load, Place};
use dengbei_tests::{fsck, publish, sealed};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

const KILLS: usize = 64;
const ITEMS: u32 = 600;
const TARGETS: [&str; 12] = [
    "ingest",
    "registration",
    "fixity",
    "replication",
    "query",
    "gateway",
    "site-primary",
    "site-archive",
    "site-remote",
    "postgres",
    "nats",
    "up",
];
/// Between plan and write, write and commit, commit and publish, seal and checkpoint; at the door; and after each
/// step from registration to the archive.
const POINTS: [&str; 17] = [
    "filing.planned",
    "filing.written",
    "filing.committed",
    "log.sealed",
    "log.tiles",
    "ingest.staged",
    "ingest.committed",
    "batch.applied",
    "batch.registered",
    "site.written",
    "replication.copied",
    "replication.secured",
    "certificate.issued",
    "transfer.packed",
    "transfer.submitted",
    "transfer.accepted",
    "item.accessioned",
];

/// Where the door is now: it moves when `up` is started again.
fn door(mesh: &Mesh) -> Vec<Place> {
    vec![Place { url: mesh.http().to_owned(), token: mesh.token().to_owned() }]
}

async fn alive(mesh: &Mesh, name: &str) {
    let running = async || {
        let pid = mesh.pids().get(name).copied();
        anyhow::ensure!(pid.is_some_and(is_running), "{name} is not running: {pid:?}");
        Ok(())
    };
    eventually(PATIENCE, "the process is back", running).await.unwrap();
}

async fn strike(mesh: &mut Mesh, rng: &mut StdRng, load: &Load) -> String {
    if rng.random_bool(0.35) {
        let point = *POINTS.choose(rng).unwrap();
        mesh.arm(point).unwrap();
        // It may not be reached any more when all is filed; then the point stays armed and is no kill.
        let reached = eventually(Duration::from_secs(8), "the point is reached", async || {
            anyhow::ensure!(!mesh.is_armed(point), "{point} is armed");
            Ok(())
        });
        if reached.await.is_ok() {
            return point.to_owned();
        }
    }
    let target = *TARGETS.choose(rng).unwrap();
    if target != "up" {
        alive(mesh, target).await;
    }
    mesh.kill9(target).await.unwrap();
    if target == "up" {
        mesh.start_again().await.unwrap();
        load.moved(door(mesh));
    }
    target.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_happens_twice() {
    let seed =
        std::env::var("DENGBEI_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("seed {seed} (DENGBEI_SEED={seed} runs it again)");
    let mut rng = StdRng::seed_from_u64(seed);
    let samples = samples(ITEMS, &["--seed", "11"]).unwrap();
    let mut mesh = Mesh::up(&["--split", "--linger", "1"]).await.unwrap();
    publish(&mesh, samples.path()).unwrap();
    let load = Load::start(&binary().unwrap(), &samples.batches().unwrap(), door(&mesh));
    let mut struck: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..KILLS {
        *struck.entry(strike(&mut mesh, &mut rng, &load).await).or_default() += 1;
        // Work between two kills, by the dice: sometimes into a restart, sometimes into full work.
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
    }
    println!("{KILLS} kills: {struck:?}");
    let outcomes = load.end().await.unwrap();
    let on_the_way: BTreeSet<_> =
        outcomes.iter().filter(|(_, (_, registration))| registration != "certified").collect();
    assert_eq!((outcomes.len(), on_the_way.len()), (ITEMS as usize, 0), "seed {seed}: {on_the_way:?}");
    let in_archive = outcomes.values().filter(|(custody, _)| custody == "accessioned").count();
    sealed(&mesh).await.unwrap();
    let report = fsck(&mesh).unwrap_or_else(|e| panic!("seed {seed}: {e:#}"));
    assert_eq!(report["counts"]["已归档 filed"], ITEMS, "seed {seed}: {report}");
    assert_eq!(report["counts"]["已进馆 accessioned"], in_archive, "seed {seed}: {report}");
    mesh.stop().await.unwrap();
    fsck(&mesh).unwrap_or_else(|e| panic!("stopped, seed {seed}: {e:#}"));
}
