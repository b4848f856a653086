//! The files of the instruments: rules, dashboards, pages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// `deploy/observability`
pub(crate) fn folder() -> PathBuf {
    root().join("deploy/observability")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A page of docs/operating.
pub(crate) fn pages(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/operating").join(name)).unwrap()
}

/// The YAML files of a folder of the instruments.
pub(crate) fn rule_files(below: &str) -> Vec<PathBuf> {
    let files = listed(&folder().join(below), "yml");
    assert!(!files.is_empty(), "no rules in {below}");
    files
}

fn listed(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == extension));
    files.sort();
    files
}

/// Every dashboard by its file name.
pub(crate) fn dashboards() -> Vec<(String, Value)> {
    let read = |file: PathBuf| {
        let board = serde_json::from_slice(&std::fs::read(&file).unwrap()).expect("a dashboard is JSON");
        (file.file_name().unwrap().to_string_lossy().into_owned(), board)
    };
    listed(&folder().join("dashboards"), "json").into_iter().map(read).collect()
}

/// An alert as its rule says it.
#[derive(Debug, Default)]
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) severity: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) runbook: String,
}

/// Every alert. The rules keep to one line a key.
pub(crate) fn alerts() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for (key, value) in rule_files("rules").iter().flat_map(|file| lines(file)) {
        match (key.as_str(), alerts.last_mut()) {
            ("alert", _) => alerts.push(Alert { name: value, ..Alert::default() }),
            ("severity", Some(last)) => last.severity = value,
            ("summary", Some(last)) => last.summary = value,
            ("description", Some(last)) => last.description = value,
            ("runbook_url", Some(last)) => last.runbook = value,
            _ => {}
        }
    }
    assert!(alerts.len() > 30, "{} alerts", alerts.len());
    alerts
}

/// Every `key: value` of a file, quotes taken off.
fn lines(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let pair = |line: &str| {
        let (key, value) = line.trim().trim_start_matches("- ").split_once(": ")?;
        let plain = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\''));
        Some((key.to_owned(), plain.map_or(value.to_owned(), |v| v.replace("''", "'"))))
    };
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(pair).collect()
}

/// Every expression of rules and dashboards, with where it stands.
pub(crate) fn expressions() -> Vec<(String, String)> {
    let of_rules = rule_files("rules").into_iter().flat_map(|file| {
        let place = file.file_name().unwrap().to_string_lossy().into_owned();
        let of_file = lines(&file).into_iter().filter(|(key, _)| key == "expr");
        of_file.map(move |(_, expression)| (place.clone(), expression)).collect::<Vec<_>>()
    });
    let of_boards = dashboards().into_iter().flat_map(|(file, board)| {
        let panels = board["panels"].as_array().unwrap().clone();
        panels.into_iter().flat_map(move |panel| {
            let place = format!("{file}: {}", panel["title"]);
            let targets = panel["targets"].as_array().cloned().unwrap_or_default();
            targets.into_iter().map(move |t| (place.clone(), t["expr"].as_str().unwrap().to_owned()))
        })
    });
    of_rules.chain(of_boards).collect()
}

/// Every metric of ours that a text names; of histograms the name without its series.
pub(crate) fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("dengbei_"));
    ours.map(|word| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        of_histogram.unwrap_or(word).to_owned()
    })
    .collect()
}
