//! One object as a whole.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::digest::Algorithm;
use super::history::History;
use super::inventory::{self, Facts};
use super::tree::{FolderTree, Kind, Tree, TreeEntry, join, read};
use super::{Log, REGISTERED, Spec, content};
use crate::verdict::Verdict;

/// The longest inventory that is read.
const INVENTORY_MAX: u64 = 1 << 30;
/// The longest declaration or sidecar that is read.
const SMALL_MAX: u64 = 64 * 1024;

/// What is known of an object beside the verdict, for checks across a storage root.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) codes: BTreeSet<&'static str>,
    pub(super) id: Option<String>,
    pub(super) spec: Option<Spec>,
}

/// Judges the object at the top of `tree`.
pub fn validate_object_tree(tree: &dyn Tree) -> Verdict {
    judge(tree).verdict
}

/// Judges the object in a folder.
///
/// # Errors
/// When there is no such folder or it cannot be listed. What is unreadable below it is a finding.
pub fn validate_object(folder: &Path) -> io::Result<Verdict> {
    let tree = FolderTree::new(folder);
    tree.list("")?;
    Ok(validate_object_tree(&tree))
}

pub(super) fn judge(tree: &dyn Tree) -> Judged {
    let mut log = Log::default();
    let mut object = Object { tree, log: &mut log, spec: None, id: None };
    object.check();
    let (spec, id) = (object.spec, object.id.take());
    let codes = log.codes.clone();
    Judged { verdict: log.into_verdict(), codes, id, spec }
}

struct Object<'a> {
    tree: &'a dyn Tree,
    log: &'a mut Log,
    spec: Option<Spec>,
    id: Option<String>,
}

impl Object<'_> {
    fn check(&mut self) {
        let entries = match self.tree.list("") {
            Ok(entries) => entries,
            Err(e) => return self.log.unreadable("object root", &e),
        };
        self.spec = self.declaration(&entries);
        let Some(bytes) = self.read("inventory.json", INVENTORY_MAX) else {
            return self.log.error("E063", "no inventory.json in the object root");
        };
        let default = self.spec.unwrap_or(Spec::V1_1);
        let Some(root) = inventory::check(&bytes, "root", default, self.log) else { return };
        self.id.clone_from(&root.id);
        if self.spec.is_some_and(|spec| spec != root.spec) {
            self.log.error("E038", "the inventory's type is of another OCFL version than the declaration");
        }
        self.sidecar("", &bytes, root.algorithm);
        self.names(&entries, &root);
        if root.versions.is_empty() {
            return;
        }
        let history = self.history(&bytes, &root);
        content::check(self.tree, &root, &history, self.log);
    }

    fn read(&mut self, path: &str, max: u64) -> Option<Vec<u8>> {
        read(self.tree, path, max).unwrap_or_else(|e| {
            self.log.unreadable(path, &e);
            None
        })
    }

    /// The one file that says which OCFL this is; the newest if there are several.
    fn declaration(&mut self, entries: &[TreeEntry]) -> Option<Spec> {
        let declared: Vec<&str> = entries
            .iter()
            .filter(|e| e.kind == Kind::File && e.name.starts_with("0="))
            .map(|e| e.name.as_str())
            .collect();
        if declared.len() != 1 {
            self.log.error("E003", format!("{} version declarations", declared.len()));
        }
        let mut newest = None;
        for name in declared {
            let dvalue = &name[2..];
            let spec =
                Spec::ALL.into_iter().find(|spec| dvalue.strip_prefix("ocfl_object_") == Some(spec.text()));
            if spec.is_none() {
                self.log.error("E006", format!("declaration {name:?}"));
            }
            if self.read(name, SMALL_MAX).is_some_and(|text| text != format!("{dvalue}\n").into_bytes()) {
                self.log.error("E007", format!("the text of {name:?} is not its name"));
            }
            newest = newest.max(spec);
        }
        newest
    }

    /// An inventory's sidecar: present, well formed, right.
    fn sidecar(&mut self, folder: &str, inventory: &[u8], algorithm: Algorithm) -> String {
        let name = format!("inventory.json.{}", algorithm.name());
        let path = join(folder, &name);
        let Some(text) = self.read(&path, SMALL_MAX) else {
            self.log.error("E058", format!("no {path}"));
            return name;
        };
        let text = String::from_utf8_lossy(&text);
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(digest), Some("inventory.json"), None) => {
                if !digest.eq_ignore_ascii_case(&algorithm.of(inventory)) {
                    self.log.error("E060", format!("{path} has another digest than the inventory"));
                }
            }
            _ => self.log.error("E061", format!("{path} is not \"DIGEST inventory.json\"")),
        }
        name
    }

    /// Only what the specification names lies in the object root.
    fn names(&mut self, entries: &[TreeEntry], root: &Facts) {
        let sidecar = format!("inventory.json.{}", root.algorithm.name());
        for TreeEntry { name, kind } in entries {
            let looks_like_version = name
                .strip_prefix('v')
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            match kind {
                Kind::File if *name == "inventory.json" || *name == sidecar || name.starts_with("0=") => {}
                Kind::Folder if root.versions.contains(name) || name == "logs" => {}
                Kind::Folder if name == "extensions" => self.extensions(),
                Kind::Folder if looks_like_version => {
                    self.log.error(
                        "E046",
                        format!("folder {name:?} is a version that the inventory does not know"),
                    );
                }
                Kind::Other => self.log.error("E090", format!("{name:?} is no regular file or folder")),
                _ => self.log.error("E001", format!("{name:?} does not belong in an object root")),
            }
        }
    }

    fn extensions(&mut self) {
        match self.tree.list("extensions") {
            Err(e) => self.log.unreadable("extensions", &e),
            Ok(entries) => {
                for TreeEntry { name, kind } in entries {
                    if kind != Kind::Folder {
                        self.log.error("E067", format!("{name:?} in extensions is no folder"));
                    } else if !REGISTERED.contains(&name.as_str()) {
                        self.log.warn("W013", format!("extension {name:?} is not registered"));
                    }
                }
            }
        }
    }

    /// The inventories in the version folders.
    fn history(&mut self, root_bytes: &[u8], root: &Facts) -> History {
        let mut history = History::default();
        for version in &root.versions {
            let Some(bytes) = self.read(&join(version, "inventory.json"), INVENTORY_MAX) else {
                self.log.warn("W010", format!("{version} has no inventory"));
                continue;
            };
            if Some(version) == root.versions.last() {
                self.newest(version, (&bytes, root_bytes), root, &mut history);
            } else {
                self.earlier(version, &bytes, root, &mut history);
            }
        }
        history
    }

    fn newest(
        &mut self,
        version: &str,
        (bytes, root_bytes): (&[u8], &[u8]),
        root: &Facts,
        history: &mut History,
    ) {
        if bytes != root_bytes {
            self.log.error("E064", format!("the inventory of {version} is not the root's"));
        }
        let sidecar = self.sidecar(version, bytes, root.algorithm);
        history.sidecars.insert(version.to_owned(), sidecar);
        history.follow(version, root.spec, self.log);
    }

    fn earlier(&mut self, version: &str, bytes: &[u8], root: &Facts, history: &mut History) {
        let Some(prior) = inventory::check(bytes, version, root.spec, self.log) else { return };
        let sidecar = self.sidecar(version, bytes, prior.algorithm);
        history.sidecars.insert(version.to_owned(), sidecar);
        history.compare(version, &prior, root, self.log);
        history.follow(version, prior.spec, self.log);
    }
}
