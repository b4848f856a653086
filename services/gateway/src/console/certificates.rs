//! `GET /certificates`: what the administration has certified.

use axum::response::{IntoResponse, Redirect, Response};
use dengbei_proto::v1::{self, BatchSummary};
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, address, moment, or_code};
use super::view::{View, Wanted};
use super::{Language, asked, thousands, words};
use crate::cursor;

const PAGE: u32 = 20;

/// Which certificates, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    number: String,
    unit: String,
    after: String,
}

/// The page; a whole number leads to its certificate.
pub(super) async fn show(view: View, Wanted(f): Wanted<Filters>) -> Response {
    let l = view.l;
    if let Ok(number) = f.number.trim().parse::<dengbei_records::SerialNo>() {
        return Redirect::to(&l.link(&format!("/certificates/{number}"))).into_response();
    }
    let (before, before_batch) = match cursor::read(&f.after) {
        Ok(cursor) => cursor,
        Err(refusal) => return view.refused(refusal, "/certificates"),
    };
    let (state, unit_uscc) = ("certified".into(), f.unit.clone());
    let request = v1::BatchesRequest { state, unit_uscc, limit: PAGE, before, before_batch };
    let (reply, units) = tokio::join!(asked::batches(view.peers(), request), asked::units(view.peers()));
    match reply {
        Ok(reply) => {
            let body = html! { section.card { (form(&f, &units, l)) } (list(&f, &reply, l)) };
            view.page(l.say("登记证书", "Certificates"), "/certificates").render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/certificates"),
    }
}

fn form(f: &Filters, units: &[(String, String)], l: Language) -> Markup {
    let fields = html! {
        (pieces::text("number", l.say("证书号", "Certificate no."), &f.number, 28))
        (pieces::unit(l.say("登记单位", "Unit"), &f.unit, units, l))
    };
    pieces::filters("/certificates", &fields, l)
}

fn list(f: &Filters, reply: &v1::BatchesReply, l: Language) -> Markup {
    let at = |after: &str| address("/certificates", &[("unit", &f.unit), ("after", after)]);
    let total = thousands(reply.counts.get("certified").copied().unwrap_or(0));
    let count = l.say(format!("共 {total} 件证书"), format!("{total} certificates"));
    let next = cursor::next(&reply.batches, PAGE).map(|next| at(&next));
    html! {
        section.card.list {
            table {
                thead { tr {
                    th { (l.say("证书号", "Certificate no.")) } th { (l.say("登记号", "Registration no.")) } th { (l.say("登记单位", "Unit")) } th { (l.say("年度", "Year")) }
                    th.number { (l.say("件数", "Items")) } th.number { (l.say("数据量", "Size")) } th { (l.say("发证时间", "Issued")) } th { (l.say("证书", "Paper")) }
                } }
                tbody {
                    @for b in &reply.batches { (row(b, l)) }
                    @if reply.batches.is_empty() { (pieces::none(8, l.say("尚无登记证书", "No certificates yet"))) }
                }
            }
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next, l))
        }
    }
}

fn row(b: &BatchSummary, l: Language) -> Markup {
    html! {
        tr {
            td.code { (pieces::certificate(&b.certificate_no, l)) } td.code { (pieces::batch(&b.batch, &b.registration_no, l)) }
            td { (or_code(&b.unit_name, &b.unit_uscc)) } td.short { (b.year) } td.number { (thousands(b.items.into())) } td.number { (words::size(b.bytes)) }
            td.time { (moment(b.changed_at)) } td.short { (pieces::paper(&format!("certificates/{}", b.certificate_no), "")) }
        }
    }
}
