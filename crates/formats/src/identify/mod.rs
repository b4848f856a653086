//! Which format a file is, told by its content with PRONOM's ids (PUID), as archives the world over name formats.
//!
//! An engine over byte sequences (`pattern`, `matcher`) and containers (`container`, `cfb`) runs either our own table of
//! facts (`table`) or the official signature files that an operator gives (`droid`). OFD, which PRONOM does not know, is
//! told by its own rule: a zip with `OFD.xml` (GB/T 33190). Whether the file opens is the business of `content`.

pub(crate) mod cfb;
mod container;
mod droid;
mod index;
mod matcher;
mod pattern;
mod signatures;
mod table;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::archive::ReadAt;
use matcher::Subject;
use signatures::ContainerKind;
pub use signatures::Signatures;

/// What told the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Its bytes.
    Signature,
    /// The parts inside a zip or compound file.
    Container,
    /// Only its name; the content does not contradict.
    Extension,
}

/// Another format that it may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// PRONOM's id.
    pub puid: String,
    /// Name.
    pub name: String,
    /// Version; empty where the registry gives none.
    pub version: String,
}

/// Which format a file is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// PRONOM's id; none for OFD, which has none, and for the unknown.
    pub puid: Option<String>,
    /// The format's name; empty for the unknown.
    pub name: String,
    /// Version, where the signature tells one.
    pub version: Option<String>,
    /// Media type.
    pub mime: Option<String>,
    /// What told it; none for the unknown.
    pub basis: Option<Basis>,
    /// What else fits as well.
    pub alternatives: Vec<Candidate>,
}

impl Identification {
    /// Whether the format is known, by content or as the text that its name promises.
    pub fn is_known(&self) -> bool {
        self.basis.is_some()
    }
}

/// What the engine sees of a file.
pub struct Seen<'a> {
    /// Its first bytes, or all.
    pub head: &'a [u8],
    /// Its last bytes, or all.
    pub tail: &'a [u8],
    /// The whole file, for containers.
    pub source: Option<Arc<dyn ReadAt>>,
    /// Its name's ending, without the dot.
    pub ending: Option<&'a str>,
    /// Whether the bytes are text of a known encoding.
    pub is_text: bool,
}

impl std::fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen")
            .field("head", &self.head.len())
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

impl Signatures {
    /// Our own table, compiled in.
    pub fn builtin() -> &'static Self {
        &table::BUILTIN
    }

    /// Tells a file's format. Costs a few comparisons a format; patterns without a place cost one pass over what is
    /// held for each text they look for. Bounded by a budget of steps.
    pub fn identify(&self, seen: &Seen<'_>) -> Identification {
        if let Some(told) = self.by_container(seen) {
            return told;
        }
        let found = self.matching(&Subject::new(seen.head, seen.tail));
        if !found.is_empty() {
            return self.chosen(&found, Basis::Signature, seen.ending);
        }
        self.by_name(seen)
    }

    /// Tells the format of a file on disk: its first 16 MiB and its last are looked at, containers at any place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn identify_path(&self, path: &std::path::Path, is_text: bool) -> std::io::Result<Identification> {
        const HEAD: u64 = 16 << 20;
        const TAIL: u64 = 1 << 20;
        let file = std::fs::File::open(path)?;
        let size = ReadAt::size(&file)?;
        let read = |from: u64, bytes: u64| {
            let mut held = vec![0; usize::try_from(bytes).unwrap_or(0)];
            file.read_exact_at(&mut held, from).map(|()| held)
        };
        let head = read(0, size.min(HEAD))?;
        let tail = read(size.saturating_sub(TAIL), size.min(TAIL))?;
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        let source: Arc<dyn ReadAt> = Arc::new(file);
        let seen =
            Seen { head: &head, tail: &tail, source: Some(source), ending: ending.as_deref(), is_text };
        Ok(self.identify(&seen))
    }

    fn by_container(&self, seen: &Seen<'_>) -> Option<Identification> {
        let source = seen.source.as_ref()?;
        let kind = if seen.head.starts_with(b"PK") {
            ContainerKind::Zip
        } else if seen.head.starts_with(b"\xd0\xcf\x11\xe0") {
            ContainerKind::Ole2
        } else {
            return None;
        };
        let told = container::look(self, source, kind)?;
        if told.is_ofd {
            return Some(ofd());
        }
        (!told.rows.is_empty()).then(|| self.chosen(&told.rows, Basis::Container, seen.ending))
    }

    /// One of several that all fit: the one whose endings hold the file's, else the first.
    fn chosen(&self, found: &[usize], basis: Basis, ending: Option<&str>) -> Identification {
        let ending = ending.unwrap_or_default().to_lowercase();
        let fits = |index: &&usize| self.rows[**index].endings.contains(&ending);
        let Some(best) = found.iter().find(fits).or(found.first()) else { return Identification::default() };
        let row = &self.rows[*best];
        let filled = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Identification {
            puid: Some(row.puid.clone()),
            name: row.name.clone(),
            version: filled(&row.version),
            mime: filled(&row.mime),
            basis: Some(basis),
            alternatives: found
                .iter()
                .filter(|other| *other != best)
                .map(|other| self.candidate(*other))
                .collect(),
        }
    }

    /// No signature: text of a promised kind is known, anything else is only a guess.
    fn by_name(&self, seen: &Seen<'_>) -> Identification {
        let ending = seen.ending.unwrap_or_default().to_lowercase();
        let promised = self.promised_by(&ending);
        let of_text: Vec<usize> = promised.iter().copied().filter(|i| self.is_told_by_name(*i)).collect();
        if seen.is_text && !of_text.is_empty() {
            return self.chosen(&of_text, Basis::Extension, seen.ending);
        }
        let mut alternatives: Vec<Candidate> =
            promised.into_iter().map(|index| self.candidate(index)).collect();
        if seen.is_text
            && let Some(plain) = self.row("x-fmt/111")
        {
            alternatives.push(self.candidate(plain));
            alternatives.dedup();
        }
        Identification { alternatives, ..Identification::default() }
    }

    /// A text format without a signature.
    fn is_told_by_name(&self, index: usize) -> bool {
        let row = &self.rows[index];
        let is_text = row.mime.starts_with("text/")
            || ["json", "yaml", "sql", "xml", "javascript"].iter().any(|word| row.mime.ends_with(word))
            || row.puid == "x-fmt/111";
        row.signatures.is_empty() && is_text
    }

    fn candidate(&self, index: usize) -> Candidate {
        let row = &self.rows[index];
        Candidate { puid: row.puid.clone(), name: row.name.clone(), version: row.version.clone() }
    }
}

/// What an OFD is, for callers that have already opened it.
pub(crate) fn ofd() -> Identification {
    Identification {
        puid: None,
        name: "Open Fixed-layout Document (OFD, GB/T 33190)".to_owned(),
        version: None,
        mime: Some("application/ofd".to_owned()),
        basis: Some(Basis::Container),
        alternatives: Vec::new(),
    }
}
