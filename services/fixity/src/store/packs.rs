//! 存储包 as the log states them, and the `item.filed` events inside, kept as they came.

use std::collections::HashMap;

use bytes::Bytes;
use dengbei_chain::{Event, Fact};
use dengbei_records::{EventHash, PackNumber, Sha256};
use sqlx::postgres::{PgConnection, PgPool};

/// A pack as `batch.filed` or `pack.written` states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pack {
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
    pub(crate) versions_root: Sha256,
    pub(crate) stated: EventHash,
    /// The event's bytes.
    pub(crate) event: Bytes,
}

/// Keeps a pack; the same again changes nothing.
pub(crate) async fn put(tx: &mut PgConnection, pack: &Pack) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into packs (pack, generation, digest, bytes, versions_root, stated, event)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(pack.pack.get().cast_signed())
    .bind(pack.generation.cast_signed())
    .bind(pack.digest.as_bytes().as_slice())
    .bind(pack.bytes.cast_signed())
    .bind(pack.versions_root.as_bytes().as_slice())
    .bind(pack.stated.as_bytes().as_slice())
    .bind(pack.event.as_ref())
    .execute(tx)
    .await
    .map(drop)
}

type Row = (i64, i32, Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>);

fn read(row: Row) -> Result<Pack, sqlx::Error> {
    let (pack, generation, digest, bytes, versions_root, stated, event) = row;
    Ok(Pack {
        pack: PackNumber::new(pack.cast_unsigned()),
        generation: generation.cast_unsigned(),
        digest: sha256(&digest)?,
        bytes: bytes.cast_unsigned(),
        versions_root: sha256(&versions_root)?,
        stated: hash(&stated)?,
        event: event.into(),
    })
}

/// The newest generation of each of these packs, of those that are known.
pub(crate) async fn newest(pool: &PgPool, packs: &[PackNumber]) -> Result<Vec<Pack>, sqlx::Error> {
    let numbers: Vec<i64> = packs.iter().map(|p| p.get().cast_signed()).collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select distinct on (pack) pack, generation, digest, bytes, versions_root, stated, event
         from packs where pack = any($1) order by pack, generation desc",
    )
    .bind(&numbers)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Digests that this pack had in generations before `generation`, on any site.
pub(crate) async fn earlier_digests(
    pool: &PgPool,
    pack: PackNumber,
    generation: u32,
) -> Result<Vec<Sha256>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select digest from packs where pack = $1 and generation < $2
         union select digest from copies where pack = $1 and generation < $2",
    )
    .bind(pack.get().cast_signed())
    .bind(generation.cast_signed())
    .fetch_all(pool)
    .await?;
    rows.iter().map(|d| sha256(d)).collect()
}

/// Keeps `item.filed` events, by pack.
pub(crate) async fn put_filings(tx: &mut PgConnection, events: &[&Event]) -> Result<(), sqlx::Error> {
    let mut by_pack: HashMap<u64, Vec<&Event>> = HashMap::new();
    for event in events {
        if let Some(Fact::ItemFiled(filed)) = &event.fact {
            by_pack.entry(filed.pack.get()).or_default().push(event);
        }
    }
    for (pack, events) in by_pack {
        let bytes: Vec<&[u8]> = events.iter().map(|e| e.bytes.as_ref()).collect();
        sqlx::query("insert into filings (pack, first, events) values ($1, $2, $3) on conflict do nothing")
            .bind(pack.cast_signed())
            .bind(events[0].hash.as_bytes().as_slice())
            .bind(&bytes)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Every filing whose hash is asked for, of those that are known.
pub(crate) async fn filings_of(
    pool: &PgPool,
    packs: &[PackNumber],
) -> Result<HashMap<EventHash, Event>, sqlx::Error> {
    let numbers: Vec<i64> = packs.iter().map(|p| p.get().cast_signed()).collect();
    let rows: Vec<Vec<Vec<u8>>> = sqlx::query_scalar("select events from filings where pack = any($1)")
        .bind(&numbers)
        .fetch_all(pool)
        .await?;
    let events = rows.into_iter().flatten().map(|bytes| Event::read(bytes.into()));
    events.map(|e| e.map(|e| (e.hash, e)).map_err(|e| sqlx::Error::Decode(e.into()))).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> Result<Sha256, sqlx::Error> {
    Sha256::from_slice(bytes).map_err(|e| sqlx::Error::Decode(e.into()))
}

pub(super) fn hash(bytes: &[u8]) -> Result<EventHash, sqlx::Error> {
    EventHash::from_slice(bytes).map_err(|e| sqlx::Error::Decode(e.into()))
}
