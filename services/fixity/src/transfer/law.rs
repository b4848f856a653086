//! 检测方案 of a transfer: the one of the folder that is for the transfer's area says at stage Y what its checks do; the
//! built-in ones where none is. Each side is judged by what is in force when it is checked.

use std::collections::{BTreeSet, HashMap};

use dengbei_checks::{
    CheckId, CheckOutcome, CheckResult, Holds, Line, Scheme, SchemeName, Schemes, Scope, Severity, Stage,
};
use dengbei_records::{AreaCode, Timestamp};

/// By what a transfer is judged.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    /// As the report names it.
    pub(crate) name: SchemeName,
    /// Of each item: what the filing runs said of it, or a check that is run anew.
    pub(crate) items: Scheme,
    /// Over the whole: packs, numbers, papers.
    whole: Vec<Line>,
    /// Whether it is a document of the folder. The built-in one takes the filing runs' verdicts as they are.
    pub(crate) is_of_folder: bool,
}

impl Law {
    /// What holds for transfers of this area.
    pub(crate) fn of(schemes: &Schemes, area: &AreaCode, at: Timestamp) -> Self {
        match schemes.for_transfer(area, at) {
            Some(scheme) => Self {
                name: scheme.name(),
                items: scheme.clone(),
                whole: scheme.of_transfer().to_vec(),
                is_of_folder: true,
            },
            None => Self {
                name: Scheme::transfer().name(),
                items: Scheme::builtin(),
                whole: Scheme::transfer().of_transfer().to_vec(),
                is_of_folder: false,
            },
        }
    }

    /// The checks over the whole.
    pub(crate) fn whole(&self) -> &[Line] {
        &self.whole
    }

    /// What the filing runs answer for, unless a check is run anew.
    pub(crate) fn carried(&self) -> impl Iterator<Item = &Line> {
        let is_carried = |l: &&Line| l.check.scope() == Scope::Item && !Scheme::is_of_transfer(l.check);
        self.items.lines(Stage::Y).iter().filter(is_carried)
    }

    /// What a check does here; `None`: it rests.
    pub(crate) fn severity(&self, check: CheckId) -> Option<Severity> {
        if Scheme::is_of_transfer(check) {
            return self.whole.iter().find(|l| l.check == check).map(|l| l.rule.severity);
        }
        self.items.severity(Stage::Y, check)
    }

    /// Whether a fault of this check makes its item unfit.
    pub(crate) fn blocks(&self, check: CheckId) -> bool {
        self.severity(check) == Some(Severity::Blocks)
    }

    /// Whether what warned at filing by `filing` (`None`: nobody knows by what) blocks here.
    pub(crate) fn is_stricter(&self, filing: Option<&Scheme>, check: CheckId) -> bool {
        let filing = filing.filter(|_| self.is_of_folder).unwrap_or(&self.items);
        filing.severity(Stage::G, check) == Some(Severity::Warns) && self.blocks(check)
    }
}

/// Which checks of an item are to be run anew, because what its filing run said does not hold here.
#[derive(Debug)]
pub(crate) struct Anew<'a> {
    law: &'a Law,
    schemes: &'a Schemes,
    /// By the name of the scheme of filing: worked out once.
    by_scheme: HashMap<Option<String>, Vec<(CheckId, Holds)>>,
}

impl<'a> Anew<'a> {
    pub(crate) fn new(law: &'a Law, schemes: &'a Schemes) -> Self {
        Self { law, schemes, by_scheme: HashMap::new() }
    }

    /// Of an item that passed by this scheme, with what its run noted. `is_in_sample`: whether a check on the sample
    /// looks at it.
    pub(crate) fn of(
        &mut self,
        filing: Option<&str>,
        noted: &[CheckOutcome],
        is_in_sample: bool,
    ) -> BTreeSet<CheckId> {
        let holds = self.by_scheme.entry(filing.map(str::to_owned)).or_insert_with(|| {
            let filing = filing.and_then(|name| self.schemes.named(name));
            let carried = self.law.carried().map(|l| l.check);
            carried.map(|check| (check, self.law.items.holds(filing, check))).collect()
        });
        let is_looked_at = |check: CheckId| {
            let line = self.law.items.line(Stage::Y, check);
            is_in_sample || !line.is_some_and(|l| l.rule.is_sampled)
        };
        holds
            .iter()
            .filter(|(check, holds)| {
                let said = noted.iter().find(|o| o.id == *check).map(|o| o.result);
                !is_kept(*holds, said) && is_looked_at(*check)
            })
            .map(|(check, _)| *check)
            .collect()
    }
}

fn is_kept(holds: Holds, said: Option<CheckResult>) -> bool {
    match (holds, said) {
        (Holds::Always, _) => true,
        (Holds::Never, _) => false,
        (Holds::Unless { warned, .. }, Some(CheckResult::Warning)) => !warned,
        (Holds::Unless { unverified, .. }, Some(CheckResult::Unverifiable)) => !unverified,
        (Holds::Unless { silent, .. }, None) => !silent,
        (Holds::Unless { .. }, Some(_)) => true,
    }
}
