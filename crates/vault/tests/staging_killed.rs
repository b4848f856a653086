//! A real process that stages and is killed. Alone in its binary: a child that is being started holds its parent's locks
//! for a moment.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dengbei_vault::{Part, SegmentId, Staging};

/// The folder of the child.
const CHILD: &str = "STAGING_TEST_CHILD";
const TEXT: &str = "from the child";

/// Not a test of its own: the process that the next one kills.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let staging = Staging::open(folder).unwrap();
    let receipt = staging.append(vec![Part::bytes("p", TEXT)]).await.unwrap();
    println!("staged {}", receipt.segment.get());
    std::future::pending::<()>().await;
}

fn spawn_child(folder: &Path) -> (Child, SegmentId) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = lines.map(Result::unwrap).find_map(|line| line.split("staged ").nth(1)?.parse().ok());
    (child, SegmentId::new(number.unwrap()))
}

#[tokio::test]
async fn a_killed_process_loses_its_segments_to_whoever_looks_next() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(folder.path()).unwrap();
    let (mut child, segment) = spawn_child(folder.path());
    assert!(staging.adopt().await.unwrap().is_empty(), "it lives");
    assert_eq!(staging.read_all(segment, 0..14, 100).await.unwrap(), TEXT);
    child.kill().unwrap();
    child.wait().unwrap();
    let adopted = staging.adopt().await.unwrap();
    assert_eq!(adopted, [segment]);
    staging.settle(adopted, [(segment, std::iter::once(0..14).collect::<Vec<_>>())]).await.unwrap();
    assert_eq!(staging.read_all(segment, 0..14, 100).await.unwrap(), TEXT);
}
