//! `GET /registrations/{batch}`: one registration batch: its way, packs, papers, and what the desk can decide.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{BatchStep, BatchSummary};
use maud::{Markup, html};

use super::pieces::{self, Step, moment, or_code, or_dash};
use super::view::View;
use super::words::{self, Of};
use super::{Language, registrations, thousands};
use crate::api::registrations::find;
use crate::json;

/// The way of a batch: step, Chinese, English.
const WAY: [(&str, &str, &str); 7] = [
    ("applied", "申请", "Applied"),
    ("accepted", "受理", "Accepted"),
    ("received", "接收", "Received"),
    ("checked", "技术检测", "Checked"),
    ("registered", "登记", "Registered"),
    ("backed_up", "备份达标", "Backed up"),
    ("certified", "发证", "Certified"),
];

/// The page.
pub(super) async fn show(view: View, Path(batch): Path<String>) -> Response {
    let reply = match find(&view.gateway, &batch).await {
        Ok(reply) => reply,
        Err(refusal) => return view.refused(refusal, "/registrations"),
    };
    let b = reply.batch.unwrap_or_default();
    let title = match json::id(&b.batch) {
        Some(id) if b.registration_no.is_empty() => {
            format!("{} {}", view.l.say("登记批", "Batch"), id.get(24..).unwrap_or_default())
        }
        _ => b.registration_no.clone(),
    };
    let body = body(&b, &reply.steps, view.person(), view.l);
    let page = view.page(&title, "/registrations").under("", &title).beside(papers(&b, view.l));
    page.render(&body).into_response()
}

fn papers(b: &BatchSummary, l: Language) -> Markup {
    let id = json::id(&b.batch).unwrap_or_default();
    html! {
        (pieces::paper(&format!("registrations/{id}/application"), l.say("登记申请表", "Application")))
        @if !b.registration_no.is_empty() || b.state == "declined" { (pieces::paper(&format!("registrations/{id}/decision"), l.say("登记决定", "Decision"))) }
        @if !b.certificate_no.is_empty() { (pieces::paper(&format!("certificates/{}", b.certificate_no), l.say("登记证书", "Certificate"))) }
    }
}

fn body(b: &BatchSummary, taken: &[BatchStep], person: &str, l: Language) -> Markup {
    html! {
        section.card { (way(b, taken, l)) }
        div.columns {
            div {
                section.card { (facts(b, l)) }
                (packs(b, l))
            }
            div {
                (deciding(b, person, l))
                section.card { h2 { (l.say("办理经过", "Steps taken")) } (line(taken, l)) }
            }
        }
    }
}

fn way(b: &BatchSummary, taken: &[BatchStep], l: Language) -> Markup {
    let reached = WAY.iter().position(|step| step.0 == b.state);
    let last = taken.iter().filter_map(|t| WAY.iter().position(|step| is_step(&t.step, step.0))).max();
    let reached = reached.or(last);
    let at = |name: &str| taken.iter().rfind(|t| is_step(&t.step, name)).map_or(0, |t| t.at);
    let steps: Vec<Step<'_>> = WAY
        .iter()
        .enumerate()
        .map(|(i, (name, zh, en))| Step {
            word: l.say(zh, en),
            at: at(name),
            is_done: reached.is_some_and(|n| i <= n),
        })
        .collect();
    html! {
        @if b.state == "declined" { p.declined { (words::tag(Of::Batch, &b.state, l)) " " (b.reasons.join(" ")) } }
        (pieces::steps(&steps, l))
    }
}

/// A step is named as the command (`accept`) or as the state it leads to (`accepted`).
fn is_step(step: &str, state: &str) -> bool {
    let command = match state {
        "applied" => "apply",
        "accepted" => "accept",
        "received" => "receive",
        "checked" => "check",
        "registered" => "register",
        "declined" => "decline",
        "backed_up" => "secure",
        "certified" => "certify",
        other => other,
    };
    step == state || step == command
}

fn facts(b: &BatchSummary, l: Language) -> Markup {
    let id = json::id(&b.batch).unwrap_or_default();
    html! {
        dl.facts {
            dt { (l.say("状态", "State")) } dd { (words::tag(Of::Batch, &b.state, l)) @if !b.waits_for.is_empty() { " " (l.say("待：", "waits for: ")) (pieces::waits(&b.waits_for, l)) } }
            dt { (l.say("立档单位", "Unit")) } dd { (or_code(&b.unit_name, &b.unit_uscc)) " " span.mono.quiet { (b.unit_uscc) } }
            dt { (l.say("全宗、年度", "Fonds, year")) } dd { span.mono { (or_dash(&b.fonds_no)) } " · " (b.year) }
            dt { (l.say("登记类型", "Kind")) } dd { (l.say("批次登记", "batch")) }
            dt { (l.say("数量", "Amount")) } dd {
                a href=(l.link(&format!("/items?batch={id}"))) { (thousands(b.items.into())) (l.say(" 件", " items")) }
                (l.say("，", ", ")) (thousands(b.files)) (l.say(" 个文件，", " files, ")) (words::size(b.bytes))
            }
            dt { (l.say("登记号", "Registration no.")) } dd.mono { (or_dash(&b.registration_no)) }
            dt { (l.say("登记证书", "Certificate")) } dd { (pieces::certificate(&b.certificate_no, l)) }
            dt { (l.say("申请时间", "Applied")) } dd { (moment(b.applied_at)) }
            dt { (l.say("最近变动", "Changed")) } dd { (moment(b.changed_at)) }
            dt { (l.say("登记批标识", "Id")) } dd.mono { (id) }
        }
    }
}

fn packs(b: &BatchSummary, l: Language) -> Markup {
    html! {
        section.card {
            h2 { (l.say("存储包", "Packs")) span.unit { (b.secured_packs.len()) " / " (b.packs.len()) (l.say(" 备份达标", " secured")) } }
            table {
                thead { tr { th { (l.say("存储包", "Pack")) } th { (l.say("备份", "Backup")) } th { (l.say("归档电子文件登记表", "Filing form")) } } }
                tbody {
                    @for pack in &b.packs {
                        tr {
                            td.code { (pieces::pack(*pack, l)) }
                            td { @if b.secured_packs.contains(pack) { span.tag.good { (l.say("备份达标", "secured")) } } @else { span.tag.wait { (l.say("未达标", "not yet")) } } }
                            td { (pieces::paper(&format!("filing-batches/{pack}/filing"), "")) }
                        }
                    }
                }
            }
        }
    }
}

/// Steps as they were taken: when, by whom, with what words.
pub(super) fn line(taken: &[BatchStep], l: Language) -> Markup {
    html! {
        ol.line {
            @for t in taken {
                li.bad[is_step(&t.step, "declined")] {
                    div.when { (moment(t.at)) @if !t.by.is_empty() { span { (pieces::bilingual(&t.by, l)) } } }
                    div { b { (word(&t.step, l)) } " " (pieces::bilingual(&t.note, l)) }
                }
            }
        }
        @if taken.is_empty() { p.quiet { "–" } }
    }
}

fn word(step: &str, l: Language) -> &str {
    if is_step(step, "declined") {
        return words::state(Of::Batch, "declined", l);
    }
    WAY.iter().find(|way| is_step(step, way.0)).map_or(step, |way| l.say(way.1, way.2))
}

/// What can be decided now, where the unit's rule leaves it to the desk.
fn deciding(b: &BatchSummary, person: &str, l: Language) -> Markup {
    let next = match b.state.as_str() {
        "applied" => ("accept", l.say("受理", "Accept")),
        "accepted" => ("receive", l.say("接收", "Receive")),
        "received" => ("check", l.say("技术检测", "Check")),
        "checked" => ("register", l.say("予以登记", "Register")),
        _ => return html! {},
    };
    let action = l.link(&format!("/registrations/{}", json::id(&b.batch).unwrap_or_default()));
    html! {
        section.card {
            h2 { (l.say("办理", "Decide")) }
            @if b.waits_for.is_empty() { p.quiet { (l.say("按单位规则自动办理，也可在此提前办理。", "Goes on by itself by the unit's rule; can also be decided here.")) } }
            form.stack method="post" action=(action) {
                (registrations::by(person, l))
                label { (l.say("意见", "Note")) textarea name="note" rows="2" maxlength="500" {} }
                div.go { button name="step" value=(next.0) { (next.1) } }
            }
            details.decline {
                summary { (l.say("不予登记", "Decline")) }
                form.stack method="post" action=(action) {
                    (registrations::by(person, l))
                    label { (l.say("理由", "Reason")) textarea name="reason" rows="2" required maxlength="500" {} }
                    div.go { button.danger name="step" value="decline" { (l.say("不予登记", "Decline")) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_known_by_command_and_by_state() {
        assert!(
            is_step("accept", "accepted") && is_step("accepted", "accepted") && !is_step("accept", "applied")
        );
        assert_eq!(word("check", Language::Chinese), "技术检测");
        assert_eq!(word("weigh", Language::English), "weigh");
    }

    #[test]
    fn a_finished_batch_offers_no_decision() {
        let batch = |state: &str| BatchSummary { state: state.into(), ..Default::default() };
        assert!(deciding(&batch("certified"), "", Language::Chinese).into_string().is_empty());
        let open = deciding(&batch("checked"), "张三", Language::Chinese).into_string();
        assert!(open.contains(r#"value="register""#) && open.contains("张三"), "{open}");
    }
}
