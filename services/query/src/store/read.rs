//! Questions to the read model about items.

use dengbei_records::{ItemId, SubmissionId};
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::filter::Filter;
use super::rows::{
    EntryRow, JOINS, SUBMITTED, SUMMARY, Submitted, SubmittedRow, Summary, SummaryRow, TRANSFER,
};
use crate::error::QueryError;
use crate::history::Entry;

/// A list that is not the whole is counted up to this: nobody reads on, and counting all would read all.
const COUNTED: i64 = 10_000;

/// One page, newest first: what stands after `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: u32,
    pub(crate) before: Option<(i64, ItemId)>,
}

/// The items with these ids, those that are known.
pub(crate) async fn summaries(pool: &PgPool, items: &[ItemId]) -> Result<Vec<Summary>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SUMMARY);
    query.push(" from query.items as i").push(JOINS).push(TRANSFER);
    query
        .push(" where i.item = any(")
        .push_bind(items.iter().map(|i| i.uuid()).collect::<Vec<_>>())
        .push(")");
    let rows: Vec<SummaryRow> = query.build_query_as().fetch_all(pool).await?;
    rows.into_iter().map(Summary::try_from).collect()
}

/// The submissions with these ids, those that are known.
pub(crate) async fn submissions(pool: &PgPool, ids: &[SubmissionId]) -> Result<Vec<Submitted>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SUBMITTED);
    query.push(TRANSFER).push(" where a.submission = any(");
    query.push_bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>()).push(") and a.item is not null");
    let rows: Vec<SubmittedRow> = query.build_query_as().fetch_all(pool).await?;
    rows.into_iter().map(Submitted::try_from).collect()
}

/// All events of an item's history, in no order: its own, the runs that it is a member of, and what was said of its
/// packs, their batches and their transfers; of a transfer that it was taken out of, only what came before that.
pub(crate) async fn history(pool: &PgPool, item: ItemId) -> Result<Vec<Entry>, QueryError> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "with mine as (select * from query.attempts where item = $1),
              packed as (select p.*, m.filed from mine m join query.packs p on p.pack = m.pack),
              shared as (
                  select 'pack/' || pack as subject, filed, false as is_left_out from packed
                  union all
                  select 'batch/' || b, filed, false from packed, unnest(batches) as b
                  union all
                  select 'transfer/' || t.transfer_no, k.filed, t.accessioned_at is not null and t.is_partial
                      and not exists (select from query.transfer_members m
                                      where m.transfer_no = t.transfer_no and m.filed = k.filed)
                  from packed k, unnest(k.transfers) as n join query.transfers t on t.transfer_no = n),
              found as (
                  select hash, null::bytea as member, false as by_membership from query.events where item = $1
                  union all
                  select r, m.prefiled, true from mine m, unnest(m.runs) as r
                  union all
                  select s.hash, h.filed, true from shared h join query.shared s on s.subject = h.subject
                  join query.events e on e.hash = s.hash
                  where not (h.is_left_out and e.kind in ('transfer.accepted', 'item.accessioned')))
         select distinct on (e.hash) e.hash, e.id, e.kind, e.subject, e.recorded_at, e.causes, e.bytes, e.traceparent,
                f.member, f.by_membership
         from found f join query.events e on e.hash = f.hash order by e.hash, f.member",
    )
    .bind(item.uuid())
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// One page of a list.
pub(crate) async fn page(pool: &PgPool, filter: &Filter, page: &Page) -> Result<Vec<Summary>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SUMMARY);
    query.push(" from (select i.*");
    filter.push(&mut query);
    if let Some((at, item)) = page.before {
        query.push(" and (i.changed_at, i.item) < (").push_bind(at);
        query.push(", ").push_bind(item.uuid()).push(")");
    }
    query.push(" order by i.changed_at desc, i.item desc limit ").push_bind(i64::from(page.limit));
    query.push(") as i").push(JOINS).push(TRANSFER).push(" order by i.changed_at desc, i.item desc");
    let rows: Vec<SummaryRow> = query.build_query_as().fetch_all(pool).await?;
    rows.into_iter().map(Summary::try_from).collect()
}

/// How many items a filter lets through: all of them without one, else 10,000 at most.
pub(crate) async fn total(pool: &PgPool, filter: &Filter) -> Result<u64, QueryError> {
    if filter.is_empty() {
        let all = "select coalesce(sum(n), 0)::bigint from query.tallies where what = 'custody'";
        let count: i64 = sqlx::query_scalar(all).fetch_one(pool).await?;
        return Ok(count.unsigned_abs());
    }
    let mut query = QueryBuilder::<Postgres>::new("select count(*) from (select 1");
    filter.push(&mut query);
    query.push(" limit ").push_bind(COUNTED).push(") as found");
    let count: i64 = query.build_query_scalar().fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

/// A page's end, for the next one.
pub(crate) fn before(at: i64, item: &[u8]) -> Result<Option<(i64, ItemId)>, QueryError> {
    if item.is_empty() {
        return Ok(None);
    }
    let item = ItemId::from_slice(item).map_err(|e| QueryError::Invalid(e.to_string()))?;
    Ok(Some((at, item)))
}
