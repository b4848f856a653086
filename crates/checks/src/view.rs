//! What the checks of one item see: the package as read, the facts of its files, and what the caller knows beside it.

use std::collections::BTreeMap;

use dengbei_formats::{FileFacts, FilingRow, ReceivedPackage};
use dengbei_records::{AreaCode, Matter, Sha512, Timestamp};

use crate::facts::{
    CarriedSignature, Classes, Duplicate, Environment, ManagementEvent, PackageDigests, Recorded, Restored,
    Scan, Sender, Suspect,
};

/// What a check cannot read from the package. Leave out what is not known: the check then says so.
#[derive(Debug, Clone)]
pub struct Context {
    /// Now.
    pub now: Timestamp,
    /// The matter's filing table in force at closing (I-09, A-10).
    pub matter: Option<Matter>,
    /// The area of the deployment.
    pub area: Option<AreaCode>,
    /// What was found elsewhere with the same identity; `None` = not looked up.
    pub duplicates: Option<Vec<Duplicate>>,
    /// path → SHA-512 that the files must have; `None` = no manifest.
    pub manifest: Option<BTreeMap<String, Sha512>>,
    /// A-01; `None` = the other side states none.
    pub digests: Option<PackageDigests>,
    /// evidence that lies beside the files, such as a stamp over the package.
    pub signed: Option<Vec<CarriedSignature>>,
    /// A-06; `None` = the door does not know.
    pub sender: Option<Sender>,
    /// A-18, in order of their happening; `None` = not at hand.
    pub events: Option<Vec<ManagementEvent>>,
    /// I-06: the classes that the item stands in; `None` = it has no number yet.
    pub classes: Option<Classes>,
    /// I-10; `None` = not recorded yet.
    pub recorded: Option<Recorded>,
    /// U-05, U-06; `None` = the scheme's own lists alone.
    pub environment: Option<Environment>,
    /// U-09; `None` = never restored.
    pub restored: Option<Restored>,
    /// S-02; `None` = no scanner.
    pub scan: Option<Scan>,
    /// S-02: what was recognised without one.
    pub suspects: Vec<Suspect>,
    /// Whether the item is in the sample, for checks on the sample only.
    pub is_in_sample: bool,
}

impl Context {
    /// A context that knows only the time: the self-check.
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            matter: None,
            area: None,
            duplicates: None,
            manifest: None,
            digests: None,
            signed: None,
            sender: None,
            events: None,
            classes: None,
            recorded: None,
            environment: None,
            restored: None,
            scan: None,
            suspects: Vec::new(),
            is_in_sample: true,
        }
    }
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
