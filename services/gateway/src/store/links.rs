//! One-time links, by the digest of their secret.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A link that is being made.
#[derive(Debug)]
pub(crate) struct NewLink<'a> {
    pub(crate) digest: [u8; 32],
    pub(crate) purpose: &'a str,
    pub(crate) made_by: &'a str,
    pub(crate) made_at: i64,
    pub(crate) expires_at: i64,
}

/// Adds one.
pub(crate) async fn insert(tx: &mut PgConnection, link: &NewLink<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "insert into gateway.links (digest, purpose, made_by, made_at, expires_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(link.digest.as_slice())
    .bind(link.purpose)
    .bind(link.made_by)
    .bind(link.made_at)
    .bind(link.expires_at)
    .execute(tx)
    .await
    .map(drop)
}

/// Whether the link still opens.
pub(crate) async fn opens(pool: &PgPool, digest: &[u8], now: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from gateway.links where digest = $1 and used_at is null and expires_at > $2)",
    )
    .bind(digest)
    .bind(now)
    .fetch_one(pool)
    .await
}

/// Uses it up; `false` when it does not open (any more). Two at once: one of them gets it.
pub(crate) async fn use_up(tx: &mut PgConnection, digest: &[u8], now: i64) -> sqlx::Result<bool> {
    let used = sqlx::query(
        "update gateway.links set used_at = $2 where digest = $1 and used_at is null and expires_at > $2",
    )
    .bind(digest)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Notes whose account it made.
pub(crate) async fn note_account(tx: &mut PgConnection, digest: &[u8], account: Uuid) -> sqlx::Result<()> {
    sqlx::query("update gateway.links set used_by = $2 where digest = $1")
        .bind(digest)
        .bind(account)
        .execute(tx)
        .await
        .map(drop)
}

/// Takes back every first link that nobody has used.
pub(crate) async fn take_back_first(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("delete from gateway.links where purpose = 'first' and used_at is null")
        .execute(tx)
        .await
        .map(drop)
}
