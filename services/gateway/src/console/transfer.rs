//! `GET /transfers/{number}`: one transfer: its way, what was unfit and why, its papers, who signs.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{TransferReply, TransferStep, TransferSummary, UnfitItem};
use maud::{Markup, html};

use super::pieces::{self, Step, moment, or_code, or_dash};
use super::view::View;
use super::words::{self, Of};
use super::{Language, asked, thousands};
use crate::json;

/// Codes that are shown; all stand in the catalogue.
const CODES: usize = 40;

/// The way of a transfer: state, the step's names, Chinese, English.
const WAY: [(&str, &[&str], &str, &str); 5] = [
    ("packed", &["packed"], "组包", "Packed"),
    ("submitted", &["submitted"], "单位移交", "Submitted"),
    ("verified", &["verified", "checked.archive"], "档案馆检测", "Verified"),
    ("accepted", &["accepted"], "交接", "Handed over"),
    ("accessioned", &["accessioned"], "进馆", "Accessioned"),
];

/// Steps beside the way.
const BESIDE: [(&str, &str, &str); 5] = [
    ("checked.unit", "单位检测", "Checked by the unit"),
    ("checked.archive", "档案馆检测", "Checked by the archive"),
    ("checked.storing", "入库检测", "Checked on storing"),
    ("signed.unit", "移交单位签字", "Signed for the unit"),
    ("signed.archive", "接收单位签字", "Signed for the archive"),
];

/// The page.
pub(super) async fn show(view: View, Path(number): Path<String>) -> Response {
    let reply = match asked::transfer(view.peers(), &number).await {
        Ok(reply) => reply,
        Err(problem) => return view.refused(problem, "/transfers"),
    };
    let t = reply.transfer.clone().unwrap_or_default();
    let l = view.l;
    let body = html! {
        section.card { (way(&t, &reply.steps, l)) }
        div.columns {
            div {
                section.card { (facts(&t, l)) }
                (unfit(&reply.unfit, l))
                (codes(&reply, &t, l))
            }
            div {
                (signing(&t, &reply.steps, view.person(), l))
                section.card { h2 { (l.say("办理经过", "Steps taken")) } (line(&reply.steps, l)) }
            }
        }
    };
    let page = view.page(&number, "/transfers").under("", &number).beside(papers(&t, l));
    page.render(&body).into_response()
}

fn papers(t: &TransferSummary, l: Language) -> Markup {
    let is_past = |states: &[&str]| states.contains(&t.state.as_str());
    let paper = |kind: &str, word: &str| pieces::paper(&format!("transfers/{}/{kind}", t.transfer_no), word);
    html! {
        a.button href=(l.link(&format!("/transfers/{}/report", t.transfer_no))) { (l.say("检测报告", "Report of checks")) }
        @if is_past(&["submitted", "verified", "accepted", "accessioned"]) {
            (paper("catalogue", l.say("移交目录", "Catalogue")))
            (paper("digests", l.say("数字摘要表", "Digests")))
        }
        @if is_past(&["accepted", "accessioned"]) { (paper("handover", l.say("移交与接收登记表", "Handover form"))) }
    }
}

fn way(t: &TransferSummary, taken: &[TransferStep], l: Language) -> Markup {
    let place = |step: &str| WAY.iter().position(|way| way.1.contains(&step));
    let reached = place(&t.state).or_else(|| taken.iter().filter_map(|s| place(&s.step)).max());
    let at = |names: &[&str]| taken.iter().rfind(|s| names.contains(&s.step.as_str())).map_or(0, |s| s.at);
    let step = |(i, way): (usize, &(&str, &[&str], &'static str, &'static str))| Step {
        word: l.say(way.2, way.3),
        at: at(way.1),
        is_done: reached.is_some_and(|n| i <= n),
    };
    let steps: Vec<Step<'_>> = WAY.iter().enumerate().map(step).collect();
    html! {
        @if t.state == "rejected" { p.declined { (words::tag(Of::Transfer, &t.state, l)) " " (t.reasons.join(" ")) } }
        (pieces::steps(&steps, l))
    }
}

fn facts(t: &TransferSummary, l: Language) -> Markup {
    html! {
        dl.facts {
            dt { (l.say("状态", "State")) } dd { (words::tag(Of::Transfer, &t.state, l)) @if !t.waits_for.is_empty() { " " (l.say("待：", "waits for: ")) (pieces::waits(&t.waits_for, l)) } }
            dt { (l.say("移交单位", "Unit")) } dd { (or_code(&t.unit_name, &t.unit_uscc)) " " span.mono.quiet { (t.unit_uscc) } }
            dt { (l.say("全宗号", "Fonds")) } dd.mono { (or_dash(&t.fonds_no)) }
            dt { (l.say("数量", "Amount")) } dd {
                a href=(l.link(&pieces::address("/items", &[("transfer", &t.transfer_no)]))) { (thousands(t.items.into())) (l.say(" 件", " items")) }
                (l.say("，", ", ")) (words::size(t.bytes)) @if t.unfit > 0 { (l.say("；剔除不合格 ", "; unfit and taken out: ")) (t.unfit) }
            }
            dt { (l.say("登记证书", "Certificates")) } dd { @for number in &t.certificates { div { (pieces::certificate(number, l)) } } }
            dt { (l.say("存储包", "Packs")) } dd { (pieces::packs(&t.packs, l)) }
            dt { (l.say("组包时间", "Packed")) } dd { (moment(t.packed_at)) }
            dt { (l.say("最近变动", "Changed")) } dd { (moment(t.changed_at)) }
        }
    }
}

fn unfit(items: &[UnfitItem], l: Language) -> Markup {
    let side = |name: &str| match name {
        "unit" => l.say("移交单位", "unit"),
        "archive" => l.say("接收单位", "archive"),
        "storing" => l.say("入库", "storing"),
        _ => "–",
    };
    html! {
        @if !items.is_empty() {
            section.card {
                h2 { (l.say("不合格、已剔除", "Unfit and taken out")) span.unit { (items.len()) (l.say(" 件", " items")) } }
                table {
                    thead { tr { th { (l.say("档号", "Archival code")) } th { (l.say("发现方", "Found by")) } th { (l.say("检测项", "Check")) } th { (l.say("改正", "Remedy")) } } }
                    tbody { @for u in items {
                        @let id = json::id(&u.item).unwrap_or_default();
                        tr {
                            td.code { a.mono href=(l.link(&format!("/items/{id}"))) title=(id) { (or_code(&u.archival_code, &id)) } } td.short { (side(&u.side)) }
                            td.code { @for check in &u.failed { span.tag.bad { (check) } " " } } td { (or_dash(pieces::bilingual(&u.remedy, l))) }
                        }
                    } }
                }
            }
        }
    }
}

fn codes(reply: &TransferReply, t: &TransferSummary, l: Language) -> Markup {
    let all = reply.archival_codes.len();
    html! {
        @if all > 0 {
            section.card {
                h2 { (l.say("档号", "Archival codes")) span.unit { (thousands(all as u64)) } }
                ul.codes { @for code in reply.archival_codes.iter().take(CODES) { li.mono { (code) } } }
                @if all > CODES { div.pager { span {} a href=(l.link(&pieces::address("/items", &[("transfer", &t.transfer_no)]))) { (l.say("全部办件", "All items")) } } }
            }
        }
    }
}

fn line(taken: &[TransferStep], l: Language) -> Markup {
    let word = |step: &str| {
        let beside = BESIDE.iter().find(|row| row.0 == step).map(|row| l.say(row.1, row.2));
        beside.or_else(|| WAY.iter().find(|way| way.1.contains(&step)).map(|way| l.say(way.2, way.3)))
    };
    html! {
        ol.line {
            @for t in taken {
                li.bad[matches!(t.step.as_str(), "rejected" | "decline")] {
                    div.when { (moment(t.at)) @if !t.by.is_empty() { span { (pieces::bilingual(&t.by, l)) } } }
                    div { b { (word(&t.step).unwrap_or_else(|| words::state(Of::Transfer, &t.step, l))) } " " (pieces::bilingual(&t.note, l)) }
                }
            }
        }
        @if taken.is_empty() { p.quiet { "–" } }
    }
}

/// Two different people sign for a side, where the unit's rule leaves it to them.
fn signing(t: &TransferSummary, taken: &[TransferStep], person: &str, l: Language) -> Markup {
    if t.state != "verified" {
        return html! {};
    }
    let sides = [
        ("sign_unit", "signed.unit", l.say("移交单位签字", "Sign for the unit")),
        ("sign_archive", "signed.archive", l.say("接收单位签字", "Sign for the archive")),
    ];
    let action = l.link(&format!("/transfers/{}", t.transfer_no));
    html! {
        @for (step, _, word) in sides.iter().filter(|(_, done, _)| !taken.iter().any(|s| s.step == *done)) {
            section.card { h2 { (word) } (signatures(&action, step, person, l)) }
        }
        section.card {
            details.decline {
                summary { (l.say("退回移交", "Send back")) }
                form.stack method="post" action=(action) {
                    label { (l.say("经办人", "Decided by")) input name="filled_by" value=(person) required maxlength="64"; }
                    label { (l.say("理由", "Reason")) textarea name="reason" rows="2" required maxlength="500" {} }
                    div.go { button.danger name="step" value="decline" { (l.say("退回", "Send back")) } }
                }
            }
        }
    }
}

fn signatures(action: &str, step: &str, person: &str, l: Language) -> Markup {
    html! {
        form.stack method="post" action=(action) {
            label { (l.say("填表人", "Filled in by")) input name="filled_by" value=(person) required maxlength="64" autocomplete="off"; }
            label { (l.say("审核人（须为另一人）", "Reviewed by (another person)")) input name="reviewed_by" required maxlength="64" autocomplete="off"; }
            div.go { button name="step" value=(step) { (l.say("签字", "Sign")) } }
        }
    }
}
