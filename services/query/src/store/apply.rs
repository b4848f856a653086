//! What one bundle changes, in a few statements however many events it holds.
//!
//! Every transaction takes its locks in one order: events by hash, matters by code, items by id, and only then what
//! belongs to those items. Redelivery changes nothing: rows are merged, never replaced.

use dengbei_chain::Event;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::items;
use crate::derive::{Attempt, Changes};

/// Keeps the bytes of events that belong to some history.
pub(crate) async fn put_events(tx: &mut PgConnection, events: &[(&Event, String)]) -> sqlx::Result<()> {
    let mut sorted: Vec<&(&Event, String)> = events.iter().collect();
    sorted.sort_by_key(|(event, _)| event.hash);
    let column =
        |pick: fn(&Event) -> Vec<u8>| -> Vec<Vec<u8>> { sorted.iter().map(|(e, _)| pick(e)).collect() };
    let causes = column(|e| e.causes.iter().flat_map(|cause| cause.as_bytes().to_owned()).collect());
    sqlx::query(
        "insert into query.events (hash, id, kind, subject, recorded_at, causes, bytes, traceparent)
         select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[],
                              $8::text[])
         on conflict (hash) do nothing",
    )
    .bind(column(|e| e.hash.as_bytes().to_vec()))
    .bind(sorted.iter().map(|(e, _)| e.id).collect::<Vec<_>>())
    .bind(sorted.iter().map(|(e, _)| e.fact_name()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|(e, _)| e.subject.to_string()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|(e, _)| e.recorded_at.millis()).collect::<Vec<_>>())
    .bind(causes)
    .bind(column(|e| e.bytes.to_vec()))
    .bind(sorted.iter().map(|(_, traceparent)| traceparent.as_str()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Applies what events say of their own items and matters. The events' bytes are in already.
pub(crate) async fn put_changes(tx: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
    put_matters(tx, changes).await?;
    if !changes.attempts.is_empty() {
        let touched: Vec<_> = changes.attempts.values().map(|attempt| attempt.item.uuid()).collect();
        items::lock(tx, &touched).await?;
        put_attempts(tx, changes).await?;
        items::decide(tx, &touched).await?;
    }
    put_own_events(tx, changes).await
}

async fn put_matters(tx: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
    if changes.matters.is_empty() {
        return Ok(());
    }
    let mut matters: Vec<_> = changes.matters.iter().collect();
    matters.sort_by_key(|m| (m.matter_code.as_str(), m.scope_version.as_str()));
    let column =
        |pick: fn(&dengbei_records::Matter) -> &str| matters.iter().map(|m| pick(m)).collect::<Vec<_>>();
    // A version of a matter is published once and never changed: the first one stands.
    sqlx::query(
        "insert into query.matters (matter_code, scope_version, in_force_from, matter_name, unit_name, unit_uscc)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
         on conflict (matter_code, scope_version) do nothing",
    )
    .bind(column(|m| m.matter_code.as_str()))
    .bind(column(|m| &m.scope_version))
    .bind(column(|m| &m.in_force_from))
    .bind(column(|m| &m.matter_name))
    .bind(column(|m| &m.unit_name))
    .bind(column(|m| m.unit_uscc.as_str()))
    .execute(tx)
    .await?;
    Ok(())
}

/// The same merge as [`Attempt::merge`], between what is known and what comes.
async fn put_attempts(tx: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
    let rows: Value = changes.attempts.values().map(row).collect();
    sqlx::query(
        "insert into query.attempts as a (submission, item, data_version, rank, changed_at, failed, source_system,
                                          matter_code, unit_uscc, retention, archival_code, pack, prefiled)
         select * from jsonb_to_recordset($1) as r(submission uuid, item uuid, data_version int, rank smallint,
            changed_at bigint, failed text[], source_system text, matter_code text, unit_uscc text, retention text,
            archival_code text, pack bigint, prefiled bytea)
         on conflict (submission) do update set
            changed_at = case when (excluded.rank, excluded.changed_at) > (a.rank, a.changed_at)
                              then excluded.changed_at else a.changed_at end,
            rank = greatest(a.rank, excluded.rank),
            failed = case when cardinality(a.failed) = 0 then excluded.failed else a.failed end,
            source_system = coalesce(a.source_system, excluded.source_system),
            matter_code = case when excluded.prefiled is not null then excluded.matter_code
                               else coalesce(a.matter_code, excluded.matter_code) end,
            unit_uscc = coalesce(a.unit_uscc, excluded.unit_uscc),
            retention = coalesce(a.retention, excluded.retention),
            archival_code = coalesce(a.archival_code, excluded.archival_code),
            pack = coalesce(a.pack, excluded.pack),
            prefiled = coalesce(a.prefiled, excluded.prefiled)",
    )
    .bind(rows)
    .execute(tx)
    .await?;
    Ok(())
}

fn row(attempt: &Attempt) -> Value {
    json!({
        "submission": attempt.submission,
        "item": attempt.item,
        "data_version": attempt.data_version,
        "rank": attempt.rank.number(),
        "changed_at": attempt.changed_at,
        "failed": attempt.failed,
        "source_system": attempt.source_system,
        "matter_code": attempt.matter_code,
        "unit_uscc": attempt.unit_uscc,
        "retention": attempt.retention,
        "archival_code": attempt.archival_code,
        "pack": attempt.pack,
        "prefiled": attempt.prefiled.map(|hash| format!("\\x{hash}")),
    })
}

async fn put_own_events(tx: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
    let mut own = changes.own.clone();
    own.sort_unstable();
    sqlx::query(
        "insert into query.item_events (item, hash)
         select * from unnest($1::uuid[], $2::bytea[]) on conflict do nothing",
    )
    .bind(own.iter().map(|(item, _)| item.uuid()).collect::<Vec<_>>())
    .bind(own.iter().map(|(_, hash)| hash.as_bytes().to_vec()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}
