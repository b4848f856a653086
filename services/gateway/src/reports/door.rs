//! 预归档检测 (stage P): the door keeps no sealed report, only what was not a plain pass, beside the submission. Where
//! ingest does not answer, or has nothing any more, the event's own check ids remain.

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_chain::facts::{ItemPrefiled, SubmissionRefused};
use dengbei_checks::{CheckId, Finding, Severity};
use dengbei_papers::report::{
    CheckLine, Part, Said, SchemeLine, result_word, stage_word, summary, verdict_word,
};
use dengbei_proto::v1::{self, ItemSummary};
use dengbei_records::{SubmissionId, Timestamp};

use super::time;
use crate::peers::{Peers, answered, question};

/// What is known of a submission's run at the door.
struct Noted {
    is_refused: bool,
    data_version: u32,
    at: Timestamp,
    checks: Vec<v1::CheckResult>,
    /// Ids that the event names.
    ids: Vec<String>,
}

/// Of an item that was taken.
pub(super) async fn prefiled(peers: &Peers, event: &Event, fact: &ItemPrefiled) -> Part {
    let checks = noted(peers, fact.submission).await.map(|reply| reply.checks).unwrap_or_default();
    let (at, ids) = (event.recorded_at, fact.warned.clone());
    part(&Noted { is_refused: false, data_version: fact.data_version.get(), at, checks, ids })
}

/// Of a package that was refused.
pub(super) async fn refused(peers: &Peers, event: &Event, fact: &SubmissionRefused) -> Part {
    let checks = noted(peers, fact.submission).await.map(|reply| reply.checks).unwrap_or_default();
    let (at, ids) = (event.recorded_at, fact.failed.clone());
    part(&Noted { is_refused: true, data_version: fact.data_version, at, checks, ids })
}

/// Of what only ingest knows yet.
pub(super) async fn of(peers: &Peers, item: &ItemSummary) -> Option<Part> {
    let id = SubmissionId::from_slice(&item.submission).ok()?;
    let reply = noted(peers, id).await?;
    Some(part(&Noted {
        is_refused: reply.outcome == "refused",
        data_version: reply.data_version,
        at: Timestamp::from_millis(reply.received_at),
        checks: reply.checks,
        ids: Vec::new(),
    }))
}

async fn noted(peers: &Peers, submission: SubmissionId) -> Option<v1::SubmissionReply> {
    let submission = Bytes::copy_from_slice(submission.as_bytes());
    let asked = v1::SubmissionRequest { item: Bytes::new(), submission };
    answered(peers.ingest().submission(question(asked)).await).ok()
}

fn part(noted: &Noted) -> Part {
    let checks = lines(noted);
    let (verdict, word) = (if noted.is_refused { "failed" } else { "passed" }, stage_word("P"));
    Part {
        title: Said::new(format!("{}检测（接收时）", word.zh), format!("checks of {}, at the door", word.en)),
        stage: "P".into(),
        verdict: verdict.into(),
        verdict_word: verdict_word(verdict),
        scheme: SchemeLine::default(),
        engine: String::new(),
        data_version: noted.data_version,
        began: String::new(),
        ended: time(noted.at),
        basis: Said::new(
            "接收时的检测只留存未通过和警告的项（每项至多10条），不封存报告；未列出的项不作结论。",
            "Of the checks at the door only what failed or warned is kept (10 findings each), no sealed report; nothing is claimed of the rest.",
        ),
        summary: summary(&checks),
        checks,
        persons: Vec::new(),
        rechecks: Vec::new(),
        sample: Said::default(),
        unfit: Vec::new(),
        digest: String::new(),
        digest_of: Said::new(
            "接收时的检测没有封存的报告；检测项编号载于事件，存证回执可证明。",
            "No report of the door was sealed; the ids of the checks stand in the event, which the evidence receipt proves.",
        ),
        stored: serde_json::Value::Null,
    }
}

/// One line a check, its findings under it; codes that are no check keep their code.
fn lines(noted: &Noted) -> Vec<CheckLine> {
    let mut lines: Vec<CheckLine> = Vec::new();
    for check in &noted.checks {
        if !lines.iter().any(|line| line.id == check.id) {
            lines.push(line(&check.id, &check.result));
        }
        let Some(line) = lines.iter_mut().find(|line| line.id == check.id) else { continue };
        let (remedy, remedy_en) = check.remedy.split_once(" / ").unwrap_or((&check.remedy, ""));
        line.findings.push(Finding {
            place: check.place.clone(),
            message: check.message.clone(),
            message_en: check.message_en.clone(),
            remedy: remedy.into(),
            remedy_en: remedy_en.into(),
        });
    }
    let result = if noted.is_refused { "failed" } else { "warning" };
    for id in &noted.ids {
        if !lines.iter().any(|line| line.id == *id) {
            lines.push(line(id, result));
        }
    }
    lines
}

fn line(id: &str, result: &str) -> CheckLine {
    let severity = if result == "failed" { Severity::Blocks } else { Severity::Warns };
    match id.parse::<CheckId>() {
        Ok(check) => {
            let declared = check.declared();
            let office = Said::new(declared.office.word(), declared.office.word_en());
            let alias = check.alias(dengbei_checks::Stage::P);
            CheckLine { office, ..CheckLine::silent(check, &alias, severity, result) }
        }
        Err(_) => CheckLine {
            id: id.into(),
            alias: String::new(),
            name: Said::new(id, ""),
            property: "usability".into(),
            severity: severity.as_str().into(),
            result: result.into(),
            result_word: result_word(result),
            compared: 0,
            basis: Said::default(),
            evidence: Vec::new(),
            findings: Vec::new(),
            office: Said::default(),
            note: Said::default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_one_check_stand_under_it_and_bare_ids_are_kept() {
        let check = |id: &str, message: &str| v1::CheckResult {
            id: id.into(),
            severity: "block".into(),
            result: "failed".into(),
            message: message.into(),
            message_en: message.into(),
            place: "a.pdf".into(),
            remedy: "换 / replace".into(),
        };
        let noted = Noted {
            is_refused: true,
            data_version: 1,
            at: Timestamp::from_millis(1_793_000_000_000),
            checks: vec![check("A-02", "一"), check("A-02", "二")],
            ids: vec!["A-02".into(), "archive.ratio".into()],
        };
        let part = part(&noted);
        assert_eq!(part.checks.iter().map(|c| c.findings.len()).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(part.checks[0].findings[0].remedy_en, "replace");
        assert_eq!((part.checks[1].id.as_str(), part.verdict.as_str()), ("archive.ratio", "failed"));
    }
}
