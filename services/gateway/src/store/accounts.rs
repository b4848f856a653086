//! Accounts.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::accounts::Account;

/// An account as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct AccountRow {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) password: String,
    pub(crate) created_at: i64,
}

impl AccountRow {
    /// Without its password.
    pub(crate) fn account(self) -> Account {
        Account { id: self.id, name: self.name, display_name: self.display_name, created_at: self.created_at }
    }
}

/// Adds one. A name that is taken violates `accounts_name_taken`.
pub(crate) async fn insert(tx: &mut PgConnection, row: &AccountRow, folded: &str) -> sqlx::Result<()> {
    sqlx::query(
        "insert into gateway.accounts (id, name, folded, display_name, password, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(row.id)
    .bind(&row.name)
    .bind(folded)
    .bind(&row.display_name)
    .bind(&row.password)
    .bind(row.created_at)
    .execute(tx)
    .await
    .map(drop)
}

/// The account of a folded name.
pub(crate) async fn by_name(pool: &PgPool, folded: &str) -> sqlx::Result<Option<AccountRow>> {
    sqlx::query_as(
        "select id, name, display_name, password, created_at from gateway.accounts where folded = $1",
    )
    .bind(folded)
    .fetch_optional(pool)
    .await
}

/// All, oldest first.
pub(crate) async fn all(pool: &PgPool) -> sqlx::Result<Vec<AccountRow>> {
    sqlx::query_as(
        "select id, name, display_name, password, created_at from gateway.accounts order by created_at, id",
    )
    .fetch_all(pool)
    .await
}

/// Whether there is any.
pub(crate) async fn exist(tx: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from gateway.accounts)").fetch_one(tx).await
}

/// Another password, and every session of the account but `kept` ends.
pub(crate) async fn renew(pool: &PgPool, id: Uuid, password: &str, at: i64, kept: &[u8]) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("update gateway.accounts set password = $2, changed_at = $3 where id = $1")
        .bind(id)
        .bind(password)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    sqlx::query("delete from gateway.sessions where account = $1 and digest <> $2")
        .bind(id)
        .bind(kept)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}
