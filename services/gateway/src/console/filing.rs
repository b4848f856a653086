//! `GET /filing`: packs of filed items: what waits for registration, and what has been applied for.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{self, BatchSummary, WaitingPack};
use dengbei_records::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::pack::{Seen, seen};
use super::pieces::{self, address, choice, moment, or_code};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, asked, figure, thousands};
use crate::cursor;

/// Registration batches of a page, of up to eight packs each.
const PAGE: u32 = 6;

/// Which packs, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    unit: String,
    state: String,
    after: String,
}

/// A row of the list.
struct Row {
    pack: u64,
    unit: (String, String),
    year: u32,
    seen: Seen,
    /// 登记批 with its state; none while it waits.
    batch: Option<BatchSummary>,
}

/// The page.
pub(super) async fn show(view: View, Wanted(f): Wanted<Filters>) -> Response {
    let l = view.l;
    let (before, before_batch) = match cursor::read(&f.after) {
        Ok(cursor) => cursor,
        Err(refusal) => return view.refused(refusal, "/filing"),
    };
    let state = if f.state == "waiting" { "" } else { &f.state };
    let request = v1::BatchesRequest {
        state: state.into(),
        unit_uscc: f.unit.clone(),
        limit: PAGE,
        before,
        before_batch,
    };
    let (reply, units) = tokio::join!(asked::batches(view.peers(), request), asked::units(view.peers()));
    let reply = match reply {
        Ok(reply) => reply,
        Err(problem) => return view.refused(problem, "/filing"),
    };
    let next = cursor::next(&reply.batches, PAGE).filter(|_| f.state != "waiting");
    let rows = rows(&view, &f, reply).await;
    let body = html! { (form(&f, &units, l)) (list(&rows, &f, next, l)) };
    view.page(l.say("归档清单", "Packs"), "/filing").render(&body).into_response()
}

async fn rows(view: &View, f: &Filters, reply: v1::BatchesReply) -> Vec<Row> {
    let is_ours = |unit: &str| f.unit.is_empty() || f.unit == unit;
    let shows_waiting = f.after.is_empty() && matches!(f.state.as_str(), "" | "waiting");
    let waiting = reply.waiting.into_iter().filter(|w| shows_waiting && is_ours(&w.unit_uscc)).map(waits);
    let mut rows: Vec<Row> = waiting.collect();
    let batches = reply.batches.into_iter().filter(|_| f.state != "waiting");
    let packs: Vec<(u64, BatchSummary)> =
        batches.flat_map(|b| b.packs.clone().into_iter().map(move |pack| (pack, b.clone()))).collect();
    let asked = packs.into_iter().map(|(pack, b)| async move {
        let unit = (b.unit_uscc.clone(), b.unit_name.clone());
        Row { pack, unit, year: b.year, seen: seen(view, pack).await, batch: Some(b) }
    });
    rows.extend(futures::future::join_all(asked).await);
    rows
}

fn waits(w: WaitingPack) -> Row {
    let filed_at = Some(Timestamp::from_millis(w.filed_at));
    let seen = Seen { items: Some(w.items.into()), retention: w.retention, bytes: Some(w.bytes), filed_at };
    Row { pack: w.pack, unit: (w.unit_uscc, w.unit_name), year: w.year, seen, batch: None }
}

fn form(f: &Filters, units: &[(String, String)], l: Language) -> Markup {
    let states = std::iter::once(("waiting", l.say("待申请登记", "not applied for")))
        .chain(words::states(Of::Batch, l));
    let fields = html! {
        (pieces::unit(l.say("立档单位", "Unit"), &f.unit, units, l))
        (choice(("state", l.say("登记状态", "Registration")), &f.state, states, l))
    };
    html! { section.card { (pieces::filters("/filing", &fields, l)) } }
}

fn list(rows: &[Row], f: &Filters, next: Option<String>, l: Language) -> Markup {
    let at = |after: &str| address("/filing", &[("unit", &f.unit), ("state", &f.state), ("after", after)]);
    let n = thousands(rows.len() as u64);
    let count = l.say(format!("本页 {n} 包"), format!("{n} packs here"));
    html! {
        section.card.list {
            table {
                thead { tr {
                    th { (l.say("存储包", "Pack")) } th { (l.say("立档单位", "Unit")) } th { (l.say("年度", "Year")) } th { (l.say("期限", "Kept")) }
                    th.number { (l.say("件数", "Items")) } th.number { (l.say("数据量", "Size")) } th { (l.say("入库时间", "Stored")) }
                    th { (l.say("登记批", "Registration")) } th { (l.say("状态", "State")) } th { (l.say("归档电子文件登记表", "Filing form")) }
                } }
                tbody {
                    @for r in rows { (row(r, l)) }
                    @if rows.is_empty() { (pieces::none(10, l.say("没有存储包", "No packs"))) }
                }
            }
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next.map(|next| at(&next)), l))
        }
    }
}

fn row(r: &Row, l: Language) -> Markup {
    html! {
        tr {
            td.code { (pieces::pack(r.pack, l)) }
            td.name { (or_code(&r.unit.1, &r.unit.0)) } td.short { (r.year) } td.short { (words::retention(&r.seen.retention, l)) }
            td.number { (figure(r.seen.items)) } td.number { @match r.seen.bytes { Some(n) => (words::size(n)), None => "–" } }
            td.time { (moment(r.seen.filed_at.map_or(0, Timestamp::millis))) }
            td.code { @match &r.batch { Some(b) => (pieces::batch(&b.batch, &b.registration_no, l)), None => "–" } }
            td { @match &r.batch { Some(b) => (words::tag(Of::Batch, &b.state, l)), None => span.tag.wait { (l.say("待申请登记", "not applied for")) } } }
            td.short { (pieces::paper(&format!("filing-batches/{}/filing", r.pack), "")) }
        }
    }
}
