//! `GET /transfers`: what is handed over to the archive, and what could be.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{self, BatchSummary, TransferSummary};
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, address, choice, moment, or_code};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, asked, registrations, thousands};
use crate::{cursor, json};

const PAGE: u32 = 20;

/// Which transfers, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    state: String,
    unit: String,
    /// The last one's moment.
    before: i64,
    /// The last one's number.
    after: String,
}

/// The page.
pub(super) async fn show(view: View, Wanted(f): Wanted<Filters>) -> Response {
    let l = view.l;
    let request = v1::TransfersRequest {
        state: f.state.clone(),
        unit_uscc: f.unit.clone(),
        limit: PAGE,
        before: f.before,
        before_no: f.after.clone(),
    };
    let (reply, units) = tokio::join!(asked::transfers(view.peers(), request), asked::units(view.peers()));
    match reply {
        Ok(reply) => {
            let body = html! {
                (pieces::states("/transfers", Of::Transfer, (&f.state, &f.unit), &reply.counts, l))
                section.card { (form(&f, &units, l)) }
                (list(&f, &reply, l))
                @if f.after.is_empty() { (due(&reply.due, view.person(), l)) }
            };
            view.page(l.say("移交进馆", "Transfers"), "/transfers").render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/transfers"),
    }
}

fn form(f: &Filters, units: &[(String, String)], l: Language) -> Markup {
    let fields = html! {
        (pieces::unit(l.say("移交单位", "Unit"), &f.unit, units, l))
        (choice(("state", l.say("状态", "State")), &f.state, words::states(Of::Transfer, l), l))
    };
    pieces::filters("/transfers", &fields, l)
}

fn list(f: &Filters, reply: &v1::TransfersReply, l: Language) -> Markup {
    let at = |before: &str, after: &str| {
        address("/transfers", &[("state", &f.state), ("unit", &f.unit), ("before", before), ("after", after)])
    };
    let last = cursor::last_of_full(&reply.transfers, PAGE);
    let next = last.map(|t| at(&t.packed_at.to_string(), &t.transfer_no));
    let total = thousands(pieces::total(&f.state, &reply.counts));
    let count =
        l.say(format!("共 {total} 次 · 每页 {PAGE} 次"), format!("{total} transfers · {PAGE} a page"));
    html! {
        section.card.list {
            table {
                thead { tr {
                    th { (l.say("移交号", "Transfer no.")) } th { (l.say("移交单位", "Unit")) } th.number { (l.say("件数", "Items")) } th.number { (l.say("不合格", "Unfit")) }
                    th.number { (l.say("数据量", "Size")) } th { (l.say("组包时间", "Packed")) } th { (l.say("最近变动", "Changed")) } th { (l.say("状态", "State")) } th { (l.say("待办", "Waits for")) }
                } }
                tbody {
                    @for t in &reply.transfers { (row(t, l)) }
                    @if reply.transfers.is_empty() { (pieces::none(9, l.say("没有移交", "No transfers"))) }
                }
            }
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("", "")), next, l))
        }
    }
}

fn row(t: &TransferSummary, l: Language) -> Markup {
    html! {
        tr {
            td.code { (pieces::transfer(&t.transfer_no, l)) } td.name { (or_code(&t.unit_name, &t.unit_uscc)) } td.number { (thousands(t.items.into())) }
            td.number { @if t.unfit > 0 { span.tag.bad { (t.unfit) } } @else { "0" } }
            td.number { (words::size(t.bytes)) } td.time { (moment(t.packed_at)) } td.time { (moment(t.changed_at)) }
            td { (words::tag(Of::Transfer, &t.state, l)) } td { (pieces::waits(&t.waits_for, l)) }
        }
    }
}

/// Certified batches that have not been handed over, with the form to do it by hand.
fn due(batches: &[BatchSummary], person: &str, l: Language) -> Markup {
    html! {
        @if !batches.is_empty() {
            form.card.list method="post" action=(l.link("/transfers")) {
                h2 { (l.say("已发证、尚未移交的登记批", "Certified batches not handed over")) span.unit { (l.say("按规则自动移交的无需勾选；一次可选同一单位 1 至 5 批", "by itself where the unit's rule says so; by hand 1 to 5 batches of one unit")) } }
                table {
                    thead { tr { th { span.hidden { (l.say("选择", "Choose")) } } th { (l.say("登记号", "Registration no.")) } th { (l.say("证书号", "Certificate no.")) } th { (l.say("立档单位", "Unit")) } th { (l.say("年度", "Year")) } th.number { (l.say("件数", "Items")) } th.number { (l.say("数据量", "Size")) } } }
                    tbody { @for b in batches { (due_row(b, l)) } }
                }
                div.deciding { (registrations::by(person, l)) button { (l.say("组织移交", "Propose")) } }
            }
        }
    }
}

fn due_row(b: &BatchSummary, l: Language) -> Markup {
    html! {
        tr {
            td { input type="checkbox" name="batch" value=(json::id(&b.batch).unwrap_or_default()) aria-label=(b.registration_no); }
            td.code { (pieces::batch(&b.batch, &b.registration_no, l)) } td.code { (pieces::certificate(&b.certificate_no, l)) } td { (or_code(&b.unit_name, &b.unit_uscc)) }
            td.short { (b.year) } td.number { (thousands(b.items.into())) } td.number { (words::size(b.bytes)) }
        }
    }
}
