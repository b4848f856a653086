//! Any process killed at any instant, under load: every acknowledged item is filed once, codes have no gaps,
//! `fsck` is clean. The seed is printed; `DENGBEI_SEED=N` runs it again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dengbei_testkit::{Mesh, PATIENCE, binary, eventually, is_running, samples};
use dengbei_tests::{fsck, publish, sealed};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

const KILLS: usize = 40;
const TARGETS: [&str; 8] = ["ingest", "registration", "fixity", "query", "gateway", "postgres", "nats", "up"];
/// Between plan and write, write and commit, commit and publish, seal and checkpoint; and at the door.
const POINTS: [&str; 7] = [
    "filing.planned",
    "filing.written",
    "filing.committed",
    "log.sealed",
    "log.tiles",
    "ingest.staged",
    "ingest.committed",
];

/// Where the door is now: it moves when `up` is started again.
#[derive(Clone)]
struct Place {
    url: String,
    token: String,
}

/// What came of each item: its last known custody, by id, for all that were ever acknowledged.
type Outcomes = BTreeMap<String, String>;

/// Sends every batch again and again until all of it is filed; notes everything that was acknowledged.
fn load(batches: Vec<PathBuf>, place: &Mutex<Place>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for batch in batches {
        for _ in 0..60 {
            let Place { url, token } = place.lock().unwrap().clone();
            let output = std::process::Command::new(binary().unwrap())
                .arg("submit")
                .arg(&batch)
                .args(["--to", &url, "--wait", "filed", "--json", "--timeout", "20"])
                .env("DENGBEI_TOKEN", token)
                .output()
                .unwrap();
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
                if let (Some(item), Some(custody)) =
                    (line["item"].as_str(), line["state"]["custody"].as_str())
                {
                    outcomes.insert(item.to_owned(), custody.to_owned());
                }
            }
            if output.status.success() {
                break;
            }
        }
    }
    outcomes
}

async fn alive(mesh: &Mesh, name: &str) {
    let running = async || {
        let pid = mesh.pids().get(name).copied();
        anyhow::ensure!(pid.is_some_and(is_running), "{name} is not running: {pid:?}");
        Ok(())
    };
    eventually(PATIENCE, "the process is back", running).await.unwrap();
}

async fn strike(mesh: &mut Mesh, rng: &mut StdRng, place: &Mutex<Place>) -> String {
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
        *place.lock().unwrap() = Place { url: mesh.http().to_owned(), token: mesh.token().to_owned() };
    }
    target.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_happens_twice() {
    let seed =
        std::env::var("DENGBEI_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("seed {seed} (DENGBEI_SEED={seed} runs it again)");
    let mut rng = StdRng::seed_from_u64(seed);
    let samples = samples(600, &["--seed", "11"]).unwrap();
    let mut mesh = Mesh::up(&["--split", "--linger", "1"]).await.unwrap();
    publish(&mesh, samples.path()).unwrap();
    let place = Arc::new(Mutex::new(Place { url: mesh.http().to_owned(), token: mesh.token().to_owned() }));
    let batches = samples.batches().unwrap();
    let half = batches.len() / 2;
    let loaders: Vec<_> = [batches[..half].to_vec(), batches[half..].to_vec()]
        .into_iter()
        .map(|part| {
            let place = Arc::clone(&place);
            std::thread::spawn(move || load(part, &place))
        })
        .collect();
    let mut struck: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..KILLS {
        *struck.entry(strike(&mut mesh, &mut rng, &place).await).or_default() += 1;
        // Work between two kills, by the dice: sometimes into a restart, sometimes into full work.
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
    }
    println!("{KILLS} kills: {struck:?}");
    let outcomes: Outcomes =
        tokio::task::spawn_blocking(|| loaders.into_iter().flat_map(|l| l.join().unwrap()).collect())
            .await
            .unwrap();
    let unfiled: BTreeSet<_> = outcomes.iter().filter(|(_, custody)| *custody != "filed").collect();
    assert_eq!((outcomes.len(), unfiled.len()), (600, 0), "seed {seed}: {unfiled:?}");
    sealed(&mesh).await.unwrap();
    let report = fsck(&mesh).unwrap_or_else(|e| panic!("seed {seed}: {e:#}"));
    assert_eq!(report["counts"]["已归档 filed"], 600, "seed {seed}: {report}");
    mesh.stop().await.unwrap();
    fsck(&mesh).unwrap_or_else(|e| panic!("stopped, seed {seed}: {e:#}"));
}
