//! Two of every role, as Kubernetes would run them; one of each is killed under load, then the other: everything that
//! was acknowledged ends where its retention says, once, and `fsck` is clean.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use dengbei_testkit::{Deployment, PATIENCE, Samples, binary, eventually, samples};
use dengbei_tests::load::{Load, Outcomes, Place};
use dengbei_tests::{fsck_deployment, publish_at};

const ITEMS: u32 = 140;

fn doors(deployment: &Deployment) -> Vec<Place> {
    let door = |n| Place { url: deployment.http(n), token: deployment.token().to_owned() };
    vec![door(0), door(1)]
}

/// Kills the replicas `n` of every role, one after the other, while half of the batches are sent.
async fn half(deployment: &mut Deployment, batches: &[PathBuf], n: usize) -> Outcomes {
    let binary = binary().unwrap();
    let load = Load::start(&binary, batches, doors(deployment));
    let all: Vec<_> =
        deployment.names().into_iter().filter(|name| name.ends_with(&format!("-{n}"))).collect();
    for name in &all {
        // Work between two kills: the next strike falls into the take-over of the last one or after it.
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        deployment.kill9(name).await.unwrap();
    }
    let outcomes = load.end().await.unwrap();
    for name in &all {
        deployment.launch(name, &binary).unwrap();
    }
    for name in &all {
        deployment.ready(name).await.unwrap();
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_of_every_role_may_die_and_the_other_goes_on() {
    let samples: Samples = samples(ITEMS, &["--seed", "23"]).unwrap();
    let binary = binary().unwrap();
    let mut deployment = Deployment::start(&binary, 2).await.unwrap();
    publish_at(&doors(&deployment)[1], samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let (first, second) = batches.split_at(batches.len() / 2);
    let mut outcomes = half(&mut deployment, first, 0).await;
    outcomes.extend(half(&mut deployment, second, 1).await);
    let short: BTreeSet<_> = outcomes.iter().filter(|(_, (_, state))| state != "certified").collect();
    assert_eq!((outcomes.len(), short.len()), (ITEMS as usize, 0), "{short:?}");
    let report =
        eventually(PATIENCE, "fsck is clean", async || fsck_deployment(&deployment, &binary)).await.unwrap();
    assert_eq!(report["counts"]["已归档 filed"], ITEMS, "{report}");
    for name in deployment.names() {
        deployment.stop(&name).await.unwrap();
    }
    fsck_deployment(&deployment, &binary).unwrap();
}
