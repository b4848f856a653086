//! The inventories of earlier versions against the newest: same object, same states, same places.

use std::collections::BTreeMap;

use super::digest::Algorithm;
use super::inventory::Facts;
use super::{Log, Spec};

/// What earlier inventories claim of a file: (digest algorithm, digest, is in a manifest).
pub(super) type Claims = BTreeMap<String, Vec<(Algorithm, String, bool)>>;

/// What was seen of earlier versions while going through them in order.
#[derive(Default)]
pub(super) struct History {
    pub(super) claims: Claims,
    /// Version folder → name of its sidecar.
    pub(super) sidecars: BTreeMap<String, String>,
    spec: Option<(Spec, String)>,
    is_content_directory_set: Option<bool>,
}

impl History {
    /// A version's specification must not be older than the one before.
    pub(super) fn follow(&mut self, version: &str, spec: Spec, log: &mut Log) {
        if let Some((before, name)) = &self.spec
            && *before > spec
        {
            log.error(
                "E103",
                format!("{version} is OCFL {}, {name} before it {}", spec.text(), before.text()),
            );
        }
        self.spec = Some((spec, version.to_owned()));
    }

    /// Compares the inventory of an earlier version with the newest, and notes what it claims.
    pub(super) fn compare(&mut self, version: &str, prior: &Facts, root: &Facts, log: &mut Log) {
        if prior.id != root.id && prior.id.is_some() {
            log.error("E037", format!("{version}: id {:?} differs from the root's {:?}", prior.id, root.id));
        }
        if prior.versions.last().map(String::as_str) != Some(version) {
            log.error("E040", format!("{version}: its inventory is of another version"));
        }
        self.compare_content_directory(version, prior, root, log);
        for path in self.claims.keys().filter(|path| !prior.manifest.files.contains_key(*path)) {
            log.error("E023", format!("{version}: manifest lacks {path:?}, which an earlier one has"));
        }
        for (path, digest) in &prior.manifest.files {
            self.claims.entry(path.clone()).or_default().push((prior.algorithm, digest.clone(), true));
        }
        for (algorithm, digest, path) in &prior.fixity {
            self.claims.entry(path.clone()).or_default().push((*algorithm, digest.clone(), false));
        }
        compare_states(version, prior, root, log);
    }

    fn compare_content_directory(&mut self, version: &str, prior: &Facts, root: &Facts, log: &mut Log) {
        let first = *self.is_content_directory_set.get_or_insert(prior.is_content_directory_set);
        if !first && (prior.is_content_directory_set || root.is_content_directory_set) {
            log.error("E019", format!("{version}: contentDirectory is not set in the first version"));
        }
        if prior.content_directory != root.content_directory {
            log.error("E020", format!("{version}: contentDirectory differs from the root's"));
        }
    }
}

fn compare_states(version: &str, prior: &Facts, root: &Facts, log: &mut Log) {
    if prior.versions.len() >= root.versions.len()
        || prior.versions.iter().any(|v| !root.versions.contains(v))
    {
        return log.error("E066", format!("{version}: its inventory has versions that the root's has not"));
    }
    for name in &prior.versions {
        let (Some(then), Some(now)) = (prior.states.get(name), root.states.get(name)) else { continue };
        if !then.keys().eq(now.keys()) {
            log.error("E066", format!("{version}: logical paths of {name} differ from the root's"));
        } else if then.iter().zip(now).any(|((_, old), (_, new))| !is_same_content((prior, old), (root, new)))
        {
            log.error("E066", format!("{version}: content of {name} differs from the root's"));
        }
        if prior.meta.get(name) != root.meta.get(name) {
            log.warn("W011", format!("{version}: created, message or user of {name} differ from the root's"));
        }
    }
}

/// Whether two digests mean the same bytes: equal where the algorithm is, else lying in the same places.
fn is_same_content((prior, old): (&Facts, &str), (root, new): (&Facts, &str)) -> bool {
    if prior.algorithm == root.algorithm && old != new {
        return false;
    }
    let places = prior.manifest.files.iter().filter(|(_, digest)| *digest == old);
    places
        .map(|(path, _)| root.manifest.files.get(path))
        .all(|digest| digest.is_some_and(|digest| digest == new))
}
