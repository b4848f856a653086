//! `bus.consumer`: how far into the log a consumer has settled everything; and the counts of its queues.

use sqlx::postgres::PgPool;

use super::{signed, unsigned};

/// Reads the cursor; 0 for a consumer that is new.
pub(crate) async fn read(pool: &PgPool, consumer: &str) -> Result<u64, sqlx::Error> {
    let index: Option<i64> = sqlx::query_scalar("select log_index from bus.consumer where name = $1")
        .bind(consumer)
        .fetch_optional(pool)
        .await?;
    Ok(index.map_or(0, unsigned))
}

/// Moves the cursor on, never back.
pub(crate) async fn advance(pool: &PgPool, consumer: &str, index: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into bus.consumer as c (name, log_index) values ($1, $2)
         on conflict (name) do update set log_index = greatest(c.log_index, excluded.log_index)",
    )
    .bind(consumer)
    .bind(signed(index))
    .execute(pool)
    .await
    .map(drop)
}

/// How many events wait (for a cause or for their next try) and how many are dead.
pub(crate) async fn queues(pool: &PgPool) -> Result<(u64, u64), sqlx::Error> {
    let (waiting, dead): (i64, i64) = sqlx::query_as(
        "select (select count(*) from bus.pending) + (select count(*) from bus.dead_letters where not is_dead),
                (select count(*) from bus.dead_letters where is_dead)",
    )
    .fetch_one(pool)
    .await?;
    Ok((unsigned(waiting), unsigned(dead)))
}
