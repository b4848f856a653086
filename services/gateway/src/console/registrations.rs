//! `GET /registrations`: the desk: registration batches by state, and packs that can be applied for by hand.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{self, BatchSummary, WaitingPack};
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, address, choice, moment, or_code};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, asked, thousands};
use crate::cursor;

const PAGE: u32 = 20;

/// Which batches, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    state: String,
    unit: String,
    after: String,
}

/// The page.
pub(super) async fn show(view: View, Wanted(f): Wanted<Filters>) -> Response {
    let l = view.l;
    let (before, before_batch) = match cursor::read(&f.after) {
        Ok(cursor) => cursor,
        Err(refusal) => return view.refused(refusal, "/registrations"),
    };
    let request = v1::BatchesRequest {
        state: f.state.clone(),
        unit_uscc: f.unit.clone(),
        limit: PAGE,
        before,
        before_batch,
    };
    let (reply, units) = tokio::join!(asked::batches(view.peers(), request), asked::units(view.peers()));
    match reply {
        Ok(reply) => {
            let body = html! {
                (pieces::states("/registrations", Of::Batch, (&f.state, &f.unit), &reply.counts, l))
                section.card { (form(&f, &units, l)) }
                (list(&f, &reply, l))
                @if f.after.is_empty() { (waiting(&reply.waiting, view.person(), l)) }
            };
            view.page(l.say("登记台", "Registration desk"), "/registrations").render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/registrations"),
    }
}

fn form(f: &Filters, units: &[(String, String)], l: Language) -> Markup {
    let fields = html! {
        (pieces::unit(l.say("立档单位", "Unit"), &f.unit, units, l))
        (choice(("state", l.say("状态", "State")), &f.state, words::states(Of::Batch, l), l))
    };
    pieces::filters("/registrations", &fields, l)
}

fn list(f: &Filters, reply: &v1::BatchesReply, l: Language) -> Markup {
    let at =
        |after: &str| address("/registrations", &[("state", &f.state), ("unit", &f.unit), ("after", after)]);
    let total = thousands(pieces::total(&f.state, &reply.counts));
    let count = l.say(format!("共 {total} 批 · 每页 {PAGE} 批"), format!("{total} batches · {PAGE} a page"));
    let next = cursor::next(&reply.batches, PAGE).map(|next| at(&next));
    html! {
        section.card.list {
            (table(&reply.batches, l))
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next, l))
        }
    }
}

/// Rows of registration batches.
pub(super) fn table(batches: &[BatchSummary], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("登记号", "Registration no.")) } th { (l.say("立档单位", "Unit")) } th { (l.say("年度", "Year")) } th.number { (l.say("存储包", "Packs")) }
                th.number { (l.say("件数", "Items")) } th.number { (l.say("数据量", "Size")) } th { (l.say("申请时间", "Applied")) }
                th { (l.say("状态", "State")) } th { (l.say("待办", "Waits for")) } th { (l.say("证书号", "Certificate no.")) }
            } }
            tbody {
                @for b in batches { (row(b, l)) }
                @if batches.is_empty() { (pieces::none(10, l.say("没有登记批", "No batches"))) }
            }
        }
    }
}

fn row(b: &BatchSummary, l: Language) -> Markup {
    html! {
        tr {
            td.code { (pieces::batch(&b.batch, &b.registration_no, l)) }
            td.name { (or_code(&b.unit_name, &b.unit_uscc)) } td.short { (b.year) } td.number { (b.packs.len()) }
            td.number { (thousands(b.items.into())) } td.number { (words::size(b.bytes)) } td.time { (moment(b.applied_at)) }
            td { (words::tag(Of::Batch, &b.state, l)) } td { (pieces::waits(&b.waits_for, l)) }
            td.code { (pieces::certificate(&b.certificate_no, l)) }
        }
    }
}

/// Packs that nobody has applied for, with the form to do it by hand.
fn waiting(packs: &[WaitingPack], person: &str, l: Language) -> Markup {
    html! {
        @if !packs.is_empty() {
            form.card.list method="post" action=(l.link("/registrations")) {
                h2 { (l.say("待申请登记的存储包", "Packs not applied for yet")) span.unit { (l.say("按规则自动申请的无需勾选；一次可选同一单位同一年度 1 至 8 包", "by itself where the unit's rule says so; by hand 1 to 8 packs of one unit and year")) } }
                table {
                    thead { tr { th { span.hidden { (l.say("选择", "Choose")) } } th { (l.say("存储包", "Pack")) } th { (l.say("立档单位", "Unit")) } th { (l.say("年度", "Year")) } th { (l.say("期限", "Kept")) } th.number { (l.say("件数", "Items")) } th.number { (l.say("数据量", "Size")) } th { (l.say("归档时间", "Filed")) } } }
                    tbody { @for w in packs { (waiting_row(w, l)) } }
                }
                div.deciding { (by(person, l)) button { (l.say("申请登记", "Apply")) } }
            }
        }
    }
}

fn waiting_row(w: &WaitingPack, l: Language) -> Markup {
    html! {
        tr {
            td { input type="checkbox" name="pack" value=(w.pack) aria-label=(pieces::pack_number(w.pack)); }
            td.code { (pieces::pack(w.pack, l)) } td { (or_code(&w.unit_name, &w.unit_uscc)) } td.short { (w.year) } td.short { (words::retention(&w.retention, l)) }
            td.number { (thousands(w.items.into())) } td.number { (words::size(w.bytes)) } td.time { (moment(w.filed_at)) }
        }
    }
}

/// Who decides: whoever is signed in, else by name.
pub(super) fn by(person: &str, l: Language) -> Markup {
    html! {
        label { (l.say("经办人", "Decided by"))
            @if person.is_empty() { input name="by" required maxlength="64" autocomplete="name"; }
            @else { input name="by" value=(person) readonly; }
        }
    }
}
