//! A check report (检测报告): what failed or warned with how to mend it, and every check of the run.

use maud::{Markup, html};
use serde::Deserialize;

use super::Language;
use super::pieces::{bilingual, or_dash};
use super::words::{self, Of};
use crate::findings::Finding;

/// What someone should do or know; ids alone where the report is not at hand.
pub(super) fn findings(found: &[Finding], failed: &[String], l: Language) -> Markup {
    let bare: Vec<&String> = failed.iter().filter(|id| !found.iter().any(|f| f.id == **id)).collect();
    html! {
        @if !found.is_empty() || !bare.is_empty() {
            section.card {
                h2 { (l.say("检测发现", "Findings")) }
                table {
                    thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("位置", "Where")) } th { (l.say("说明", "What")) } th { (l.say("改正", "Remedy")) } } }
                    tbody {
                        @for f in found { tr { (cells(f, l)) } }
                        @for id in bare { tr { td.code { span.tag.bad { (id) } } td colspan="3" { (words::property(id, l)) } } }
                    }
                }
            }
        }
    }
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

/// Every check of the run, folded away: property by property in the order of ids.
pub(super) fn whole(report: &[u8], l: Language) -> Markup {
    let Ok(report) = serde_json::from_slice::<Report>(report) else { return html! {} };
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
        let shown = whole(report.as_bytes(), Language::English).into_string();
        assert!(
            shown.contains("file digests agree")
                && shown.contains("authenticity")
                && shown.contains("2 checks, passed: 1"),
            "{shown}"
        );
        assert!(whole(b"", Language::Chinese).into_string().is_empty());
    }
}
