//! Questions to the read model.

use dengbei_records::{ItemId, SubmissionId};
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::rows::{EntryRow, Submitted, SubmittedRow, Summary, SummaryRow};
use crate::derive::Rank;
use crate::error::QueryError;
use crate::history::Entry;

/// Names come from the newest version of the matter; a unit without its matter keeps any name it ever had.
const SUMMARY: &str = "select i.item, i.submission, i.data_version, i.rank, i.changed_at, i.failed, i.source_system,
    i.matter_code, coalesce(m.matter_name, '') as matter_name, i.unit_uscc, coalesce(m.unit_name, '') as unit_name,
    i.retention, i.archival_code, i.pack
    from query.items as i left join lateral (
        select matter_name, unit_name from query.matters where matter_code = i.matter_code
        order by in_force_from desc, scope_version desc limit 1) as m on true
    where i.rank >= 0";

/// Which items a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) rank: Option<Rank>,
    pub(crate) unit_uscc: String,
    pub(crate) matter_code: String,
    /// Part of an archival code, or the beginning of an item id.
    pub(crate) text: String,
}

/// One page, newest first: what stands after `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: u32,
    pub(crate) before: Option<(i64, ItemId)>,
}

/// The items with these ids, those that are known.
pub(crate) async fn summaries(pool: &PgPool, items: &[ItemId]) -> Result<Vec<Summary>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SUMMARY);
    query.push(" and i.item = any(").push_bind(items.iter().map(|i| i.uuid()).collect::<Vec<_>>()).push(")");
    let rows: Vec<SummaryRow> = query.build_query_as().fetch_all(pool).await?;
    rows.into_iter().map(Summary::try_from).collect()
}

/// The submissions with these ids, those that are known.
pub(crate) async fn submissions(pool: &PgPool, ids: &[SubmissionId]) -> Result<Vec<Submitted>, QueryError> {
    let rows: Vec<SubmittedRow> = sqlx::query_as(
        "select submission, item, data_version, rank, failed, changed_at from query.attempts
         where submission = any($1)",
    )
    .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Submitted::try_from).collect()
}

/// All events of an item's history, in no order.
pub(crate) async fn history(pool: &PgPool, item: ItemId) -> Result<Vec<Entry>, QueryError> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "select e.hash, e.id, e.kind, e.subject, e.recorded_at, e.causes, e.bytes, e.traceparent, h.member
         from query.item_events as h join query.events as e using (hash) where h.item = $1",
    )
    .bind(item.uuid())
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// One page of a list.
pub(crate) async fn page(pool: &PgPool, filter: &Filter, page: &Page) -> Result<Vec<Summary>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SUMMARY);
    narrow(&mut query, filter);
    if let Some((at, item)) = page.before {
        query
            .push(" and (i.changed_at, i.item) < (")
            .push_bind(at)
            .push(", ")
            .push_bind(item.uuid())
            .push(")");
    }
    query.push(" order by i.changed_at desc, i.item desc limit ").push_bind(i64::from(page.limit));
    let rows: Vec<SummaryRow> = query.build_query_as().fetch_all(pool).await?;
    rows.into_iter().map(Summary::try_from).collect()
}

/// How many items a filter lets through.
pub(crate) async fn total(pool: &PgPool, filter: &Filter) -> Result<u64, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new("select count(*) from query.items as i where i.rank >= 0");
    narrow(&mut query, filter);
    let count: i64 = query.build_query_scalar().fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

/// How many items stand in each custody, by its name.
pub(crate) async fn by_custody(pool: &PgPool) -> Result<Vec<(Rank, u64)>, QueryError> {
    let rows: Vec<(i16, i64)> =
        sqlx::query_as("select rank, count(*) from query.items where rank >= 0 group by rank")
            .fetch_all(pool)
            .await?;
    let named = |(rank, count): (i16, i64)| {
        let rank = Rank::from_number(rank).ok_or_else(|| QueryError::Row(format!("rank {rank}")))?;
        Ok((rank, count.unsigned_abs()))
    };
    rows.into_iter().map(named).collect()
}

/// How many events are kept in histories.
pub(crate) async fn events(pool: &PgPool) -> Result<u64, QueryError> {
    let count: i64 = sqlx::query_scalar("select count(*) from query.events").fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(rank) = filter.rank {
        query.push(" and i.rank = ").push_bind(rank.number());
    }
    if !filter.unit_uscc.is_empty() {
        query.push(" and i.unit_uscc = ").push_bind(filter.unit_uscc.clone());
    }
    if !filter.matter_code.is_empty() {
        query.push(" and i.matter_code = ").push_bind(filter.matter_code.clone());
    }
    if !filter.text.is_empty() {
        let text = filter.text.replace(['\\', '%', '_'], "");
        query.push(" and (i.archival_code like ").push_bind(format!("%{text}%"));
        query.push(" or i.item::text like ").push_bind(format!("{}%", text.to_lowercase())).push(")");
    }
}

/// A page's end, for the next one.
pub(crate) fn before(at: i64, item: &[u8]) -> Result<Option<(i64, ItemId)>, QueryError> {
    if item.is_empty() {
        return Ok(None);
    }
    let item = ItemId::from_slice(item).map_err(|e| QueryError::Invalid(e.to_string()))?;
    Ok(Some((at, item)))
}
