//! The use case of this service: events become the read model, in the caller's transaction. The lists that events
//! cite were fetched before. Before: `consumer.rs`. After: `grpc.rs` answers from the tables.

use dengbei_chain::{Event, Fact};
use dengbei_records::EventHash;
use sqlx::PgConnection;

use crate::derive::{Changes, Place, place};
use crate::members::Lists;
use crate::origins::{self, Origins};
use crate::store::events::{self, Kept};
use crate::store::tallies::{self, Tally};
use crate::store::{attempts, life, names, quality, runs};

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

/// What was fetched before a bundle is applied.
#[derive(Debug, Default)]
pub struct Told {
    /// The lists that events cite.
    pub lists: Lists,
    /// Where the submissions that it begins come from.
    pub origins: Origins,
}

/// Applies one bundle whose submissions' origins nobody told. See [`apply_told`].
///
/// # Errors
/// The database's; then nothing of the bundle may be committed.
pub async fn apply(
    tx: &mut PgConnection,
    events: &[Event],
    traceparents: &[String],
    lists: &Lists,
) -> sqlx::Result<Vec<Applied>> {
    let told = Told { lists: lists.clone(), origins: None };
    apply_told(tx, events, traceparents, &told).await
}

/// Applies one bundle. Idempotent by event hash, blind to order; `traceparents` stand beside the events.
///
/// # Errors
/// The database's; then nothing of the bundle may be committed.
pub async fn apply_told(
    tx: &mut PgConnection,
    events: &[Event],
    traceparents: &[String],
    told: &Told,
) -> sqlx::Result<Vec<Applied>> {
    let lists = &told.lists;
    let mut outcomes = vec![Applied::Skipped; events.len()];
    let (mut changes, mut kept, mut tally) = (Changes::default(), Vec::new(), Tally::default());
    for (n, event) in events.iter().enumerate() {
        let place = place(event);
        changes.add(event);
        if !matches!(place, Place::Nowhere | Place::Members) {
            outcomes[n] = Applied::Yes;
            kept.push(Kept { event, place, traceparent: traced(traceparents, n) });
        }
    }
    let unplaced = origins::place(&mut changes, &told.origins, events);
    let mut new = events::put(tx, &kept).await?;
    names::put(tx, &changes.matters).await?;
    attempts::put(tx, &changes, &mut tally).await?;
    for (n, event) in events.iter().enumerate() {
        if let (Place::Members, Some(list)) = (place(event), lists.get(&event.hash)) {
            let run = Kept { event, place: Place::Members, traceparent: traced(traceparents, n) };
            outcomes[n] = run_over(tx, run, &list.hashes(), &mut tally).await?;
        }
    }
    life::hold(tx, kept.iter().map(|kept| kept.event).filter(|event| new.contains(&event.hash))).await?;
    // An event may stand twice in a bundle: it counts once.
    for kept in kept.iter().filter(|kept| new.remove(&kept.event.hash)) {
        tally.event(kept.event);
        life::apply(tx, kept.event, lists).await?;
    }
    quality::note(tx, &unplaced).await?;
    tallies::add(tx, tally).await?;
    Ok(outcomes)
}

/// A check run that let many pass: it is in the history of each.
async fn run_over(
    tx: &mut PgConnection,
    run: Kept<'_>,
    members: &[EventHash],
    tally: &mut Tally,
) -> sqlx::Result<Applied> {
    let items = match events::items_of(tx, members).await? {
        Err(missing) => return Ok(Applied::WaitsFor(missing)),
        Ok(items) => items,
    };
    let (event, hash) = (run.event, run.event.hash);
    if events::put(tx, &[run]).await?.contains(&hash) {
        tally.event(event);
        let is_passing = matches!(&event.fact, Some(Fact::ItemChecked(checked)) if checked.stage == "G");
        runs::put(tx, hash, is_passing, &runs::Members { items: &items, prefiled: members }).await?;
    }
    Ok(Applied::Yes)
}

fn traced(traceparents: &[String], n: usize) -> &str {
    traceparents.get(n).map_or("", String::as_str)
}
