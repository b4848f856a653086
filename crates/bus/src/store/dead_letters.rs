//! `bus.dead_letters`: events that failed, waiting for their next try or for an operator.

use std::time::Duration;

use dengbei_records::EventHash;
use sqlx::postgres::{PgConnection, PgPool};

use super::pending::{HeldRow, LEFT};
use super::seconds;

/// An event that failed.
pub(crate) struct Letter<'a> {
    pub(crate) consumer: &'a str,
    pub(crate) hash: EventHash,
    pub(crate) fact: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) event: &'a [u8],
    pub(crate) traceparent: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) tries: u32,
    /// When it is tried again; never by itself when there is none.
    pub(crate) again: Option<Duration>,
}

/// Writes down a failure: the first of this event, or one more.
pub(crate) async fn keep(tx: &mut PgConnection, letter: &Letter<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into bus.dead_letters as d
             (consumer, hash, fact, subject, event, traceparent, reason, tries, is_dead, next_try_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10))
         on conflict (consumer, hash) do update
         set reason = excluded.reason, tries = greatest(d.tries, excluded.tries), is_dead = excluded.is_dead,
             next_try_at = excluded.next_try_at
         where not d.is_dead",
    )
    .bind(letter.consumer)
    .bind(letter.hash.as_bytes().as_slice())
    .bind(letter.fact)
    .bind(letter.subject)
    .bind(letter.event)
    .bind(letter.traceparent)
    .bind(letter.reason)
    .bind(i32::try_from(letter.tries).unwrap_or(i32::MAX))
    .bind(letter.again.is_none())
    .bind(seconds(letter.again.unwrap_or_default()))
    .execute(tx)
    .await
    .map(drop)
}

/// What is to be tried again now, the longest waiting first. It is left to the caller for a while, as in `pending`.
pub(crate) async fn due(pool: &PgPool, consumer: &str, limit: i64) -> Result<Vec<HeldRow>, sqlx::Error> {
    sqlx::query_as(
        "with due as (
             select hash from bus.dead_letters where consumer = $1 and not is_dead and next_try_at <= now()
             order by next_try_at limit $2 for update skip locked
         )
         update bus.dead_letters d set next_try_at = now() + make_interval(secs => $3)
         from due where d.consumer = $1 and d.hash = due.hash
         returning d.event, d.traceparent, d.tries, extract(epoch from now() - d.since)::float8 as age",
    )
    .bind(consumer)
    .bind(limit)
    .bind(seconds(LEFT))
    .fetch_all(pool)
    .await
}

/// Whether the event still waits for its next try, held until the transaction ends. False: another process was
/// quicker, and what it found counts.
pub(crate) async fn hold(
    tx: &mut PgConnection,
    consumer: &str,
    hash: &EventHash,
) -> Result<bool, sqlx::Error> {
    let held: Option<bool> = sqlx::query_scalar(
        "select true from bus.dead_letters where consumer = $1 and hash = $2 and not is_dead for update",
    )
    .bind(consumer)
    .bind(hash.as_bytes().as_slice())
    .fetch_optional(tx)
    .await?;
    Ok(held.is_some())
}

/// Takes these events out, in the transaction that settles them. False when another took some: roll back.
pub(crate) async fn take(
    tx: &mut PgConnection,
    consumer: &str,
    hashes: &[&[u8]],
) -> Result<bool, sqlx::Error> {
    let taken =
        sqlx::query("delete from bus.dead_letters where consumer = $1 and hash = any($2) and not is_dead")
            .bind(consumer)
            .bind(hashes)
            .execute(tx)
            .await?;
    Ok(usize::try_from(taken.rows_affected()).is_ok_and(|n| n == hashes.len()))
}

/// Gives up on what an operator sent again in vain.
pub(crate) async fn bury(
    pool: &PgPool,
    consumer: &str,
    hash: &EventHash,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update bus.dead_letters set is_dead = true, tries = tries + 1, reason = $3
         where consumer = $1 and hash = $2",
    )
    .bind(consumer)
    .bind(hash.as_bytes().as_slice())
    .bind(reason)
    .execute(pool)
    .await
    .map(drop)
}

/// A dead letter as an operator sees it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Shown {
    pub(crate) consumer: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) fact: String,
    pub(crate) subject: String,
    pub(crate) event: Vec<u8>,
    pub(crate) reason: String,
    pub(crate) tries: i32,
    pub(crate) since: i64,
}

/// Dead letters, the oldest first; or one, by its hash.
pub(crate) async fn list(pool: &PgPool, hash: Option<&[u8]>, limit: i64) -> Result<Vec<Shown>, sqlx::Error> {
    sqlx::query_as(
        "select consumer, hash, fact, subject, event, reason, tries,
                (extract(epoch from since) * 1000)::bigint as since
         from bus.dead_letters where is_dead and ($1::bytea is null or hash = $1)
         order by dead_letters.since, hash limit $2",
    )
    .bind(hash)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Sends dead letters again, with all their tries: these, or every one.
pub(crate) async fn revive(pool: &PgPool, hashes: Option<&[&[u8]]>) -> Result<u64, sqlx::Error> {
    let revived = sqlx::query(
        "update bus.dead_letters set is_dead = false, tries = 0, since = now(), next_try_at = now()
         where is_dead and ($1::bytea[] is null or hash = any($1))",
    )
    .bind(hashes)
    .execute(pool)
    .await?;
    Ok(revived.rows_affected())
}
