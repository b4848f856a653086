//! What pages are made of: addresses, links to things, fields of filters, ends of tables.

use std::collections::HashMap;

use dengbei_records::Timestamp;
use maud::{Markup, html};

use super::Language;
use super::words::{self, Of};
use crate::json;

/// A path with its query; empty values are left out.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let set = pairs.iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = set.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{}", text.join("&")) }
}

/// A value as a query string carries it.
fn escaped(value: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    value.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// When, as offices write it; a dash for never.
pub(super) fn moment(millis: i64) -> Markup {
    html! { @if millis > 0 { time { (Timestamp::from_millis(millis)) } } @else { "–" } }
}

/// Enough of a hash or key to tell it apart; the whole of it on pointing.
pub(super) fn hash(bytes: &[u8]) -> Markup {
    let text = hex::encode(bytes);
    html! { @if bytes.is_empty() { "–" } @else { span.mono title=(text) { (text.get(..12).unwrap_or(&text)) "…" } } }
}

/// A text, or a dash for none.
pub(super) fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// A name, else its code, else a dash.
pub(super) fn or_code<'a>(name: &'a str, code: &'a str) -> &'a str {
    or_dash(if name.is_empty() { code } else { name })
}

/// 存储包's number as it is written everywhere.
pub(super) fn pack_number(pack: u64) -> String {
    format!("{pack:08}")
}

/// A pack, by its number.
pub(super) fn pack(pack: u64, l: Language) -> Markup {
    html! { @if pack > 0 { a.mono href=(l.link(&format!("/packs/{pack}"))) { (pack_number(pack)) } } @else { "–" } }
}

/// Packs, by their numbers.
pub(super) fn packs(numbers: &[u64], l: Language) -> Markup {
    html! { @for (i, n) in numbers.iter().enumerate() { @if i > 0 { " " } (pack(*n, l)) } @if numbers.is_empty() { "–" } }
}

/// A registration batch: its number once it has one.
pub(super) fn batch(id: &[u8], number: &str, l: Language) -> Markup {
    let text = json::id(id).unwrap_or_default();
    let word = if number.is_empty() { text.get(24..).unwrap_or_default() } else { number };
    html! { @if text.is_empty() { "–" } @else { a.mono href=(l.link(&format!("/registrations/{text}"))) title=(text) { (word) } } }
}

/// A certificate, by its number.
pub(super) fn certificate(number: &str, l: Language) -> Markup {
    named("/certificates/", number, l)
}

/// A transfer, by its number.
pub(super) fn transfer(number: &str, l: Language) -> Markup {
    named("/transfers/", number, l)
}

fn named(path: &str, number: &str, l: Language) -> Markup {
    html! { @if number.is_empty() { "–" } @else { a.mono href=(l.link(&format!("{path}{number}"))) { (number) } } }
}

/// A paper below `/v1/`, as PDF and as data.
pub(super) fn paper(path: &str, word: &str) -> Markup {
    html! {
        span.paper {
            @if !word.is_empty() { (word) " " }
            a href={ "/v1/" (path) ".pdf" } { "PDF" } " " a href={ "/v1/" (path) } { "JSON" }
        }
    }
}

/// The half in this language of a text that says something in both: `中文 / English`.
pub(super) fn bilingual(text: &str, l: Language) -> &str {
    text.split_once(" / ").map_or(text, |(zh, en)| l.say(zh, en))
}

/// What somebody must do next: the half in this language of each thing, which registration says in both.
pub(super) fn waits(text: &str, l: Language) -> Markup {
    let half = |thing| match thing {
        sign if str::contains(sign, "sign_unit") => l.say("移交单位签字", "the unit's signatures"),
        sign if sign.contains("sign_archive") => l.say("接收单位签字", "the archive's signatures"),
        other => bilingual(other, l),
    };
    let things: Vec<&str> = text.split('；').filter(|thing| !thing.is_empty()).map(half).collect();
    html! { (or_dash(&things.join(l.say("；", "; ")))) }
}

/// A row that says that there is none.
pub(super) fn none(columns: usize, word: &str) -> Markup {
    html! { tr { td.quiet.none colspan=(columns) { (word) } } }
}

/// A field of a filter.
pub(super) fn text(name: &str, word: &str, value: &str, size: u32) -> Markup {
    html! { label { (word) input name=(name) value=(value) size=(size) autocomplete="off"; } }
}

/// A choice of a filter; `all` is the empty one.
pub(super) fn choice<'a, W: AsRef<str>>(
    (name, word): (&str, &str),
    value: &str,
    options: impl IntoIterator<Item = (&'a str, W)>,
    l: Language,
) -> Markup {
    html! {
        label {
            (word)
            select name=(name) {
                option value="" { (l.say("全部", "all")) }
                @for (code, word) in options { option value=(code) selected[code == value] { (word.as_ref()) } }
            }
        }
    }
}

/// A field of filters: one of the units.
pub(super) fn unit(word: &str, chosen: &str, units: &[(String, String)], l: Language) -> Markup {
    choice(("unit", word), chosen, units.iter().map(|(code, name)| (code.as_str(), name.as_str())), l)
}

/// A form of filters over `path`: 查询 and 重置.
pub(super) fn filters(path: &str, fields: &Markup, l: Language) -> Markup {
    html! {
        form.filters method="get" action=(path) role="search" {
            (fields)
            @if l == Language::English { input type="hidden" name="lang" value="en"; }
            div.go { button { (l.say("查询", "Search")) } a.button href=(l.link(path)) { (l.say("重置", "Reset")) } }
        }
    }
}

/// The end of a list: how much there is, and where it goes on.
pub(super) fn pager(count: &str, first: Option<String>, next: Option<String>, l: Language) -> Markup {
    html! {
        div.pager {
            span { (count) }
            span {
                @if let Some(first) = first { a href=(l.link(&first)) { (l.say("首页", "First")) } }
                @if let Some(next) = next { a rel="next" href=(l.link(&next)) { (l.say("下一页", "Next")) } }
            }
        }
    }
}

/// Tabs of a list by state: all, then each state that has any, with its count; the unit that was asked for is kept.
pub(super) fn states(
    path: &str,
    of: Of,
    (state, unit): (&str, &str),
    counts: &HashMap<String, u64>,
    l: Language,
) -> Markup {
    let at = |state: &str| address(path, &[("state", state), ("unit", unit)]);
    html! {
        ul.tabs {
            (tab(&at(""), l.say("全部", "All"), Some(total("", counts)), state.is_empty(), l))
            @for (other, word) in words::states(of, l) {
                @let count = total(other, counts);
                @if count > 0 || state == other { (tab(&at(other), word, Some(count), state == other, l)) }
            }
        }
    }
}

/// How many are in a state; in any, when none is named.
pub(super) fn total(state: &str, counts: &HashMap<String, u64>) -> u64 {
    if state.is_empty() { counts.values().sum() } else { counts.get(state).copied().unwrap_or(0) }
}

/// A tab of a list by state, with its count.
pub(super) fn tab(path: &str, word: &str, count: Option<u64>, is_here: bool, l: Language) -> Markup {
    html! {
        li { a.here[is_here] aria-current=[is_here.then_some("true")] href=(l.link(path)) {
            (word) @if let Some(count) = count { " " span.count { (super::thousands(count)) } }
        } }
    }
}

/// One step of a way that something goes.
pub(super) struct Step<'a> {
    pub(super) word: &'a str,
    /// When it was taken; 0 when that is not known.
    pub(super) at: i64,
    pub(super) is_done: bool,
}

/// Steps side by side; the first that is not done is where it stands.
pub(super) fn steps(steps: &[Step<'_>], l: Language) -> Markup {
    let now = steps.iter().position(|s| !s.is_done);
    html! {
        ol.steps {
            @for (i, step) in steps.iter().enumerate() {
                li.done[step.is_done] .now[now == Some(i)] aria-current=[(now == Some(i)).then_some("step")] {
                    span.number aria-hidden="true" { @if step.is_done { "✓" } @else { (i + 1) } }
                    b { (step.word) }
                    small { @if step.is_done { @if step.at > 0 { (moment(step.at)) } @else { (l.say("已完成", "done")) } } @else if now == Some(i) { (l.say("待办", "next")) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_any_text_and_nothing_empty() {
        assert_eq!(address("/items", &[("q", "a b&c"), ("unit", "")]), "/items?q=a%20b%26c");
        assert_eq!(address("/items", &[("q", "")]), "/items");
    }

    #[test]
    fn what_waits_is_said_in_one_language() {
        let said = |text: &str, l| waits(text, l).into_string();
        assert_eq!(said("技术检测 / technical check", Language::English), "technical check");
        assert_eq!(
            said("移交单位签字 sign_unit；接收单位签字 sign_archive", Language::Chinese),
            "移交单位签字；接收单位签字"
        );
        assert_eq!(said("", Language::English), "–");
    }

    #[test]
    fn a_batch_without_a_number_is_named_by_its_id() {
        let id = uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_1234_5678_9abc);
        let link = batch(id.as_bytes(), "", Language::Chinese).into_string();
        assert!(link.contains(&format!("/registrations/{id}")) && link.contains(">123456789abc<"), "{link}");
        assert_eq!(batch(&[], "", Language::Chinese).into_string(), "–");
    }
}
