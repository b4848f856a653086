//! The validator: judges anybody's OCFL 1.0 and 1.1 objects and storage roots by the specification's own codes.
//!
//! It shares nothing with the writer but the digests: it reads inventories as plain JSON, with all the freedom that
//! the specification leaves, and looks at files through [`Tree`], so that a folder and an unopened pack are judged
//! alike. Files are hashed in pieces, each once, for all the digests that any inventory claims.
//!
//! Files: [`inventory`] and [`blocks`] an inventory alone, [`history`] inventories against each other, [`content`]
//! inventories against files, [`object`] an object as a whole, [`root`] a storage root.

mod blocks;
mod content;
mod digest;
mod history;
mod inventory;
mod json;
mod object;
mod root;
mod tree;

use std::collections::BTreeSet;

use crate::verdict::{Outcome, Verdict};

pub(crate) use inventory::check as check_inventory;
pub use object::{validate_object, validate_object_tree};
pub use root::{RootReport, validate_root, validate_root_tree};
pub use tree::{FolderTree, Kind, Tree, TreeEntry};

/// Lines of detail that are kept; codes are kept all.
const DETAIL_MAX: usize = 1000;

/// Extensions registered at ocfl.io, for objects and roots.
const REGISTERED: [&str; 13] = [
    "0001-digest-algorithms",
    "0002-flat-direct-storage-layout",
    "0003-hash-and-id-n-tuple-storage-layout",
    "0004-hashed-n-tuple-storage-layout",
    "0005-mutable-head",
    "0006-flat-omit-prefix-storage-layout",
    "0007-n-tuple-omit-prefix-storage-layout",
    "0008-schema-registry",
    "0009-digest-algorithms",
    "0010-differential-n-tuple-omit-prefix-storage-layout",
    "0011-direct-clean-path-layout",
    "0012-n-tuple-omit-prefix-storage-layout",
    "initial",
];

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spec {
    V1_0,
    V1_1,
}

impl Spec {
    const ALL: [Self; 2] = [Self::V1_0, Self::V1_1];

    const fn text(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
        }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    worst: Option<Outcome>,
    codes: BTreeSet<&'static str>,
    detail: Vec<String>,
}

impl Log {
    fn note(&mut self, outcome: Outcome, code: &'static str, detail: impl std::fmt::Display) {
        self.worst = self.worst.max(Some(outcome));
        self.codes.insert(code);
        if self.detail.len() < DETAIL_MAX {
            self.detail.push(format!("{code} {detail}"));
        }
    }

    pub(crate) fn error(&mut self, code: &'static str, detail: impl std::fmt::Display) {
        self.note(Outcome::Invalid, code, detail);
    }

    pub(crate) fn warn(&mut self, code: &'static str, detail: impl std::fmt::Display) {
        self.note(Outcome::Warning, code, detail);
    }

    /// Something could not be read, so nothing can be said about it.
    fn unreadable(&mut self, what: &str, error: &std::io::Error) {
        self.note(Outcome::Unverifiable, "unreadable", format!("{what}: {error}"));
    }

    /// Takes over the findings of an object at `place`.
    fn absorb(&mut self, place: &str, verdict: Verdict, codes: &BTreeSet<&'static str>) {
        self.worst = self.worst.max(Some(verdict.verdict));
        self.codes.extend(codes);
        let room = DETAIL_MAX.saturating_sub(self.detail.len());
        self.detail.extend(verdict.detail.into_iter().take(room).map(|line| format!("{place}: {line}")));
    }

    pub(crate) fn first_error(&self) -> Option<&str> {
        self.detail.iter().find(|line| line.starts_with('E')).map(String::as_str)
    }

    fn into_verdict(self) -> Verdict {
        Verdict {
            verdict: self.worst.unwrap_or(Outcome::Valid),
            codes: self.codes.into_iter().map(str::to_owned).collect(),
            detail: self.detail,
        }
    }
}
