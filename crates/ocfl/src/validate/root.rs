//! A storage root: its declaration and layout, what lies between the objects, and every object, on all cores.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use dengbei_records::Sha256;
use serde_json::Value;

use super::object::{Judged, judge};
use super::tree::{FolderTree, Kind, Tree, TreeEntry, Under, join, read};
use super::{Log, REGISTERED, Spec, json};
use crate::layout::{self, Layout};
use crate::verdict::Verdict;

/// The longest layout file or declaration that is read.
const SMALL_MAX: u64 = 1 << 20;
/// Objects found and not yet judged.
const WAITING: usize = 64;

/// What a storage root was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootReport {
    /// Root and objects together: the worst counts.
    pub verdict: Verdict,
    /// Objects found.
    pub objects: u64,
    /// Objects without errors.
    pub acceptable: u64,
}

/// Judges the storage root at the top of `tree`, and every object in it.
pub fn validate_root_tree(tree: &dyn Tree) -> RootReport {
    let mut log = Log::default();
    let entries = match tree.list("") {
        Ok(entries) => entries,
        Err(e) => {
            log.unreadable("storage root", &e);
            return RootReport { verdict: log.into_verdict(), objects: 0, acceptable: 0 };
        }
    };
    let spec = declaration(tree, &entries, &mut log);
    let has_our_layout = check_layout(tree, &mut log);
    extensions(tree, &entries, &mut log);
    let mut summary = Summary { log, spec, has_our_layout, ids: HashMap::new(), objects: 0, acceptable: 0 };
    judge_objects(tree, &entries, &mut summary);
    RootReport {
        verdict: summary.log.into_verdict(),
        objects: summary.objects,
        acceptable: summary.acceptable,
    }
}

/// Judges the storage root in a folder.
///
/// # Errors
/// When there is no such folder or it cannot be listed. What is unreadable below it is a finding.
pub fn validate_root(folder: &Path) -> io::Result<RootReport> {
    let tree = FolderTree::new(folder);
    tree.list("")?;
    Ok(validate_root_tree(&tree))
}

fn declaration(tree: &dyn Tree, entries: &[TreeEntry], log: &mut Log) -> Option<Spec> {
    let declared: Vec<&str> = entries
        .iter()
        .filter(|e| e.kind == Kind::File && e.name.starts_with("0="))
        .map(|e| e.name.as_str())
        .collect();
    let [name] = declared[..] else {
        log.error(
            if declared.is_empty() { "E069" } else { "E076" },
            format!("{} root declarations", declared.len()),
        );
        return None;
    };
    let dvalue = &name[2..];
    let spec = Spec::ALL.into_iter().find(|spec| dvalue.strip_prefix("ocfl_") == Some(spec.text()));
    if spec.is_none() {
        log.error("E079", format!("root declaration {name:?}"));
    }
    match read(tree, name, SMALL_MAX) {
        Ok(Some(text)) if text == format!("{dvalue}\n").into_bytes() => {}
        Ok(_) => log.error("E080", format!("the text of {name:?} is not its name")),
        Err(e) => log.unreadable(name, &e),
    }
    spec
}

/// Checks `ocfl_layout.json`; whether it is the layout that we write, so that places can be checked.
fn check_layout(tree: &dyn Tree, log: &mut Log) -> bool {
    let bytes = match read(tree, "ocfl_layout.json", SMALL_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return false,
        Err(e) => {
            log.unreadable("ocfl_layout.json", &e);
            return false;
        }
    };
    let value = json::parse(&bytes).unwrap_or(Value::Null);
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("extension"), text("description")) {
        (Some(extension), Some(_)) if !REGISTERED.contains(&extension) => {
            log.error("E071", format!("layout {extension:?} is not registered"));
            false
        }
        (Some(extension), Some(_)) => extension == layout::EXTENSION && has_our_parameters(tree),
        _ => {
            log.error("E070", "ocfl_layout.json lacks extension or description");
            false
        }
    }
}

fn has_our_parameters(tree: &dyn Tree) -> bool {
    let config = match read(tree, Layout::ROOT_FILES[2].path, SMALL_MAX) {
        Ok(Some(bytes)) => json::parse(&bytes).unwrap_or(Value::Null),
        Ok(None) => return true, // the extension's defaults are what we write
        Err(_) => return false,
    };
    let is = |key: &str, ours: Value| config.get(key).is_none_or(|value| *value == ours);
    is("digestAlgorithm", "sha256".into()) && is("tupleSize", 3.into()) && is("numberOfTuples", 3.into())
}

fn extensions(tree: &dyn Tree, entries: &[TreeEntry], log: &mut Log) {
    if !entries.iter().any(|e| e.name == "extensions" && e.kind == Kind::Folder) {
        return;
    }
    match tree.list("extensions") {
        Err(e) => log.unreadable("extensions", &e),
        Ok(entries) => {
            for TreeEntry { name, kind } in entries {
                if kind != Kind::Folder {
                    log.error("E112", format!("{name:?} in extensions is no folder"));
                } else if !REGISTERED.contains(&name.as_str()) {
                    log.warn("W016", format!("extension {name:?} is not registered"));
                }
            }
        }
    }
}

/// What came together of all objects.
struct Summary {
    log: Log,
    spec: Option<Spec>,
    has_our_layout: bool,
    /// Digest of an id → where its object lies.
    ids: HashMap<Sha256, String>,
    objects: u64,
    acceptable: u64,
}

impl Summary {
    fn add(&mut self, place: &str, judged: Judged) {
        self.objects += 1;
        self.acceptable += u64::from(judged.verdict.is_acceptable());
        self.log.absorb(place, judged.verdict, &judged.codes);
        if judged.spec > self.spec && self.spec.is_some() {
            self.log.error("E081", format!("{place}: its OCFL version is newer than the root's"));
        }
        let Some(id) = judged.id else { return };
        if self.has_our_layout && Layout::object_root(&id) != place {
            self.log.error(
                "E083",
                format!("{place}: by the layout, {id:?} belongs in {}", Layout::object_root(&id)),
            );
        }
        if let Some(other) = self.ids.insert(Sha256::of(id.as_bytes()), place.to_owned()) {
            self.log.error("E037", format!("{place} and {other} have the same id {id:?}"));
        }
    }
}

/// One thread walks, the others judge, this one sums up.
fn judge_objects(tree: &dyn Tree, entries: &[TreeEntry], summary: &mut Summary) {
    let (found, places) = sync_channel::<String>(WAITING);
    let (done, results) = sync_channel::<(String, Judged)>(WAITING);
    let places = Mutex::new(places);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (places, done) = (&places, done.clone());
            scope.spawn(move || work(tree, places, &done));
        }
        drop(done);
        let walker = scope.spawn(move || walk(tree, entries, &found));
        for (place, judged) in results {
            summary.add(&place, judged);
        }
        if let Ok(log) = walker.join() {
            let codes: BTreeSet<&'static str> = log.codes.clone();
            summary.log.absorb("storage root", log.into_verdict(), &codes);
        }
    });
}

fn work(tree: &dyn Tree, places: &Mutex<Receiver<String>>, done: &SyncSender<(String, Judged)>) {
    loop {
        let next = places.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(place) = next else { return };
        let judged = judge(&Under { tree, folder: &place });
        if done.send((place, judged)).is_err() {
            return;
        }
    }
}

/// Finds object roots; notes what else lies between.
fn walk(tree: &dyn Tree, entries: &[TreeEntry], found: &SyncSender<String>) -> Log {
    let mut log = Log::default();
    let is_hierarchy = |e: &&TreeEntry| e.kind == Kind::Folder && e.name != "extensions";
    let mut folders: Vec<String> = entries.iter().filter(is_hierarchy).map(|e| e.name.clone()).collect();
    folders.sort_by(|a, b| b.cmp(a));
    while let Some(folder) = folders.pop() {
        let entries = match tree.list(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                log.unreadable(&folder, &e);
                continue;
            }
        };
        let is_object = entries.iter().any(|e| e.kind == Kind::File && e.name.starts_with("0="));
        if is_object {
            if found.send(folder).is_err() {
                return log;
            }
        } else {
            folders.extend(descend(&folder, &entries, &mut log));
        }
    }
    log
}

/// The folders below a folder that is no object, last first.
fn descend(folder: &str, entries: &[TreeEntry], log: &mut Log) -> Vec<String> {
    if entries.is_empty() {
        log.error("E073", format!("{folder:?} is an empty folder"));
    }
    let mut below = Vec::new();
    for entry in entries {
        let path = join(folder, &entry.name);
        match entry.kind {
            Kind::Folder => below.push(path),
            Kind::File => log.error("E072", format!("{path:?} is part of no object")),
            Kind::Other => log.error("E090", format!("{path:?} is no regular file or folder")),
        }
    }
    below.sort_by(|a, b| b.cmp(a));
    below
}
