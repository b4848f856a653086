//! A rolling upgrade under load: a deployment of the previous commit's binary, whose databases are expanded and whose
//! roles are replaced one by one by this one's; one of each role goes back again, so that both run side by side.
//! Nothing that was acknowledged is lost, nothing happens twice, `fsck` is clean.
//!
//! `./dev test` builds the previous commit's binary and names it in `DENGBEI_PREVIOUS_BIN`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use dengbei_testkit::{Deployment, PATIENCE, binary, eventually, samples};
use dengbei_tests::load::{Load, Place};
use dengbei_tests::{fsck_deployment, publish_at};

const ITEMS: u32 = 200;

/// The previous commit's binary, where it was built and is one that can be deployed role by role.
fn previous() -> Option<PathBuf> {
    let path: PathBuf = std::env::var_os("DENGBEI_PREVIOUS_BIN")?.into();
    let help = Command::new(&path).args(["migrate", "--help"]).output().ok()?;
    help.status.success().then_some(path)
}

async fn replace(deployment: &mut Deployment, name: &str, binary: &std::path::Path) {
    deployment.stop(name).await.unwrap();
    deployment.launch(name, binary).unwrap();
    deployment.ready(name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_upgraded_one_by_one_under_load_and_nothing_is_lost() {
    let new = binary().unwrap();
    let old = previous().unwrap_or_else(|| {
        println!("no binary of the previous commit (DENGBEI_PREVIOUS_BIN): every role is replaced by its own version");
        new.clone()
    });
    let samples = samples(ITEMS, &["--seed", "29"]).unwrap();
    let mut deployment = Deployment::start(&old, 2).await.unwrap();
    let door = |n| Place { url: deployment.http(n), token: deployment.token().to_owned() };
    let doors = vec![door(0), door(1)];
    publish_at(&doors[0], samples.path()).unwrap();
    let load = Load::start(&new, &samples.batches().unwrap(), doors);
    // What the upgrade's Job does first; the old roles go on over expanded databases.
    deployment.run(&new, &["migrate"]).unwrap();
    for name in deployment.names() {
        replace(&mut deployment, &name, &new).await;
    }
    let seconds: Vec<_> = deployment.names().into_iter().filter(|name| name.ends_with("-1")).collect();
    for name in &seconds {
        replace(&mut deployment, name, &old).await;
    }
    let outcomes = load.end().await.unwrap();
    let short: BTreeSet<_> = outcomes.iter().filter(|(_, (_, state))| state != "certified").collect();
    assert_eq!((outcomes.len(), short.len()), (ITEMS as usize, 0), "{short:?}");
    let report =
        eventually(PATIENCE, "fsck is clean", async || fsck_deployment(&deployment, &new)).await.unwrap();
    assert_eq!(report["counts"]["已归档 filed"], ITEMS, "{report}");
}
