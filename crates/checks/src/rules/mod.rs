//! One file a check. Each takes the view and the parameters and says what it compared and what is wrong.

mod a02_digests;
mod a07_length;
mod a08_form;
mod a09_range;
mod a10_plausible;
mod a11_characters;
mod a12_numbers;
mod a13_duplicates;
mod a14_electronic;
mod a15_links;
mod a17_tree;
mod i01_count;
mod i03_elements;
mod i04_required;
mod i05_process;
mod i07_whole;
mod i08_attachments;
mod i09_scope;
mod i11_file_count;
mod s03_leftovers;
mod s08_secrecy;
mod s09_names;
mod u01_metadata;
mod u03_formats;
mod u04_readable;
mod u07_unpacks;
mod u08_unlocked;

use crate::{CheckId, Finding, PackageView, Parameters, Stage};

/// Whether a check could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ran,
    NotApplicable,
    Unverifiable,
}

/// What a check found.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) state: State,
    /// How many things were compared.
    pub(crate) compared: u32,
    /// What is wrong: blocks or warns, as the scheme says.
    pub(crate) faults: Vec<Finding>,
    /// What only ever warns, and why a check did not run.
    pub(crate) remarks: Vec<Finding>,
}

impl Judged {
    pub(crate) fn new() -> Self {
        Self { state: State::Ran, compared: 0, faults: Vec::new(), remarks: Vec::new() }
    }

    pub(crate) fn of(compared: usize) -> Self {
        let compared = u32::try_from(compared).unwrap_or(u32::MAX);
        Self { compared, ..Self::new() }
    }

    fn without(state: State, zh: &str, en: &str) -> Self {
        Self { state, remarks: vec![Finding::new("", zh, en)], ..Self::new() }
    }

    fn not_applicable(zh: &str, en: &str) -> Self {
        Self::without(State::NotApplicable, zh, en)
    }

    fn unverifiable(zh: &str, en: &str) -> Self {
        Self::without(State::Unverifiable, zh, en)
    }

    pub(crate) fn count(&mut self) {
        self.compared = self.compared.saturating_add(1);
    }

    pub(crate) fn fault(&mut self, finding: Finding) {
        self.faults.push(finding);
    }

    pub(crate) fn remark(&mut self, finding: Finding) {
        self.remarks.push(finding);
    }
}

/// Runs one check.
pub(crate) fn run(id: CheckId, view: &PackageView<'_>, stage: Stage, with: &Parameters) -> Judged {
    match id {
        CheckId::A02 => a02_digests::run(view),
        CheckId::A07 => a07_length::run(view, with),
        CheckId::A08 => a08_form::run(view, with),
        CheckId::A09 => a09_range::run(view, with),
        CheckId::A10 => a10_plausible::run(view),
        CheckId::A11 => a11_characters::run(view),
        CheckId::A12 => a12_numbers::run(view),
        CheckId::A13 => a13_duplicates::run(view),
        CheckId::A14 => a14_electronic::run(view),
        CheckId::A15 => a15_links::run(view),
        CheckId::A17 => a17_tree::run(view),
        CheckId::I01 => i01_count::run(view),
        CheckId::I03 => i03_elements::run(view),
        CheckId::I04 => i04_required::run(view, stage),
        CheckId::I05 => i05_process::run(view, with),
        CheckId::I07 => i07_whole::run(view),
        CheckId::I08 => i08_attachments::run(view),
        CheckId::I09 => i09_scope::run(view),
        CheckId::I11 => i11_file_count::run(view),
        CheckId::U01 => u01_metadata::run(view),
        CheckId::U03 => u03_formats::run(view, with),
        CheckId::U04 => u04_readable::run(view),
        CheckId::U07 => u07_unpacks::run(view, with),
        CheckId::U08 => u08_unlocked::run(view),
        CheckId::A01 | CheckId::A18 | CheckId::I02 | CheckId::I06 | CheckId::I12 => {
            Judged::not_applicable("对整批移交检测", "looks at a whole transfer")
        }
        CheckId::S02 => Judged::not_applicable("由病毒扫描程序检测", "run by the virus scanner"),
        CheckId::S03 => s03_leftovers::run(view),
        CheckId::S08 => s08_secrecy::run(view),
        CheckId::S09 => s09_names::run(view),
    }
}

/// The ending of a path's last part; empty if there is none.
fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(stem, ending)| if stem.is_empty() { "" } else { ending })
}

/// Text for a message: cut, without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(60).collect()
}
