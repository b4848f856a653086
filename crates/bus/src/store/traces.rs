//! Trace contexts kept for work that goes on later.

use std::collections::HashMap;

use dengbei_records::EventHash;
use sqlx::postgres::{PgConnection, PgPool};

/// Keeps these; what is kept already stays.
pub(crate) async fn keep(tx: &mut PgConnection, contexts: &[(EventHash, String)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into bus.traces (hash, traceparent) select * from unnest($1::bytea[], $2::text[])
         on conflict (hash) do nothing",
    )
    .bind(contexts.iter().map(|(hash, _)| hash.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(contexts.iter().map(|(_, context)| context.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// Those of these events that are kept.
pub(crate) async fn kept(
    tx: &mut PgConnection,
    events: &[EventHash],
) -> Result<HashMap<EventHash, String>, sqlx::Error> {
    let hashes: Vec<&[u8]> = events.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let rows: Vec<(Vec<u8>, String)> =
        sqlx::query_as("select hash, traceparent from bus.traces where hash = any($1)")
            .bind(&hashes)
            .fetch_all(tx)
            .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(hash, context)| Some((EventHash::from_slice(&hash).ok()?, context)))
        .collect())
}

/// Forgets those of a month ago.
pub(crate) async fn forget(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("delete from bus.traces where kept_at < now() - interval '30 days'")
        .execute(pool)
        .await
        .map(drop)
}
