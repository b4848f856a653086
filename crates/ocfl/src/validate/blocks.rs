//! The blocks of an inventory that map digests to paths: manifest, state, fixity.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Spec;
use super::digest::Algorithm;
use super::inventory::{Facts, Scene};

/// The manifest, as far as it was understood.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Content path → digest in lower case.
    pub(super) files: BTreeMap<String, String>,
    /// Digests in lower case.
    pub(super) digests: BTreeSet<String>,
    /// Digests as they were spelled, which states must repeat exactly.
    spelled: BTreeSet<String>,
}

/// Codes for what every block has in common.
struct Codes {
    /// A key is no digest.
    digest: &'static str,
    /// A value is no list of texts.
    list: &'static str,
    /// A digest occurs twice but for its case.
    twice: &'static str,
}

/// One line of a block: the digest as spelled, in lower case, its paths.
type Line<'a> = (&'a str, String, Vec<&'a str>);

/// The lines of a block that are in order.
fn lines<'a>(block: &'a Value, algorithm: Algorithm, codes: &Codes, scene: &mut Scene<'_>) -> Vec<Line<'a>> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for (key, value) in block.as_object().into_iter().flatten() {
        let Some(digest) = algorithm.normalize(key) else {
            scene.error(codes.digest, format!("{key:?} is no {} digest", algorithm.name()));
            continue;
        };
        let paths: Option<Vec<&str>> =
            value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        let Some(paths) = paths else {
            scene.error(codes.list, format!("the value of {key} is no list of paths"));
            continue;
        };
        if !seen.insert(digest.clone()) {
            scene.error(codes.twice, format!("digest {digest} occurs twice"));
        }
        lines.push((key.as_str(), digest, paths));
    }
    lines
}

pub(super) fn manifest(
    block: Option<&Value>,
    (algorithm, content_directory, spec): (Algorithm, &str, Spec),
    scene: &mut Scene<'_>,
) -> Manifest {
    let mut manifest = Manifest::default();
    let block = match block {
        Some(block) if block.is_object() => block,
        Some(_) => {
            scene.error(if spec == Spec::V1_0 { "E041" } else { "E106" }, "manifest is no object");
            return manifest;
        }
        None => {
            scene.error("E041", "no manifest");
            return manifest;
        }
    };
    let codes = Codes { digest: "E025", list: "E092", twice: "E096" };
    for (key, digest, paths) in lines(block, algorithm, &codes, scene) {
        manifest.spelled.insert(key.to_owned());
        manifest.digests.insert(digest.clone());
        for path in paths {
            if let Some((code, why)) = content_path_fault(path, content_directory) {
                scene.error(code, format!("content path {path:?} {why}"));
            } else if manifest.files.insert(path.to_owned(), digest.clone()).is_some() {
                scene.error("E101", format!("content path {path:?} occurs twice"));
            }
        }
    }
    refuse_nested(manifest.files.keys(), "E101", scene);
    manifest
}

fn content_path_fault(path: &str, content_directory: &str) -> Option<(&'static str, &'static str)> {
    if path.starts_with('/') || path.ends_with('/') {
        return Some(("E100", "begins or ends with a slash"));
    }
    let elements: Vec<&str> = path.split('/').collect();
    if elements.iter().any(|e| matches!(*e, "" | "." | "..")) {
        return Some(("E099", "has an element that is empty or a dot"));
    }
    let is_version =
        elements[0].strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if !is_version || elements.len() < 3 || elements[1] != content_directory {
        return Some(("E042", "is not in a version's content directory"));
    }
    None
}

/// Version → its state: logical path → digest in lower case.
pub(super) fn state(
    block: &Value,
    (version, algorithm, manifest): (&str, Algorithm, &Manifest),
    scene: &mut Scene<'_>,
) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    if !block.is_object() {
        scene.error("E050", format!("{version} state is no object"));
        return state;
    }
    // A digest spelled in two ways cannot stand in the manifest both times.
    let codes = Codes { digest: "E050", list: "E051", twice: "E050" };
    for (key, digest, paths) in lines(block, algorithm, &codes, scene) {
        if !manifest.spelled.contains(key) {
            scene.error("E050", format!("{version} digest {key} is not in the manifest"));
        }
        for path in paths {
            if path.starts_with('/') || path.ends_with('/') {
                scene.error("E053", format!("{version} logical path {path:?} begins or ends with a slash"));
            } else if path.split('/').any(|e| matches!(e, "" | "." | "..")) {
                scene.error("E052", format!("{version} logical path {path:?}"));
            } else if state.insert(path.to_owned(), digest.clone()).is_some() {
                scene.error("E095", format!("{version} logical path {path:?} occurs twice"));
            }
        }
    }
    refuse_nested(state.keys(), "E095", scene);
    state
}

/// (algorithm, digest, content path) for every claim that can be checked.
pub(super) fn fixity(
    block: &Value,
    facts: &Facts,
    scene: &mut Scene<'_>,
) -> Vec<(Algorithm, String, String)> {
    let mut claims = Vec::new();
    let Some(block) = block.as_object() else {
        scene.error(if facts.spec == Spec::V1_0 { "E057" } else { "E111" }, "fixity is no object");
        return claims;
    };
    for (name, digests) in block {
        let Some(algorithm) = Algorithm::named(name) else {
            scene.error("E056", format!("fixity algorithm {name:?} is not registered"));
            continue;
        };
        if !digests.is_object() {
            scene.error("E057", format!("fixity {name} is no object"));
        }
        let codes = Codes { digest: "E057", list: "E057", twice: "E097" };
        for (_, digest, paths) in lines(digests, algorithm, &codes, scene) {
            for path in paths {
                if facts.manifest.files.contains_key(path) {
                    claims.push((algorithm, digest.clone(), path.to_owned()));
                } else if let Some((code, why)) = content_path_fault(path, &facts.content_directory) {
                    scene.error(code, format!("fixity path {path:?} {why}"));
                } else {
                    scene.error("E057", format!("fixity path {path:?} is not in the manifest"));
                }
            }
        }
    }
    claims
}

/// Refuses a path that is also a folder of another.
fn refuse_nested<'a>(
    paths: impl Iterator<Item = &'a String> + Clone,
    code: &'static str,
    scene: &mut Scene<'_>,
) {
    let all: BTreeSet<&str> = paths.clone().map(String::as_str).collect();
    for path in paths {
        if path.match_indices('/').any(|(at, _)| all.contains(&path[..at])) {
            scene.error(code, format!("path {path:?} lies inside a file"));
        }
    }
}
