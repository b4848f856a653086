//! What waits in a service's own database, for its metrics: one statement.

use sqlx::postgres::PgPool;

/// How a service's outbox and inbox stand. Moments are milliseconds since the epoch, 0 where nothing waits.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Waiting {
    pub(crate) unpublished: i64,
    pub(crate) unsealed: i64,
    pub(crate) oldest_unsealed: i64,
    pub(crate) pending: i64,
    pub(crate) oldest_pending: i64,
    pub(crate) retrying: i64,
    pub(crate) dead: i64,
    pub(crate) oldest_dead: i64,
    pub(crate) log_index: i64,
    /// By the database's clock, which gave the others.
    pub(crate) now: i64,
}

/// Reads what waits. Every table is empty, or nearly, while all is well.
pub(crate) async fn read(pool: &PgPool, consumer: &str) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as(
        "with outbox as (
             select count(*) filter (where published_at is null) as unpublished, count(*) as unsealed,
                    min(put_at) as oldest from bus.outbox
         ), pending as (
             select count(*) as pending, min(since) as oldest from bus.pending
         ), letters as (
             select count(*) filter (where not is_dead) as retrying, count(*) filter (where is_dead) as dead,
                    min(since) filter (where is_dead) as oldest from bus.dead_letters
         )
         select o.unpublished, o.unsealed, p.pending, l.retrying, l.dead,
                coalesce(extract(epoch from o.oldest) * 1000, 0)::bigint as oldest_unsealed,
                coalesce(extract(epoch from p.oldest) * 1000, 0)::bigint as oldest_pending,
                coalesce(extract(epoch from l.oldest) * 1000, 0)::bigint as oldest_dead,
                coalesce((select log_index from bus.consumer where name = $1), 0) as log_index,
                (extract(epoch from clock_timestamp()) * 1000)::bigint as now
         from outbox o, pending p, letters l",
    )
    .bind(consumer)
    .fetch_one(pool)
    .await
}
