//! An old dump of registration's database restored: noticed at start, replayed from the log, no code issued
//! twice, no fork.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use dengbei_testkit::{Mesh, samples};
use dengbei_tests::{fsck, publish, sealed, submit};

fn tool(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> =
        versions.map(|v| v.path().join("bin").join(name)).filter(|p| p.is_file()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

fn dump(url: &str, file: &Path) {
    let status = Command::new(tool("pg_dump")).args(["-Fc", "-f"]).arg(file).arg(url).status().unwrap();
    assert!(status.success());
}

fn restore(url: &str, file: &Path) {
    let mut command = Command::new(tool("pg_restore"));
    command.args(["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "-d", url]).arg(file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_dump_is_noticed_and_replayed_without_a_fork() {
    let mut mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(120, &["--seed", "31"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let third = batches.len() / 3;
    let filed = |mesh: &Mesh, part: &[PathBuf]| {
        let paths: Vec<_> = part.iter().map(PathBuf::as_path).collect();
        for line in submit(mesh, &paths, "filed").unwrap() {
            assert_eq!(line["state"]["custody"], "filed", "{line}");
        }
    };
    filed(&mesh, &batches[..third]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registration.dump");
    dump(&mesh.database("registration"), &file);
    filed(&mesh, &batches[third..2 * third]);
    sealed(&mesh).await.unwrap();
    let before = fsck(&mesh).unwrap();
    mesh.stop().await.unwrap();
    restore_offline(&mut mesh, &file).await;
    mesh.start_again().await.unwrap();
    filed(&mesh, &batches[2 * third..]);
    sealed(&mesh).await.unwrap();
    let after = fsck(&mesh).unwrap();
    let count = |report: &serde_json::Value| report["counts"]["已归档 filed"].as_u64().unwrap();
    assert!(count(&after) > count(&before));
    assert_eq!(count(&after), 120);
}

/// The databases alone (`up --no-roles`), with the old dump put in place of registration's.
async fn restore_offline(mesh: &mut Mesh, file: &Path) {
    mesh.set_args(&["--no-roles"]);
    mesh.start_again().await.unwrap();
    restore(&mesh.database("registration"), file);
    mesh.stop().await.unwrap();
    mesh.set_args(&["--linger", "1", "--batch-linger", "3600"]);
}
