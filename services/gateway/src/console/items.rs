//! `GET /items`: the list, its filters, its pages. The address is the state.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, address, choice, moment, or_code, or_dash};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, asked, thousands};
use crate::api::uuid_or_none;
use crate::problem::Refusal;
use crate::{cursor, json};

/// Rows of a page.
const PAGE: u32 = 20;

/// Which items, and from where on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    q: String,
    unit: String,
    matter: String,
    custody: String,
    registration: String,
    preservation: String,
    retention: String,
    year: String,
    pack: String,
    batch: String,
    transfer: String,
    pub(super) after: String,
}

impl Filters {
    fn request(&self) -> Result<v1::ItemsRequest, Refusal> {
        let (before_changed_at, before_item) = cursor::read(&self.after)?;
        let batch = uuid_or_none(&self.batch)?;
        Ok(v1::ItemsRequest {
            custody: self.custody.clone(),
            unit_uscc: self.unit.trim().into(),
            matter_code: self.matter.trim().into(),
            limit: PAGE,
            before_changed_at,
            before_item,
            text: self.q.trim().into(),
            registration: self.registration.clone(),
            preservation: self.preservation.clone(),
            retention: self.retention.clone(),
            year: number(&self.year, "年度 year")?,
            pack: number(&self.pack, "存储包 pack")?,
            transfer_no: self.transfer.trim().into(),
            batch,
        })
    }

    fn address(&self, after: &str) -> String {
        address(
            "/items",
            &[
                ("q", &self.q),
                ("unit", &self.unit),
                ("matter", &self.matter),
                ("custody", &self.custody),
                ("registration", &self.registration),
                ("preservation", &self.preservation),
                ("retention", &self.retention),
                ("year", &self.year),
                ("pack", &self.pack),
                ("batch", &self.batch),
                ("transfer", &self.transfer),
                ("after", after),
            ],
        )
    }
}

/// A number that a person typed; nothing typed is 0.
fn number<N: std::str::FromStr + Default>(text: &str, what: &str) -> Result<N, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(N::default());
    }
    let zh = format!("{what}：应为数字");
    text.parse().map_err(|_| Refusal::invalid("request.number", zh, format!("{what}: not a number")))
}

/// The page.
pub(super) async fn show(view: View, Wanted(filters): Wanted<Filters>) -> Response {
    let l = view.l;
    let request = match filters.request() {
        Ok(request) => request,
        Err(refusal) => return view.refused(refusal, "/items"),
    };
    let (reply, units) = tokio::join!(asked::items(view.peers(), request), asked::units(view.peers()));
    match reply {
        Ok(reply) => {
            let body = html! { (form(&filters, &units, l)) (list(&reply, &filters, l)) };
            view.page(l.say("办件", "Items"), "/items").render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/items"),
    }
}

fn form(f: &Filters, units: &[(String, String)], l: Language) -> Markup {
    let fields = html! {
        (pieces::text("q", l.say("档号、题名、标识", "Code, title or id"), &f.q, 20))
        (pieces::unit(l.say("立档单位", "Unit"), &f.unit, units, l))
        (pieces::text("matter", l.say("事项编码", "Matter"), &f.matter, 14))
        (pieces::text("year", l.say("年度", "Year"), &f.year, 4))
        (choice(("retention", l.say("保管期限", "Kept")), &f.retention, words::retentions(l), l))
        (choice(("custody", l.say("归档状态", "Custody")), &f.custody, words::states(Of::Custody, l), l))
        (choice(("registration", l.say("登记状态", "Registration")), &f.registration, words::states(Of::Registration, l), l))
        (choice(("preservation", l.say("保存状态", "Preservation")), &f.preservation, words::states(Of::Preservation, l), l))
        @for (name, value) in [("pack", &f.pack), ("batch", &f.batch), ("transfer", &f.transfer)] {
            @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
        }
    };
    html! { section.card { (pieces::filters("/items", &fields, l)) (within(f, l)) } }
}

/// Filters that a link brought along.
fn within(f: &Filters, l: Language) -> Markup {
    let chosen = [
        (l.say("存储包", "Pack"), &f.pack),
        (l.say("登记批", "Registration batch"), &f.batch),
        (l.say("移交", "Transfer"), &f.transfer),
    ];
    html! {
        @for (word, value) in chosen.iter().filter(|(_, value)| !value.is_empty()) {
            p.within { span.tag.doing { (word) " " (value) } " " a href=(l.link("/items")) { (l.say("取消", "all items")) } }
        }
    }
}

fn list(reply: &v1::ItemsReply, f: &Filters, l: Language) -> Markup {
    let next = cursor::next(&reply.items, PAGE).map(|next| f.address(&next));
    let first = (!f.after.is_empty()).then(|| f.address(""));
    let total = thousands(reply.total);
    let count = l.say(format!("共 {total} 件 · 每页 {PAGE} 件"), format!("{total} items · {PAGE} a page"));
    html! { section.card.list { (table(&reply.items, l)) (pieces::pager(&count, first, next, l)) } }
}

/// Rows of items, newest change first.
pub(super) fn table(items: &[v1::ItemSummary], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("档号", "Archival code")) } th { (l.say("事项名称", "Matter")) }
                th { (l.say("立档单位", "Unit")) } th { (l.say("期限", "Kept")) } th { (l.say("存储包", "Pack")) }
                th { (l.say("归档", "Custody")) } th { (l.say("登记", "Registration")) } th { (l.say("保存", "Preservation")) }
                th { (l.say("变动时间", "Changed")) }
            } }
            tbody {
                @for item in items { (row(item, l)) }
                @if items.is_empty() { (pieces::none(9, l.say("没有符合条件的办件", "No items"))) }
            }
        }
    }
}

fn row(item: &v1::ItemSummary, l: Language) -> Markup {
    html! {
        tr {
            td.code { (link(item, l)) }
            td { (or_code(&item.matter_name, &item.matter_code)) }
            td.name { (or_code(&item.unit_name, &item.unit_uscc)) }
            td.short { (or_dash(&words::retention(&item.retention, l))) }
            td.code { (pieces::pack(item.pack, l)) }
            td { (words::tag(Of::Custody, &item.custody, l)) }
            td { (quiet(Of::Registration, &item.registration, "unregistered", l)) }
            td { (quiet(Of::Preservation, &item.preservation, "none", l)) }
            td.time { (moment(item.changed_at)) }
        }
    }
}

/// A state, or a dash where nothing has begun.
fn quiet(of: Of, name: &str, nothing: &str, l: Language) -> Markup {
    html! { @if name == nothing { "–" } @else { (words::tag(of, name, l)) } }
}

/// An item, by its archival code once it has one.
pub(super) fn link(item: &v1::ItemSummary, l: Language) -> Markup {
    let id = json::id(&item.item).unwrap_or_default();
    let short = id.get(..8).unwrap_or_default();
    html! {
        a.mono href=(l.link(&format!("/items/{id}"))) title=(id) {
            @if item.archival_code.is_empty() { (short) "…" } @else { (item.archival_code) }
        }
    }
}
