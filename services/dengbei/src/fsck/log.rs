//! The log: tiles, checkpoint, signature, and every entry read as an event.

use std::collections::HashSet;

use anyhow::Context as _;
use dengbei_chain::Event;
use dengbei_register::{LogReader, Verifier};
use dengbei_vault::{LogTiles, Site};

use super::Report;
use super::scope::Scope;

/// Reads the whole log. Invariants: `log.signature`, `log.tiles`, `log.event`, `log.once`.
///
/// # Errors
/// When the public key or the log cannot be read.
pub(super) async fn walk(scope: &Scope, report: &mut Report) -> anyhow::Result<Vec<Event>> {
    let key = scope.keys.join("register.pub");
    let text = std::fs::read_to_string(&key).with_context(|| format!("{}", key.display()))?;
    let verifier: Verifier = text.trim().parse().map_err(|e| anyhow::anyhow!("{}: {e}", key.display()))?;
    let reader = LogReader::new(scope.site(&scope.primary)?.log_tiles());
    let opened = match reader.checkpoint(&verifier, &[]).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(Vec::new()),
        Err(e) => {
            report.find("log.signature", "checkpoint", error_chain(&e));
            return Ok(Vec::new());
        }
    };
    let audit = reader.audit(&opened.checkpoint).await?;
    for finding in &audit.findings {
        report.find("log.tiles", &finding.path, format!("{}: {}", finding.code, finding.detail));
    }
    if !audit.is_clean() {
        return Ok(Vec::new());
    }
    entries(&reader, opened.checkpoint.size(), report).await
}

/// What is wrong with another site's copy of the log: its signature, its tiles, or a history that is not the primary's.
///
/// # Errors
/// When the public key or a file cannot be read.
pub(super) async fn audit(scope: &Scope, site: &Site) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(scope.keys.join("register.pub"))?;
    let verifier: Verifier = text.trim().parse().map_err(|e| anyhow::anyhow!("register.pub: {e}"))?;
    let reader = LogReader::new(site.log_tiles());
    let opened = match reader.checkpoint(&verifier, &[]).await {
        Ok(Some(opened)) => opened.checkpoint,
        Ok(None) => return Ok(Vec::new()),
        Err(e) => return Ok(vec![error_chain(&e)]),
    };
    let audit = reader.audit(&opened).await?;
    let mut findings: Vec<String> =
        audit.findings.iter().map(|f| format!("{} {}: {}", f.path, f.code, f.detail)).collect();
    let primary = LogReader::new(scope.site(&scope.primary)?.log_tiles());
    if let Ok(Some(published)) = primary.checkpoint(&verifier, &[]).await
        && published.checkpoint.size() == opened.size()
        && published.checkpoint.root() != opened.root()
    {
        findings.push("与主存备份点的登记簿不同 / another history than the primary's".into());
    }
    Ok(findings)
}

async fn entries(reader: &LogReader<LogTiles>, size: u64, report: &mut Report) -> anyhow::Result<Vec<Event>> {
    let (mut events, mut seen) = (Vec::new(), HashSet::new());
    let mut from = 0;
    while from < size {
        let to = size.min(from + 4096);
        for (n, bytes) in reader.entries(from..to, size).await?.into_iter().enumerate() {
            let place = from + n as u64;
            match Event::read(bytes) {
                Ok(event) if seen.insert(event.hash) => events.push(event),
                Ok(event) => report.find("log.once", place, event.hash),
                Err(e) => report.find("log.event", place, error_chain(&e)),
            }
        }
        from = to;
    }
    report.count("登记簿条目 log entries", size);
    Ok(events)
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
