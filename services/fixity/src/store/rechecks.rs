//! 人工复检: rows beside the reports of items.

use dengbei_records::{EventHash, ItemId, Sha256};
use sqlx::postgres::{PgConnection, PgPool};

use super::packs::{hash, sha256};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct RecheckRow {
    pub(crate) event: Vec<u8>,
    pub(crate) item: uuid::Uuid,
    pub(crate) report: Vec<u8>,
    pub(crate) check_id: String,
    pub(crate) opinion: String,
    pub(crate) actor: Vec<u8>,
    pub(crate) document: Vec<u8>,
    pub(crate) at: i64,
    /// Nobody: its document is still to be read.
    pub(crate) person: Option<String>,
    pub(crate) reason: Option<String>,
}

/// Keeps a row; the same again changes nothing. False: it was there.
pub(crate) async fn put(tx: &mut PgConnection, row: &RecheckRow) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into rechecks (event, item, report, check_id, opinion, actor, document, at, person, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
    )
    .bind(&row.event)
    .bind(row.item)
    .bind(&row.report)
    .bind(&row.check_id)
    .bind(&row.opinion)
    .bind(&row.actor)
    .bind(&row.document)
    .bind(row.at)
    .bind(&row.person)
    .bind(&row.reason)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Rows about an item, in order.
pub(crate) async fn of_item(pool: &PgPool, item: &ItemId) -> Result<Vec<RecheckRow>, sqlx::Error> {
    sqlx::query_as("select * from rechecks where item = $1 order by at, event")
        .bind(item.uuid())
        .fetch_all(pool)
        .await
}

/// Rows whose document is to be read: (event, document).
pub(crate) async fn unread(pool: &PgPool, limit: i64) -> Result<Vec<(EventHash, Sha256)>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select event, document from rechecks where person is null order by at limit $1")
            .bind(limit)
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(|(event, document)| Ok((hash(&event)?, sha256(&document)?))).collect()
}

/// Who said it and why, from its document.
pub(crate) async fn told(
    tx: &mut PgConnection,
    event: EventHash,
    (person, reason): (&str, &str),
) -> Result<(), sqlx::Error> {
    sqlx::query("update rechecks set person = $2, reason = $3 where event = $1")
        .bind(event.as_bytes().as_slice())
        .bind(person)
        .bind(reason)
        .execute(tx)
        .await
        .map(drop)
}
