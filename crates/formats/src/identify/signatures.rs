//! A set of formats with their signatures, whichever source it came from, and the rule which of several wins.

use std::collections::{HashMap, HashSet};

use super::index::Index;
use super::matcher::Subject;
use super::pattern::Pattern;

/// One format of a registry.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// PRONOM's id: `fmt/…`, `x-fmt/…`.
    pub(super) puid: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) mime: String,
    /// Endings, lower case.
    pub(super) endings: Vec<String>,
    /// Any of them tells the format; each is a list of patterns that must all fit.
    pub(super) signatures: Vec<Vec<Pattern>>,
    /// Rows that give way when this one fits too.
    pub(super) over: Vec<usize>,
}

/// What kind of container a rule looks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContainerKind {
    Zip,
    Ole2,
}

/// A rule about the parts of a container: each must be there and hold its patterns.
#[derive(Debug, Clone)]
pub(super) struct ContainerRule {
    pub(super) kind: ContainerKind,
    pub(super) row: usize,
    pub(super) parts: Vec<(String, Vec<Pattern>)>,
}

/// Formats, their signatures and container rules: our own table, or the official files.
#[derive(Debug, Clone, Default)]
pub struct Signatures {
    pub(super) rows: Vec<Row>,
    pub(super) rules: Vec<ContainerRule>,
    /// Where it came from: the name of our table or of a file, with its version.
    pub(super) source: String,
    by_puid: HashMap<String, usize>,
    /// Ending → rows that name it.
    by_ending: HashMap<String, Vec<usize>>,
    /// Which rows' signatures a file is worth being compared with.
    index: Index,
}

impl Signatures {
    pub(super) fn new(source: String, rows: Vec<Row>) -> Self {
        let by_puid = rows.iter().enumerate().map(|(index, row)| (row.puid.clone(), index)).collect();
        let mut by_ending: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            for ending in &row.endings {
                let promised = by_ending.entry(ending.clone()).or_default();
                if promised.last() != Some(&index) {
                    promised.push(index);
                }
            }
        }
        let index = Index::of(&rows);
        Self { rows, rules: Vec::new(), source, by_puid, by_ending, index }
    }

    /// How many formats can be told by their content.
    pub fn count(&self) -> usize {
        let by_rule: HashSet<usize> = self.rules.iter().map(|rule| rule.row).collect();
        (0..self.rows.len()).filter(|i| !self.rows[*i].signatures.is_empty() || by_rule.contains(i)).count()
    }

    /// Where the signatures came from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a format of this id is among them.
    pub fn knows(&self, puid: &str) -> bool {
        self.row(puid).is_some()
    }

    pub(super) fn row(&self, puid: &str) -> Option<usize> {
        self.by_puid.get(puid).copied()
    }

    /// Rows whose signature fits, without those that give way to another.
    pub(super) fn matching(&self, subject: &Subject<'_>) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (row, signature) in self.index.plausible(subject.head(), subject.tail()) {
            let row = row as usize;
            let is_new = found.last() != Some(&row);
            if is_new && self.rows[row].signatures[signature as usize].iter().all(|p| subject.fits(p)) {
                found.push(row);
            }
        }
        self.without_beaten(&found)
    }

    /// The plain way, which [`Signatures::matching`] must agree with.
    #[cfg(test)]
    pub(super) fn matching_by_trying_each(&self, subject: &Subject<'_>) -> Vec<usize> {
        let fits = |row: &Row| row.signatures.iter().any(|all| all.iter().all(|p| subject.fits(p)));
        let found: Vec<usize> = (0..self.rows.len()).filter(|index| fits(&self.rows[*index])).collect();
        self.without_beaten(&found)
    }

    pub(super) fn without_beaten(&self, found: &[usize]) -> Vec<usize> {
        let beaten: HashSet<usize> = found.iter().flat_map(|index| self.rows[*index].over.clone()).collect();
        let mut left: Vec<usize> = found.iter().copied().filter(|index| !beaten.contains(index)).collect();
        left.dedup();
        left
    }

    /// Rows that an ending promises.
    pub(super) fn promised_by(&self, ending: &str) -> Vec<usize> {
        self.by_ending.get(ending).cloned().unwrap_or_default()
    }
}
