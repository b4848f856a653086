//! One item's place in a run over many: its member, what the run noted about it, and for the rest of the scheme only what
//! silence means.

use dengbei_chain::facts::ItemChecked;
use dengbei_chain::{Event, Member, MemberList};
use dengbei_checks::{CheckOutcome, Scheme, Scope, Stage, is_always_judged};
use dengbei_papers::report::{CheckLine, Part, Said, SchemeLine, stage_word, summary, verdict_word};
use dengbei_records::ItemId;
use serde_json::json;

use super::{time, unreadable};
use crate::problem::Refusal;

/// The part about `item` of a run that let it pass.
pub(super) fn passed(
    (event, fact): (&Event, &ItemChecked),
    body: &[u8],
    item: ItemId,
) -> Result<Part, Refusal> {
    let list = MemberList::read(body, &fact.report).map_err(|e| unreadable(&e))?;
    let member = list.members.iter().find(|member| member.item == item);
    let noted: Vec<CheckOutcome> =
        member.and_then(|m| serde_json::from_value(m.detail.clone()).ok()).unwrap_or_default();
    let checks = lines(fact, &noted);
    let word = stage_word(&fact.stage);
    let n = list.members.len();
    let stated = checks.iter().filter(|c| c.result == "unstated").count();
    Ok(Part {
        title: Said::new(format!("{}检测", word.zh), format!("checks of {}", word.en)),
        stage: fact.stage.clone(),
        verdict: "passed".into(),
        verdict_word: verdict_word("passed"),
        scheme: scheme_line(fact),
        engine: fact.engine.clone(),
        data_version: member.map_or(0, |m| m.data_version.get()),
        began: String::new(),
        ended: time(event.recorded_at),
        basis: basis(n, stated, checks.len()),
        summary: summary(&checks),
        checks,
        persons: Vec::new(),
        rechecks: Vec::new(),
        sample: Said::default(),
        unfit: Vec::new(),
        digest: fact.report.digest.to_string(),
        digest_of: Said::new(
            "本次检测成员清单（规范 JSON 文档）的 SHA-256，由 item.checked 事件引用，该事件在存证回执和登记日志中可核验；取用时已复算，相符。",
            "SHA-256 over the run's member list (a document in canonical JSON), cited by the event item.checked, which the evidence receipt and the log prove; recomputed when it was fetched: it agrees.",
        ),
        stored: stored(event, &list, member),
    })
}

fn stored(event: &Event, list: &MemberList, member: Option<&Member>) -> serde_json::Value {
    json!({ "of": list.of, "event": event.hash.to_string(), "members": list.members.len(), "member": member })
}

fn basis(members: usize, unstated: usize, checks: usize) -> Said {
    let (mut zh, mut en) = (
        format!(
            "与另外 {} 件同批检测通过；清单只载明该件的警告、证据和无法验证的项，必检项未载明即为通过。",
            members - members.min(1)
        ),
        format!(
            "Passed in a run of {members} items. The list notes warnings, evidence and what could not be verified; of what every run judges, silence is a pass."
        ),
    );
    if unstated > 0 {
        zh.push_str("“未载明”的项本次未必比对，不作结论。");
        en.push_str(" What is not stated may not have been compared: nothing is claimed about it.");
    }
    if checks == 0 {
        zh.push_str("本次采用地方检测方案，其检测项目录不在清单中，仅列清单载明的项。");
        en.push_str(" The run followed a scheme of the area, which the list does not hold: only what it notes is shown.");
    }
    Said::new(zh, en)
}

/// The built-in scheme's document is at hand; of another only the name is known.
fn built_in(fact: &ItemChecked) -> Option<(Scheme, Stage)> {
    let scheme = Scheme::builtin();
    let is_it = fact.scheme == scheme.name().to_string();
    Stage::from_name(&fact.stage).filter(|_| is_it).map(|stage| (scheme, stage))
}

fn scheme_line(fact: &ItemChecked) -> SchemeLine {
    let digest = built_in(fact).map(|(scheme, _)| scheme.digest.to_string()).unwrap_or_default();
    SchemeLine { digest, ..SchemeLine::read(&fact.scheme) }
}

fn lines(fact: &ItemChecked, noted: &[CheckOutcome]) -> Vec<CheckLine> {
    let Some((scheme, stage)) = built_in(fact) else { return noted.iter().map(CheckLine::from).collect() };
    let of_items = scheme.lines(stage).iter().filter(|line| line.check.scope() == Scope::Item);
    let line = |line: &dengbei_checks::Line| match noted.iter().find(|c| c.id == line.check) {
        Some(outcome) => CheckLine::from(outcome),
        None => {
            let result = if is_always_judged(line.check) { "passed" } else { "unstated" };
            CheckLine::silent(line.check, &line.alias, line.rule.severity, result)
        }
    };
    of_items.map(line).collect()
}

#[cfg(test)]
mod tests {
    use dengbei_chain::facts::{DocumentRef, Verdict};
    use dengbei_checks::{CheckId, ENGINE};
    use dengbei_records::Sha256;

    use super::*;

    fn fact(scheme: &str) -> ItemChecked {
        ItemChecked {
            stage: "G".into(),
            scheme: scheme.into(),
            engine: ENGINE.into(),
            verdict: Verdict::Passed { count: 1, root: Sha256::of(b"root") },
            report: DocumentRef::to(b"{}", "application/json"),
        }
    }

    #[test]
    fn what_a_run_is_not_always_fed_is_not_called_a_pass() {
        let scheme = Scheme::builtin();
        let lines = lines(&fact(&scheme.name().to_string()), &[]);
        let result = |id: CheckId| lines.iter().find(|l| l.id == id.as_str()).map(|l| l.result.clone());
        assert_eq!(result(CheckId::A02).as_deref(), Some("passed"));
        assert_eq!(result(CheckId::A03).as_deref(), Some("unstated"));
        assert_eq!(result(CheckId::I01), None, "what is of a batch is not of an item");
        assert!(summary(&lines).iter().map(|row| row.unstated).sum::<u32>() > 0);
    }

    #[test]
    fn of_a_scheme_that_is_not_at_hand_only_what_was_noted_is_listed() {
        assert!(lines(&fact("elsewhere/strict/7"), &[]).is_empty());
        assert_eq!(scheme_line(&fact("elsewhere/strict/7")).id, "elsewhere/strict");
    }
}
