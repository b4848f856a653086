//! `bus.producer`: this database's epoch and the next sequence it gives.

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Acquire as _, Executor as _};

use super::unsigned;

/// Who this database is as a producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: String,
    pub(crate) next_sequence: u64,
}

/// Reads it, or begins the first epoch.
pub(crate) async fn open(lease: &mut PgConnection, fresh_epoch: &str) -> Result<Producer, sqlx::Error> {
    let insert =
        sqlx::query("insert into bus.producer (epoch) values ($1) on conflict do nothing").bind(fresh_epoch);
    lease.execute(insert).await?;
    let (epoch, next): (String, i64) =
        sqlx::query_as("select epoch, next_sequence from bus.producer").fetch_one(lease).await?;
    Ok(Producer { epoch, next_sequence: unsigned(next) })
}

/// Begins another epoch: what is held is numbered and sent again under the new name.
pub(crate) async fn begin_epoch(lease: &mut PgConnection, epoch: &str) -> Result<Producer, sqlx::Error> {
    let mut tx = lease.begin().await?;
    let update = sqlx::query("update bus.producer set epoch = $1, next_sequence = 1").bind(epoch);
    tx.execute(update).await?;
    tx.execute("update bus.outbox set sequence = null, published_at = null, appended_at = null").await?;
    tx.commit().await?;
    Ok(Producer { epoch: epoch.to_owned(), next_sequence: 1 })
}

/// Tries to become the one relay of this database, for as long as the connection lives.
pub(crate) async fn try_lease(lease: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended('dengbei relay', 0))")
        .fetch_one(lease)
        .await
}

/// Four random bytes, hex.
pub(crate) async fn random_epoch(pool: &PgPool) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select left(replace(gen_random_uuid()::text, '-', ''), 8)").fetch_one(pool).await
}
