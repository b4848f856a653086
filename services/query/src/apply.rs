//! The use case of this service: events become the read model, in the caller's transaction. The lists that events
//! cite were fetched before. Before: `consumer.rs`. After: `grpc.rs` answers from the tables.

use dengbei_chain::Event;
use dengbei_records::EventHash;
use sqlx::PgConnection;

use crate::derive::{Changes, membership};
use crate::members::Lists;
use crate::store::{apply as store, members};

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in the read model, now or since before.
    Yes,
    /// It concerns nobody's history.
    Skipped,
    /// It speaks for an event that has not come yet.
    WaitsFor(EventHash),
}

/// Applies one bundle. Idempotent by event hash, blind to order; `traceparents` stand beside the events.
///
/// # Errors
/// The database's; then nothing of the bundle may be committed.
pub async fn apply(
    tx: &mut PgConnection,
    events: &[Event],
    traceparents: &[String],
    lists: &Lists,
) -> sqlx::Result<Vec<Applied>> {
    let mut changes = Changes::default();
    let mut outcomes: Vec<Applied> =
        events.iter().map(|e| if changes.add(e) { Applied::Yes } else { Applied::Skipped }).collect();
    let traced = |n: usize| traceparents.get(n).cloned().unwrap_or_default();
    let kept = outcomes.iter().enumerate().filter(|(_, outcome)| **outcome == Applied::Yes);
    let kept: Vec<_> = kept.map(|(n, _)| (&events[n], traced(n))).collect();
    store::put_events(tx, &kept).await?;
    store::put_changes(tx, &changes).await?;
    for (n, event) in events.iter().enumerate() {
        if let Some(membership) = lists.get(&event.hash).and_then(|list| membership(event, list)) {
            outcomes[n] = match members::find(tx, &membership).await? {
                Err(missing) => Applied::WaitsFor(missing),
                Ok(items) => {
                    store::put_events(tx, &[(event, traced(n))]).await?;
                    members::put(tx, &membership, &items).await?;
                    Applied::Yes
                }
            };
        }
    }
    Ok(outcomes)
}
