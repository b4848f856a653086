//! Which attempt stands for its item: a function of the attempts alone, so that no order of arrival shows in it.

use sqlx::PgConnection;
use uuid::Uuid;

/// Locks the rows of `items`, made empty where there is none, by id. What follows in this transaction sees
/// everything that others did to these items.
pub(crate) async fn lock(tx: &mut PgConnection, items: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "insert into query.items (item) select distinct i from unnest($1::uuid[]) as i order by i
         on conflict (item) do nothing",
    )
    .bind(items)
    .execute(&mut *tx)
    .await?;
    sqlx::query("select 1 from query.items where item = any($1) order by item for update")
        .bind(items)
        .execute(tx)
        .await?;
    Ok(())
}

/// Lets the attempts of locked `items` decide anew. Filed (rank 6 and up) stays filed whatever comes later, and
/// what was refused (rank 0) counts only where nothing was ever kept.
pub(crate) async fn decide(tx: &mut PgConnection, items: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "update query.items as i set
            submission = a.submission, data_version = a.data_version, rank = a.rank, changed_at = a.changed_at,
            failed = a.failed, source_system = coalesce(a.source_system, ''),
            matter_code = coalesce(a.matter_code, ''), unit_uscc = coalesce(a.unit_uscc, ''),
            retention = coalesce(a.retention, ''), archival_code = coalesce(a.archival_code, ''),
            pack = coalesce(a.pack, 0)
         from (select distinct on (item) * from query.attempts where item = any($1)
               order by item, rank >= 6 desc, rank > 0 desc, data_version desc, submission desc) as a
         where i.item = a.item",
    )
    .bind(items)
    .execute(tx)
    .await?;
    Ok(())
}
