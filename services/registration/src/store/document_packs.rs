//! Packs of documents alone: planned, written, committed.

use dengbei_chain::facts::PackWritten;
use dengbei_records::{EventHash, PackNumber, Sha256, Timestamp};
use sqlx::PgConnection;

use super::{read, signed, unsigned};

/// What waits for a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// At most as many as were asked for.
    pub(crate) count: u64,
    pub(crate) oldest: Timestamp,
}

/// What no pack has taken yet, looking at `most` documents; `None`: nothing.
pub(crate) async fn unpacked(tx: &mut PgConnection, most: i64) -> Result<Option<Unpacked>, sqlx::Error> {
    let (count, oldest): (i64, Option<i64>) = sqlx::query_as(
        "select count(*), min(held_at) from (select held_at from documents_held where packed_in is null
           order by held_at limit $1) as oldest",
    )
    .bind(most)
    .fetch_one(tx)
    .await?;
    Ok(oldest.map(|at| Unpacked { count: unsigned(count), oldest: Timestamp::from_millis(at) }))
}

/// A plan: its documents are those that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DocumentPlan {
    pub(crate) pack: PackNumber,
    /// Version time of everything in the pack.
    pub(crate) created: Timestamp,
}

/// Stores a plan.
pub(crate) async fn insert(tx: &mut PgConnection, plan: &DocumentPlan) -> Result<(), sqlx::Error> {
    sqlx::query("insert into document_packs (pack, state, created) values ($1, 'open', $2)")
        .bind(signed(plan.pack.get()))
        .bind(plan.created.millis())
        .execute(tx)
        .await
        .map(drop)
}

/// The open plans that may be worked on now, lowest number first.
pub(crate) async fn open(
    tx: &mut PgConnection,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<DocumentPlan>, sqlx::Error> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "select pack, created from document_packs where state = 'open' and retry_at <= $1 order by pack limit $2",
    )
    .bind(at.millis())
    .bind(limit)
    .fetch_all(tx)
    .await?;
    let plan = |(pack, created): (i64, i64)| DocumentPlan {
        pack: PackNumber::new(unsigned(pack)),
        created: Timestamp::from_millis(created),
    };
    Ok(rows.into_iter().map(plan).collect())
}

/// Whether a plan of this number is open, held until the transaction ends.
pub(crate) async fn hold(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    let open: Option<i64> =
        sqlx::query_scalar("select pack from document_packs where pack = $1 and state = 'open' for update")
            .bind(signed(pack.get()))
            .fetch_optional(tx)
            .await?;
    Ok(open.is_some())
}

/// Stores a committed pack: the end of its plan, or what another life of this database wrote.
pub(crate) async fn commit(
    tx: &mut PgConnection,
    fact: &PackWritten,
    event: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into document_packs (pack, state, created, documents, digest, bytes, versions_root, event)
         values ($1, 'committed', $2, $3, $4, $5, $6, $7)
         on conflict on constraint document_packs_pkey do update set state = excluded.state, documents = excluded.documents,
           digest = excluded.digest, bytes = excluded.bytes, versions_root = excluded.versions_root, event = excluded.event,
           trouble = ''",
    )
    .bind(signed(fact.pack.get()))
    .bind(at.millis())
    .bind(fact.documents as i32)
    .bind(fact.pack_digest.as_bytes().as_slice())
    .bind(signed(fact.pack_bytes))
    .bind(fact.versions_root.as_bytes().as_slice())
    .bind(event.as_bytes().as_slice())
    .execute(tx)
    .await
    .map(drop)
}

/// Ends a plan of an old dump whose number is another pack's in the log. Its documents wait for another.
pub(crate) async fn cancel(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query("update document_packs set state = 'cancelled' where pack = $1 and state = 'open'")
            .bind(signed(pack.get()))
            .execute(tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets a plan that cannot be finished now wait: 1 s, 2 s, 4 s … at most 5 minutes. Never given up.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    pack: PackNumber,
    at: Timestamp,
    trouble: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update document_packs set tries = tries + 1, retry_at = $2 + least(300000, 1000 * (1 << least(tries, 9))),
           trouble = $3 where pack = $1",
    )
    .bind(signed(pack.get()))
    .bind(at.millis())
    .bind(trouble)
    .execute(tx)
    .await
    .map(drop)
}

/// The digest of a committed pack.
pub(crate) async fn digest(tx: &mut PgConnection, pack: PackNumber) -> Result<Option<Sha256>, sqlx::Error> {
    let digest: Option<Vec<u8>> =
        sqlx::query_scalar("select digest from document_packs where pack = $1 and state = 'committed'")
            .bind(signed(pack.get()))
            .fetch_optional(tx)
            .await?;
    digest.map(|d| read(Sha256::from_slice(&d))).transpose()
}
