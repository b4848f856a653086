//! The console in a real browser before a real deployment: `tests/browser/walk.py` signs in by the one-time link, visits
//! every page in both languages and follows an item to the archive; `desk.py` decides what a rule leaves to people.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

use std::path::Path;
use std::process::Command;

use dengbei_testkit::{Mesh, samples};
use dengbei_tests::{fsck, publish, sealed, submit};
use serde_json::Value;

/// Pages that a walk must have seen, by the shape of their addresses.
const SHAPES: [&str; 29] = [
    "/?",
    "/items?",
    "/items/*?",
    "/filing?",
    "/packs/*?",
    "/returns?",
    "/quality?",
    "/items/*/report?",
    "/parked?",
    "/registrations?",
    "/registrations/*?",
    "/certificates?",
    "/certificates/*?",
    "/transfers?",
    "/transfers/*?",
    "/sites?",
    "/troubles?",
    "/tasks?",
    "/wholes?",
    "/wholes/*?",
    "/operations?",
    "/dead-letters?",
    "/policies?",
    "/policies/default?",
    "/account?",
    "/audit?",
    "/v1/filing-batches/*/filing.pdf?",
    "/v1/items/*/receipt?",
    "/v1/certificates/*?",
];

fn has_browser() -> bool {
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let playwright = Command::new("python3").args(["-c", "import playwright.sync_api"]).output();
    Path::new(&chromium).exists() && playwright.is_ok_and(|output| output.status.success())
}

/// Runs a script of `tests/browser` against the deployment; it must find nothing wrong.
async fn browse(mesh: &Mesh, script: &str, args: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let welcome = mesh.places()["welcome"].as_str().unwrap_or_default();
    let mut command = Command::new("python3");
    command.arg(script).args(["--base", mesh.http(), "--welcome", welcome]).args(args);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_walks_the_console_in_a_browser() {
    if !has_browser() {
        eprintln!("skipped: no chromium, or python has no playwright");
        return;
    }
    let mesh = Mesh::up(&["--area", "330382", "--linger", "1", "--batch-linger", "1"]).await.unwrap();
    let samples = samples(40, &["--mutants"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let mut paths: Vec<&Path> = batches.iter().map(AsRef::as_ref).collect();
    let mutants = samples.path().join("mutants");
    if mutants.is_dir() {
        paths.push(&mutants);
    }
    let lines = submit(&mesh, &paths, "accessioned").unwrap();
    assert!(lines.iter().any(|line| line["state"]["custody"] == "accessioned"), "{lines:?}");
    sealed(&mesh).await.unwrap();

    let told = browse(&mesh, "walk.py", &["--token", mesh.token()]).await;
    let seen: Vec<&str> = told["shapes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let missed: Vec<&&str> = SHAPES.iter().filter(|shape| !seen.contains(shape)).collect();
    assert!(missed.is_empty(), "the walk did not come to {missed:?}: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_leaves_to_people_is_done_at_the_desk() {
    if !has_browser() {
        eprintln!("skipped: no chromium, or python has no playwright");
        return;
    }
    let mesh = Mesh::up(&["--area", "330382", "--linger", "1", "--batch-linger", "1"]).await.unwrap();
    let state = mesh.data().with_file_name("browser-state.json").to_string_lossy().into_owned();
    browse(&mesh, "desk.py", &["--step", "rule", "--state", &state]).await;
    let samples = samples(20, &[]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<&Path> = batches.iter().map(AsRef::as_ref).collect();
    let lines = submit(&mesh, &paths, "filed").unwrap();
    assert!(lines.iter().all(|line| line["state"]["custody"] == "filed"), "{lines:?}");
    browse(&mesh, "desk.py", &["--step", "work", "--state", &state]).await;
    sealed(&mesh).await.unwrap();
    fsck(&mesh).unwrap();
}
