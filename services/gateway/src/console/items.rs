//! `GET /items`: the list, its filters, its pages. The address is the state.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::ItemSummary;
use dengbei_records::Timestamp;
use maud::{Markup, html};

use super::{Language, Page, refused, thousands, words};
use crate::api::items::Filters;
use crate::api::not_a_query;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;
use crate::{cursor, peers};

/// Rows of a page.
const PAGE: u32 = 20;

/// The page.
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Response {
    let Query(mut filters) = match filters {
        Ok(filters) => filters,
        Err(e) => return refused(&not_a_query(&e), Language::default()),
    };
    filters.limit = Some(filters.limit.unwrap_or(PAGE));
    let language = Language::from_name(&filters.lang);
    match listed(&gateway.peers, &filters, language).await {
        Ok(body) => {
            let here = format!("/items{}", address(&filters, &filters.after));
            let page = Page::new(language, language.say("归档件", "Items")).at(&gateway.area, "/items");
            page.switching_to(here).render(&body).into_response()
        }
        Err(refusal) => refused(&refusal, language),
    }
}

async fn listed(peers: &peers::Peers, filters: &Filters, l: Language) -> Result<Markup, Refusal> {
    let request = filters.request()?;
    let limit = request.limit as usize;
    let reply = answered(peers.query().items(question(request)).await)?;
    let next = cursor::next(&reply.items, limit);
    Ok(html! {
        section.card { (form(filters, l)) }
        section.card {
            h2 { (l.say("共 ", "")) (thousands(reply.total)) (l.say(" 件", " items")) }
            (table(&reply.items, l))
            div.pager {
                (l.say(format!("每页 {limit} 件"), format!("{limit} a page")))
                span {
                    @if !filters.after.is_empty() { a href=(l.link(&format!("/items{}", address(filters, "")))) { (l.say("首页", "First")) } }
                    @if let Some(next) = next { a rel="next" href=(l.link(&format!("/items{}", address(filters, &next)))) { (l.say("下一页", "Next")) } }
                }
            }
        }
    })
}

fn form(filters: &Filters, l: Language) -> Markup {
    html! {
        form.filters method="get" action="/items" {
            label { (l.say("档号或标识", "Code or id")) input name="q" value=(filters.q); }
            label { (l.say("单位代码", "Unit")) input name="unit" value=(filters.unit) size="20"; }
            label { (l.say("事项编码", "Matter")) input name="matter" value=(filters.matter); }
            label {
                (l.say("状态", "State"))
                select name="custody" {
                    option value="" { (l.say("全部", "all")) }
                    @for (name, word) in words::custodies(l) {
                        option value=(name) selected[filters.custody == name] { (word) }
                    }
                }
            }
            @if l == Language::English { input type="hidden" name="lang" value="en"; }
            button { (l.say("查询", "Search")) }
            a.button href=(l.link("/items")) { (l.say("重置", "Reset")) }
        }
    }
}

/// Rows of items, newest change first.
pub(super) fn table(items: &[ItemSummary], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("档号", "Archival code")) } th { (l.say("事项名称", "Matter")) }
                th { (l.say("立档单位", "Unit")) } th { (l.say("期限", "Kept")) }
                th { (l.say("变动时间", "Changed")) } th { (l.say("状态", "State")) }
            } }
            tbody {
                @for item in items { (row(item, l)) }
                @if items.is_empty() { tr { td.quiet colspan="6" { (l.say("没有符合条件的件", "No items")) } } }
            }
        }
    }
}

fn row(item: &ItemSummary, l: Language) -> Markup {
    let id = json::id(&item.item).unwrap_or_default();
    let short = id.get(..8).unwrap_or_default();
    html! {
        tr {
            td.code { a.mono href=(l.link(&format!("/items/{id}"))) title=(id) {
                @if item.archival_code.is_empty() { (short) "…" } @else { (item.archival_code) }
            } }
            td { (or_code(&item.matter_name, &item.matter_code)) }
            td.short { (or_code(&item.unit_name, &item.unit_uscc)) }
            td.short { (words::retention(&item.retention, l)) }
            td.time { (Timestamp::from_millis(item.changed_at)) }
            td { (words::custody(&item.custody, l)) }
        }
    }
}

pub(super) fn or_code<'a>(name: &'a str, code: &'a str) -> &'a str {
    match (name.is_empty(), code.is_empty()) {
        (false, _) => name,
        (true, false) => code,
        (true, true) => "–",
    }
}

fn address(filters: &Filters, after: &str) -> String {
    let pairs = [
        ("q", filters.q.as_str()),
        ("unit", &filters.unit),
        ("matter", &filters.matter),
        ("custody", &filters.custody),
        ("after", after),
    ];
    let set = pairs.iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = set.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
}

/// A value as a query string carries it.
fn escaped(value: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    value.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
