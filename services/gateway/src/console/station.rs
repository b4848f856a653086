//! An item's history as a line of stations, each naming what caused it.

use std::collections::BTreeSet;

use dengbei_proto::v1::HistoryEvent;
use dengbei_records::Timestamp;
use maud::{Markup, html};

use super::{Language, words};

/// The whole line, in causal order as it came.
pub(super) fn line(history: &[HistoryEvent], l: Language) -> Markup {
    let known: BTreeSet<&[u8]> = history.iter().map(|e| e.hash.as_ref()).collect();
    let before = std::iter::once(None).chain(history.iter().map(|e| Some(e.recorded_at)));
    html! {
        ol.line {
            @for (event, before) in history.iter().zip(before) { (station(event, before, &known, l)) }
        }
    }
}

fn station(event: &HistoryEvent, before: Option<i64>, known: &BTreeSet<&[u8]>, l: Language) -> Markup {
    let (word, is_bad) = words::fact(&event.fact, l);
    // What passes a check passes in company; an item that fails is its own event.
    let is_bad = is_bad || (event.fact == "item.checked" && !event.by_membership);
    let trace = event.traceparent.split('-').nth(1);
    html! {
        li.bad[is_bad] id={ "h-" (short(&event.hash)) } {
            div.when {
                (Timestamp::from_millis(event.recorded_at))
                @if let Some(before) = before { " · +" (words::lasting(event.recorded_at - before)) }
                " · " (words::service_of(&event.fact, l))
            }
            div { b { (word) } " " (event.summary) }
            div.chain {
                span.mono title=(hex::encode(&event.hash)) { (short(&event.hash)) }
                @if event.by_membership { " · " (l.say("按批", "by membership")) }
                @if !event.causes.is_empty() {
                    " · " (l.say("因", "caused by"))
                    @for cause in &event.causes {
                        " "
                        @if known.contains(cause.as_ref()) { a.mono href={ "#h-" (short(cause)) } { (short(cause)) } }
                        @else { span.mono title=(hex::encode(cause)) { (short(cause)) } }
                    }
                }
                @if let Some(trace) = trace { " · " (l.say("跟踪", "trace")) " " span.mono { (trace) } }
            }
        }
    }
}

/// Enough of a hash to tell stations apart.
fn short(hash: &[u8]) -> String {
    hex::encode(&hash[..hash.len().min(5)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_in_the_history_is_a_link_and_text_is_escaped() {
        let first = HistoryEvent {
            hash: vec![1; 32].into(),
            fact: "item.prefiled".into(),
            summary: "<script>".into(),
            ..Default::default()
        };
        let second = HistoryEvent {
            hash: vec![2; 32].into(),
            fact: "item.filed".into(),
            causes: vec![vec![1; 32].into(), vec![9; 32].into()],
            recorded_at: 1500,
            ..Default::default()
        };
        let page = line(&[first, second], Language::Chinese).into_string();
        assert!(page.contains(r##"href="#h-0101010101""##) && page.contains(r#"id="h-0101010101""#));
        assert!(!page.contains(r##"href="#h-0909090909""##));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
        assert!(page.contains("+1.5 s"), "{page}");
    }
}
