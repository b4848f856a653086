//! What a consumer has not applied: events that wait for a cause, and dead letters.

use sqlx::postgres::PgPool;

/// The encoded events that a consumer has set aside.
pub(crate) async fn events(pool: &PgPool, consumer: &str) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar(
        "select event from bus.pending where consumer = $1
         union all select event from bus.dead_letters where consumer = $1",
    )
    .bind(consumer)
    .fetch_all(pool)
    .await
}
