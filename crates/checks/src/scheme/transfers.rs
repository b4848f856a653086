//! What a scheme says of a transfer (stage Y): what the checks over the whole of it do, and how far the verdicts of the
//! filing runs (stage G) hold under it. Pure; fixity gathers what they are applied to.
//!
//! The letters stand where those of packages stand, in `stages.Y`. Only I-06 differs as built in: it blocks where one
//! package's numbers are looked at and warns over a transfer, so what a document inherits there is not what it says.

use dengbei_records::{AreaCode, Timestamp};
use serde_json::Value;

use super::set::{CATEGORY, day_of};
use super::{BUILTIN, Line, OF_TRANSFERS, Scheme, SchemeDocument, Schemes};
use crate::{CheckId, Rule, Severity, Stage};

/// How far a filing run's verdict on a check holds at a transfer, while the bytes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Whatever it was.
    Always,
    /// Unless it was one of these: what let an item pass at filing may keep it out here.
    Unless {
        /// 警告
        warned: bool,
        /// 无法验证
        unverified: bool,
        /// It noted nothing, and silence does not tell 通过 from 无法验证.
        silent: bool,
    },
    /// It was not judged, or compared with something else: the check is to be run.
    Never,
}

impl Scheme {
    /// The checks over the whole of a transfer, in order of their ids. A letter with `s` looks at everything here.
    pub fn of_transfer(&self) -> &[Line] {
        &self.of_transfer
    }

    /// Whether a check is made over the whole of a transfer, whatever a scheme says of it.
    pub fn is_of_transfer(check: CheckId) -> bool {
        OF_TRANSFERS.iter().any(|(id, _)| *id == check)
    }

    /// How far what a run by `filing` said of a check holds where this one judges a transfer; `None`: nobody knows by
    /// what it was judged.
    pub fn holds(&self, filing: Option<&Self>, check: CheckId) -> Holds {
        let (Some(filing), Some(here)) = (filing, self.line(Stage::Y, check)) else { return Holds::Never };
        let there = filing.line(Stage::G, check);
        let compares = self.compared_with(check);
        if is_like(here, BUILTIN.line(Stage::Y, check))
            && like(there, BUILTIN.line(Stage::G, check))
            && [&*BUILTIN, filing].iter().all(|s| s.compared_with(check) == compares)
        {
            return Holds::Always;
        }
        let Some(there) = there else { return Holds::Never };
        let is_widened = there.rule.is_sampled && !here.rule.is_sampled;
        if is_widened || filing.compared_with(check) != compares {
            return Holds::Never;
        }
        let unverified = here.blocks_unverified && !there.blocks_unverified;
        // Of evidence and of scans every run notes what became of them.
        let is_told = matches!(check, CheckId::A03 | CheckId::A04 | CheckId::A05 | CheckId::S02);
        let blocks = |line: &Line| line.rule.severity == Severity::Blocks;
        match (blocks(here) && !blocks(there), unverified) {
            (false, false) => Holds::Always,
            (warned, unverified) => Holds::Unless { warned, unverified, silent: unverified && !is_told },
        }
    }

    /// Its parameters of a check.
    fn compared_with(&self, check: CheckId) -> Value {
        let all = serde_json::to_value(&self.parameters).unwrap_or_default();
        all.get(check.as_str()).cloned().unwrap_or_default()
    }
}

impl Schemes {
    /// The document that judges the transfers of an area; `None`: [`Scheme::transfer`], because no document is for it.
    pub fn for_transfer(&self, area: &AreaCode, at: Timestamp) -> Option<&Scheme> {
        Scheme::pick(self.documents(), (CATEGORY, area.as_str(), &day_of(at)))
    }

    /// The one that a report names so: `id/version`.
    pub fn named(&self, name: &str) -> Option<&Scheme> {
        self.all().find(|s| s.name().to_string() == name)
    }
}

fn is_like(one: &Line, other: Option<&Line>) -> bool {
    other.is_some_and(|other| (one.rule, one.blocks_unverified) == (other.rule, other.blocks_unverified))
}

fn like(one: Option<&Line>, other: Option<&Line>) -> bool {
    one.map_or(other.is_none(), |one| is_like(one, other))
}

/// As built in.
pub(super) fn built_in() -> Vec<Line> {
    let line = |(check, severity): &(CheckId, Severity)| Line {
        check: *check,
        rule: Rule { severity: *severity, is_sampled: false },
        blocks_unverified: false,
        alias: check.alias(Stage::Y),
    };
    let mut lines: Vec<Line> = OF_TRANSFERS.iter().map(line).collect();
    lines.sort_by_key(|l| l.check);
    lines
}

/// `base`, changed as a document says. One that extends nothing must name every check; where it names the letter of the
/// built-in table, it changes nothing.
pub(super) fn over(document: &SchemeDocument, base: &[Line]) -> Vec<Line> {
    let mut lines = base.to_vec();
    for (check, letters) in document.stages.get(&Stage::Y).into_iter().flatten() {
        let built_in = BUILTIN.line(Stage::Y, *check).map(|l| l.rule);
        let rule = letters.parse::<Rule>().ok();
        if !Scheme::is_of_transfer(*check) || document.extends.is_none() && rule == built_in {
            continue;
        }
        set(&mut lines, *check, rule);
    }
    for line in &mut lines {
        if let Some(alias) = document.aliases.get(&Stage::Y).and_then(|all| all.get(&line.check)) {
            line.alias.clone_from(alias);
        }
    }
    lines
}

/// Changes, adds or (`None`) takes out one.
pub(super) fn set(lines: &mut Vec<Line>, check: CheckId, rule: Option<Rule>) {
    let old = lines.iter().position(|l| l.check == check).map(|at| lines.remove(at));
    let Some(rule) = rule else { return };
    let fresh = || Line { check, rule, blocks_unverified: false, alias: check.alias(Stage::Y) };
    lines.push(Line { rule, ..old.unwrap_or_else(fresh) });
    lines.sort_by_key(|l| l.check);
}
