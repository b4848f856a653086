//! 人工复检 on an item's page: what persons said of its report, what holds after it, and the form to say something.

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use dengbei_checks::{CheckResult, Report};
use dengbei_proto::v1::{HoldingReply, RecheckRow, RechecksReply};
use dengbei_records::{ItemId, Problem};
use maud::{Markup, html};

use super::Language;
use super::pieces::{moment, or_dash};
use super::tasks::signer;
use super::view::{View, away};
use super::words::{self, Of};
use crate::api::item_id;
use crate::api::rechecks::{Saying, digest_of, said_of, say};

/// What is shown of an item's report: the report, and what persons said of it.
pub(super) struct Looked {
    report: Option<Report>,
    said: Result<RechecksReply, Problem>,
}

/// Asks what persons said of the item; nothing where it has no report of its own and nothing was ever said.
pub(super) async fn look(view: &View, item: ItemId, holding: Option<&HoldingReply>) -> Option<Looked> {
    let body = holding.map(|h| h.report.as_ref()).unwrap_or_default();
    let digest = digest_of(body);
    let report = if digest.is_empty() { None } else { serde_json::from_slice(body).ok() };
    let said = said_of(&view.gateway, item, digest).await.map_err(|refusal| refusal.problem().clone());
    let is_nothing = report.is_none() && said.as_ref().is_ok_and(|said| said.rechecks.is_empty());
    (!is_nothing).then_some(Looked { report, said })
}

/// The card.
pub(super) fn card(looked: &Looked, id: &str, person: &str, l: Language) -> Markup {
    let said = match &looked.said {
        Ok(said) => said,
        Err(problem) => return away(l.say("人工复检", "Looked at again"), problem, l),
    };
    html! {
        section.card id="recheck" {
            h2 { (l.say("人工复检", "Looked at again")) span.unit { (l.say("检测报告不变，复检另记", "the report stays as it is")) } }
            @if !said.verdict.is_empty() {
                p {
                    (l.say("复检后结论：", "What holds now: ")) (words::tag(Of::Verdict, &said.verdict, l))
                    @if !said.blocking.is_empty() { " " (l.say("仍阻断", "still blocking")) @for id in &said.blocking { " " span.tag.bad { (id) } } }
                }
            }
            @if !said.rechecks.is_empty() { (rows(&said.rechecks, l)) }
            @if let Some(report) = &looked.report { (form(report, id, person, l)) }
        }
    }
}

fn rows(rows: &[RecheckRow], l: Language) -> Markup {
    html! {
        table {
            thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("意见", "Opinion")) } th { (l.say("理由", "Reason")) } th { (l.say("复检人", "Who")) } th { (l.say("时间", "When")) } } }
            tbody {
                @for r in rows {
                    tr {
                        td.code { (r.check) } td { (words::tag(Of::Opinion, &r.opinion, l)) @if !r.holds { " " span.quiet { (l.say("（已有后一次）", "(superseded)")) } } }
                        td { (or_dash(&r.reason)) } td { (or_dash(&r.person)) } td.time { (moment(r.at)) }
                    }
                }
            }
        }
    }
}

fn form(report: &Report, id: &str, person: &str, l: Language) -> Markup {
    let mut open: Vec<_> = report
        .checks
        .iter()
        .filter(|c| !matches!(c.result, CheckResult::Passed | CheckResult::NotApplicable))
        .collect();
    // What keeps it out comes first.
    open.sort_by_key(|c| c.result != CheckResult::Failed);
    html! {
        @if !open.is_empty() {
            details.within {
                summary { (l.say("登记复检意见", "Say something of a check")) }
                form.stack method="post" action=(l.link(&format!("/items/{id}/rechecks"))) {
                    label { (l.say("检测项", "Check"))
                        select name="check" required { @for c in &open {
                            option value=(c.id.as_str()) { (c.id) " " (l.say(c.name.as_ref(), c.name_en.as_ref())) @if !c.id.declared().may_overrule { (l.say("（不得改判）", " (stands)")) } }
                        } }
                    }
                    div {
                        label.choice { input type="radio" name="opinion" value="overruled" required; (l.say("认可：不是问题", "Overruled: no fault")) }
                        label.choice { input type="radio" name="opinion" value="upheld" required; (l.say("维持：确有问题", "Upheld: a fault")) }
                    }
                    label { (l.say("理由", "Reason")) textarea name="reason" rows="2" maxlength="2000" required {} }
                    (signer(person, l))
                    div.go { button { (l.say("登记", "Record")) } }
                }
            }
        }
    }
}

/// Says it, and shows the item again.
pub(super) async fn save(
    view: View,
    Path(id): Path<String>,
    fields: Form<Vec<(String, String)>>,
) -> Response {
    let one =
        |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim()).to_owned();
    let item = match item_id(&id) {
        Ok(item) => item,
        Err(refusal) => return view.refused(refusal, "/items"),
    };
    let saying =
        Saying { check: one("check"), opinion: one("opinion"), reason: one("reason"), person: one("by") };
    match say(&view.gateway, &view.who, item, saying).await {
        Ok(_) => Redirect::to(&view.l.link(&format!("/items/{id}#recheck"))).into_response(),
        Err(refusal) => view.refused(refusal, "/items"),
    }
}
