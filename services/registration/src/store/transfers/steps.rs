//! The steps of a transfer's way, for who asks.

use dengbei_records::{SerialNo, Timestamp};
use sqlx::PgConnection;

/// A step that was taken, for who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) step: String,
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) note: String,
}

/// Notes a step.
pub(crate) async fn note(tx: &mut PgConnection, number: &SerialNo, step: &Step) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into transfer_steps (transfer_no, step, at, by_whom, note) values ($1, $2, $3, $4, $5)",
    )
    .bind(number.to_string())
    .bind(&step.step)
    .bind(step.at.millis())
    .bind(&step.by)
    .bind(&step.note)
    .execute(tx)
    .await
    .map(drop)
}

/// The steps of a transfer, oldest first.
pub(crate) async fn of(tx: &mut PgConnection, number: &SerialNo) -> Result<Vec<Step>, sqlx::Error> {
    let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
        "select step, at, by_whom, note from transfer_steps where transfer_no = $1 order by id",
    )
    .bind(number.to_string())
    .fetch_all(tx)
    .await?;
    let step = |(step, at, by, note)| Step { step, at: Timestamp::from_millis(at), by, note };
    Ok(rows.into_iter().map(step).collect())
}
