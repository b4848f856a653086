//! What the checks see: the package as read, the facts of its files, and what the caller knows beside it.

use std::collections::BTreeMap;

use dengbei_formats::{CatalogueEntry, FileFacts, FilingRow, ReceivedPackage};
use dengbei_records::{AreaCode, Matter, Sha512, Timestamp};

/// What a check cannot read from the package. Leave out what is not known: the check then says so.
#[derive(Debug, Clone)]
pub struct Context {
    /// The matter's filing table in force at closing (I-09, A-10).
    pub matter: Option<Matter>,
    /// Now.
    pub now: Timestamp,
    /// The area of the deployment.
    pub area: Option<AreaCode>,
    /// What was found elsewhere with the same identity; `None` = not looked up.
    pub duplicates: Option<Vec<Duplicate>>,
    /// What the batch's catalogue says (I-01); `None` = the package came alone.
    pub batch: Option<BatchCounts>,
    /// path → SHA-512 that the files must have; `None` = no manifest.
    pub manifest: Option<BTreeMap<String, Sha512>>,
}

impl Context {
    /// A context that knows only the time: the self-check.
    pub const fn at(now: Timestamp) -> Self {
        Self { matter: None, now, area: None, duplicates: None, batch: None, manifest: None }
    }
}

/// Something that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// What is the same: 电子文件号, 办件编号和版本, 信息包摘要.
    pub what: String,
    /// With what: an item id, a record number, another package of the batch.
    pub with: String,
}

/// Numbers of a batch, for I-01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchCounts {
    /// sendnumber; `None` if it is no number.
    pub send_number: Option<usize>,
    /// Rows of the catalogue.
    pub listed: usize,
    /// Packages that arrived.
    pub received: usize,
    /// The catalogue's row for this package.
    pub entry: Option<CatalogueEntry>,
}

/// One package, ready to be checked. `files` are `examine`'s facts, in the order of the source's entries.
#[derive(Debug, Clone, Copy)]
pub struct PackageView<'a> {
    /// As read.
    pub package: &'a ReceivedPackage,
    /// Facts of every file.
    pub files: &'a [FileFacts],
    /// What the caller knows.
    pub context: &'a Context,
}

impl<'a> PackageView<'a> {
    /// Rows that have a file, with its facts.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&'a FilingRow, &'a FileFacts)> {
        let files = self.files;
        self.package.rows.iter().filter_map(move |row| Some((row, files.get(row.entry?)?)))
    }

    /// Files that no row lists and that describe nothing.
    pub(crate) fn loose(&self) -> impl Iterator<Item = &'a FileFacts> {
        let files = self.files;
        self.package.loose.iter().filter_map(move |&index| files.get(index))
    }
}
