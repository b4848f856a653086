//! An inventory by itself: its keys, its versions in sequence, each version's block.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::blocks::{self, Manifest};
use super::digest::Algorithm;
use super::{Log, Spec};

/// What the rest of the validator needs to know of an inventory; built even from a wrong one, as far as it goes.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(super) id: Option<String>,
    pub(super) spec: Spec,
    pub(super) algorithm: Algorithm,
    pub(super) content_directory: String,
    pub(super) is_content_directory_set: bool,
    /// Version folders in sequence.
    pub(super) versions: Vec<String>,
    pub(super) manifest: Manifest,
    /// Version → logical path → digest.
    pub(super) states: BTreeMap<String, BTreeMap<String, String>>,
    /// Version → (created, message, user).
    pub(super) meta: BTreeMap<String, [Value; 3]>,
    /// (algorithm, digest, content path).
    pub(super) fixity: Vec<(Algorithm, String, String)>,
}

/// What is being looked at, and where findings go.
pub(super) struct Scene<'a> {
    pub(super) place: &'a str,
    pub(super) log: &'a mut Log,
}

impl Scene<'_> {
    pub(super) fn error(&mut self, code: &'static str, detail: impl std::fmt::Display) {
        self.log.error(code, format!("{}: {detail}", self.place));
    }

    pub(super) fn warn(&mut self, code: &'static str, detail: impl std::fmt::Display) {
        self.log.warn(code, format!("{}: {detail}", self.place));
    }
}

/// Checks the inventory found at `place`. `None` when it is too wrong to go on with.
pub(crate) fn check(bytes: &[u8], place: &str, default: Spec, log: &mut Log) -> Option<Facts> {
    let mut scene = Scene { place, log };
    let value = match super::json::parse(bytes) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            scene.error("E033", "not a JSON object");
            return None;
        }
        Err(e) => {
            scene.error("E033", e);
            return None;
        }
    };
    check_fields(&value, default, &mut scene)
}

fn check_fields(fields: &Map<String, Value>, default: Spec, scene: &mut Scene<'_>) -> Option<Facts> {
    refuse_unknown(fields, &TOP_KEYS, scene);
    let id = check_id(fields, scene);
    let spec = check_type(fields, scene).unwrap_or(default);
    let algorithm = check_algorithm(fields, scene)?;
    let content_directory = check_content_directory(fields, scene);
    let is_content_directory_set = content_directory.is_some();
    let content_directory = content_directory.unwrap_or_else(|| "content".to_owned());
    let manifest = blocks::manifest(fields.get("manifest"), (algorithm, &content_directory, spec), scene);
    let mut facts = Facts {
        id,
        spec,
        algorithm,
        content_directory,
        is_content_directory_set,
        versions: Vec::new(),
        manifest,
        states: BTreeMap::new(),
        meta: BTreeMap::new(),
        fixity: Vec::new(),
    };
    check_versions(fields, &mut facts, scene);
    check_head(fields, &facts, scene);
    if !facts.versions.is_empty() {
        check_use(&facts, scene);
    }
    if let Some(fixity) = fields.get("fixity") {
        facts.fixity = blocks::fixity(fixity, &facts, scene);
    }
    Some(facts)
}

const TOP_KEYS: [&str; 8] =
    ["id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity"];
const VERSION_KEYS: [&str; 4] = ["created", "message", "state", "user"];

fn refuse_unknown(fields: &Map<String, Value>, known: &[&str], scene: &mut Scene<'_>) {
    for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
        scene.error("E102", format!("key {key:?} is not specified"));
    }
}

fn check_id(fields: &Map<String, Value>, scene: &mut Scene<'_>) -> Option<String> {
    match fields.get("id") {
        None => scene.error("E036", "no id"),
        Some(Value::String(id)) if !id.is_empty() => {
            if !is_uri(id) {
                scene.warn("W005", format!("id {id:?} is no URI"));
            }
            return Some(id.clone());
        }
        Some(_) => scene.error("E037", "id is no text or empty"),
    }
    None
}

/// A scheme, a colon and something (RFC 3986, 3).
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(allowed)
}

fn check_type(fields: &Map<String, Value>, scene: &mut Scene<'_>) -> Option<Spec> {
    let Some(kind) = fields.get("type") else {
        scene.error("E036", "no type");
        return None;
    };
    let is_of = |spec: &Spec| *kind == format!("https://ocfl.io/{}/spec/#inventory", spec.text());
    let spec = Spec::ALL.into_iter().find(is_of);
    if spec.is_none() {
        scene.error("E038", format!("type {kind} is no inventory of OCFL 1.0 or 1.1"));
    }
    spec
}

fn check_algorithm(fields: &Map<String, Value>, scene: &mut Scene<'_>) -> Option<Algorithm> {
    match fields.get("digestAlgorithm") {
        None => {
            scene.error("E036", "no digestAlgorithm");
            Some(Algorithm::Sha512)
        }
        Some(Value::String(name)) if name == "sha512" => Some(Algorithm::Sha512),
        Some(Value::String(name)) if name == "sha256" => {
            scene.warn("W004", "content is addressed by sha256");
            Some(Algorithm::Sha256)
        }
        Some(other) => {
            scene.error("E025", format!("digestAlgorithm {other}"));
            None
        }
    }
}

fn check_content_directory(fields: &Map<String, Value>, scene: &mut Scene<'_>) -> Option<String> {
    match fields.get("contentDirectory")? {
        Value::String(name) if name == "." || name == ".." => {
            scene.error("E018", "contentDirectory is a dot");
        }
        Value::String(name) if !name.is_empty() && !name.contains('/') => return Some(name.clone()),
        other => scene.error("E017", format!("contentDirectory {other}")),
    }
    None
}

fn check_versions(fields: &Map<String, Value>, facts: &mut Facts, scene: &mut Scene<'_>) {
    let versions = match fields.get("versions") {
        Some(Value::Object(versions)) => versions,
        Some(_) => return scene.error("E044", "versions is no object"),
        None => return scene.error("E041", "no versions"),
    };
    facts.versions = sequence(versions, scene);
    for name in facts.versions.clone() {
        match versions.get(&name) {
            Some(Value::Object(version)) => check_version(&name, version, facts, scene),
            _ => scene.error("E047", format!("{name} is no object")),
        }
    }
}

/// The version names from 1 on without gaps, in one way of writing.
fn sequence(versions: &Map<String, Value>, scene: &mut Scene<'_>) -> Vec<String> {
    if versions.is_empty() {
        scene.error("E008", "no versions");
        return Vec::new();
    }
    let Some(width) = (1..=10).find(|width| versions.contains_key(&format!("v{:0width$}", 1))) else {
        scene.error("E009", "there is no version 1");
        return Vec::new();
    };
    if width > 1 {
        scene.warn("W001", "version numbers are padded with zeros");
    }
    // A padded number keeps its leading zero, so its digits run out; an unpadded one is as long as it is.
    let name = |n: usize| format!("v{n:0width$}");
    let fits = |n: usize| width == 1 || n.to_string().len() < width;
    let found: Vec<String> = (1..=versions.len())
        .filter(|n| fits(*n))
        .map(name)
        .take_while(|v| versions.contains_key(v))
        .collect();
    if found.len() != versions.len() {
        let known: BTreeSet<&String> = found.iter().collect();
        let extra = versions.keys().find(|key| !known.contains(key)).map_or("", String::as_str);
        let is_number =
            extra.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let other_width =
            is_number && (extra.starts_with("v0") != (width > 1) || (width > 1 && extra.len() != width + 1));
        let code = if !is_number {
            "E046"
        } else if other_width {
            "E013"
        } else {
            "E010"
        };
        scene.error(code, format!("version {extra:?} is out of sequence"));
    }
    found
}

fn check_head(fields: &Map<String, Value>, facts: &Facts, scene: &mut Scene<'_>) {
    match (fields.get("head"), facts.versions.last()) {
        (None, _) => scene.error("E036", "no head"),
        (Some(head), Some(last)) if head == last.as_str() => {}
        (Some(head), Some(last)) => scene.error("E040", format!("head is {head}, the newest version {last}")),
        (Some(_), None) => {}
    }
}

fn check_version(name: &str, version: &Map<String, Value>, facts: &mut Facts, scene: &mut Scene<'_>) {
    refuse_unknown(version, &VERSION_KEYS, scene);
    match version.get("created") {
        None => scene.error("E048", format!("{name} has no created")),
        Some(Value::String(created)) if chrono::DateTime::parse_from_rfc3339(created).is_ok() => {}
        Some(other) => scene.error("E049", format!("{name} created {other} is no RFC 3339 time")),
    }
    match version.get("state") {
        None => scene.error("E048", format!("{name} has no state")),
        Some(state) => {
            let state = blocks::state(state, (name, facts.algorithm, &facts.manifest), scene);
            facts.states.insert(name.to_owned(), state);
        }
    }
    match version.get("message") {
        None => scene.warn("W007", format!("{name} has no message")),
        Some(Value::String(_)) => {}
        Some(other) => scene.error("E094", format!("{name} message {other}")),
    }
    check_user(name, version.get("user"), scene);
    let field = |key: &str| version.get(key).cloned().unwrap_or(Value::Null);
    facts.meta.insert(name.to_owned(), [field("created"), field("message"), field("user")]);
}

fn check_user(version: &str, user: Option<&Value>, scene: &mut Scene<'_>) {
    let user = match user {
        None => return scene.warn("W007", format!("{version} has no user")),
        Some(Value::Object(user)) => user,
        Some(_) => return scene.error("E054", format!("{version} user is no object")),
    };
    if !matches!(user.get("name"), Some(Value::String(name)) if !name.is_empty()) {
        scene.error("E054", format!("{version} user has no name"));
    }
    match user.get("address") {
        None => scene.warn("W008", format!("{version} user has no address")),
        Some(Value::String(address)) if is_uri(address) => {}
        Some(Value::String(address)) => {
            scene.warn("W009", format!("{version} address {address:?} is no URI"));
        }
        Some(_) => scene.error("E054", format!("{version} address is no text")),
    }
}

/// Every digest of a state stands in the manifest (checked with the state); every one of the manifest in a state.
fn check_use(facts: &Facts, scene: &mut Scene<'_>) {
    let used: BTreeSet<&String> = facts.states.values().flat_map(BTreeMap::values).collect();
    for digest in facts.manifest.digests.iter().filter(|digest| !used.contains(digest)) {
        scene.error("E107", format!("digest {digest} is in the manifest and in no state"));
    }
    for path in facts.manifest.files.keys() {
        let version = path.split('/').next().unwrap_or_default();
        if !facts.versions.iter().any(|v| v == version) {
            scene.error("E042", format!("content path {path:?} begins with no version"));
        }
    }
}
