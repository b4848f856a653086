//! The quality monitor and the reports of checks before a real deployment: 120 mixed packages over two sources, good ones,
//! ones that come back, ones refused at the door. The tables equal what was sent, what was stated and never came is
//! missing, reports tell every finding on paper, and a read model made anew says the same.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, dengbei, publish, walk};
use serde_json::{Value, json};
use sqlx::Connection as _;

/// Periods of the story: samples close their items on days of their own.
const ALWAYS: &str = "from=2000-01-01&to=2100-01-01";

/// Sends folders in the name of a source; one line a package.
fn send(mesh: &Mesh, source: &str, paths: &[&Path]) -> Vec<Value> {
    let paths: Vec<String> = paths.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let mut args = vec!["submit"];
    args.extend(paths.iter().map(String::as_str));
    args.extend(["--source", source, "--to", mesh.http(), "--wait", "filed", "--json", "--timeout", "300"]);
    let output = dengbei(mesh, &args).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    lines
}

/// What a source's lines come to: received, refused, returned, filed.
fn four(lines: &[Value]) -> [u64; 4] {
    let is = |line: &Value, what: &str| line["outcome"] == what;
    let count = |f: &dyn Fn(&Value) -> bool| lines.iter().filter(|line| f(line)).count() as u64;
    let refused = count(&|line| is(line, "refused"));
    let lost = count(&|line| is(line, "duplicate") || is(line, "conflict"));
    [
        lines.len() as u64 - refused - lost,
        refused,
        count(&|line| line["state"]["custody"] == "returned" && !is(line, "refused")),
        count(&|line| line["state"]["custody"] == "filed" || line["state"]["custody"] == "accessioned"),
    ]
}

fn sum(rows: &Value, source: &str) -> [u64; 4] {
    let mut sums = [0; 4];
    for row in rows.as_array().unwrap().iter().filter(|row| row["source_system"] == source) {
        for (n, key) in ["received", "refused", "returned", "filed"].iter().enumerate() {
            sums[n] += row[key].as_u64().unwrap();
        }
    }
    sums
}

async fn monitor(door: &Door) -> Value {
    door.json(&format!("/v1/quality?{ALWAYS}")).await.unwrap()
}

/// How many of the good packages under a folder say they were closed on which day.
fn closed(folder: &Path) -> BTreeMap<String, u64> {
    let mut days = BTreeMap::new();
    for file in walk(folder) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        if let Some(day) = text.split("<transacttime").nth(1).and_then(|rest| rest.split_once('>')) {
            *days.entry(day.1[..10].to_owned()).or_default() += 1;
        }
    }
    days
}

async fn report(door: &Door, path: &str) -> (Value, String) {
    let data = door.json(path).await.unwrap();
    let (status, pdf) = door.get(&format!("{path}.pdf")).await.unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&pdf));
    let (_, again) = door.get(&format!("{path}.pdf")).await.unwrap();
    assert!(pdf == again, "the same report has the same bytes");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, &pdf).unwrap();
    if let Some(kept) = std::env::var_os("DENGBEI_KEEP_PAPERS") {
        std::fs::copy(&file, Path::new(&kept).join(format!("{}.pdf", path.replace('/', "_")))).unwrap();
    }
    let words =
        Command::new("pdftotext").args(["-raw", "-enc", "UTF-8"]).arg(&file).arg("-").output().unwrap();
    assert!(words.status.success(), "apt-get install poppler-utils");
    (data, String::from_utf8(words.stdout).unwrap().chars().filter(|c| !c.is_whitespace()).collect())
}

/// Everything that a report says in words stands on paper.
fn is_on_paper(data: &Value, words: &str) {
    let plain = |v: &Value| -> String {
        v.as_str().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect()
    };
    let mut seen = 0;
    for part in data["parts"].as_array().unwrap() {
        assert!(words.contains(&plain(&part["digest"])), "{part}");
        for check in part["checks"].as_array().unwrap() {
            assert!(words.contains(&plain(&check["name"]["zh"])), "{check} in {words}");
            for found in check["findings"].as_array().unwrap() {
                for key in ["place", "message", "message_en", "remedy", "remedy_en"] {
                    assert!(words.contains(&plain(&found[key])), "{key} of {found} in {words}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 0 || data["parts"].as_array().is_some_and(|parts| !parts.is_empty()), "{data}");
}

async fn settled(door: &Door, lines: usize) {
    eventually(PATIENCE, "the monitor counts everything that was sent", async || {
        let seen = door.json(&format!("/v1/quality?{ALWAYS}")).await?;
        let rows = seen["matters"].as_array().cloned().unwrap_or_default();
        let n = |row: &Value, key: &str| row[key].as_u64().unwrap_or(0) as usize;
        let all: usize = rows.iter().map(|row| n(row, "received") + n(row, "refused")).sum();
        anyhow::ensure!(seen["unplaced"] == 0 && all >= lines, "{all} of {lines}, {}", seen["unplaced"]);
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitor_equals_what_was_sent_and_reports_tell_every_finding() {
    let mut mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let door = Door::of(&mesh);
    let samples = samples(101, &["--mutants"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let all = samples.batches().unwrap();
    let (ours, batches) = all.split_at(all.len() / 2);
    let mut sent = send(&mesh, "ZWFW", &ours.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
    let mutants = samples.path().join("mutants");
    let listed = std::fs::read_dir(&mutants).unwrap().flatten().map(|entry| entry.path().join("package"));
    let mut faulty: Vec<_> = listed.filter(|path| path.is_dir()).collect();
    faulty.sort();
    for package in &faulty {
        sent.extend(send(&mesh, "ZWFW", &[package]));
    }
    let other =
        send(&mesh, "OA-COUNTY", &batches.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
    assert!(sent.len() + other.len() >= 110, "{} + {}", sent.len(), other.len());
    let (first_four, second_four) = (four(&sent), four(&other));
    assert!(first_four[1] > 5 && first_four[3] > 10 && second_four[3] > 10, "{first_four:?} {second_four:?}");
    let new: usize = [first_four, second_four].iter().map(|f| (f[0] + f[1]) as usize).sum();
    settled(&door, new).await;

    // The table equals what was sent: by source, by day, by matter, by week; and by the packages' own closing days.
    let seen = monitor(&door).await;
    for table in ["matters", "days", "weeks"] {
        assert_eq!(sum(&seen[table], "ZWFW"), first_four, "{table}");
        assert_eq!(sum(&seen[table], "OA-COUNTY"), second_four, "{table}");
    }
    let failed: BTreeSet<&str> =
        seen["failed"].as_array().unwrap().iter().map(|r| r["check"].as_str().unwrap()).collect();
    for line in sent.iter().filter(|line| line["outcome"] == "refused") {
        let own = line["checks"].as_array().unwrap().iter().filter(|c| c["result"] == "failed");
        for check in own {
            assert!(failed.contains(check["id"].as_str().unwrap()), "{check} in {failed:?}");
        }
    }
    let by_day = |source: &str| {
        let mut days: BTreeMap<String, u64> = BTreeMap::new();
        for row in seen["closings"].as_array().unwrap().iter().filter(|r| r["source_system"] == source) {
            *days.entry(row["day"].as_str().unwrap().to_owned()).or_default() +=
                row["received"].as_u64().unwrap();
        }
        days
    };
    let ours: BTreeMap<String, u64> =
        batches.iter().flat_map(|b| closed(b)).fold(BTreeMap::new(), |mut all, (day, n)| {
            *all.entry(day).or_default() += n;
            all
        });
    assert_eq!(by_day("OA-COUNTY"), ours, "the packages' own closing day decides");
    let offices = seen["departments"].as_array().unwrap();
    assert!(offices.iter().any(|row| !row["department"].as_str().unwrap().is_empty()), "{offices:?}");

    three_are_missing(&mesh, &seen).await;
    reports_tell_every_finding(&door, &sent, first_four).await;
    a_new_read_model_says_the_same(&mut mesh, new).await;
}

/// Three more than were sent are missing; a later statement replaces, the same again changes nothing.
async fn three_are_missing(mesh: &Mesh, seen: &Value) {
    let door = Door::of(mesh);
    let row = seen["closings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["source_system"] == "OA-COUNTY")
        .unwrap()
        .clone();
    let state = |count: u64| json!({ "expectations": [{ "source_system": "OA-COUNTY", "matter_code": row["matter_code"], "day": row["day"], "count": count }] });
    let put = |body: Value| {
        let request =
            reqwest::Client::new().put(format!("{}/v1/expectations", mesh.http())).bearer_auth(mesh.token());
        async move {
            request.body(body.to_string()).header("content-type", "application/json").send().await.unwrap()
        }
    };
    let expected = row["received"].as_u64().unwrap() + 3;
    let answer: Value =
        serde_json::from_slice(&put(state(expected + 9)).await.bytes().await.unwrap()).unwrap();
    assert_eq!(answer, json!({ "stated": 1, "replaced": 0, "unchanged": 0 }));
    let answer: Value = serde_json::from_slice(&put(state(expected)).await.bytes().await.unwrap()).unwrap();
    assert_eq!(answer, json!({ "stated": 0, "replaced": 1, "unchanged": 0 }), "a later statement replaces");
    let answer: Value = serde_json::from_slice(&put(state(expected)).await.bytes().await.unwrap()).unwrap();
    assert_eq!(answer, json!({ "stated": 0, "replaced": 0, "unchanged": 1 }));
    let wrong = put(json!({ "expectations": [{ "source_system": "OA-COUNTY", "matter_code": "m", "day": "2026-02-30", "count": 1 }] })).await;
    assert_eq!(wrong.status(), 422);
    let problem: Value = serde_json::from_slice(&wrong.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["code"], "expectation.day");
    let seen = monitor(&door).await;
    let missing: u64 =
        seen["closings"].as_array().unwrap().iter().map(|r| r["missing"].as_u64().unwrap()).sum();
    assert_eq!(missing, 3);
    let (status, table) = door.get(&format!("/v1/quality?{ALWAYS}&format=csv&table=closings")).await.unwrap();
    let table = String::from_utf8(table).unwrap();
    assert_eq!(status, 200);
    assert!(
        table.starts_with("\u{feff}办结日,来源系统") && table.lines().any(|l| l.ends_with(",3")),
        "{table}"
    );
}

/// One that is filed, one that was refused and came back.
async fn reports_tell_every_finding(door: &Door, sent: &[Value], first_four: [u64; 4]) {
    let item = |f: &dyn Fn(&Value) -> bool| {
        sent.iter()
            .find(|line| f(line) && line["item"].is_string())
            .map(|line| line["item"].as_str().unwrap().to_owned())
    };
    let filed = item(&|line| line["state"]["custody"] == "filed").unwrap();
    let (data, words) = report(door, &format!("/v1/items/{filed}/report")).await;
    is_on_paper(&data, &words);
    let run = data["parts"].as_array().unwrap().iter().find(|part| part["stage"] == "G").unwrap();
    assert_eq!(run["verdict"], "passed");
    assert!(run["checks"].as_array().unwrap().iter().any(|c| c["result"] == "unstated"), "{run}");
    let refused = item(&|line| line["outcome"] == "refused").unwrap();
    let (data, words) = report(door, &format!("/v1/items/{refused}/report")).await;
    is_on_paper(&data, &words);
    assert!(words.contains("不通过"), "{words}");
    let returned =
        data["parts"].as_array().unwrap().iter().find(|p| p["stage"] == "G" && p["verdict"] == "failed");
    if let Some(returned) = returned {
        let sealed: dengbei_checks::Report = serde_json::from_value(returned["stored"].clone()).unwrap();
        assert!(sealed.is_intact(), "the sealed report as it was stored");
    }
    assert_eq!(first_four[2] > 0, returned.is_some(), "{first_four:?}");
}

/// The read model's database dropped and made again from the log.
async fn a_new_read_model_says_the_same(mesh: &mut Mesh, new: usize) {
    let door = Door::of(mesh);
    let before = monitor(&door).await;
    let mut postgres = sqlx::PgConnection::connect(mesh.postgres()).await.unwrap();
    sqlx::query("drop database dengbei_query with (force)").execute(&mut postgres).await.unwrap();
    drop(postgres);
    mesh.stop().await.ok();
    mesh.start_again().await.unwrap();
    let door = Door::of(mesh);
    let strip = |mut v: Value| {
        v["log_index"] = Value::Null;
        v
    };
    settled(&door, new).await;
    eventually(PATIENCE, "the new read model catches up", async || {
        let now = strip(door.json(&format!("/v1/quality?{ALWAYS}")).await?);
        anyhow::ensure!(now == strip(before.clone()), "{now}\n{before}");
        Ok(())
    })
    .await
    .unwrap();
    dengbei_tests::fsck(mesh).unwrap();
}
