//! The bus is transport, never the record: wiped, stopped, or fallen behind, everything catches up from the log.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{fsck, publish, submit};

fn all_filed(mesh: &Mesh, batches: &[PathBuf]) {
    let paths: Vec<_> = batches.iter().map(PathBuf::as_path).collect();
    for line in submit(mesh, &paths, "filed").unwrap() {
        assert_eq!(line["state"]["custody"], "filed", "{line}");
    }
}

fn wipe(mesh: &Mesh) {
    let store = mesh.data().join("nats");
    for entry in std::fs::read_dir(&store).unwrap().flatten() {
        if entry.path().is_dir() {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_deleted_while_the_bus_runs_loses_nothing() {
    let mut mesh = Mesh::up(&["--split", "--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(90, &["--seed", "21"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let (first, rest) = batches.split_at(batches.len() / 2);
    all_filed(&mesh, first);
    wipe(&mesh);
    all_filed(&mesh, rest);
    mesh.kill9("nats").await.unwrap();
    all_filed(&mesh, &batches);
    fsck(&mesh).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_deleted_while_all_is_stopped_loses_nothing() {
    let mut mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(60, &["--seed", "22"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<_> = batches.iter().map(PathBuf::as_path).collect();
    submit(&mesh, &paths, "prefiled").unwrap();
    mesh.kill9("up").await.unwrap();
    wipe(&mesh);
    mesh.start_again().await.unwrap();
    all_filed(&mesh, &batches);
    fsck(&mesh).unwrap();
}

/// A stream that keeps less than what a consumer has missed: what fell out of it comes from the log.
#[tokio::test(flavor = "multi_thread")]
async fn consumers_that_fell_behind_the_stream_catch_up_from_the_log() {
    let env = [("DENGBEI_LIMITS__STREAM_BYTES", "65536")];
    let mut mesh =
        Mesh::up_with(&["--split", "--linger", "1", "--batch-linger", "3600"], &env).await.unwrap();
    let samples = samples(250, &["--seed", "23"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<_> = batches.iter().map(PathBuf::as_path).collect();
    let fixity = mesh.pids()["fixity"];
    pause(fixity, "STOP");
    let lines = submit(&mesh, &paths, "prefiled").unwrap();
    assert_eq!(lines.len(), 250);
    assert!(fallen_out(&mesh).await > 0, "the stream kept everything: nothing was missed");
    mesh.kill9("fixity").await.unwrap();
    eventually(PATIENCE, "all are filed", async || {
        let lines = submit(&mesh, &paths, "filed")?;
        anyhow::ensure!(lines.iter().all(|l| l["state"]["custody"] == "filed"), "{lines:?}");
        Ok(())
    })
    .await
    .unwrap();
    fsck(&mesh).unwrap();
}

/// How many messages the stream has dropped to stay within its limits.
async fn fallen_out(mesh: &Mesh) -> u64 {
    let (token, address) = mesh.nats().trim_start_matches("nats://").split_once('@').unwrap();
    let client = async_nats::ConnectOptions::with_token(token.to_owned()).connect(address).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("DENGBEI_330000").await.unwrap();
    stream.get_info().await.unwrap().state.first_sequence.saturating_sub(1)
}

fn pause(pid: u32, signal: &str) {
    let sent =
        std::process::Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
