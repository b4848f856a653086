//! 拒收: one row per refused package, so that sending it again makes no second event. Nothing of its content.

use dengbei_records::{ItemId, Sha512, SubmissionId};
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

/// A refused package.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) digest: Sha512,
    pub(crate) item: Option<ItemId>,
    /// 0 where it could not be read.
    pub(crate) data_version: u32,
    pub(crate) submission: SubmissionId,
    pub(crate) checks: Value,
    pub(crate) refused_at: i64,
}

/// Notes a refusal and gives the submission under which it stands: this one, or the earlier one of the same
/// package, which then only gets the newer checks.
pub(crate) async fn put(tx: &mut PgConnection, refusal: &Refusal) -> Result<SubmissionId, sqlx::Error> {
    let stands: Uuid = sqlx::query_scalar(
        "insert into refusals (package_digest, item, data_version, submission, checks, refused_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (package_digest, item, data_version) do update set checks = excluded.checks
         returning submission",
    )
    .bind(refusal.digest.as_bytes().as_slice())
    .bind(refusal.item.map_or(Uuid::nil(), ItemId::uuid))
    .bind(refusal.data_version.cast_signed())
    .bind(refusal.submission.uuid())
    .bind(&refusal.checks)
    .bind(refusal.refused_at)
    .fetch_one(tx)
    .await?;
    Ok(SubmissionId::from_uuid(stands))
}

/// A refusal, for who asks about it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) submission: SubmissionId,
    pub(crate) item: Option<ItemId>,
    pub(crate) data_version: u32,
    pub(crate) checks: Value,
    pub(crate) refused_at: i64,
}

type KnownRow = (Uuid, Uuid, i32, Value, i64);

/// A refusal by its submission.
pub(crate) async fn by_id(pool: &PgPool, id: SubmissionId) -> Result<Option<Known>, sqlx::Error> {
    let row: Option<KnownRow> = sqlx::query_as(
        "select submission, item, data_version, checks, refused_at from refusals where submission = $1",
    )
    .bind(id.uuid())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(known))
}

/// The newest refusal of an item.
pub(crate) async fn newest(pool: &PgPool, item: ItemId) -> Result<Option<Known>, sqlx::Error> {
    let row: Option<KnownRow> = sqlx::query_as(
        "select submission, item, data_version, checks, refused_at from refusals
         where item = $1 order by refused_at desc limit 1",
    )
    .bind(item.uuid())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(known))
}

fn known((submission, item, data_version, checks, refused_at): KnownRow) -> Known {
    Known {
        submission: SubmissionId::from_uuid(submission),
        item: item.try_into().ok(),
        data_version: data_version.cast_unsigned(),
        checks,
        refused_at,
    }
}
