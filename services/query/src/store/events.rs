//! The events themselves, and in whose history they belong.

use std::collections::{HashMap, HashSet};

use dengbei_chain::Event;
use dengbei_records::EventHash;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::derive::Place;

/// An event that belongs to some history.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) event: &'a Event,
    pub(crate) place: Place,
    pub(crate) traceparent: &'a str,
}

impl Kept<'_> {
    fn item(&self) -> Option<Uuid> {
        if let Place::Own(item) = &self.place { Some(item.uuid()) } else { None }
    }
}

/// Keeps events' bytes; gives those that were not there before. In the order of their hashes, so that two
/// transactions with the same events never wait for each other in a circle.
pub(crate) async fn put(tx: &mut PgConnection, kept: &[Kept<'_>]) -> sqlx::Result<HashSet<EventHash>> {
    if kept.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sorted: Vec<&Kept<'_>> = kept.iter().collect();
    sorted.sort_by_key(|kept| kept.event.hash);
    let column =
        |pick: fn(&Event) -> Vec<u8>| -> Vec<Vec<u8>> { sorted.iter().map(|k| pick(k.event)).collect() };
    let causes = column(|e| e.causes.iter().flat_map(|cause| cause.as_bytes().to_owned()).collect());
    let new: Vec<Vec<u8>> = sqlx::query_scalar(
        "insert into query.events (hash, id, kind, subject, item, recorded_at, causes, bytes, traceparent)
         select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::bytea[],
                              $8::bytea[], $9::text[])
         on conflict (hash) do nothing returning hash",
    )
    .bind(column(|e| e.hash.as_bytes().to_vec()))
    .bind(sorted.iter().map(|k| k.event.id).collect::<Vec<_>>())
    .bind(sorted.iter().map(|k| k.event.fact_name()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|k| k.event.subject.to_string()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|k| k.item()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|k| k.event.recorded_at.millis()).collect::<Vec<_>>())
    .bind(causes)
    .bind(column(|e| e.bytes.to_vec()))
    .bind(sorted.iter().map(|k| k.traceparent).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    put_shared(tx, &sorted).await?;
    new.iter().map(|hash| EventHash::from_slice(hash).map_err(|e| sqlx::Error::Decode(e.into()))).collect()
}

async fn put_shared(tx: &mut PgConnection, kept: &[&Kept<'_>]) -> sqlx::Result<()> {
    let shared = kept.iter().filter_map(|k| match &k.place {
        Place::Shared(subject) => Some((subject.as_str(), k.event.hash.as_bytes().to_vec())),
        _ => None,
    });
    let (subjects, hashes): (Vec<&str>, Vec<Vec<u8>>) = shared.unzip();
    if subjects.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into query.shared (subject, hash)
         select s, h from unnest($1::text[], $2::bytea[]) as r(s, h) order by h on conflict do nothing",
    )
    .bind(subjects)
    .bind(hashes)
    .execute(tx)
    .await?;
    Ok(())
}

/// The items whose own events these are, in order; or the first of them that is not known yet.
pub(crate) async fn items_of(
    tx: &mut PgConnection,
    hashes: &[EventHash],
) -> sqlx::Result<Result<Vec<Uuid>, EventHash>> {
    let rows: Vec<(Vec<u8>, Uuid)> =
        sqlx::query_as("select hash, item from query.events where hash = any($1) and item is not null")
            .bind(raw(hashes))
            .fetch_all(tx)
            .await?;
    let known: HashMap<Vec<u8>, Uuid> = rows.into_iter().collect();
    let item_of = |hash: &EventHash| known.get(hash.as_bytes().as_slice()).copied().ok_or(*hash);
    Ok(hashes.iter().map(item_of).collect())
}

/// Hashes as the database takes them.
pub(crate) fn raw(hashes: &[EventHash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}
