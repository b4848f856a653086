//! Attempts at signing in that have not succeeded.

use sqlx::PgPool;

/// After a day without any, earlier failures are forgotten.
const FORGOTTEN: i64 = 86_400_000;
/// The longest wait, seconds.
const LONGEST: i64 = 900;

/// Counts an attempt under `key` before it is looked at. `Some(until)`: it may not be looked at before that moment, and
/// is not counted. From the `free`-th on, each makes the next wait twice as long, 15 minutes at most.
pub(crate) async fn begin(pool: &PgPool, key: &str, free: i32, now: i64) -> sqlx::Result<Option<i64>> {
    let counted: Option<i32> = sqlx::query_scalar(
        "insert into gateway.attempts as a (key, failures, last_at, until) values ($1, 1, $2, 0)
         on conflict (key) do update set
            failures = case when a.last_at < $2 - $4 then 1 else a.failures + 1 end,
            last_at = $2,
            until = case
                when a.last_at < $2 - $4 or a.failures + 1 < $3 then 0
                else $2 + 1000 * least($5::float8, power(2, least(a.failures + 1 - $3, 20)))::bigint
            end
         where a.until <= $2
         returning failures",
    )
    .bind(key)
    .bind(now)
    .bind(free)
    .bind(FORGOTTEN)
    .bind(LONGEST)
    .fetch_optional(pool)
    .await?;
    if counted.is_some() {
        return Ok(None);
    }
    let until = sqlx::query_scalar("select until from gateway.attempts where key = $1");
    Ok(Some(until.bind(key).fetch_optional(pool).await?.unwrap_or(now)))
}

/// It succeeded: nothing is held against `key`.
pub(crate) async fn forget(pool: &PgPool, key: &str) -> sqlx::Result<()> {
    sqlx::query("delete from gateway.attempts where key = $1").bind(key).execute(pool).await.map(drop)
}

/// It succeeded: this one attempt is not held against `key`, earlier ones are.
pub(crate) async fn take_back(pool: &PgPool, key: &str) -> sqlx::Result<()> {
    sqlx::query("update gateway.attempts set failures = greatest(failures - 1, 0), until = 0 where key = $1")
        .bind(key)
        .execute(pool)
        .await
        .map(drop)
}
