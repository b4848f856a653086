//! 检测方案: which checks run at which stage, what they do when they fail, and what they compare with. Versioned documents:
//! a published version is never changed, and every report names the version and the digest that it followed.
//!
//! [`Scheme::builtin`] comes from what is declared of the checks; other documents extend it (`read`), within what
//! [`Freedom`](crate::Freedom) and [`Strictness`](crate::Strictness) allow. `transfers`: what they say of a transfer.
//! `markdown` prints the tables of docs/checks.md.

mod document;
mod fault;
mod letters;
mod markdown;
mod read;
mod set;
mod transfers;
mod values;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dengbei_records::{Sha256, canonical};
use serde_json::Value;

use crate::declared::DECLARED;
use crate::report::SchemeName;
use crate::{CheckId, Parameters, Rule, Severity, Stage};

pub use document::{Base, FORMAT, SchemeDocument};
pub use fault::SchemeFault;
pub use set::{Schemes, SchemesError};
pub use transfers::Holds;

/// One check at one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub check: CheckId,
    /// What its failing does, and whether on the sample only.
    pub rule: Rule,
    /// Whether 无法验证 keeps an item out as 不通过 does.
    pub blocks_unverified: bool,
    /// Its number in DA/T 70, or the one that the scheme gives.
    pub alias: String,
}

/// A version of a scheme, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its document in canonical JSON.
    pub digest: Sha256,
    /// What the checks compare with.
    pub parameters: Parameters,
    lines: BTreeMap<Stage, Vec<Line>>,
    /// The checks over the whole of a transfer.
    of_transfer: Vec<Line>,
    document: SchemeDocument,
    /// The built-in scheme that it comes from.
    root: &'static str,
}

/// The scheme of packages.
const SERVICE_ITEM: &str = "dengbei/service-item";
/// The scheme of a transfer as a whole.
const TRANSFER: &str = "dengbei/transfer";
/// The version of both; to be raised with every change of what is declared.
const VERSION: &str = "2026-03";

/// What is looked at anew at a transfer (Y), over the whole of it: packages, numbers, papers. What the filing run (G)
/// said about each item's content holds while its bytes are the same.
const OF_TRANSFERS: &[(CheckId, Severity)] = &[
    (CheckId::A01, Severity::Blocks),
    (CheckId::A02, Severity::Blocks),
    (CheckId::A12, Severity::Blocks),
    (CheckId::A13, Severity::Blocks),
    (CheckId::A18, Severity::Blocks),
    (CheckId::I01, Severity::Blocks),
    (CheckId::I02, Severity::Blocks),
    (CheckId::I06, Severity::Warns),
    (CheckId::I07, Severity::Blocks),
    (CheckId::I11, Severity::Blocks),
    (CheckId::I12, Severity::Blocks),
    (CheckId::S03, Severity::Blocks),
    (CheckId::U07, Severity::Blocks),
];

static BUILTIN: LazyLock<Scheme> = LazyLock::new(|| {
    let mut document = SchemeDocument::new(
        SERVICE_ITEM,
        VERSION,
        ["政务服务事项电子文件检测方案", "checks of service items"],
    );
    for declared in &DECLARED {
        for (stage, letters) in Stage::ALL.into_iter().zip(declared.stages).filter(|(_, l)| *l != "-") {
            document.stages.entry(stage).or_default().insert(declared.id, letters.to_owned());
        }
    }
    for stage in [Stage::G, Stage::Y] {
        document.unverified_blocks.insert(stage, vec![CheckId::I09]);
    }
    Scheme::root(SERVICE_ITEM, document)
});

static OF_TRANSFER: LazyLock<Scheme> = LazyLock::new(|| {
    let mut document =
        SchemeDocument::new(TRANSFER, VERSION, ["移交检测方案", "checks of a transfer as a whole"]);
    let letters = OF_TRANSFERS.iter().map(|(id, severity)| (*id, severity.as_str().to_owned()));
    document.stages.insert(Stage::Y, letters.collect());
    Scheme::root(TRANSFER, document)
});

impl Scheme {
    /// The scheme that ships: 办件.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }

    /// As reports and events name it.
    pub fn name(&self) -> SchemeName {
        SchemeName { id: self.id.clone(), version: self.version.clone(), digest: Some(self.digest) }
    }

    /// The scheme of a transfer as a whole (移交检测): stage Y alone.
    pub fn transfer() -> Self {
        OF_TRANSFER.clone()
    }

    /// A built-in scheme of that name.
    fn shipped(id: &str) -> Option<&'static Self> {
        [&*BUILTIN, &*OF_TRANSFER].into_iter().find(|s| s.id == id)
    }

    /// One that comes from nothing but the declarations.
    fn root(root: &'static str, mut document: SchemeDocument) -> Self {
        let parameters = Parameters::default();
        if let Ok(Value::Object(groups)) = serde_json::to_value(&parameters) {
            document.parameters = groups;
        }
        let lines = document.lines_over(&BTreeMap::new());
        Self::of(document, (lines, transfers::built_in(), parameters), root)
    }

    fn of(
        document: SchemeDocument,
        (lines, of_transfer, parameters): (BTreeMap<Stage, Vec<Line>>, Vec<Line>, Parameters),
        root: &'static str,
    ) -> Self {
        Self {
            id: document.id.clone(),
            version: document.version.clone(),
            digest: document.digest(),
            parameters,
            lines,
            of_transfer,
            document,
            root,
        }
    }

    /// What it is written in.
    pub fn document(&self) -> &SchemeDocument {
        &self.document
    }

    /// The document in canonical JSON, its digest inside.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tree = serde_json::to_value(&self.document).unwrap_or_default();
        if let Value::Object(fields) = &mut tree {
            fields.insert("digest".to_owned(), Value::String(self.digest.to_string()));
        }
        canonical::to_vec(&tree).unwrap_or_default()
    }

    /// What a check's failing does at a stage; `None`: it does not run there.
    pub fn severity(&self, stage: Stage, check: CheckId) -> Option<Severity> {
        self.line(stage, check).map(|l| l.rule.severity)
    }

    /// A check at a stage.
    pub fn line(&self, stage: Stage, check: CheckId) -> Option<&Line> {
        self.lines(stage).iter().find(|l| l.check == check)
    }

    /// The checks of a stage, in order of their ids.
    pub fn lines(&self, stage: Stage) -> &[Line] {
        self.lines.get(&stage).map_or(&[], Vec::as_slice)
    }

    /// The checks of a stage with their severities, in order of their ids.
    pub fn checks(&self, stage: Stage) -> impl Iterator<Item = (CheckId, Severity)> + '_ {
        self.lines(stage).iter().map(|l| (l.check, l.rule.severity))
    }

    /// The same, weaker or stricter in one place: for trying out, never for a report that is kept.
    #[must_use]
    pub fn with(mut self, stage: Stage, check: CheckId, rule: Rule) -> Self {
        let lines = self.lines.entry(stage).or_default();
        lines.retain(|l| l.check != check);
        lines.push(Line { check, rule, blocks_unverified: false, alias: check.alias(stage) });
        lines.sort_by_key(|l| l.check);
        if stage == Stage::Y && Self::is_of_transfer(check) {
            transfers::set(&mut self.of_transfer, check, Some(rule));
        }
        self.document.stages.entry(stage).or_default().insert(check, rule.to_string());
        self.digest = self.document.digest();
        self
    }

    /// Whether it is for this category, this area and a day (`YYYY-MM-DD`).
    pub fn applies(&self, category: &str, area: &str, day: &str) -> bool {
        let d = &self.document;
        let until = d.in_force_until.as_deref().unwrap_or("9999-12-31");
        (d.categories.is_empty() || d.categories.iter().any(|c| c == category))
            && (d.areas.is_empty() || d.areas.iter().any(|a| area.starts_with(a.as_str())))
            && (d.in_force_from.as_str()..=until).contains(&day)
    }

    /// Of several the one that holds: the nearest area, then the named category, then the newest.
    pub fn pick<'a>(all: &'a [Self], (category, area, day): (&str, &str, &str)) -> Option<&'a Self> {
        let nearness = |s: &Self| {
            s.document.areas.iter().filter(|a| area.starts_with(a.as_str())).map(String::len).max()
        };
        let rank = |s: &&Self| {
            let d = &s.document;
            (nearness(s), !d.categories.is_empty(), d.in_force_from.clone(), d.version.clone())
        };
        all.iter().filter(|s| s.applies(category, area, day)).max_by_key(rank)
    }
}

impl Default for Scheme {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_looks_at_the_whole_and_continuity_only_warns() {
        let scheme = Scheme::transfer();
        assert_eq!(scheme.severity(Stage::Y, CheckId::I06), Some(Severity::Warns));
        assert_eq!(scheme.severity(Stage::Y, CheckId::A01), Some(Severity::Blocks));
        assert_eq!(scheme.checks(Stage::G).count(), 0);
    }

    #[test]
    fn the_built_in_scheme_names_every_check_and_has_a_stable_digest() {
        let scheme = Scheme::builtin();
        let mut named: Vec<CheckId> =
            Stage::ALL.into_iter().flat_map(|s| scheme.checks(s)).map(|(id, _)| id).collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), CheckId::COUNT);
        assert_eq!(scheme.digest, Scheme::builtin().document().digest());
        assert_ne!(scheme.digest, Scheme::transfer().digest);
    }

    #[test]
    fn the_nearest_area_and_the_newest_version_hold() {
        let of = |id: &str, areas: &[&str], from: &str| {
            let mut scheme = Scheme::builtin();
            scheme.id = id.to_owned();
            scheme.document.areas = crate::parameters::words(areas);
            scheme.document.in_force_from = from.to_owned();
            scheme
        };
        let all = [
            of("all", &[], "2020-01-01"),
            of("city", &["3302"], "2026-01-01"),
            of("old", &["330282"], "2020-01-01"),
            of("new", &["330282"], "2026-01-01"),
        ];
        let pick = |area, day| Scheme::pick(&all, ("service_item", area, day)).map(|s| s.id.as_str());
        assert_eq!(pick("330282", "2026-06-01"), Some("new"));
        assert_eq!(pick("330282", "2021-06-01"), Some("old"));
        assert_eq!(pick("330211", "2026-06-01"), Some("city"));
        assert_eq!(pick("511602", "2026-06-01"), Some("all"));
        assert_eq!(pick("511602", "2019-06-01"), None);
    }
}
