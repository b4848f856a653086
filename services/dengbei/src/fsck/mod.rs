//! `dengbei fsck --data DIR` or `--config FILE`: walks site, log and databases, proves docs/invariants.md, says what is wrong.
//!
//! Uses no service code: it reads the log's tiles, the packs and the tables for itself. Exit 0 only when clean.
//! The oracle of every end-to-end test.

mod copies;
mod databases;
mod history;
mod life;
mod log;
mod packs;
mod papers;
mod scope;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::Serialize;

pub(crate) use history::History;
use life::Life;
pub(crate) use packs::names as packs_of;
use scope::Scope;

/// What to walk.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FsckArgs {
    /// 数据目录 / the data folder of `dengbei up`
    #[arg(long, required_unless_present = "config")]
    pub(crate) data: Option<PathBuf>,
    /// 配置文件：核验其中所列的备份点和数据库 / a configuration file: its sites and databases are walked
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub(crate) config: Option<PathBuf>,
    /// 只核验备份点和登记簿，不连数据库 / site and log only, without databases
    #[arg(long)]
    pub(crate) site_only: bool,
    /// JSON输出 / JSON output
    #[arg(long)]
    pub(crate) json: bool,
}

/// One violated invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The invariant's name in docs/invariants.md.
    pub(crate) code: &'static str,
    /// Where.
    pub(crate) place: String,
    /// What, in words.
    pub(crate) detail: String,
}

/// What was walked and what was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Violations.
    pub(crate) findings: Vec<Finding>,
    /// How many of what were walked.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Notes a violation.
    #[allow(clippy::needless_pass_by_value, reason = "callers hand over ids and texts of many kinds")]
    pub(crate) fn find(&mut self, code: &'static str, place: impl ToString, detail: impl ToString) {
        self.findings.push(Finding { code, place: place.to_string(), detail: detail.to_string() });
    }

    /// Notes how many were walked.
    pub(crate) fn count(&mut self, what: &'static str, n: u64) {
        *self.counts.entry(what).or_default() += n;
    }
}

/// Walks everything and prints. `Ok(false)`: not clean.
///
/// # Errors
/// When the folder, its keys or its databases cannot be reached at all.
pub(crate) async fn run(args: &FsckArgs) -> anyhow::Result<bool> {
    let mut report = Report::default();
    let scope = Scope::of(args).await?;
    // The databases are read first: what they hold as sealed or filed must then stand in log and packs.
    let tables = match scope.databases() {
        Some(urls) => Some(databases::Tables::read(urls).await?),
        None => None,
    };
    let events = log::walk(&scope, &mut report).await?;
    let history = History::of(&events, &mut report);
    let documents = packs::walk(&scope.site(&scope.primary)?, &history, tables.as_ref(), &mut report).await?;
    let life = Life::of(&events, &history, &mut report);
    let has_tables = tables.is_some();
    papers::walk(&events, &documents, has_tables, &mut report);
    life.members(&documents, has_tables, &mut report);
    copies::walk(&scope, &history, &life, &mut report).await?;
    if let Some(tables) = &tables {
        tables.agree(&scope.staging, &history, &mut report);
    }
    scope.leave().await;
    print(&report, args.json)?;
    Ok(report.findings.is_empty())
}

/// Whether `key` made `signature` over `text`.
fn is_signed(key: &[u8; 32], text: &str, signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok())
}

fn print(report: &Report, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let verdict = if report.findings.is_empty() { "valid" } else { "invalid" };
        let codes: Vec<_> = report.findings.iter().map(|f| f.code).collect();
        let body = serde_json::json!({"verdict": verdict, "codes": codes, "detail": report.findings, "counts": report.counts});
        writeln!(out, "{body}")?;
        return Ok(());
    }
    for (what, n) in &report.counts {
        writeln!(out, "{n:>10}  {what}")?;
    }
    for f in &report.findings {
        writeln!(out, "不符 {}  {}  {}", f.code, f.place, f.detail)?;
    }
    let last =
        if report.findings.is_empty() { "核验通过 / clean" } else { "核验不通过 / not clean" };
    writeln!(out, "{last}")?;
    Ok(())
}
