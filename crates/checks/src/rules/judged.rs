//! What a check says, before the scheme's severity turns it into a result.

use crate::{Evidence, Finding};

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
    /// What was compared, by name.
    pub(crate) evidence: Vec<Evidence>,
}

impl Judged {
    pub(crate) const fn new() -> Self {
        Self { state: State::Ran, compared: 0, faults: Vec::new(), remarks: Vec::new(), evidence: Vec::new() }
    }

    pub(crate) fn of(compared: usize) -> Self {
        let compared = u32::try_from(compared).unwrap_or(u32::MAX);
        Self { compared, ..Self::new() }
    }

    fn without(state: State, zh: &str, en: &str) -> Self {
        Self { state, remarks: vec![Finding::new("", zh, en)], ..Self::new() }
    }

    pub(crate) fn not_applicable(zh: &str, en: &str) -> Self {
        Self::without(State::NotApplicable, zh, en)
    }

    pub(crate) fn unverifiable(zh: &str, en: &str) -> Self {
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

    /// Something is there that cannot be verified: the whole check is 无法验证 unless something is wrong.
    pub(crate) fn open(&mut self, finding: Finding) {
        self.state = State::Unverifiable;
        self.remarks.push(finding);
    }

    pub(crate) fn evidence(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.evidence.push(Evidence { what: what.into(), value: value.into() });
    }
}
