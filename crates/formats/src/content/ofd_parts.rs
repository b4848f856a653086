//! The parts of an OFD: found by the places that documents write, read with one budget for all. Neighbours: `archive`
//! before; `ofd_document`, `ofd_signatures` and `ofd_text` after.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;

use crate::archive::ZipArchive;
use crate::signature::DigestMethod;
use crate::xml::{self, Node};

/// XML of all parts that are read, together.
const MAX_XML: u64 = 64 << 20;
/// A signature's value: a seal with its picture.
const MAX_VALUE: u64 = 16 << 20;

/// By part and method; `None` for a part that does not read to its end.
type Digests = HashMap<(usize, DigestMethod), Option<Vec<u8>>>;

/// An opened OFD.
pub(super) struct Parts<'a> {
    archive: &'a ZipArchive,
    places: HashMap<&'a str, usize>,
    /// Places in lower case: some writers spell a folder in two ways.
    lower: HashMap<String, usize>,
    /// What some other part refers to.
    visited: RefCell<BTreeSet<usize>>,
    digests: RefCell<Digests>,
    budget: Cell<u64>,
}

/// Why a part was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    Missing,
    Malformed,
}

impl<'a> Parts<'a> {
    pub(super) fn of(archive: &'a ZipArchive) -> Self {
        let places = archive.entries().iter().enumerate().map(|(i, e)| (e.path.as_str(), i)).collect();
        let lower = archive.entries().iter().enumerate().map(|(i, e)| (e.path.to_lowercase(), i)).collect();
        Self {
            archive,
            places,
            lower,
            visited: RefCell::default(),
            digests: RefCell::default(),
            budget: Cell::new(MAX_XML),
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    pub(super) fn path(&self, part: usize) -> &'a str {
        self.archive.entries().get(part).map_or("", |entry| entry.path.as_str())
    }

    /// A part by its place: absolute with `/`, else relative to `folder` (some writers give it from the top).
    pub(super) fn find(&self, folder: &str, location: &str) -> Option<usize> {
        let location = location.trim();
        if location.is_empty() {
            return None;
        }
        let found = match location.strip_prefix('/') {
            Some(absolute) => self.at(absolute),
            None => self.at(&format!("{folder}/{location}")).or_else(|| self.at(location)),
        };
        if let Some(part) = found {
            self.visited.borrow_mut().insert(part);
        }
        found
    }

    fn at(&self, path: &str) -> Option<usize> {
        let path = normal(path)?;
        self.places.get(path.as_str()).or_else(|| self.lower.get(&path.to_lowercase())).copied()
    }

    /// The files that no other part refers to.
    pub(super) fn unvisited(&self) -> Vec<String> {
        let visited = self.visited.borrow();
        (0..self.archive.entries().len())
            .filter(|part| !visited.contains(part))
            .map(|part| self.path(part).to_owned())
            .collect()
    }

    /// Every file's number.
    pub(super) fn all(&self) -> std::ops::Range<usize> {
        0..self.archive.entries().len()
    }

    /// A part's bytes, up to what a signature's value may hold.
    pub(super) fn bytes(&self, part: usize) -> Option<Vec<u8>> {
        let declared = self.archive.entries().get(part)?.bytes;
        self.spend(declared.min(MAX_VALUE))?;
        let mut bytes = Vec::new();
        self.archive.read(part).take(MAX_VALUE + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= MAX_VALUE).then_some(bytes)
    }

    /// A part as XML.
    pub(super) fn xml(&self, part: usize) -> Result<Node, Unread> {
        let bytes = self.bytes(part).filter(|bytes| bytes.len() as u64 <= xml::MAX_BYTES);
        let document = xml::read(self.path(part), &bytes.ok_or(Unread::Malformed)?);
        if document.fault.is_some() { Err(Unread::Malformed) } else { Ok(document.root) }
    }

    /// The XML at a place.
    pub(super) fn document(&self, folder: &str, location: &str) -> Result<(usize, Node), Unread> {
        let part = self.find(folder, location).ok_or(Unread::Missing)?;
        Ok((part, self.xml(part)?))
    }

    /// A part's digest; each is computed once. `None` when the part does not read to its end.
    pub(super) fn digest(&self, part: usize, method: DigestMethod) -> Option<Vec<u8>> {
        if let Some(known) = self.digests.borrow().get(&(part, method)) {
            return known.clone();
        }
        let digest = self.compute(part, method);
        self.digests.borrow_mut().insert((part, method), digest.clone());
        digest
    }

    fn compute(&self, part: usize, method: DigestMethod) -> Option<Vec<u8>> {
        let mut hasher = method.hasher();
        let mut reader = self.archive.read(part);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.read(&mut buffer).ok()? {
                0 => return Some(hasher.finish()),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    fn spend(&self, bytes: u64) -> Option<()> {
        self.budget.set(self.budget.get().checked_sub(bytes + 1)?);
        Some(())
    }
}

/// `Doc_0/./Res/../a.xml` → `Doc_0/a.xml`; nothing may climb out of the file.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// The folder that a path lies in.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_resolved_inside_the_file_only() {
        assert_eq!(normal("Doc_0/./Res//../a.xml").unwrap(), "Doc_0/a.xml");
        assert_eq!(normal("../a.xml"), None);
        assert_eq!(folder_of("Doc_0/Pages/P.xml"), "Doc_0/Pages");
    }
}
