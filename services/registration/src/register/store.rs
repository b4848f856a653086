//! The register's tables. The caller owns the transaction.

use bytes::Bytes;
use dengbei_bus::Bundle;
use dengbei_chain::Event;
use dengbei_records::{EventHash, Timestamp};
use dengbei_register::NodeHash;
use sqlx::{FromRow, PgConnection};

use crate::store::{corrupt, raw, signed, unsigned};

/// What is published, and how far indices are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) assigned: u64,
    pub(crate) size: u64,
    pub(crate) root: NodeHash,
    pub(crate) checkpoint: Bytes,
    pub(crate) sealed_at: i64,
}

#[derive(FromRow)]
struct HeadRow {
    assigned: i64,
    size: i64,
    root: Vec<u8>,
    checkpoint: Vec<u8>,
    sealed_at: i64,
}

/// The head of the log.
pub(crate) async fn head(tx: &mut PgConnection) -> Result<Head, sqlx::Error> {
    let row: HeadRow = sqlx::query_as("select assigned, size, root, checkpoint, sealed_at from log_head")
        .fetch_one(tx)
        .await?;
    Ok(Head {
        assigned: unsigned(row.assigned),
        size: unsigned(row.size),
        root: row.root.as_slice().try_into().map_err(corrupt)?,
        checkpoint: row.checkpoint.into(),
        sealed_at: row.sealed_at,
    })
}

/// Stores the row of a bundle with so many events; `None` when one of this name is there already.
pub(super) async fn insert_bundle(
    tx: &mut PgConnection,
    (producer, sequence): (&str, u64),
    count: usize,
    at: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "insert into log_bundles (producer, sequence, entries, received_at) values ($1, $2, $3, $4)
         on conflict on constraint log_bundles_once_per_producer do nothing returning id",
    )
    .bind(producer)
    .bind(signed(sequence))
    .bind(i32::try_from(count).unwrap_or(i32::MAX))
    .bind(at.millis())
    .fetch_optional(tx)
    .await
}

/// Stores the rows of bundles, in this order. Gives their ids; fewer when some are there already.
pub(super) async fn insert_bundles(
    tx: &mut PgConnection,
    bundles: &[&Bundle],
    at: Timestamp,
) -> Result<Vec<i64>, sqlx::Error> {
    let mut ids: Vec<i64> = sqlx::query_scalar(
        "insert into log_bundles (producer, sequence, entries, received_at)
         select p, s, n, $4 from unnest($1::text[], $2::bigint[], $3::integer[]) with ordinality as t (p, s, n, o)
         order by o on conflict on constraint log_bundles_once_per_producer do nothing returning id",
    )
    .bind(bundles.iter().map(|b| b.producer.as_str()).collect::<Vec<_>>())
    .bind(bundles.iter().map(|b| signed(b.sequence)).collect::<Vec<_>>())
    .bind(bundles.iter().map(|b| i32::try_from(b.events.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(at.millis())
    .fetch_all(tx)
    .await?;
    // Ids are given in the order of insertion; the order of answers is nobody's promise.
    ids.sort_unstable();
    Ok(ids)
}

/// The next sequence of bundles that came under a name that was taken.
pub(super) async fn next_stray(tx: &mut PgConnection, producer: &str) -> Result<u64, sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('register.stray')::bigint)").execute(&mut *tx).await?;
    let next: i64 =
        sqlx::query_scalar("select coalesce(max(sequence), 0) + 1 from log_bundles where producer = $1")
            .bind(producer)
            .fetch_one(tx)
            .await?;
    Ok(unsigned(next))
}

/// How many of these events are known.
pub(super) async fn count_known(tx: &mut PgConnection, hashes: &[EventHash]) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select count(*) from log_entries where hash = any($1)")
        .bind(raw(hashes))
        .fetch_one(tx)
        .await
}

/// An event in its bundle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) event: &'a Event,
    pub(super) bundle: i64,
    pub(super) ordinal: i32,
}

/// Stores entries, but for those that came before with another bundle. Gives how many it stored.
pub(super) async fn insert_entries(tx: &mut PgConnection, entries: &[Entry<'_>]) -> Result<u64, sqlx::Error> {
    // In the order of their hashes: two that store the same events never wait for each other in a circle.
    let done = sqlx::query(
        "insert into log_entries (hash, bytes, bundle, ordinal)
         select * from unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::integer[]) as t (h, b, i, o) order by h
         on conflict on constraint log_entries_pkey do nothing",
    )
    .bind(entries.iter().map(|e| e.event.hash.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.event.bytes.as_ref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.bundle).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.ordinal).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Notes of a bundle that only so many of its events are entries of its own, and which other bundle holds the last of
/// the others.
pub(super) async fn note_known(
    tx: &mut PgConnection,
    bundle: i64,
    entries: u64,
    hashes: &[EventHash],
) -> Result<(), sqlx::Error> {
    // `offset 0`: else the maximum is looked for from the newest bundle backwards, through the whole log.
    sqlx::query(
        "update log_bundles set entries = $2, behind = (
             select max(known.bundle) from (
                 select bundle from log_entries where hash = any($3) and bundle <> $1 offset 0
             ) as known
         ) where id = $1",
    )
    .bind(bundle)
    .bind(i32::try_from(entries).unwrap_or(i32::MAX))
    .bind(raw(hashes))
    .execute(tx)
    .await
    .map(drop)
}

/// What waits for its indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub(super) struct Waiting {
    pub(super) bundles: i64,
    pub(super) entries: i64,
    /// Zero when nothing waits.
    pub(super) oldest: i64,
}

/// What waits for its indices.
pub(super) async fn waiting(tx: &mut PgConnection) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as(
        "select count(*) as bundles, coalesce(sum(entries), 0)::bigint as entries, coalesce(min(received_at), 0) as oldest
         from log_bundles where first_index is null",
    )
    .fetch_one(tx)
    .await
}

/// How the log stands. Moments are milliseconds since the epoch, 0 where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub(crate) struct Standing {
    pub(crate) size: i64,
    pub(crate) assigned: i64,
    pub(crate) sealed_at: i64,
    pub(crate) unsealed: i64,
    pub(crate) oldest_unsealed: i64,
}

/// How the log stands, for metrics: partial indexes, empty nearly always.
pub(crate) async fn standing(tx: &mut PgConnection) -> Result<Standing, sqlx::Error> {
    sqlx::query_as(
        "select h.size, h.assigned, h.sealed_at, u.unsealed, u.oldest_unsealed from log_head h,
           (select coalesce(sum(entries), 0)::bigint as unsealed, coalesce(min(received_at), 0) as oldest_unsealed
            from log_bundles where sealed_at is null) u",
    )
    .fetch_one(tx)
    .await
}

/// Gives indices to the oldest bundles that have none, whole bundles only, about `most` entries. Gives their number
/// of entries and of bundles.
pub(super) async fn assign(tx: &mut PgConnection, most: i64) -> Result<(u64, usize), sqlx::Error> {
    let assigned: i64 =
        sqlx::query_scalar("select assigned from log_head for update").fetch_one(&mut *tx).await?;
    let waiting: Vec<(i64, i32)> = sqlx::query_as(
        "select id, entries from log_bundles where first_index is null order by id limit 1024 for update",
    )
    .fetch_all(&mut *tx)
    .await?;
    let (mut ids, mut firsts, mut next) = (Vec::new(), Vec::new(), assigned);
    for (id, entries) in waiting {
        if next - assigned >= most {
            break;
        }
        ids.push(id);
        firsts.push(next);
        next += i64::from(entries);
    }
    if ids.is_empty() {
        return Ok((0, 0));
    }
    place(tx, &ids, &firsts).await?;
    sqlx::query("update log_head set assigned = $1").bind(next).execute(tx).await?;
    Ok((unsigned(next - assigned), ids.len()))
}

async fn place(tx: &mut PgConnection, ids: &[i64], firsts: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update log_bundles b set first_index = p.f from unnest($1::bigint[], $2::bigint[]) as p (i, f) where b.id = p.i",
    )
    .bind(ids)
    .bind(firsts)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        // By where the rows lie, which nobody else changes: a join by hash looks each row up a second time, or, as long as
        // the planner thinks the table small, reads all of it.
        "update log_entries e set index = n.index from (
           select e.ctid, b.first_index + row_number() over (partition by e.bundle order by e.ordinal) - 1 as index
           from log_entries e join log_bundles b on b.id = e.bundle where e.bundle = any($1)) n
         where e.ctid = n.ctid",
    )
    .bind(ids)
    .execute(tx)
    .await
    .map(drop)
}

/// The entries of an index range.
pub(crate) async fn range(tx: &mut PgConnection, from: u64, to: u64) -> Result<Vec<Bytes>, sqlx::Error> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select bytes from log_entries where index >= $1 and index < $2 order by index")
            .bind(signed(from))
            .bind(signed(to))
            .fetch_all(tx)
            .await?;
    Ok(rows.into_iter().map(Bytes::from).collect())
}

/// The leaf hashes of an index range.
pub(super) async fn leaves(tx: &mut PgConnection, from: u64, to: u64) -> Result<Vec<NodeHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select hash from log_entries where index >= $1 and index < $2 order by index")
            .bind(signed(from))
            .bind(signed(to))
            .fetch_all(tx)
            .await?;
    rows.iter().map(|h| h.as_slice().try_into().map_err(corrupt)).collect()
}

/// Says what the published checkpoint covers: the head, and every bundle all of whose events are under it. The head
/// never goes back: a sealer that lost its lease a moment ago may come late.
pub(super) async fn publish(tx: &mut PgConnection, head: &Head) -> Result<(), sqlx::Error> {
    sqlx::query("update log_head set assigned = greatest(assigned, $1), size = $1, root = $2, checkpoint = $3, sealed_at = $4
                 where size <= $1")
        .bind(signed(head.size))
        .bind(head.root.as_bytes().as_slice())
        .bind(head.checkpoint.as_ref())
        .bind(head.sealed_at)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "update log_bundles b set sealed_at = $2
         where sealed_at is null and first_index is not null and first_index + entries <= $1
           and (behind is null or exists (select 1 from log_bundles d
                where d.id = b.behind and d.first_index is not null and d.first_index + d.entries <= $1))",
    )
    .bind(signed(head.size))
    .bind(head.sealed_at)
    .execute(tx)
    .await
    .map(drop)
}

/// Up to which sequence everything of a producer is sealed, given that it keeps nothing below `oldest_held`; and the
/// highest sequence that ever came from it.
pub(crate) async fn sealed_up_to(
    tx: &mut PgConnection,
    producer: &str,
    oldest_held: u64,
) -> Result<(u64, u64), sqlx::Error> {
    let noted: Option<i64> = sqlx::query_scalar("select sealed from log_producers where producer = $1")
        .bind(producer)
        .fetch_optional(&mut *tx)
        .await?;
    let floor = noted.unwrap_or(0).max(signed(oldest_held.saturating_sub(1)));
    let run: Option<i64> = sqlx::query_scalar(
        "select max(sequence) from (
           select sequence, row_number() over (order by sequence) as n from log_bundles
           where producer = $1 and sequence > $2 and sealed_at is not null order by sequence limit 8192) s
         where sequence = $2 + n",
    )
    .bind(producer)
    .bind(floor)
    .fetch_one(&mut *tx)
    .await?;
    let sealed = run.unwrap_or(floor);
    if noted.unwrap_or(0) < sealed {
        sqlx::query(
            "insert into log_producers (producer, sealed) values ($1, $2)
             on conflict (producer) do update set sealed = greatest(log_producers.sealed, $2)",
        )
        .bind(producer)
        .bind(sealed)
        .execute(&mut *tx)
        .await?;
    }
    Ok((unsigned(sealed), highest_seen(tx, producer).await?))
}

/// A retired producer has given every sequence there is.
async fn highest_seen(tx: &mut PgConnection, producer: &str) -> Result<u64, sqlx::Error> {
    let highest: i64 = sqlx::query_scalar(
        "select greatest(
           coalesce((select max(sequence) from log_bundles where producer = $1), 0),
           coalesce((select 9223372036854775807 from log_producers where producer = $1 and retired), 0))",
    )
    .bind(producer)
    .fetch_one(tx)
    .await?;
    Ok(unsigned(highest))
}

/// Where sealed bundles stand, from the one that holds `from` on.
pub(super) async fn bundles(
    tx: &mut PgConnection,
    from: u64,
    limit: i64,
) -> Result<Vec<(String, i64, i64, i32, i64)>, sqlx::Error> {
    // A bundle has at most 256 entries, which bounds where the one that holds `from` begins.
    sqlx::query_as(
        "select b.producer, b.sequence, b.first_index, b.entries, coalesce(b.sealed_at, h.sealed_at)
         from log_bundles b, log_head h
         where b.entries > 0 and b.first_index > $1 - 256 and b.first_index + b.entries > $1
           and b.first_index + b.entries <= h.size
         order by b.first_index limit $2",
    )
    .bind(signed(from))
    .bind(limit)
    .fetch_all(tx)
    .await
}

/// An event's bytes as they were encoded.
pub(crate) async fn entry(tx: &mut PgConnection, hash: EventHash) -> Result<Option<Bytes>, sqlx::Error> {
    let bytes: Option<Vec<u8>> = sqlx::query_scalar("select bytes from log_entries where hash = $1")
        .bind(hash.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    Ok(bytes.map(Bytes::from))
}

/// Where an event stands in the log; `None` until it is under a published checkpoint.
pub(crate) async fn place_of(tx: &mut PgConnection, hash: EventHash) -> Result<Option<u64>, sqlx::Error> {
    let index: Option<i64> = sqlx::query_scalar(
        "select e.index from log_entries e, log_head h where e.hash = $1 and e.index < h.size",
    )
    .bind(hash.as_bytes().as_slice())
    .fetch_optional(tx)
    .await?;
    Ok(index.map(unsigned))
}
