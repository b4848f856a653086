//! Sessions, by the digest of what the cookie carries.

use sqlx::PgPool;
use uuid::Uuid;

use crate::accounts::Account;

/// A session that holds now.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    id: Uuid,
    name: String,
    display_name: String,
    created_at: i64,
    pub(crate) expires_at: i64,
}

impl SessionRow {
    /// Whose it is.
    pub(crate) fn account(self) -> Account {
        Account { id: self.id, name: self.name, display_name: self.display_name, created_at: self.created_at }
    }
}

/// Begins one; those that have ended go.
pub(crate) async fn begin(
    pool: &PgPool,
    digest: &[u8],
    account: Uuid,
    until: (i64, i64, i64),
) -> sqlx::Result<()> {
    let (now, expires_at, ends_at) = until;
    sqlx::query(
        "with ended as (delete from gateway.sessions where expires_at <= $3)
         insert into gateway.sessions (digest, account, expires_at, ends_at) values ($1, $2, $4, $5)",
    )
    .bind(digest)
    .bind(account)
    .bind(now)
    .bind(expires_at)
    .bind(ends_at)
    .execute(pool)
    .await
    .map(drop)
}

/// The session of this digest, if it holds.
pub(crate) async fn holding(pool: &PgPool, digest: &[u8], now: i64) -> sqlx::Result<Option<SessionRow>> {
    sqlx::query_as(
        "select a.id, a.name, a.display_name, a.created_at, s.expires_at
         from gateway.sessions s join gateway.accounts a on a.id = s.account
         where s.digest = $1 and s.expires_at > $2",
    )
    .bind(digest)
    .bind(now)
    .fetch_optional(pool)
    .await
}

/// Lets it hold until `expires_at`, but never past its end.
pub(crate) async fn prolong(pool: &PgPool, digest: &[u8], expires_at: i64) -> sqlx::Result<()> {
    sqlx::query("update gateway.sessions set expires_at = least($2, ends_at) where digest = $1")
        .bind(digest)
        .bind(expires_at)
        .execute(pool)
        .await
        .map(drop)
}

/// Ends it.
pub(crate) async fn end(pool: &PgPool, digest: &[u8]) -> sqlx::Result<()> {
    sqlx::query("delete from gateway.sessions where digest = $1").bind(digest).execute(pool).await.map(drop)
}

/// How many sessions are open.
pub(crate) async fn open(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select count(*) from gateway.sessions where expires_at > (extract(epoch from clock_timestamp()) * 1000)::bigint",
    )
    .fetch_one(pool)
    .await
}
