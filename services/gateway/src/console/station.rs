//! An item's history as a line of stations, each naming what caused it.

use std::collections::BTreeMap;

use dengbei_chain::Event;
use dengbei_proto::v1::HistoryEvent;
use maud::{Markup, html};

use super::pieces::moment;
use super::{Language, told, words};

/// What is known of the history's events: their places in it, by hash.
type Known<'a> = BTreeMap<&'a [u8], usize>;

/// The whole line, in causal order as it came.
pub(super) fn line(history: &[HistoryEvent], l: Language) -> Markup {
    let known: Known<'_> = history.iter().enumerate().map(|(i, e)| (e.hash.as_ref(), i + 1)).collect();
    let before = std::iter::once(None).chain(history.iter().map(|e| Some(e.recorded_at)));
    html! {
        ol.line {
            @for (event, before) in history.iter().zip(before) { (station(event, before, &known, l)) }
        }
    }
}

fn station(event: &HistoryEvent, before: Option<i64>, known: &Known<'_>, l: Language) -> Markup {
    // What passes a check passes in company; an item that fails is its own event.
    let is_bad = words::is_bad(&event.fact) || (event.fact == "item.checked" && !event.by_membership);
    html! {
        li.bad[is_bad] id={ "h-" (short(&event.hash)) } {
            div.when {
                (moment(event.recorded_at))
                @if let Some(before) = before { span { "+" (words::lasting(event.recorded_at - before)) } }
                span { (words::service_of(&event.fact, l)) }
            }
            div { b { (words::fact(&event.fact, l)) } " " (said(event, l)) }
            div.chain { (chain(event, known, l)) }
        }
    }
}

/// The event's own words; of a later version's event what the read model says.
fn said(event: &HistoryEvent, l: Language) -> Markup {
    let read = Event::read(event.event.clone()).ok().and_then(|event| event.fact);
    html! {
        @match read {
            Some(fact) => (told::sentence(&fact, l)),
            None => { @if l == Language::Chinese { (event.summary) } @else { span.mono { (event.subject) } } },
        }
    }
}

fn chain(event: &HistoryEvent, known: &Known<'_>, l: Language) -> Markup {
    let trace = event.traceparent.split('-').nth(1);
    html! {
        span.mono title=(hex::encode(&event.hash)) { (known.get(event.hash.as_ref()).copied().unwrap_or(0)) " · " (short(&event.hash)) }
        @if event.by_membership { span { (l.say("按批", "as a member")) } }
        @if !event.causes.is_empty() {
            span {
                (l.say("起因", "caused by"))
                @for cause in &event.causes {
                    " "
                    @match known.get(cause.as_ref()) {
                        Some(place) => a.mono href={ "#h-" (short(cause)) } title=(hex::encode(cause)) { "#" (place) },
                        None => span.mono title=(hex::encode(cause)) { (short(cause)) },
                    }
                }
            }
        }
        @if let Some(trace) = trace { span { (l.say("跟踪", "trace")) " " code title=(trace) { (trace.get(..8).unwrap_or(trace)) "…" } } }
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
