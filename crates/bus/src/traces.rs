//! Trace contexts beside the events that a handler has in hand.
//!
//! The span of a bundle has the context of its events as parent when they share one, and links to each when they do
//! not. A handler that states something about one item of many continues that item's own trace:
//! `outbox.put_traced(tx, &events, &[bus::traceparent_of(&cause)])`.

use std::collections::HashMap;
use std::future::Future;

use dengbei_kit::telemetry;
use dengbei_records::EventHash;
use sqlx::postgres::PgConnection;
use tracing::{Instrument as _, Span, info_span};

use crate::store::traces as store;

/// How a context ends that is sampled.
const SAMPLED: &str = "-01";

/// Whether somebody follows this trace.
pub(crate) fn is_sampled(context: &str) -> bool {
    context.ends_with(SAMPLED)
}

tokio::task_local! {
    static CONTEXTS: HashMap<EventHash, String>;
}

/// The trace context that came with an event; only inside a handler, for an event that it has in hand.
pub fn traceparent_of(event: &EventHash) -> Option<String> {
    CONTEXTS.try_with(|contexts| contexts.get(event).cloned()).ok().flatten()
}

/// Keeps the trace contexts of these events, of those that are sampled, for work that goes on when no message is in hand
/// any more. Only inside a handler; where nothing is traced it does nothing.
///
/// # Errors
/// The database's.
pub async fn keep_traces(
    tx: &mut PgConnection,
    events: impl Iterator<Item = EventHash>,
) -> Result<(), sqlx::Error> {
    let contexts: Vec<(EventHash, String)> = events
        .filter_map(|hash| Some((hash, traceparent_of(&hash)?)))
        .filter(|(_, context)| is_sampled(context))
        .collect();
    if contexts.is_empty() { Ok(()) } else { store::keep(tx, &contexts).await }
}

/// The contexts that [`keep_traces`] kept of these events.
///
/// # Errors
/// The database's.
pub async fn kept_traces(
    tx: &mut PgConnection,
    events: &[EventHash],
) -> Result<HashMap<EventHash, String>, sqlx::Error> {
    store::kept(tx, events).await
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
    telemetry::join(&span, contexts.values().map(String::as_str));
    span
}
