//! `bus.outbox`: put, numbered, published, appended, sealed and gone.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};

use super::{seconds, signed, unsigned};

/// The channel on which a commit wakes the relay.
pub(crate) const CHANNEL: &str = "dengbei_outbox";

/// A row as the producer's transaction writes it.
pub(crate) struct NewRow {
    pub(crate) subject: String,
    pub(crate) count: usize,
    pub(crate) events: Vec<u8>,
    pub(crate) traceparents: Vec<String>,
}

/// A row with its sequence.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Row {
    sequence: i64,
    pub(crate) subject: String,
    pub(crate) events: Vec<u8>,
    pub(crate) traceparents: Vec<String>,
}

impl Row {
    pub(crate) fn sequence(&self) -> u64 {
        unsigned(self.sequence)
    }
}

/// What the outbox holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Rows that are not published yet, numbered or not.
    pub(crate) unpublished: u64,
    /// All rows.
    pub(crate) unsealed: u64,
    /// When the oldest was put, milliseconds since the epoch; 0 when there is none.
    pub(crate) oldest_at: i64,
}

/// Writes a row and wakes the relay when the transaction commits.
pub(crate) async fn insert(tx: &mut PgConnection, row: &NewRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into bus.outbox (subject, count, bytes, events, traceparents) values ($1, $2, $3, $4, $5)
         returning pg_notify($6, '')",
    )
    .bind(&row.subject)
    .bind(i32::try_from(row.count).unwrap_or(i32::MAX))
    .bind(i32::try_from(row.events.len()).unwrap_or(i32::MAX))
    .bind(&row.events)
    .bind(&row.traceparents)
    .bind(CHANNEL)
    .execute(tx)
    .await
    .map(drop)
}

/// Numbers committed rows, oldest transaction first, none of a transaction that could still be overtaken by one that
/// has not ended. One statement: both tables are seen as of one moment, and nothing is numbered twice or left out.
pub(crate) async fn number(lease: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let numbered = sqlx::query(
        "with batch as (
             select id, row_number() over (order by xid, id) as place
             from (select id, xid from bus.outbox
                   where sequence is null and xid < pg_snapshot_xmin(pg_current_snapshot())
                   order by xid, id limit $1) oldest
         ), advanced as (
             update bus.producer set next_sequence = next_sequence + (select count(*) from batch)
         )
         update bus.outbox o set sequence = p.next_sequence + batch.place - 1
         from batch, bus.producer p where o.id = batch.id",
    )
    .bind(limit)
    .execute(lease)
    .await?;
    Ok(numbered.rows_affected())
}

/// Whether a row waits for its number: committed, but something older has not ended.
pub(crate) async fn is_any_unnumbered(lease: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from bus.outbox where sequence is null)").fetch_one(lease).await
}

/// Numbered rows that are not published, at most `limit` and about `bytes`.
pub(crate) async fn unpublished(pool: &PgPool, limit: i64, bytes: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "with oldest as (
             select id, sequence, sum(bytes) over (order by sequence) - bytes as before
             from (select id, sequence, bytes from bus.outbox
                   where sequence is not null and published_at is null order by sequence limit $1) first
         )
         select o.sequence, o.subject, o.events, o.traceparents
         from oldest join bus.outbox o using (id) where oldest.before < $2 order by o.sequence",
    )
    .bind(limit)
    .bind(bytes)
    .fetch_all(pool)
    .await
}

/// Notes that JetStream has these of `epoch`.
pub(crate) async fn set_published(pool: &PgPool, epoch: &str, sequences: &[u64]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update bus.outbox set published_at = now()
         where sequence = any($1) and exists (select from bus.producer where epoch = $2)",
    )
    .bind(sequences.iter().copied().map(signed).collect::<Vec<_>>())
    .bind(epoch)
    .execute(pool)
    .await
    .map(drop)
}

/// Rows put longer than `after` ago that were not sent to the register within `again`, at most about `bytes`.
pub(crate) async fn overdue(
    pool: &PgPool,
    after: Duration,
    again: Duration,
    bytes: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "with oldest as (
             select id, sequence, sum(bytes) over (order by sequence) - bytes as before
             from (select id, sequence, bytes from bus.outbox
                   where sequence is not null and put_at < now() - make_interval(secs => $1)
                     and (appended_at is null or appended_at < now() - make_interval(secs => $2))
                   order by sequence limit 256) first
         )
         select o.sequence, o.subject, o.events, o.traceparents
         from oldest join bus.outbox o using (id) where oldest.before < $3 order by o.sequence",
    )
    .bind(seconds(after))
    .bind(seconds(again))
    .bind(bytes)
    .fetch_all(pool)
    .await
}

/// Notes that the register was sent these.
pub(crate) async fn set_appended(pool: &PgPool, sequences: &[u64]) -> Result<(), sqlx::Error> {
    sqlx::query("update bus.outbox set appended_at = now() where sequence = any($1)")
        .bind(sequences.iter().copied().map(signed).collect::<Vec<_>>())
        .execute(pool)
        .await
        .map(drop)
}

/// The lowest sequence that is still held.
pub(crate) async fn oldest_held(pool: &PgPool) -> Result<Option<u64>, sqlx::Error> {
    let lowest: Option<i64> =
        sqlx::query_scalar("select min(sequence) from bus.outbox").fetch_one(pool).await?;
    Ok(lowest.map(unsigned))
}

/// Lets go of what is sealed under `epoch`: a sequence means nothing in another. Returns how many rows went.
pub(crate) async fn delete_sealed(pool: &PgPool, epoch: &str, up_to: u64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query(
        "delete from bus.outbox where sequence <= $1 and exists (select from bus.producer where epoch = $2)",
    )
    .bind(signed(up_to))
    .bind(epoch)
    .execute(pool)
    .await?;
    Ok(gone.rows_affected())
}

/// What the outbox holds.
pub(crate) async fn holding(pool: &PgPool) -> Result<Holding, sqlx::Error> {
    let (unpublished, unsealed, oldest_at): (i64, i64, i64) = sqlx::query_as(
        "select count(*) filter (where published_at is null), count(*),
                coalesce((extract(epoch from min(put_at)) * 1000)::bigint, 0) from bus.outbox",
    )
    .fetch_one(pool)
    .await?;
    Ok(Holding { unpublished: unsigned(unpublished), unsealed: unsigned(unsealed), oldest_at })
}
