//! The operator's instruments: rules, dashboards and their pages against promtool, against each other, and against a
//! running deployment that a real Prometheus asks.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, publish, submit};
use serde_json::Value;

#[path = "observability/files.rs"]
mod files;
#[path = "observability/prometheus.rs"]
mod prometheus;
#[path = "observability/scrape.rs"]
mod scrape;

use files::{alerts, dashboards, expressions, folder, metrics_in, pages, rule_files};
use prometheus::Prometheus;
use scrape::scraped;

fn promtool(arguments: &[&str], paths: &[PathBuf]) {
    let mut command = Command::new("promtool");
    let output = command.args(arguments).args(paths).output();
    let output = output.expect("promtool: ./dev test puts it onto the PATH (Debian package prometheus)");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_accepts_the_rules_and_both_configurations() {
    promtool(&["check", "rules"], &rule_files("rules"));
    promtool(&["check", "config", "--syntax-only"], &[folder().join("prometheus/prometheus.yml")]);
    // Debian's Prometheus is built without the discovery of Kubernetes: everything but that is checked.
    let text = std::fs::read_to_string(folder().join("prometheus/prometheus-kubernetes.yml")).unwrap();
    let discovery =
        "kubernetes_sd_configs:\n      - role: pod\n        namespaces: { own_namespace: true }\n";
    assert!(text.contains(discovery));
    let checked = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&checked, text.replace(discovery, "static_configs:\n      - targets: [\"pod:7101\"]\n"))
        .unwrap();
    promtool(&["check", "config", "--syntax-only"], &[checked.path().to_owned()]);
}

#[test]
fn every_alert_is_provoked_and_kept_silent_by_promtool() {
    promtool(&["test", "rules"], &rule_files("rules/tests"));
    let tests: String =
        rule_files("rules/tests").iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    for alert in alerts() {
        for kind in ["provoked", "silent"] {
            let test = format!("name: {} is {kind}\n", alert.name);
            assert_eq!(tests.matches(&test).count(), 1, "{test}");
        }
    }
}

#[test]
fn every_alert_says_what_it_is_in_both_languages_and_has_its_page() {
    let page = pages("alerts.md");
    let alerts = alerts();
    for alert in &alerts {
        let name = &alert.name;
        assert!(
            ["critical", "warning", "info"].contains(&alert.severity.as_str()),
            "{name}: {}",
            alert.severity
        );
        for text in [&alert.summary, &alert.description] {
            assert!(scrape::is_in_both_languages(text), "{name}: {text}");
        }
        let (file, anchor) = alert.runbook.split_once('#').unwrap();
        assert_eq!((file, anchor), ("docs/operating/alerts.md", name.to_lowercase().as_str()), "{name}");
        let section = page.split("\n### ").find(|s| s.lines().next() == Some(name)).expect(name);
        for part in ["含义：", "怎么做：", "怎样算过去了："] {
            assert!(section.contains(part), "{name}: {part}");
        }
    }
    let names: BTreeSet<&str> = alerts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names.len(), alerts.len(), "an alert stands twice");
    let stale: Vec<&str> =
        page.lines().filter_map(|l| l.strip_prefix("### ")).filter(|name| !names.contains(name)).collect();
    assert!(stale.is_empty(), "pages of alerts that there are not: {stale:?}");
}

#[test]
fn dashboards_are_such_as_grafana_loads() {
    let boards = dashboards();
    assert_eq!(boards.len(), 5);
    let uids: BTreeSet<&str> = boards.iter().map(|(_, b)| b["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), boards.len(), "two dashboards of one uid");
    for (file, board) in &boards {
        assert!(board["schemaVersion"].as_u64().unwrap() >= 39, "{file}");
        assert_eq!(board["templating"]["list"][0]["type"], "datasource", "{file}");
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|p| p["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{file}: two panels of one id");
        for (at, panel) in panels.iter().enumerate() {
            assert!(scrape::is_in_both_languages(panel["title"].as_str().unwrap()), "{file}: {panel}");
            let apart = panels[..at].iter().all(|other| !overlap(&panel["gridPos"], &other["gridPos"]));
            assert!(apart, "{file}: {} covers another panel", panel["title"]);
            if panel["type"] != "row" {
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}: {}", panel["title"]);
                assert!(!panel["targets"].as_array().unwrap().is_empty(), "{file}: {}", panel["title"]);
            }
        }
    }
}

fn overlap(one: &Value, other: &Value) -> bool {
    let of = |place: &Value, key: &str| place[key].as_i64().unwrap();
    let meets = |from: &str, length: &str| {
        of(one, from) < of(other, from) + of(other, length)
            && of(other, from) < of(one, from) + of(one, length)
    };
    meets("x", "w") && meets("y", "h")
}

/// One deployment for everything that needs one, because starting it is what costs.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_deployment_measures_what_rules_dashboards_and_pages_name() {
    let mesh = Mesh::up(&["--split", "--linger", "1", "--inspection", "20"]).await.unwrap();
    // Also installs the TLS provider.
    let _ = Door::of(&mesh);
    let samples = samples(4, &["--mutants"]).unwrap();
    // Without a filing table they are parked; what only the table finds wrong is returned when there is one.
    submit(&mesh, &[samples.path()], "filed").unwrap();
    publish(&mesh, samples.path()).unwrap();
    submit(&mesh, &[samples.path()], "filed").unwrap();

    let documented = metrics_in(&pages("metrics.md"));
    let named: BTreeMap<String, String> = expressions()
        .into_iter()
        .flat_map(|(place, text)| metrics_in(&text).into_iter().map(move |name| (name, place.clone())))
        .collect();
    let measured = eventually(PATIENCE, "everything named is measured", async || {
        let measured = scraped(&mesh).await?;
        let missing: Vec<_> = named.iter().filter(|(name, _)| !measured.contains_key(*name)).collect();
        anyhow::ensure!(missing.is_empty(), "nobody exports {missing:?}");
        Ok(measured)
    })
    .await
    .unwrap();
    for (name, metric) in &measured {
        assert!(documented.contains(name), "{name} is not in docs/operating/metrics.md");
        assert!(scrape::is_in_both_languages(&metric.help), "{name}: {}", metric.help);
    }
    let gone: Vec<_> = documented.iter().filter(|name| !measured.contains_key(*name)).collect();
    assert!(gone.is_empty(), "documented, and nobody exports them: {gone:?}");

    let prometheus = Prometheus::over(&mesh).await.unwrap();
    prometheus.sees("min(up{job=\"dengbei\"}) == 1").await;
    every_expression_is_understood(&prometheus).await;
    an_alert_follows_a_site_that_hangs(&mesh, &prometheus).await;
}

async fn every_expression_is_understood(prometheus: &Prometheus) {
    for (place, expression) in expressions() {
        let answer = prometheus.ask(&expression).await.unwrap();
        assert_eq!(answer["status"], "success", "{place}: {expression}: {answer}");
    }
    prometheus.rules_are_well().await;
}

/// Stopped, not killed: a process that is killed comes back by itself. The rule waits ten minutes before it fires, so
/// what is awaited is that it is pending, and that it is not any more when the site goes on.
async fn an_alert_follows_a_site_that_hangs(mesh: &Mesh, prometheus: &Prometheus) {
    let pid = mesh.pids()["site-remote"];
    let reachable = "max by (site) (dengbei_replication_site_reachable{site=\"remote\"})";
    prometheus.sees(&format!("{reachable} == 1")).await;
    signal(pid, "-STOP");
    prometheus.sees(&format!("{reachable} == 0")).await;
    prometheus
        .sees("ALERTS{alertname=\"DengbeiSiteUnreachable\",site=\"remote\",alertstate=\"pending\"}")
        .await;
    signal(pid, "-CONT");
    prometheus.sees(&format!("{reachable} == 1")).await;
    prometheus.sees("absent(ALERTS{alertname=\"DengbeiSiteUnreachable\"})").await;
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}
