//! The virus scanner in a running deployment: a real clamd that finds, goes away and comes back; and none at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use dengbei_testkit::{Clamd, Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, failing, fsck, publish, submit, walk};
use serde_json::Value;
use sqlx::Connection as _;
use zip::write::SimpleFileOptions;

const PACE: [&str; 4] = ["--linger", "1", "--batch-linger", "3600"];

async fn up(more: &[&str]) -> Mesh {
    let args: Vec<&str> = PACE.iter().chain(more).copied().collect();
    Mesh::up(&args).await.unwrap()
}

/// Puts the sign that the scanner knows into one file of every package below.
fn infect(batch: &Path) -> usize {
    let content = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        ending == "pdf" || ending == "ofd" || ending == "txt" || ending == "jpg"
    };
    let mut seen = std::collections::BTreeSet::new();
    for path in walk(batch).iter().filter(|path| content(path)) {
        let package = path.strip_prefix(batch).unwrap().components().next().unwrap();
        if seen.insert(package.as_os_str().to_owned()) {
            let mut bytes = std::fs::read(path).unwrap();
            bytes.extend_from_slice(Clamd::SIGN);
            std::fs::write(path, bytes).unwrap();
        }
    }
    seen.len()
}

/// The first package of a batch as one zip.
fn zipped(batch: &Path) -> Vec<u8> {
    let files = walk(batch);
    let inside = |path: &Path| path.strip_prefix(batch).unwrap().to_string_lossy().into_owned();
    let package = files.iter().find_map(|path| Some(inside(path).split_once('/')?.0.to_owned())).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for path in files.iter().filter(|path| inside(path).starts_with(&format!("{package}/"))) {
        zip.start_file(inside(path), SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(path).unwrap()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn metric(door: &Door, name: &str, labels: &[&str]) -> f64 {
    let (_, body) = door.get("/metrics").await.unwrap();
    let text = String::from_utf8(body).unwrap();
    let is_it = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
    let lines = text.lines().filter(is_it).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    lines.sum()
}

async fn part(door: &Door, name: &str) -> Value {
    let health = door.json("/health").await.unwrap();
    let parts = health["parts"].as_array().unwrap();
    parts.iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("{name}: {health}")).clone()
}

/// What fixity keeps beside what passed, and what ingest still has in hand.
async fn kept(mesh: &Mesh) -> Vec<Value> {
    let mut database = sqlx::PgConnection::connect(&mesh.database("fixity")).await.unwrap();
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("select body from documents").fetch_all(&mut database).await.unwrap();
    let lists = bodies.iter().filter_map(|body| serde_json::from_slice::<Value>(body).ok());
    lists.flat_map(|list| list["members"].as_array().cloned().unwrap_or_default()).collect()
}

fn scan_of(member: &Value) -> Value {
    let outcomes = member["detail"].as_array().cloned().unwrap_or_default();
    outcomes.into_iter().find(|outcome| outcome["id"] == "S-02").unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_infected_stays_outside_and_a_scanner_that_went_away_is_waited_for() {
    let Some(mut clamd) = Clamd::start().await.unwrap() else { return };
    let mesh = up(&["--scanner", &clamd.tcp()]).await;
    let door = Door::of(&mesh);
    let (first, second) = (samples(3, &["--seed", "1"]).unwrap(), samples(3, &["--seed", "2"]).unwrap());
    let infected = samples(2, &["--seed", "3"]).unwrap();
    infected_ones_are_refused_by_name(&mesh, infected.path()).await;

    // Parked: scanned at the door, checked for filing only once there is a table.
    let mut parked = Vec::new();
    for batch in first.batches().unwrap() {
        parked.extend(submit(&mesh, &[&batch], "prefiled").unwrap());
    }
    assert!(parked.iter().all(|line| line["outcome"] == "parked"), "{parked:?}");

    clamd.stop().await.unwrap();
    publish(&mesh, first.path()).unwrap();
    publish(&mesh, second.path()).unwrap();
    eventually(PATIENCE, "fixity waits for the scanner", async || {
        let waiting = metric(&door, "dengbei_bus_events_total", &["fixity", "retrying"]).await;
        anyhow::ensure!(waiting >= 3.0, "{waiting}");
        Ok(())
    })
    .await
    .unwrap();
    nothing_is_taken_in(&mesh, &door, &second.batches().unwrap()[0]).await;
    for line in &parked {
        let item = door.json(&format!("/v1/items/{}", line["item"].as_str().unwrap())).await.unwrap();
        assert_eq!(item["state"]["custody"], "prefiled", "{item}");
    }

    clamd.start_again().await.unwrap();
    for batch in first.batches().unwrap().iter().chain(&second.batches().unwrap()) {
        for line in submit(&mesh, &[batch], "filed").unwrap() {
            assert_eq!(line["state"]["custody"], "filed", "{line}");
        }
    }
    assert_eq!(metric(&door, "dengbei_bus_events_total", &["fixity", "dead"]).await, 0.0);
    let members = kept(&mesh).await;
    assert!(members.len() >= 6, "{members:?}");
    for member in &members {
        let scan = scan_of(member);
        assert_eq!(scan["result"], "passed", "{member}");
        let evidence = scan["evidence"].as_array().unwrap();
        let told = |what: &str| evidence.iter().find(|e| e["what"] == what).unwrap()["value"].clone();
        assert!(told("engine").as_str().unwrap().starts_with("ClamAV "), "{scan}");
        assert!(!told("signatures").as_str().unwrap().is_empty(), "{scan}");
        let small = serde_json::to_vec(&scan).unwrap().len();
        assert!(small < 500, "{small} bytes: {scan}");
    }
    assert!(metric(&door, "dengbei_scanner_files_total", &["ingest", "infected"]).await >= 1.0);
    eventually(PATIENCE, "the scanner is seen to be back", async || {
        let part = part(&door, "scanner").await;
        anyhow::ensure!(
            part["ok"] == true && part["detail"].as_str().unwrap().starts_with("ClamAV"),
            "{part}"
        );
        Ok(())
    })
    .await
    .unwrap();
    fsck(&mesh).unwrap();
}

async fn infected_ones_are_refused_by_name(mesh: &Mesh, folder: &Path) {
    publish(mesh, folder).unwrap();
    let batches =
        walk(folder).iter().filter_map(|p| batch_of(folder, p)).collect::<std::collections::BTreeSet<_>>();
    for batch in batches {
        assert!(infect(&batch) > 0);
        for line in submit(mesh, &[&batch], "prefiled").unwrap() {
            assert_eq!(line["outcome"], "refused", "{line}");
            assert!(failing(&line).contains(&"S-02".to_owned()), "{line}");
            let checks = line["checks"].to_string();
            assert!(checks.contains(Clamd::NAME), "the signature is named: {checks}");
        }
    }
}

fn batch_of(folder: &Path, path: &Path) -> Option<PathBuf> {
    let first = path.strip_prefix(folder).ok()?.components().next()?.as_os_str().to_str()?;
    first.starts_with("batch-").then(|| folder.join(first))
}

async fn nothing_is_taken_in(mesh: &Mesh, door: &Door, batch: &Path) {
    let staged = walk(&mesh.data().join("staging")).len();
    let before = door.json("/v1/queues").await.unwrap()["ingest"]["undecided"].clone();
    let (status, answer) = door.post("/v1/packages", zipped(batch), true).await.unwrap();
    assert_eq!((status, &answer["code"]), (503, &"scanner.unavailable".into()), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("杀毒"), "{answer}");
    assert!(answer["message_en"].as_str().unwrap().contains("scanner"), "{answer}");
    assert_eq!(walk(&mesh.data().join("staging")).len(), staged);
    assert_eq!(door.json("/v1/queues").await.unwrap()["ingest"]["undecided"], before);
    let health = door.json("/health").await.unwrap();
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(part(door, "scanner").await["state"], "unavailable");
    let (_, page) = door.get("/").await.unwrap();
    assert!(String::from_utf8(page).unwrap().contains("杀毒服务无应答"), "the overview says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_scanner_everything_says_so_and_nothing_passes_for_clean() {
    let mesh = up(&[]).await;
    let door = Door::of(&mesh);
    let samples = samples(2, &[]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    for batch in samples.batches().unwrap() {
        for line in submit(&mesh, &[&batch], "filed").unwrap() {
            assert_eq!(line["state"]["custody"], "filed", "{line}");
        }
    }
    for member in kept(&mesh).await {
        let scan = scan_of(&member);
        assert_eq!(scan["result"], "unverifiable", "{member}");
        assert!(scan["findings"].to_string().contains("未经杀毒"), "{scan}");
    }
    let part = part(&door, "scanner").await;
    assert_eq!((&part["ok"], &part["state"]), (&true.into(), &"not_configured".into()));
    assert!(part["detail"].as_str().unwrap().contains("未配置杀毒服务"), "{part}");
    for service in ["ingest", "fixity"] {
        assert_eq!(metric(&door, "dengbei_scanner_configured", &[service]).await, 0.0);
    }
    let (_, metrics) = door.get("/metrics").await.unwrap();
    assert!(String::from_utf8(metrics).unwrap().contains("dengbei_scanner_package_seconds_count"));
    assert!(mesh.log().contains("no scanner is configured"), "the log warns at the start");
    let (_, page) = door.get("/").await.unwrap();
    assert!(String::from_utf8(page).unwrap().contains("未配置杀毒服务"), "the overview warns");
}
