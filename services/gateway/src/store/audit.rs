//! The audit's rows.

use sqlx::PgPool;
use uuid::Uuid;

/// One row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct AuditRow {
    /// Given by the database; 0 before.
    #[sqlx(default)]
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) account: Option<Uuid>,
    pub(crate) who: String,
    pub(crate) action: String,
    pub(crate) object: String,
    pub(crate) detail: String,
    pub(crate) address: String,
}

/// Which rows; empty texts mean any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) who: String,
    pub(crate) action: String,
    pub(crate) object: String,
    /// Rows before this one; 0: from the newest.
    pub(crate) before: i64,
    pub(crate) limit: i64,
}

/// Adds rows, all or none.
pub(crate) async fn append(pool: &PgPool, rows: &[AuditRow]) -> sqlx::Result<()> {
    let column =
        |pick: fn(&AuditRow) -> &str| rows.iter().map(|row| pick(row).to_owned()).collect::<Vec<_>>();
    sqlx::query(
        "insert into gateway.audit (at, account, who, action, object, detail, address)
         select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])",
    )
    .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.account).collect::<Vec<_>>())
    .bind(column(|row| &row.who))
    .bind(column(|row| &row.action))
    .bind(column(|row| &row.object))
    .bind(column(|row| &row.detail))
    .bind(column(|row| &row.address))
    .execute(pool)
    .await
    .map(drop)
}

/// Newest first.
pub(crate) async fn list(pool: &PgPool, wanted: &Wanted) -> sqlx::Result<Vec<AuditRow>> {
    sqlx::query_as(
        "select id, at, account, who, action, object, detail, address from gateway.audit
         where ($1 = '' or who = $1) and ($2 = '' or action = $2) and ($3 = '' or object = $3)
           and ($4 = 0 or id < $4)
         order by id desc limit $5",
    )
    .bind(&wanted.who)
    .bind(&wanted.action)
    .bind(&wanted.object)
    .bind(wanted.before)
    .bind(wanted.limit)
    .fetch_all(pool)
    .await
}
