//! What a running deployment shows at its `/metrics`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use dengbei_testkit::Mesh;

/// A metric as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) help: String,
}

/// Where each role shows what it measures.
pub(crate) fn admin_ports(mesh: &Mesh) -> BTreeMap<String, String> {
    let roles = mesh.places()["roles"].as_object().expect("the ready file names the roles");
    let admin = |place: &serde_json::Value| place["admin"].as_str().unwrap().to_owned();
    roles.iter().map(|(name, place)| (name.clone(), admin(place))).collect()
}

/// Everything of ours that all roles together show.
pub(crate) async fn scraped(mesh: &Mesh) -> anyhow::Result<BTreeMap<String, Metric>> {
    let mut metrics = BTreeMap::new();
    for url in admin_ports(mesh).values() {
        let text = reqwest::get(format!("{url}/metrics")).await?.error_for_status()?.text().await?;
        for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
            let (name, help) = line.split_once(' ').with_context(|| format!("{line}: no help"))?;
            metrics.insert(name.to_owned(), Metric { help: help.to_owned() });
        }
        for name in series(&text) {
            let known = metrics.contains_key(name)
                || ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|end| name.strip_suffix(end).is_some_and(|of| metrics.contains_key(of)));
            anyhow::ensure!(known, "{name} has no help: it was never described");
        }
    }
    metrics.retain(|name, _| name.starts_with("dengbei_"));
    Ok(metrics)
}

fn series(text: &str) -> impl Iterator<Item = &str> {
    let samples = text.lines().filter(|line| line.starts_with("dengbei_"));
    samples.filter_map(|line| line.split(['{', ' ']).next())
}

/// Chinese, then English.
pub(crate) fn is_in_both_languages(text: &str) -> bool {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let Some(last) = text.rfind(is_chinese) else { return false };
    let english = text[last..].chars().filter(char::is_ascii_alphabetic).count();
    english >= 2
}
