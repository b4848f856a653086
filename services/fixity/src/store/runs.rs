//! 检测运行: the verdict about one `item.prefiled`, written in the transaction of its event.

use std::collections::HashSet;

use dengbei_records::{DataVersion, EventHash, ItemId, Sha256, SubmissionId};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// One verdict.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) prefiled: EventHash,
    pub(crate) run: Uuid,
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) scheme: String,
    pub(crate) engine: String,
    /// Check ids; empty: passed.
    pub(crate) failed: Vec<String>,
    pub(crate) document: Sha256,
    pub(crate) checked_at: i64,
}

/// Of these events, those that have a verdict.
pub(crate) async fn done<'c>(
    database: impl sqlx::PgExecutor<'c>,
    prefiled: &[EventHash],
) -> Result<HashSet<EventHash>, sqlx::Error> {
    let hashes: Vec<&[u8]> = prefiled.iter().map(|h| h.as_bytes().as_slice()).collect();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select prefiled from runs where prefiled = any($1)")
        .bind(&hashes)
        .fetch_all(database)
        .await?;
    rows.iter().map(|h| EventHash::from_slice(h).map_err(|e| sqlx::Error::Decode(e.into()))).collect()
}

/// Writes verdicts. One that is there already is a violation of `runs_pk`: the transaction fails and is tried again.
pub(crate) async fn insert(tx: &mut PgConnection, runs: &[Run]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into runs (prefiled, run, submission, item, data_version, scheme, engine, passed, failed, document,
             checked_at)
         select prefiled, run, submission, item, data_version, scheme, engine, failed = '',
             array_remove(string_to_array(failed, ' '), ''), document, checked_at
         from unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[],
             $9::bytea[], $10::bigint[])
             as t (prefiled, run, submission, item, data_version, scheme, engine, failed, document, checked_at)",
    )
    .bind(runs.iter().map(|r| r.prefiled.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.run).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.submission.uuid()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.item.uuid()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.data_version.get().cast_signed()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.scheme.clone()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.engine.clone()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.failed.join(" ")).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.document.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(runs.iter().map(|r| r.checked_at).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// What an item passed by.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) prefiled: EventHash,
    /// The document that tells all.
    pub(crate) document: Sha256,
    /// 检测方案: `id/version`
    pub(crate) scheme: String,
}

/// Of these events, those whose item passed.
pub(crate) async fn passed(pool: &sqlx::PgPool, prefiled: &[EventHash]) -> Result<Vec<Passed>, sqlx::Error> {
    let hashes: Vec<&[u8]> = prefiled.iter().map(|h| h.as_bytes().as_slice()).collect();
    let rows: Vec<(Vec<u8>, Vec<u8>, String)> =
        sqlx::query_as("select prefiled, document, scheme from runs where prefiled = any($1) and passed")
            .bind(&hashes)
            .fetch_all(pool)
            .await?;
    let one = |(prefiled, document, scheme): (Vec<u8>, Vec<u8>, String)| {
        let (prefiled, document) = (super::packs::hash(&prefiled)?, super::packs::sha256(&document)?);
        Ok(Passed { prefiled, document, scheme })
    };
    rows.into_iter().map(one).collect()
}

/// Whose report this document is; none: of nobody's run here.
pub(crate) async fn item_of(pool: &sqlx::PgPool, document: &Sha256) -> Result<Option<ItemId>, sqlx::Error> {
    let item: Option<Uuid> =
        sqlx::query_scalar("select item from runs where document = $1 and not passed limit 1")
            .bind(document.as_bytes().as_slice())
            .fetch_optional(pool)
            .await?;
    item.map(|item| ItemId::from_slice(item.as_bytes()))
        .transpose()
        .map_err(|e| sqlx::Error::Decode(e.into()))
}
