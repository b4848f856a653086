//! Check runs over many items: each member's attempt names the run, in a set.

use dengbei_records::EventHash;
use sqlx::PgConnection;
use uuid::Uuid;

use super::events::raw;

/// The members of a run: their items, and beside each its `item.prefiled`.
pub(crate) struct Members<'a> {
    pub(crate) items: &'a [Uuid],
    pub(crate) prefiled: &'a [EventHash],
}

/// Puts the run into its members' histories; they have passed when it is a run of stage G.
pub(crate) async fn put(
    tx: &mut PgConnection,
    run: EventHash,
    is_passing: bool,
    of: &Members<'_>,
) -> sqlx::Result<()> {
    // Locked in the order of submissions, as everywhere.
    sqlx::query(
        "with m as (
             select a.submission from query.attempts a join unnest($1::uuid[], $2::bytea[]) as r(item, prefiled)
               on a.item = r.item and a.prefiled = r.prefiled order by a.submission for update of a)
         update query.attempts a set is_passed = a.is_passed or $4,
             runs = case when $3 = any(a.runs) then a.runs else a.runs || $3 end
         from m where a.submission = m.submission",
    )
    .bind(of.items)
    .bind(raw(of.prefiled))
    .bind(run.as_bytes().as_slice())
    .bind(is_passing)
    .execute(tx)
    .await?;
    Ok(())
}
