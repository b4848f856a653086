//! Looks into containers: a zip by its entries, a compound file by its streams, and compares them with the rules.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use super::cfb::CompoundFile;
use super::matcher::Subject;
use super::signatures::{ContainerKind, ContainerRule, Signatures};
use crate::archive::{Limits, ReadAt, ZipArchive};

/// Bytes of one part that rules look at.
const PART: u64 = 256 << 10;

/// An opened container of either kind.
enum Opened<'a> {
    Zip(&'a ZipArchive, HashMap<&'a str, usize>),
    Ole2(CompoundFile<'a>),
}

/// What a container's parts say.
pub(super) struct Told {
    /// Rows whose rule fits, without those that give way.
    pub(super) rows: Vec<usize>,
    /// A zip with `OFD.xml` at its root (GB/T 33190).
    pub(super) is_ofd: bool,
}

/// Compares a container with the rules; `None` for what does not open.
pub(super) fn look(signatures: &Signatures, source: &Arc<dyn ReadAt>, kind: ContainerKind) -> Option<Told> {
    match kind {
        ContainerKind::Zip => {
            let archive = ZipArchive::open(Arc::clone(source), &Limits::DOCUMENT).ok()?;
            let names = archive.entries().iter().enumerate().map(|(i, e)| (e.path.as_str(), i)).collect();
            Some(compare(signatures, kind, &Opened::Zip(&archive, names)))
        }
        ContainerKind::Ole2 => {
            let file = CompoundFile::open(&**source).ok()?;
            Some(compare(signatures, kind, &Opened::Ole2(file)))
        }
    }
}

fn compare(signatures: &Signatures, kind: ContainerKind, opened: &Opened<'_>) -> Told {
    let mut held: HashMap<&str, Vec<u8>> = HashMap::new();
    let mut found = Vec::new();
    for rule in signatures.rules.iter().filter(|rule| rule.kind == kind) {
        if rule.parts.iter().all(|(path, _)| opened.has(path)) && holds(rule, opened, &mut held) {
            found.push(rule.row);
        }
    }
    found.sort_unstable();
    found.dedup();
    let is_ofd = matches!(opened, Opened::Zip(_, names) if names.contains_key("OFD.xml"));
    Told { rows: signatures.without_beaten(&found), is_ofd }
}

fn holds<'r>(rule: &'r ContainerRule, opened: &Opened<'_>, held: &mut HashMap<&'r str, Vec<u8>>) -> bool {
    rule.parts.iter().filter(|(_, patterns)| !patterns.is_empty()).all(|(path, patterns)| {
        let bytes = held.entry(path).or_insert_with(|| opened.read(path));
        let subject = Subject::new(bytes, bytes);
        patterns.iter().all(|pattern| subject.fits(pattern))
    })
}

impl Opened<'_> {
    fn has(&self, path: &str) -> bool {
        match self {
            Self::Zip(archive, names) => match path.strip_suffix('/') {
                None => names.contains_key(path),
                Some(folder) => {
                    archive.folders().iter().any(|f| f == folder)
                        || names
                            .keys()
                            .any(|name| name.strip_prefix(folder).is_some_and(|n| n.starts_with('/')))
                }
            },
            Self::Ole2(file) => file.has(path),
        }
    }

    fn read(&self, path: &str) -> Vec<u8> {
        match self {
            Self::Zip(archive, names) => {
                let mut bytes = Vec::new();
                let Some(index) = names.get(path) else { return bytes };
                // What was read before a fault is still what the part begins with.
                let _ = archive.read(*index).take(PART).read_to_end(&mut bytes);
                bytes
            }
            Self::Ole2(file) => file.read(path, PART).unwrap_or_default(),
        }
    }
}
