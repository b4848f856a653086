//! 检测报告 as it is printed and shown: what it is about, and one part for every run of checks. Data for the page of the
//! console, for the template, and for who asks for JSON; words in both languages stand in it, so that nobody works them
//! out twice.
//!
//! [`Part::of`] (in `report/of.rs`) makes a part of a [`dengbei_checks::Report`]. Runs that left no report of their own
//! for an item (it passed together with others) are made into parts by whoever reads their lists.

mod of;

use dengbei_checks::{CheckId, CheckOutcome, CheckResult, Evidence, Finding, Property, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `Sealed::paper` of this kind: it has no seals, its runs have digests of their own.
pub const CHECK_PAPER: &str = "check-report/1";

/// 检测报告.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPaper {
    /// 档号, 移交号, batch or id: printed at the foot and in the file's name.
    pub number: String,
    /// RFC 3339 of the newest run: the date of the file.
    pub dated: String,
    /// What it is about, line by line.
    pub about: Vec<Fact>,
    /// One for every run, in order of time.
    pub parts: Vec<Part>,
}

/// One line about the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Chinese
    pub name: String,
    /// English
    pub name_en: String,
    /// As it is.
    pub value: String,
}

impl Fact {
    /// A line.
    pub fn new(name: &str, name_en: &str, value: impl Into<String>) -> Self {
        Self { name: name.into(), name_en: name_en.into(), value: value.into() }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Chinese
    pub zh: String,
    /// English
    pub en: String,
}

impl Said {
    /// Both.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// `归档检测`
    pub title: Said,
    /// `P`, `G`, `Y`, `C`
    pub stage: String,
    /// `passed`, `failed`, `unverifiable`, `unsigned`
    pub verdict: String,
    /// Its word.
    pub verdict_word: Said,
    /// 检测方案
    pub scheme: SchemeLine,
    /// Engine build.
    pub engine: String,
    /// 数据版本; 0: none
    pub data_version: u32,
    /// RFC 3339, or empty.
    pub began: String,
    /// RFC 3339, or empty.
    pub ended: String,
    /// Where what is said here comes from, and how far it goes.
    pub basis: Said,
    /// By property, in the order 真实性 完整性 可用性 安全性.
    pub summary: Vec<Counted>,
    /// Every check.
    pub checks: Vec<CheckLine>,
    /// What persons were asked to look at, and who signed.
    pub persons: Vec<PersonLine>,
    /// 人工复检: the rows beside the report.
    pub rechecks: Vec<RecheckLine>,
    /// 抽样; empty: none.
    pub sample: Said,
    /// Items that were taken out, of a transfer.
    pub unfit: Vec<UnfitLine>,
    /// SHA-256 by which the document can be checked; empty: there is none.
    pub digest: String,
    /// How it is checked.
    pub digest_of: Said,
    /// The document itself, where it concerns this subject alone; else null.
    #[serde(default)]
    pub stored: Value,
}

/// Which scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeLine {
    /// `dengbei/service-item`
    pub id: String,
    /// `2026-02`
    pub version: String,
    /// SHA-256 of its document, or empty.
    pub digest: String,
}

impl SchemeLine {
    /// From `id/version`, as events name it.
    pub fn read(name: &str) -> Self {
        let (id, version) = name.rsplit_once('/').unwrap_or((name, ""));
        Self { id: id.into(), version: version.into(), digest: String::new() }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckLine {
    /// `A-02`
    pub id: String,
    /// DA/T 70
    pub alias: String,
    /// Its name.
    pub name: Said,
    /// `authenticity`, `integrity`, `usability`, `security`
    pub property: String,
    /// `B`, `W`, `M`
    pub severity: String,
    /// `passed`, `failed`, `warning`, `not_applicable`, `unverifiable`; `unstated`: the document does not say
    pub result: String,
    /// Its word.
    pub result_word: Said,
    /// How many things were compared; 0 also where the document does not say.
    pub compared: u32,
    /// What was compared with what.
    pub basis: Said,
    /// Digests, versions and counts.
    pub evidence: Vec<Evidence>,
    /// What is wrong, where, and how to mend it.
    pub findings: Vec<Finding>,
    /// Who can mend it.
    pub office: Said,
    /// What else is to be known: reused from another run.
    pub note: Said,
}

/// One of the four properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// `authenticity`, …
    pub property: String,
    /// 真实性
    pub word: Said,
    /// Checks
    pub checks: u32,
    /// 通过
    pub passed: u32,
    /// 不通过
    pub failed: u32,
    /// 警告
    pub warning: u32,
    /// 不适用
    pub not_applicable: u32,
    /// 无法验证
    pub unverifiable: u32,
    /// 未载明
    pub unstated: u32,
}

/// What a person was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonLine {
    /// For which check.
    pub check: String,
    /// Batch, carrier or system.
    pub of: String,
    /// What to look at.
    pub task: Said,
    /// How many sign.
    pub wanted: u32,
    /// Who signed.
    pub signed_by: Vec<String>,
}

/// A person's second look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecheckLine {
    /// Which check.
    pub check: String,
    /// `overruled`, `upheld`
    pub opinion: String,
    /// Its word.
    pub opinion_word: Said,
    /// Who.
    pub person: String,
    /// Why.
    pub reason: String,
    /// RFC 3339
    pub at: String,
}

/// An item that a transfer left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnfitLine {
    /// 档号, or the item's id.
    pub code: String,
    /// Check ids.
    pub failed: Vec<String>,
    /// What is wrong.
    pub message: Said,
    /// How to mend it.
    pub remedy: String,
}

/// The four properties in their order.
const PROPERTIES: [(Property, &str, &str, &str); 4] = [
    (Property::Authenticity, "authenticity", "真实性", "authenticity"),
    (Property::Integrity, "integrity", "完整性", "integrity"),
    (Property::Usability, "usability", "可用性", "usability"),
    (Property::Security, "security", "安全性", "security"),
];

/// The name of a property as JSON has it.
fn property(of: Property) -> &'static str {
    PROPERTIES.iter().find(|row| row.0 == of).map_or("", |row| row.1)
}

/// The word of a result.
pub fn result_word(result: &str) -> Said {
    let (zh, en) = match result {
        "passed" => ("通过", "passed"),
        "failed" => ("不通过", "failed"),
        "warning" => ("警告", "warning"),
        "not_applicable" => ("不适用", "not applicable"),
        "unverifiable" => ("无法验证", "unverifiable"),
        _ => ("未载明", "not stated"),
    };
    Said::new(zh, en)
}

/// The word of a verdict.
pub fn verdict_word(verdict: &str) -> Said {
    let (zh, en) = match verdict {
        "passed" => ("通过", "passed"),
        "failed" => ("不通过", "failed"),
        "unverifiable" => ("部分项无法验证", "some checks could not be verified"),
        "unsigned" => ("待人工检测", "waits for persons"),
        _ => ("未载明", "not stated"),
    };
    Said::new(zh, en)
}

/// The word of a stage.
pub fn stage_word(stage: &str) -> Said {
    match dengbei_checks::Stage::from_name(stage) {
        Some(stage) => Said::new(stage.word(), stage.word_en()),
        None => Said::new(stage, stage),
    }
}

impl CheckLine {
    /// A check of which the document says nothing but that it belongs to the scheme; `result` is `passed` where silence
    /// is a pass, else `unstated`.
    pub fn silent(id: CheckId, alias: &str, severity: Severity, result: &str) -> Self {
        let declared = id.declared();
        Self {
            id: id.to_string(),
            alias: alias.into(),
            name: Said::new(id.name(), id.name_en()),
            property: property(id.property()).into(),
            severity: severity.as_str().into(),
            result: result.into(),
            result_word: result_word(result),
            compared: 0,
            basis: Said::new(declared.basis, declared.basis_en),
            evidence: Vec::new(),
            findings: Vec::new(),
            office: Said::default(),
            note: Said::default(),
        }
    }
}

impl From<&CheckOutcome> for CheckLine {
    fn from(c: &CheckOutcome) -> Self {
        let result = match c.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "failed",
            CheckResult::Warning => "warning",
            CheckResult::NotApplicable => "not_applicable",
            CheckResult::Unverifiable => "unverifiable",
        };
        Self {
            id: c.id.to_string(),
            alias: c.alias.to_string(),
            name: Said::new(c.name.as_ref(), c.name_en.as_ref()),
            property: property(c.property).into(),
            severity: c.severity.as_str().into(),
            result: result.into(),
            result_word: result_word(result),
            compared: c.compared,
            basis: Said::new(c.basis.as_ref(), c.basis_en.as_ref()),
            evidence: c.evidence.clone(),
            findings: c.findings.clone(),
            office: c.office.map(|o| Said::new(o.word(), o.word_en())).unwrap_or_default(),
            note: Said::default(),
        }
    }
}

/// Counts by property.
pub fn summary(checks: &[CheckLine]) -> Vec<Counted> {
    let count = |(_, name, zh, en): &(Property, &str, &str, &str)| {
        let of = |result: &str| {
            let found = checks.iter().filter(|c| c.property == *name && c.result == result);
            u32::try_from(found.count()).unwrap_or(u32::MAX)
        };
        let all = checks.iter().filter(|c| c.property == *name).count();
        Counted {
            property: (*name).into(),
            word: Said::new(*zh, *en),
            checks: u32::try_from(all).unwrap_or(u32::MAX),
            passed: of("passed"),
            failed: of("failed"),
            warning: of("warning"),
            not_applicable: of("not_applicable"),
            unverifiable: of("unverifiable"),
            unstated: of("unstated"),
        }
    };
    PROPERTIES.iter().map(count).collect()
}
