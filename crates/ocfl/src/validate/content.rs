//! The files of every version against the manifest: none missing, none too many, every claimed digest right.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::{Algorithm, Hasher};
use super::history::History;
use super::inventory::Facts;
use super::tree::{Kind, Tree, join};
use super::{Log, history};

/// Lists every version folder, then hashes what the manifest names.
pub(super) fn check(tree: &dyn Tree, root: &Facts, history: &History, log: &mut Log) {
    let mut seen = BTreeSet::new();
    for version in &root.versions {
        list_version(tree, (version, root, history), &mut seen, log);
    }
    let claims = claims_by_file(root, &history.claims);
    let mut hasher = Hasher::new();
    for (path, digest) in &root.manifest.files {
        if !seen.remove(path) {
            log.error("E092", format!("{path:?} is in the manifest and not there"));
            continue;
        }
        let empty = Vec::new();
        let others = claims.get(path.as_str()).unwrap_or(&empty);
        check_file(tree, (path, root.algorithm, digest), others, (&mut hasher, log));
    }
    for path in seen {
        log.error("E023", format!("{path:?} is there and not in the manifest"));
    }
}

type Claim<'a> = (Algorithm, &'a str, bool);

/// What the newest fixity block and the earlier inventories claim.
fn claims_by_file<'a>(root: &'a Facts, earlier: &'a history::Claims) -> BTreeMap<&'a str, Vec<Claim<'a>>> {
    let mut claims: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
    for (algorithm, digest, path) in &root.fixity {
        claims.entry(path).or_default().push((*algorithm, digest, false));
    }
    for (path, digests) in earlier {
        let digests =
            digests.iter().map(|(algorithm, digest, manifest)| (*algorithm, digest.as_str(), *manifest));
        claims.entry(path).or_default().extend(digests);
    }
    claims
}

fn check_file(
    tree: &dyn Tree,
    (path, algorithm, digest): (&str, Algorithm, &str),
    others: &[Claim<'_>],
    (hasher, log): (&mut Hasher, &mut Log),
) {
    let all: BTreeSet<Algorithm> = others.iter().map(|claim| claim.0).chain([algorithm]).collect();
    let all: Vec<Algorithm> = all.into_iter().collect();
    let digests = match tree.open(path).and_then(|mut input| hasher.digests(&mut *input, &all)) {
        Ok(digests) => digests,
        Err(e) => return log.unreadable(path, &e),
    };
    for (algorithm, claimed, is_manifest) in [(algorithm, digest, true)].iter().chain(others) {
        let found = all.iter().zip(&digests).find(|(a, _)| *a == algorithm).map_or("", |(_, d)| d);
        if found != *claimed {
            let code = if *is_manifest { "E092" } else { "E093" };
            log.error(code, format!("{path:?} has another {} digest than {claimed}", algorithm.name()));
        }
    }
}

fn list_version(
    tree: &dyn Tree,
    (version, root, history): (&str, &Facts, &History),
    seen: &mut BTreeSet<String>,
    log: &mut Log,
) {
    let entries = match tree.list(version) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return log.error("E010", format!("version folder {version} is not there"));
        }
        Err(e) => return log.unreadable(version, &e),
    };
    let sidecar = history.sidecars.get(version).map(String::as_str);
    for entry in entries {
        let path = join(version, &entry.name);
        match entry.kind {
            Kind::File if entry.name == "inventory.json" || Some(entry.name.as_str()) == sidecar => {}
            Kind::File => log.error("E015", format!("{path:?} is a file in a version folder")),
            Kind::Folder if entry.name == root.content_directory => {
                let before = seen.len();
                walk(tree, path.clone(), seen, log);
                if seen.len() == before {
                    log.warn("W003", format!("{path:?} is empty"));
                }
            }
            Kind::Folder => log.warn("W002", format!("{path:?} is a folder beside the content")),
            Kind::Other => log.error("E090", format!("{path:?} is no regular file or folder")),
        }
    }
}

/// Every file under a content folder. Empty folders below it are wrong.
fn walk(tree: &dyn Tree, top: String, seen: &mut BTreeSet<String>, log: &mut Log) {
    let mut folders = vec![(top, true)];
    while let Some((folder, is_top)) = folders.pop() {
        let entries = match tree.list(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                log.unreadable(&folder, &e);
                continue;
            }
        };
        if entries.is_empty() && !is_top {
            log.error("E024", format!("{folder:?} is an empty folder"));
        }
        for entry in entries {
            let path = join(&folder, &entry.name);
            match entry.kind {
                Kind::File => drop(seen.insert(path)),
                Kind::Folder => folders.push((path, false)),
                Kind::Other => log.error("E090", format!("{path:?} is no regular file or folder")),
            }
        }
    }
}
