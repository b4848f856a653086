//! `GET /returns`: what went back to its sender, check by check, with how to mend it.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dengbei_proto::v1::{self, ItemSummary};
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, address, choice, moment, or_code};
use super::view::{View, Wanted};
use super::{Language, asked, items, report, thousands, words};
use crate::cursor;
use crate::findings::{self, Finding};
use crate::peers::{Peers, answered, question};

const PAGE: u32 = 20;

/// Which ones, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    unit: String,
    /// `refused`: at the door; else returned later.
    custody: String,
    after: String,
}

/// The page.
pub(super) async fn show(view: View, Wanted(mut f): Wanted<Filters>) -> Response {
    let (l, peers) = (view.l, view.peers());
    if f.custody != "refused" {
        f.custody = "returned".into();
    }
    let (before_changed_at, before_item) = match cursor::read(&f.after) {
        Ok(cursor) => cursor,
        Err(refusal) => return view.refused(refusal, "/returns"),
    };
    let (custody, unit_uscc) = (f.custody.clone(), f.unit.clone());
    let request = v1::ItemsRequest {
        custody,
        unit_uscc,
        limit: PAGE,
        before_changed_at,
        before_item,
        ..Default::default()
    };
    let (reply, figures) = tokio::join!(asked::items(peers, request), asked::figures(peers));
    let reply = match reply {
        Ok(reply) => reply,
        Err(problem) => return view.refused(problem, "/returns"),
    };
    let found = reply.items.iter().map(|item| found(peers, item));
    let found = futures::future::join_all(found).await;
    let figures = figures.unwrap_or_default();
    let body = html! {
        (tabs(&f, &figures, l))
        section.card { (form(&f, &figures, l)) }
        (list(&reply, &found, &f, l))
    };
    view.page(l.say("退回", "Returns"), "/returns").render(&body).into_response()
}

/// What was found wrong: in the report of whoever decided.
async fn found(peers: &Peers, item: &ItemSummary) -> Vec<Finding> {
    if item.custody == "refused" {
        let asked = v1::SubmissionRequest { item: item.item.clone(), submission: Bytes::new() };
        let reply = answered(peers.ingest().submission(question(asked)).await).unwrap_or_default();
        return reply.checks.iter().filter(|c| c.result == "failed").map(Finding::from).collect();
    }
    let asked = v1::HoldingRequest { item: item.item.clone() };
    let reply = answered(peers.registration().holding(question(asked)).await).unwrap_or_default();
    findings::of(&reply.report).into_iter().filter(Finding::is_blocking).collect()
}

fn tabs(f: &Filters, figures: &v1::FiguresReply, l: Language) -> Markup {
    let kinds = [
        ("returned", l.say("归档检测退回", "Returned after checking")),
        ("refused", l.say("门口拒收", "Refused at the door")),
    ];
    html! {
        ul.tabs { @for (custody, word) in kinds {
            (pieces::tab(&address("/returns", &[("custody", custody), ("unit", &f.unit)]), word, figures.custody.get(custody).copied(), f.custody == custody, l))
        } }
    }
}

fn form(f: &Filters, figures: &v1::FiguresReply, l: Language) -> Markup {
    let units = figures.units.iter().map(|u| (u.unit_uscc.as_str(), u.unit_name.as_str()));
    let fields = html! {
        (choice(("unit", l.say("立档单位", "Unit")), &f.unit, units, l))
        input type="hidden" name="custody" value=(f.custody);
    };
    pieces::filters("/returns", &fields, l)
}

fn list(reply: &v1::ItemsReply, found: &[Vec<Finding>], f: &Filters, l: Language) -> Markup {
    let at =
        |after: &str| address("/returns", &[("custody", &f.custody), ("unit", &f.unit), ("after", after)]);
    let next = cursor::next(&reply.items, PAGE).map(|next| at(&next));
    let total = thousands(reply.total);
    let count = l.say(format!("共 {total} 件"), format!("{total} items"));
    html! {
        section.card.list {
            table {
                thead { tr {
                    th { (l.say("办件", "Item")) } th { (l.say("立档单位、事项", "Unit, matter")) } th { (l.say("时间", "When")) }
                    th { (l.say("检测项", "Check")) } th { (l.say("位置", "Where")) } th { (l.say("说明", "What")) } th { (l.say("改正", "Remedy")) }
                } }
                tbody {
                    @for (item, found) in reply.items.iter().zip(found) { (rows(item, found, l)) }
                    @if reply.items.is_empty() { (pieces::none(7, l.say("没有退回的办件", "Nothing came back"))) }
                }
            }
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next, l))
        }
    }
}

fn rows(item: &ItemSummary, found: &[Finding], l: Language) -> Markup {
    let span = found.len().max(1);
    html! {
        tr {
            td.code rowspan=(span) { (items::link(item, l)) }
            td rowspan=(span) { (or_code(&item.unit_name, &item.unit_uscc)) br; span.quiet { (or_code(&item.matter_name, &item.matter_code)) } }
            td.time rowspan=(span) { (moment(item.changed_at)) }
            @match found.first() {
                Some(first) => (report::cells(first, l)),
                None => {
                    td.code { @for id in &item.failed { span.tag.bad { (id) } " " } }
                    td.quiet colspan="3" { @for id in &item.failed { (words::property(id, l)) " " } }
                },
            }
        }
        @for finding in found.iter().skip(1) { tr { (report::cells(finding, l)) } }
    }
}
