//! Takes bundles: from the bus, or by `Append` when the bus did not bring them. Durable when its transaction commits;
//! idempotent by event hash, whoever sends what how often. Before: the relay. After: `seal.rs`.

use bytes::Bytes;
use dengbei_bus::{Bundle, BundleHandler, HandleError};
use dengbei_chain::{Event, MAX_EVENT};
use dengbei_records::{ErrorClass, EventHash};
use sqlx::PgConnection;

use super::store::Entry;
use super::{effects, store};
use crate::author::Author;
use crate::wake::{self, Topic};

/// Under which name events are kept whose own bundle's name was taken by other events.
const STRAY: &str = "stray";
/// The most events of one bundle.
const MOST: usize = dengbei_bus::MAX_BUNDLE_EVENTS;

/// Stores bundles.
#[derive(Debug, Clone)]
pub(crate) struct Appender {
    pub(crate) author: Author,
}

impl BundleHandler for Appender {
    async fn apply(&self, tx: &mut PgConnection, bundles: &[&Bundle]) -> Result<(), HandleError> {
        match bundles {
            [one] => self.append(tx, &one.producer, one.sequence, &one.events).await,
            many => self.append_new(tx, many).await,
        }
    }
}

impl Appender {
    /// Stores bundles when nothing of them came before. Else an error, and nothing may be committed.
    async fn append_new(&self, tx: &mut PgConnection, bundles: &[&Bundle]) -> Result<(), HandleError> {
        let known = || HandleError::new(ErrorClass::Conflict, anyhow::anyhow!("something of them is known"));
        let mut read = Vec::new();
        for bundle in bundles {
            read.push(check(&bundle.producer, bundle.sequence, &bundle.events)?);
        }
        let ids = store::insert_bundles(tx, bundles, self.author.now()).await?;
        if ids.len() < bundles.len() {
            return Err(known());
        }
        let entries: Vec<Entry<'_>> =
            ids.iter().zip(&read).flat_map(|(id, read)| entries(*id, read)).collect();
        if store::insert_entries(tx, &entries).await? < entries.len() as u64 {
            return Err(known());
        }
        let events: Vec<Event> = read.into_iter().flatten().collect();
        effects::note(tx, &events).await?;
        wake::on_commit(tx, Topic::Log).await?;
        Ok(())
    }

    /// Stores one bundle's events.
    pub(crate) async fn append(
        &self,
        tx: &mut PgConnection,
        producer: &str,
        sequence: u64,
        events: &[Bytes],
    ) -> Result<(), HandleError> {
        let read = check(producer, sequence, events)?;
        let hashes: Vec<EventHash> = read.iter().map(|event| event.hash).collect();
        let now = self.author.now();
        let count = events.len();
        let bundle = match store::insert_bundle(tx, (producer, sequence), count, now).await? {
            Some(id) => id,
            None if is_known(tx, &hashes).await? => return Ok(()),
            None => {
                tracing::error!(
                    producer,
                    sequence,
                    "a producer says two things under one sequence: both are kept"
                );
                let stray = store::next_stray(tx, STRAY).await?;
                let id = store::insert_bundle(tx, (STRAY, stray), count, now).await?;
                id.ok_or_else(|| HandleError::new(ErrorClass::Internal, anyhow::anyhow!("stray bundle")))?
            }
        };
        let entries: Vec<Entry<'_>> = entries(bundle, &read).collect();
        let inserted = store::insert_entries(tx, &entries).await?;
        if inserted < entries.len() as u64 {
            store::note_known(tx, bundle, inserted, &hashes).await?;
        }
        effects::note(tx, &read).await?;
        wake::on_commit(tx, Topic::Log).await?;
        Ok(())
    }
}

fn entries(bundle: i64, events: &[Event]) -> impl Iterator<Item = Entry<'_>> {
    events.iter().zip(0..).map(move |(event, ordinal)| Entry { event, bundle, ordinal })
}

/// Only events become entries: what is no event is refused with its whole bundle.
fn check(producer: &str, sequence: u64, events: &[Bytes]) -> Result<Vec<Event>, HandleError> {
    let is_named = (1..=64).contains(&producer.len()) && sequence > 0 && i64::try_from(sequence).is_ok();
    if !is_named || events.is_empty() || events.len() > MOST {
        let text = "事件包无效 / a bundle needs a producer, a sequence from 1 and 1 to 256 events";
        return Err(HandleError::invalid(text));
    }
    let unreadable = || HandleError::invalid("事件无法读取 / the bundle holds what is no event");
    if events.iter().any(|e| e.len() > MAX_EVENT) {
        return Err(unreadable());
    }
    events.iter().map(|e| Event::read(e.clone()).map_err(|_| unreadable())).collect()
}

async fn is_known(tx: &mut PgConnection, hashes: &[EventHash]) -> Result<bool, HandleError> {
    let distinct: std::collections::HashSet<&EventHash> = hashes.iter().collect();
    Ok(store::count_known(tx, hashes).await? == distinct.len() as i64)
}
