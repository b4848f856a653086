//! `bus.pending`: events whose cause is not applied yet.

use std::time::Duration;

use dengbei_records::EventHash;
use sqlx::postgres::{PgConnection, PgPool};

use super::seconds;
use crate::consumer::Held;

/// How long what one process took in hand is left to it.
pub(super) const LEFT: Duration = Duration::from_secs(30);

/// Keeps an event until `cause` is applied. `checks`: how often it was looked at in vain.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    consumer: &str,
    held: &Held,
    cause: &EventHash,
    pause: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into bus.pending (consumer, hash, waits_for, event, traceparent, checks, since, next_check_at)
         values ($1, $2, $3, $4, $5, $6, now() - make_interval(secs => $7), now() + make_interval(secs => $8))
         on conflict (consumer, hash) do nothing",
    )
    .bind(consumer)
    .bind(held.event.hash.as_bytes().as_slice())
    .bind(cause.as_bytes().as_slice())
    .bind(held.event.bytes.as_ref())
    .bind(&held.traceparent)
    .bind(i32::try_from(held.tries).unwrap_or(i32::MAX))
    .bind(seconds(held.age))
    .bind(seconds(pause))
    .execute(tx)
    .await
    .map(drop)
}

/// Marks what waited for these events, now applied in this transaction. Returns how many.
pub(crate) async fn release(
    tx: &mut PgConnection,
    consumer: &str,
    applied: &[EventHash],
) -> Result<u64, sqlx::Error> {
    let hashes: Vec<&[u8]> = applied.iter().map(|h| h.as_bytes().as_slice()).collect();
    let released =
        sqlx::query("update bus.pending set is_due = true where consumer = $1 and waits_for = any($2)")
            .bind(consumer)
            .bind(hashes)
            .execute(tx)
            .await?;
    Ok(released.rows_affected())
}

/// What is due or to be looked at again, the due first. It is left to the caller for a while: other processes get
/// other events, and these again only when nothing became of them by then.
pub(crate) async fn due(pool: &PgPool, consumer: &str, limit: i64) -> Result<Vec<HeldRow>, sqlx::Error> {
    sqlx::query_as(
        "with due as (
             select hash from bus.pending where consumer = $1 and (is_due or next_check_at <= now())
             order by is_due desc, next_check_at limit $2 for update skip locked
         )
         update bus.pending p set is_due = false, next_check_at = now() + make_interval(secs => $3)
         from due where p.consumer = $1 and p.hash = due.hash
         returning p.event, p.traceparent, p.checks as tries, extract(epoch from now() - p.since)::float8 as age",
    )
    .bind(consumer)
    .bind(limit)
    .bind(seconds(LEFT))
    .fetch_all(pool)
    .await
}

/// Takes these events out, in the transaction that settles them. False when another took some: roll back.
pub(crate) async fn take(
    tx: &mut PgConnection,
    consumer: &str,
    hashes: &[&[u8]],
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query("delete from bus.pending where consumer = $1 and hash = any($2)")
        .bind(consumer)
        .bind(hashes)
        .execute(tx)
        .await?;
    Ok(usize::try_from(taken.rows_affected()).is_ok_and(|n| n == hashes.len()))
}

/// An event as it was kept; its hash follows from its bytes.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct HeldRow {
    pub(crate) event: Vec<u8>,
    pub(crate) traceparent: String,
    pub(crate) tries: i32,
    pub(crate) age: f64,
}
