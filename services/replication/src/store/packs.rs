//! 存储包: what is to be copied, as the events say, and which registration or transfer asked for it.

use std::collections::HashSet;

use dengbei_records::{EventHash, PackNumber, Sha256, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::{event, raw, sha256};

/// A pack as its producer signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pack {
    pub(crate) number: PackNumber,
    pub(crate) generation: u32,
    pub(crate) digest: Sha256,
    pub(crate) versions_root: Sha256,
    pub(crate) bytes: u64,
    /// `batch.filed` or `pack.written`.
    pub(crate) origin: EventHash,
}

/// A pack's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct PackRow {
    pack: i64,
    generation: i32,
    digest: Vec<u8>,
    versions_root: Vec<u8>,
    bytes: i64,
    origin: Vec<u8>,
}

impl TryFrom<PackRow> for Pack {
    type Error = sqlx::Error;
    fn try_from(row: PackRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: PackNumber::new(row.pack.cast_unsigned()),
            generation: row.generation.cast_unsigned(),
            digest: sha256(&row.digest)?,
            versions_root: sha256(&row.versions_root)?,
            bytes: row.bytes.cast_unsigned(),
            origin: event(&row.origin)?,
        })
    }
}

/// Number as the database has it.
pub(crate) fn signed(pack: PackNumber) -> i64 {
    pack.get().cast_signed()
}

/// What a new pack is.
#[derive(Debug, Clone)]
pub(crate) struct NewPack {
    pub(crate) pack: Pack,
    pub(crate) is_documents: bool,
    pub(crate) storage_due_at: Timestamp,
}

/// Keeps a pack; the same again changes nothing. False: the number is another pack's, which must never be.
pub(crate) async fn put(tx: &mut PgConnection, new: &NewPack) -> Result<bool, sqlx::Error> {
    let Pack { number, generation, digest, versions_root, bytes, origin } = &new.pack;
    sqlx::query(
        "insert into packs (pack, generation, digest, versions_root, bytes, origin, is_documents, storage_due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (pack) do nothing",
    )
    .bind(signed(*number))
    .bind(generation.cast_signed())
    .bind(digest.as_bytes().as_slice())
    .bind(versions_root.as_bytes().as_slice())
    .bind(bytes.cast_signed())
    .bind(origin.as_bytes().as_slice())
    .bind(new.is_documents)
    .bind(new.storage_due_at.millis())
    .execute(&mut *tx)
    .await?;
    let known: Vec<u8> = sqlx::query_scalar("select origin from packs where pack = $1")
        .bind(signed(*number))
        .fetch_one(tx)
        .await?;
    Ok(known == origin.as_bytes())
}

/// Of these `batch.filed`, those that are known.
pub(crate) async fn known(
    tx: &mut PgConnection,
    origins: &[EventHash],
) -> Result<HashSet<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select origin from packs where origin = any($1)")
        .bind(raw(origins))
        .fetch_all(tx)
        .await?;
    rows.iter().map(|h| event(h)).collect()
}

/// Whether the pack is known.
pub(crate) async fn is_known(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from packs where pack = $1)")
        .bind(signed(pack))
        .fetch_one(tx)
        .await
}

/// Keeps what an application is about.
pub(crate) async fn put_batch(
    tx: &mut PgConnection,
    batch: Uuid,
    applied: EventHash,
    packs: &[PackNumber],
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into batches (batch, applied, packs) values ($1, $2, $3) on conflict do nothing")
        .bind(batch)
        .bind(applied.as_bytes().as_slice())
        .bind(packs.iter().copied().map(signed).collect::<Vec<_>>())
        .execute(tx)
        .await
        .map(drop)
}

/// Marks a batch's packs as registered, unless they are. `None`: the application is not known.
pub(crate) async fn register(
    tx: &mut PgConnection,
    batch: Uuid,
    registered: EventHash,
) -> Result<Option<Vec<i64>>, sqlx::Error> {
    let packs: Option<Vec<i64>> = sqlx::query_scalar("select packs from batches where batch = $1")
        .bind(batch)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(packs) = packs else { return Ok(None) };
    // Packs are locked in one order everywhere.
    let fresh = sqlx::query_scalar(
        "update packs set batch = $2, registered = $3, storage_due_at = null
         where pack in (select pack from packs where pack = any($1) and registered is null order by pack for update)
         returning pack",
    )
    .bind(packs)
    .bind(batch)
    .bind(registered.as_bytes().as_slice())
    .fetch_all(tx)
    .await?;
    Ok(Some(fresh))
}

/// Keeps which packs the archive takes over.
pub(crate) async fn put_accessions(
    tx: &mut PgConnection,
    accepted: EventHash,
    packs: &[PackNumber],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into accessions (pack, accepted) select unnest($1::bigint[]), $2 on conflict do nothing",
    )
    .bind(packs.iter().copied().map(signed).collect::<Vec<_>>())
    .bind(accepted.as_bytes().as_slice())
    .execute(tx)
    .await
    .map(drop)
}

/// Notes that a pack is secured; the first time counts. False: it was.
pub(crate) async fn secure(
    tx: &mut PgConnection,
    pack: PackNumber,
    secured: EventHash,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("update packs set secured = $2 where pack = $1 and secured is null")
        .bind(signed(pack))
        .bind(secured.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks these packs, in one order everywhere, so that two who bring receipts never wait for each other in a circle,
/// and the second sees what the first brought.
pub(crate) async fn lock(tx: &mut PgConnection, packs: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query("select from packs where pack = any($1) order by pack for update")
        .bind(packs)
        .execute(tx)
        .await
        .map(drop)
}

/// A pack that waits for receipts.
#[derive(Debug, Clone)]
pub(crate) struct Unsecured {
    pub(crate) pack: Pack,
    pub(crate) batch: Uuid,
    pub(crate) registered: EventHash,
}

/// Of these packs, which are [`lock`]ed, those that are registered and not secured.
pub(crate) async fn unsecured(tx: &mut PgConnection, packs: &[i64]) -> Result<Vec<Unsecured>, sqlx::Error> {
    let rows: Vec<UnsecuredRow> = sqlx::query_as(
        "select p.pack, p.generation, p.digest, p.versions_root, p.bytes, p.origin, p.batch, p.registered
         from packs p where p.pack = any($1) and registered is not null and secured is null
         order by p.pack",
    )
    .bind(packs)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Unsecured::try_from).collect()
}

#[derive(Debug, sqlx::FromRow)]
struct UnsecuredRow {
    #[sqlx(flatten)]
    pack: PackRow,
    batch: Uuid,
    registered: Vec<u8>,
}

impl TryFrom<UnsecuredRow> for Unsecured {
    type Error = sqlx::Error;
    fn try_from(row: UnsecuredRow) -> Result<Self, sqlx::Error> {
        Ok(Self { pack: row.pack.try_into()?, batch: row.batch, registered: event(&row.registered)? })
    }
}

/// The next packs after `after` that are registered and not secured.
pub(crate) async fn unsecured_after(
    tx: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "select pack from packs where registered is not null and secured is null and pack > $1 order by pack limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(tx)
    .await
}

/// Whether the policy was satisfied with the pack.
pub(crate) async fn is_secured(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select secured is not null from packs where pack = $1")
        .bind(signed(pack))
        .fetch_one(tx)
        .await
}
