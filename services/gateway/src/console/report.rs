//! A check report (检测报告): what failed or warned with how to mend it, and every check of the run.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::pieces::{bilingual, or_dash};
use super::words::{self, Of};
use super::{Language, thousands};
use crate::findings::{self, Finding};

/// What someone should do or know; ids alone where the report is not at hand.
pub(super) fn findings(found: &[Finding], failed: &[String], l: Language) -> Markup {
    let bare: Vec<&String> = failed.iter().filter(|id| !found.iter().any(|f| f.id == **id)).collect();
    html! {
        @if !found.is_empty() || !bare.is_empty() {
            section.card {
                h2 { (l.say("检测发现", "Findings")) }
                table {
                    (head(l))
                    tbody {
                        @for f in found { tr { (cells(f, l)) } }
                        @for id in bare { tr { td.code { span.tag.bad { (id) } } td colspan="3" { (words::property(id, l)) } } }
                    }
                }
            }
        }
    }
}

fn head(l: Language) -> Markup {
    html! { thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("位置", "Where")) } th { (l.say("说明", "What")) } th { (l.say("改正", "Remedy")) } } } }
}

/// One finding: its check, place, what is wrong, what to do.
pub(super) fn cells(f: &Finding, l: Language) -> Markup {
    html! {
        td.code { span class={ "tag " (if f.is_blocking() { "bad" } else { "wait" }) } { (f.id) } }
        td { (or_dash(&f.place)) } td { (l.say(&f.message, &f.message_en)) } td { (or_dash(bilingual(&f.remedy, l))) }
    }
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    stage: String,
    #[serde(default)]
    scheme: Scheme,
    #[serde(default)]
    engine: String,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Default, Deserialize)]
struct Scheme {
    id: String,
    version: String,
}

/// What an item that passed has instead of a report of its own: its place in the run's list, with what was notable.
#[derive(Deserialize)]
struct Run {
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    item: String,
    #[serde(default)]
    detail: Value,
}

#[derive(Deserialize)]
struct Check {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    name_en: String,
    #[serde(default)]
    alias: String,
    result: String,
    #[serde(default)]
    compared: u64,
}

/// How it was checked: the run that it passed in, or every check of its own report.
pub(super) fn whole(report: &[u8], item: &str, l: Language) -> Markup {
    if let Ok(run) = serde_json::from_slice::<Run>(report) {
        return passed(&run, item, l);
    }
    match serde_json::from_slice::<Report>(report) {
        Ok(report) if !report.checks.is_empty() => every(&report, l),
        _ => html! {},
    }
}

/// Passed together with others; what was notable about this one.
fn passed(run: &Run, item: &str, l: Language) -> Markup {
    let own = run.members.iter().find(|member| member.item == item);
    let notable = own.map(|member| serde_json::json!({ "checks": member.detail }).to_string());
    let notable = findings::of(notable.unwrap_or_default().as_bytes());
    let n = thousands(run.members.len() as u64);
    html! {
        section.card {
            h2 { (l.say("四性检测", "Checks")) span.unit { (l.say(format!("同批 {n} 件一并通过"), format!("passed in a run of {n} items"))) } }
            @if notable.is_empty() { p.quiet { (l.say("没有不通过和警告；逐项结果见检测报告。", "Nothing failed or warned: the report has every check.")) } }
            @else { table { (head(l)) tbody { @for f in &notable { tr { (cells(f, l)) } } } } }
        }
    }
}

/// Every check, folded away, in the order of ids.
fn every(report: &Report, l: Language) -> Markup {
    let passed = report.checks.iter().filter(|c| c.result == "passed").count();
    html! {
        section.card {
            details {
                summary {
                    h2 { (l.say("四性检测报告", "Check report")) }
                    span.quiet { (report.checks.len()) (l.say(" 项，通过 ", " checks, passed: ")) (passed) }
                }
                p.quiet {
                    (l.say("环节 ", "stage ")) (report.stage) (l.say(" · 方案 ", " · scheme ")) span.mono { (report.scheme.id) "/" (report.scheme.version) }
                    (l.say(" · 引擎 ", " · engine ")) span.mono { (report.engine) }
                }
                table {
                    thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("名称", "Name")) } th { (l.say("四性", "Property")) } th { "DA/T 70" } th.number { (l.say("比对数", "Compared")) } th { (l.say("结果", "Result")) } } }
                    tbody {
                        @for c in &report.checks {
                            tr {
                                td.code { (c.id) } td { (l.say(&c.name, &c.name_en)) } td.short { (words::property(&c.id, l)) }
                                td.code { (or_dash(&c.alias)) } td.number { (c.compared) } td { (words::tag(Of::Result, &c.result, l)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_shown_check_by_check_and_no_report_not_at_all() {
        let report = r#"{"stage":"G","scheme":{"id":"zj","version":"1"},"engine":"e/1","checks":[
            {"id":"A-02","name":"文件摘要一致","name_en":"file digests agree","result":"passed","compared":3},
            {"id":"S-03","name":"多余文件","result":"warning"}]}"#;
        let shown = whole(report.as_bytes(), "", Language::English).into_string();
        assert!(
            shown.contains("file digests agree")
                && shown.contains("authenticity")
                && shown.contains("2 checks, passed: 1"),
            "{shown}"
        );
        assert!(whole(b"", "", Language::Chinese).into_string().is_empty());
    }

    #[test]
    fn an_item_that_passed_in_a_run_shows_what_was_notable_about_it_alone() {
        let run = r#"{"of":"item.checked","salt":"00","members":[
            {"event":"aa","item":"one","data_version":1,"detail":[{"id":"S-03","severity":"W","result":"warning","findings":[{"place":"Thumbs.db","message":"多余","message_en":"left over","remedy":"移除"}]}]},
            {"event":"bb","item":"two","data_version":1,"detail":null}]}"#;
        let one = whole(run.as_bytes(), "one", Language::English).into_string();
        assert!(one.contains("a run of 2 items") && one.contains("Thumbs.db"), "{one}");
        let two = whole(run.as_bytes(), "two", Language::Chinese).into_string();
        assert!(two.contains("同批 2 件一并通过") && !two.contains("Thumbs.db"), "{two}");
    }
}
