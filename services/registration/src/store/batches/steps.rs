//! Who took which step of a batch, and when.

use dengbei_records::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) step: String,
    pub(crate) at: Timestamp,
    /// Empty: replayed; the documents say it.
    pub(crate) by: String,
    pub(crate) note: String,
}

impl Step {
    pub(crate) fn new(step: &str, at: Timestamp, by: &str) -> Self {
        Self { step: step.to_owned(), at, by: by.to_owned(), note: String::new() }
    }

    pub(crate) fn noted(mut self, note: &str) -> Self {
        self.note = note.to_owned();
        self
    }
}

/// Notes steps; a step that was taken stays as it is.
pub(crate) async fn note(tx: &mut PgConnection, batch: Uuid, steps: &[Step]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into batch_steps (batch, step, at, by_whom, note)
         select $1, s.step, s.at, s.by_whom, s.note
         from unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) as s (step, at, by_whom, note)
         on conflict on constraint batch_steps_taken_once do nothing",
    )
    .bind(batch)
    .bind(steps.iter().map(|s| s.step.clone()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.at.millis()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.by.clone()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.note.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// The steps of a batch, in the order in which they were taken.
pub(crate) async fn steps(tx: &mut PgConnection, batch: Uuid) -> Result<Vec<Step>, sqlx::Error> {
    let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
        "select step, at, by_whom, note from batch_steps where batch = $1
         order by array_position(array['apply', 'accept', 'receive', 'check', 'register', 'decline', 'certify'], step)",
    )
    .bind(batch)
    .fetch_all(tx)
    .await?;
    let step = |(step, at, by, note)| Step { step, at: Timestamp::from_millis(at), by, note };
    Ok(rows.into_iter().map(step).collect())
}
