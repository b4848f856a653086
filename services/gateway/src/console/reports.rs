//! `GET /items/{id}/report`, `GET /transfers/{number}/report`: 检测报告 whole: every run by property, every check with what
//! was compared, findings with how to mend them, persons, and the digest with how to check it.

use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use dengbei_papers::report::{CheckLine, CheckPaper, Part, Said};
use maud::{Markup, html};

use super::Language;
use super::pieces::{self, or_dash};
use super::view::View;
use super::words::{self, Of};
use crate::api::item_id;
use crate::api::items::saw;
use crate::reports::{self, Which};

/// Of an item.
pub(super) async fn item(view: View, Path(id): Path<String>, Query(which): Query<Which>) -> Response {
    let item = match item_id(&id) {
        Ok(item) => item,
        Err(refusal) => return view.refused(refusal, "/items"),
    };
    match reports::of_item(view.peers(), item, &which).await {
        Ok(paper) => {
            saw(&view.gateway, &view.who, "item.report", item);
            show(&view, &paper, ("/items", &format!("/items/{id}")))
        }
        Err(refusal) => view.refused(refusal, "/items"),
    }
}

/// Of a transfer.
pub(super) async fn transfer(view: View, Path(number): Path<String>) -> Response {
    match reports::of_transfer(view.peers(), &number).await {
        Ok(paper) => show(&view, &paper, ("/transfers", &format!("/transfers/{number}"))),
        Err(refusal) => view.refused(refusal, "/transfers"),
    }
}

fn show(view: &View, paper: &CheckPaper, (way, of): (&str, &str)) -> Response {
    let l = view.l;
    let title = l.say("检测报告", "Report of checks");
    let data = format!("/v1{of}/report");
    let beside = html! {
        a.button href={ (data) ".pdf" } { (l.say("打印 PDF", "PDF")) }
        a.button href=(data) { "JSON" }
    };
    let page = view.page(title, way).under(of, &paper.number).under("", title).beside(beside);
    page.render(&body(paper, l)).into_response()
}

fn body(paper: &CheckPaper, l: Language) -> Markup {
    html! {
        section.card {
            dl.facts { @for fact in &paper.about { dt { (l.say(&fact.name, &fact.name_en)) } dd { (fact.value) } } }
        }
        @if paper.parts.is_empty() {
            section.card.notice { (l.say("没有留存检测报告。", "No report of checks was kept.")) }
        }
        @for (n, part) in paper.parts.iter().enumerate().rev() { (run(n, part, l)) }
    }
}

fn said(s: &Said, l: Language) -> &str {
    if l == Language::English && !s.en.is_empty() { &s.en } else { &s.zh }
}

fn run(n: usize, part: &Part, l: Language) -> Markup {
    html! {
        section.card id={ "run-" (n + 1) } {
            h2 {
                (said(&part.title, l)) " " (verdict(part, l))
                span.unit { time { (moment(&part.ended)) } @if part.data_version > 0 { " · " (l.say("数据版本 ", "data version ")) (part.data_version) } }
            }
            p.quiet { (said(&part.basis, l)) }
            (facts(part, l))
            (by_property(part, l))
            (wrong(part, l))
            (unfit(part, l))
            (people(part, l))
            (every(part, l))
            p.quiet.digest { (l.say("报告摘要 SHA-256：", "SHA-256: ")) span.mono { (or_dash(&part.digest)) } br; (said(&part.digest_of, l)) }
        }
    }
}

fn verdict(part: &Part, l: Language) -> Markup {
    let mark = match part.verdict.as_str() {
        "passed" => "good",
        "failed" => "bad",
        _ => "wait",
    };
    html! { span class={ "tag " (mark) } { (said(&part.verdict_word, l)) } }
}

/// `2026-11-22T08:00:00+08:00` as offices write it.
fn moment(text: &str) -> String {
    if text.is_empty() { "–".into() } else { text.chars().take(19).collect::<String>().replace('T', " ") }
}

fn facts(part: &Part, l: Language) -> Markup {
    html! {
        @if !part.scheme.id.is_empty() || !part.engine.is_empty() {
            dl.facts.within {
                dt { (l.say("检测方案", "Scheme")) } dd { span.mono { (part.scheme.id) } (l.say(" 版本 ", ", version ")) span.mono { (or_dash(&part.scheme.version)) } }
                @if !part.scheme.digest.is_empty() { dt { (l.say("方案摘要", "Scheme digest")) } dd.mono { (part.scheme.digest) } }
                dt { (l.say("检测引擎", "Engine")) } dd.mono { (or_dash(&part.engine)) }
                dt { (l.say("起止时间", "Time")) } dd { (moment(&part.began)) " — " (moment(&part.ended)) }
                @if !part.sample.zh.is_empty() { dt { (l.say("抽样", "Sample")) } dd { (said(&part.sample, l)) } }
            }
        }
    }
}

fn by_property(part: &Part, l: Language) -> Markup {
    let heads = [
        ("检测项", "Checks"),
        ("通过", "Passed"),
        ("不通过", "Failed"),
        ("警告", "Warned"),
        ("不适用", "Not applicable"),
        ("无法验证", "Unverifiable"),
        ("未载明", "Not stated"),
    ];
    html! {
        h3 { (l.say("按四性汇总", "By property")) }
        div.scroll tabindex="0" { table.counts {
            thead { tr { th { (l.say("四性", "Property")) } @for (zh, en) in heads { th.number { (l.say(zh, en)) } } } }
            tbody { @for c in &part.summary {
                tr {
                    td { (said(&c.word, l)) }
                    @for n in [c.checks, c.passed, c.failed, c.warning, c.not_applicable, c.unverifiable, c.unstated] { td.number { (n) } }
                }
            } }
        } }
    }
}

fn wrong(part: &Part, l: Language) -> Markup {
    let found: Vec<&CheckLine> = part.checks.iter().filter(|c| !c.findings.is_empty()).collect();
    html! {
        @if !found.is_empty() {
            h3 { (l.say("检测发现与改正办法", "Findings and remedies")) }
            div.scroll tabindex="0" { table {
                thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("结果", "Result")) } th { (l.say("位置", "Where")) } th { (l.say("说明", "What")) } th { (l.say("改正办法", "Remedy")) } th { (l.say("由谁改正", "By whom")) } } }
                tbody { @for c in found { @for f in &c.findings {
                    tr {
                        td.code { (c.id) } td.short { (result(c, l)) } td { (or_dash(&f.place)) }
                        td { (l.say(&f.message, &f.message_en)) }
                        td { (or_dash(if l == Language::English && !f.remedy_en.is_empty() { &f.remedy_en } else { &f.remedy })) }
                        td.short { (or_dash(said(&c.office, l))) }
                    }
                } } }
            } }
        }
    }
}

fn result(c: &CheckLine, l: Language) -> Markup {
    if c.result == "unstated" {
        return html! { span.tag { (said(&c.result_word, l)) } };
    }
    words::tag(Of::Result, &c.result, l)
}

fn unfit(part: &Part, l: Language) -> Markup {
    html! {
        @if !part.unfit.is_empty() {
            h3 { (l.say("不合格、已剔除", "Unfit and taken out")) }
            table {
                thead { tr { th { (l.say("档号", "Archival code")) } th { (l.say("检测项", "Checks")) } th { (l.say("说明", "What")) } th { (l.say("改正办法", "Remedy")) } } }
                tbody { @for u in &part.unfit {
                    tr { td.code { (u.code) } td.code { (u.failed.join(" ")) } td { (said(&u.message, l)) } td { (or_dash(pieces::bilingual(&u.remedy, l))) } }
                } }
            }
        }
    }
}

fn people(part: &Part, l: Language) -> Markup {
    html! {
        @if !part.persons.is_empty() {
            h3 { (l.say("人工检测", "By persons")) }
            table {
                thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("对象", "Of")) } th { (l.say("内容", "Task")) } th { (l.say("签署人", "Signed by")) } } }
                tbody { @for p in &part.persons {
                    tr { td.code { (p.check) } td { (p.of) } td { (said(&p.task, l)) } td { (or_dash(&p.signed_by.join("、"))) " (" (p.signed_by.len()) "/" (p.wanted) ")" } }
                } }
            }
        }
        @if !part.rechecks.is_empty() {
            h3 { (l.say("人工复检", "Looked at again")) }
            table {
                thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("意见", "Opinion")) } th { (l.say("复检人", "Person")) } th { (l.say("理由", "Reason")) } th { (l.say("时间", "At")) } } }
                tbody { @for r in &part.rechecks {
                    tr { td.code { (r.check) } td.short { (said(&r.opinion_word, l)) } td { (r.person) } td { (r.reason) } td.time { (moment(&r.at)) } }
                } }
            }
        }
    }
}

fn every(part: &Part, l: Language) -> Markup {
    html! {
        @if !part.checks.is_empty() {
            h3 { (l.say("逐项结果", "Every check")) span.unit { (part.checks.len()) (l.say(" 项", "")) } }
            div.scroll tabindex="0" { table {
                thead { tr { th { (l.say("检测项", "Check")) } th { "DA/T 70" } th { (l.say("名称", "Name")) } th { (l.say("四性", "Property")) } th { (l.say("级别", "Severity")) } th { (l.say("结果", "Result")) } th.number { (l.say("比对数", "Compared")) } th { (l.say("比对依据与证据", "What was compared, evidence")) } } }
                tbody { @for c in &part.checks { (line(c, l)) } }
            } }
        }
    }
}

fn line(c: &CheckLine, l: Language) -> Markup {
    let severity = match c.severity.as_str() {
        "B" => l.say("阻断", "blocks"),
        "M" => l.say("人工", "signed"),
        _ => l.say("警告", "warns"),
    };
    html! {
        tr {
            td.code { (c.id) } td { (or_dash(&c.alias)) } td.name { (said(&c.name, l)) } td.short { (words::property(&c.id, l)) }
            td.short { (severity) } td.short { (result(c, l)) } td.number { @if c.compared > 0 { (c.compared) } @else { "–" } }
            td {
                (or_dash(said(&c.basis, l)))
                @for e in &c.evidence { br; span.quiet { (e.what) " " } span.mono { (e.value) } }
                @if !c.note.zh.is_empty() { br; span.quiet { (said(&c.note, l)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dengbei_papers::report::{Fact, SchemeLine, summary, verdict_word};

    use super::*;

    #[test]
    fn a_run_that_was_not_fed_says_not_stated_and_never_passed() {
        let id = dengbei_checks::CheckId::A03;
        let checks = vec![CheckLine::silent(id, "GD-1-3", dengbei_checks::Severity::Warns, "unstated")];
        let part = Part {
            title: Said::new("归档检测", "checks of filing"),
            stage: "G".into(),
            verdict: "passed".into(),
            verdict_word: verdict_word("passed"),
            scheme: SchemeLine::default(),
            engine: String::new(),
            data_version: 1,
            began: String::new(),
            ended: "2026-11-22T08:00:00+08:00".into(),
            basis: Said::default(),
            summary: summary(&checks),
            checks,
            persons: Vec::new(),
            rechecks: Vec::new(),
            sample: Said::default(),
            unfit: Vec::new(),
            digest: "ab".into(),
            digest_of: Said::new("复算相符", "agrees"),
            stored: serde_json::Value::Null,
        };
        let about = vec![Fact::new("档号", "archival code", "J021")];
        let paper = CheckPaper { number: "J021".into(), dated: String::new(), about, parts: vec![part] };
        let zh = body(&paper, Language::Chinese).into_string();
        assert!(
            zh.contains("未载明") && zh.contains("2026-11-22 08:00:00") && zh.contains("复算相符"),
            "{zh}"
        );
        let en = body(&paper, Language::English).into_string();
        assert!(en.contains("not stated") && en.contains("archival code"), "{en}");
    }
}
