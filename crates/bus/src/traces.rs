//! Trace contexts beside the events that a handler has in hand.
//!
//! The span of a bundle has the context of its events as parent when they share one, and links to each when they do
//! not. A handler that states something about one item of many continues that item's own trace:
//! `outbox.put_traced(tx, &events, &[bus::traceparent_of(&cause)])`.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;

use dengbei_kit::telemetry;
use dengbei_records::EventHash;
use tracing::{Instrument as _, Span, info_span};

tokio::task_local! {
    static CONTEXTS: HashMap<EventHash, String>;
}

/// The trace context that came with an event; only inside a handler, for an event that it has in hand.
pub fn traceparent_of(event: &EventHash) -> Option<String> {
    CONTEXTS.try_with(|contexts| contexts.get(event).cloned()).ok().flatten()
}

/// Runs a handler's work on these events inside a span that belongs to their traces.
pub(crate) async fn within<F: Future>(
    service: &str,
    contexts: impl Iterator<Item = (EventHash, String)>,
    work: F,
) -> F::Output {
    let contexts: HashMap<_, _> = contexts.filter(|(_, context)| !context.is_empty()).collect();
    let span = span(service, &contexts);
    CONTEXTS.scope(contexts, work.instrument(span)).await
}

fn span(service: &str, contexts: &HashMap<EventHash, String>) -> Span {
    let span = info_span!("bundle", otel.name = format!("{service} bundle"), otel.kind = "consumer");
    let distinct: BTreeSet<&String> = contexts.values().collect();
    match (distinct.len(), distinct.first()) {
        (1, Some(only)) => telemetry::set_parent(&span, only),
        _ => distinct.iter().for_each(|context| telemetry::link(&span, context)),
    }
    span
}
