//! 应归未归 on the quality page: what was closed against what arrived and was filed, and the days with something missing.
//! The figures are `crate::quality`'s.

use maud::{Markup, html};

use super::{ROWS, csv};
use crate::console::pieces::{self, address, or_code, or_dash};
use crate::console::{Language, chart, thousands};
use crate::quality::{self, Closing, Monitor};

/// What should be filed and what is, by source and matter.
pub(super) fn matters(m: &Monitor, l: Language) -> Markup {
    let sums = quality::by_matter(&m.closings);
    let name = |code: &str| {
        let row = m.counted.matters.iter().find(|row| row.second == code);
        row.map(|row| row.name.clone()).unwrap_or_default()
    };
    let all = sums.len();
    let mut rows: Vec<(u64, &Closing)> = sums
        .values()
        .map(|sum| (quality::missing(&m.closings, &sum.source_system, &sum.matter_code), sum))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.0, row.1.received)));
    html! {
        section.card id="missing" {
            h2 { (l.say("应归未归，按来源和事项", "Closed against filed, by source and matter")) span.unit { (l.say("按办结日，单位：件", "by closing day, items")) } }
            div.scroll tabindex="0" { table {
                thead { tr {
                    th { (l.say("来源系统", "Source")) } th { (l.say("事项", "Matter")) } th.number { (l.say("应归", "Closed")) } th.number { (l.say("已到", "Arrived")) }
                    th.number { (l.say("已归", "Filed")) } th.number { (l.say("退回", "Returned")) } th.number { (l.say("拒收", "Refused")) } th.number { (l.say("未到", "Missing")) } th.rate { (l.say("归档率", "Filed")) }
                } }
                tbody {
                    @for (missing, c) in rows.iter().take(ROWS) { (matter(c, *missing, &name(&c.matter_code), l)) }
                    @if rows.is_empty() { (pieces::none(9, l.say("期间内没有办结的件", "Nothing was closed in this period"))) }
                }
            } }
            @if all > ROWS { div.pager { span { (l.say(format!("共 {all} 行"), format!("{all} rows"))) } a href=(csv(&m.period, "closings")) { "CSV" } } }
        }
    }
}

fn matter(c: &Closing, missing: u64, name: &str, l: Language) -> Markup {
    let list =
        |custody: &str| l.link(&address("/items", &[("matter", &c.matter_code), ("custody", custody)]));
    let link = |n: u64, custody: &str| html! { @if n > 0 { a href=(list(custody)) { (thousands(n)) } } @else { "0" } };
    let whole = c.expected.unwrap_or(0).max(c.received);
    html! {
        tr {
            td.code { (or_dash(&c.source_system)) } td { a href=(list("")) { (or_code(name, &c.matter_code)) } @if !name.is_empty() { " " span.mono.quiet { (c.matter_code) } } }
            td.number { @match c.expected { Some(n) => (thousands(n)), None => "–" } } td.number { (thousands(c.received)) }
            td.number { (thousands(c.filed)) } td.number { (link(c.returned, "returned")) } td.number { (link(c.refused, "refused")) }
            td.number { @if missing > 0 { span.tag.bad { (thousands(missing)) } } @else { "0" } }
            td.rate { (chart::bar(chart::share(c.filed, whole))) span { (chart::percent(c.filed, whole)) } }
        }
    }
}

/// The days on which less arrived than was closed.
pub(super) fn missing_days(m: &Monitor, l: Language) -> Markup {
    let rows: Vec<&Closing> = m.closings.iter().filter(|c| c.missing() > 0).collect();
    html! {
        @if !rows.is_empty() {
            section.card {
                h2 { (l.say("未到的日子", "Days on which something is missing")) span.unit { (rows.len()) } }
                div.scroll tabindex="0" { table {
                    thead { tr { th { (l.say("办结日", "Closed on")) } th { (l.say("来源系统", "Source")) } th { (l.say("事项编码", "Matter")) } th.number { (l.say("应归", "Closed")) } th.number { (l.say("已到", "Arrived")) } th.number { (l.say("未到", "Missing")) } } }
                    tbody { @for c in rows.iter().take(ROWS) {
                        tr { td.time { (c.day) } td.code { (c.source_system) } td.code { (c.matter_code) } td.number { (thousands(c.expected.unwrap_or(0))) } td.number { (thousands(c.received)) } td.number { (thousands(c.missing())) } }
                    } }
                } }
                @if rows.len() > ROWS { div.pager { span {} a href=(csv(&m.period, "closings")) { "CSV" } } }
            }
        }
    }
}
