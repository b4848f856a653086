//! 副本 and 回执: what every site should hold, what it signed for, and how it was found.

use bytes::Bytes;
use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_records::{EventHash, PackNumber, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};

use super::packs::{hash, sha256};

/// One copy of a pack on one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteCopy {
    pub(crate) site: String,
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
    /// The event that says it is there.
    pub(crate) stated: EventHash,
    /// How often in a row its site could not read it.
    pub(crate) failures: u32,
}

/// Why a copy is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// `pack.stored`
    Stored,
    /// `pack.repaired`: to be looked at soon.
    Repaired,
}

/// Keeps what a site signed for. The newest receipt of each purpose stays; one that is newer than what was found makes
/// the copy good again.
pub(crate) async fn signed(
    tx: &mut PgConnection,
    receipt: &SiteReceipt,
    event: (EventHash, &Bytes),
    known: Known,
) -> Result<(), sqlx::Error> {
    if known == Known::Stored {
        keep_receipt(tx, receipt, event).await?;
    }
    // After a repair the copy is still the one that its pack.stored speaks of.
    sqlx::query(
        "insert into copies (site, pack, generation, digest, bytes, stated, verified_at, is_urgent)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict on constraint copies_pk do update set
             digest = excluded.digest, bytes = excluded.bytes, state = 'good', failures = 0,
             stated = case when $8 then copies.stated else excluded.stated end,
             verified_at = greatest(copies.verified_at, excluded.verified_at), is_urgent = excluded.is_urgent
         where excluded.verified_at > copies.found_at",
    )
    .bind(&receipt.site)
    .bind(receipt.pack.get().cast_signed())
    .bind(receipt.generation.cast_signed())
    .bind(receipt.digest.as_bytes().as_slice())
    .bind(receipt.bytes.cast_signed())
    .bind(event.0.as_bytes().as_slice())
    .bind(receipt.stored_at.millis())
    .bind(known == Known::Repaired)
    .execute(&mut *tx)
    .await?;
    sqlx::query("delete from strangers where site = $1 and pack = $2 and generation = $3")
        .bind(&receipt.site)
        .bind(receipt.pack.get().cast_signed())
        .bind(receipt.generation.cast_signed())
        .execute(tx)
        .await
        .map(drop)
}

async fn keep_receipt(
    tx: &mut PgConnection,
    receipt: &SiteReceipt,
    (stated, bytes): (EventHash, &Bytes),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into receipts (site, pack, generation, purpose, class, stored_at, stated, event)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict on constraint receipts_pk do update set
             class = excluded.class, stored_at = excluded.stored_at, stated = excluded.stated,
             event = excluded.event
         where excluded.stored_at > receipts.stored_at",
    )
    .bind(&receipt.site)
    .bind(receipt.pack.get().cast_signed())
    .bind(receipt.generation.cast_signed())
    .bind(receipt.purpose.name())
    .bind(&receipt.class)
    .bind(receipt.stored_at.millis())
    .bind(stated.as_bytes().as_slice())
    .bind(bytes.as_ref())
    .execute(tx)
    .await
    .map(drop)
}

/// Notes a copy that an event other than a receipt speaks of: the primary's, as it was filed.
pub(crate) async fn filed(
    tx: &mut PgConnection,
    copy: &SiteCopy,
    verified_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into copies (site, pack, generation, digest, bytes, stated, verified_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(&copy.site)
    .bind(copy.pack.get().cast_signed())
    .bind(copy.generation.cast_signed())
    .bind(copy.digest.as_bytes().as_slice())
    .bind(copy.bytes.cast_signed())
    .bind(copy.stated.as_bytes().as_slice())
    .bind(verified_at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// The `pack.stored` of each of these packs for `purpose` on sites of `class`: site, pack and the event.
pub(crate) async fn receipts_for(
    pool: &PgPool,
    packs: &[PackNumber],
    purpose: Purpose,
    class: &str,
) -> Result<Vec<(String, PackNumber, EventHash)>, sqlx::Error> {
    let numbers: Vec<i64> = packs.iter().map(|p| p.get().cast_signed()).collect();
    let rows: Vec<(String, i64, Vec<u8>)> = sqlx::query_as(
        "select distinct on (site, pack) site, pack, stated from receipts
         where pack = any($1) and purpose = $2 and class = $3 order by site, pack, generation desc",
    )
    .bind(&numbers)
    .bind(purpose.name())
    .bind(class)
    .fetch_all(pool)
    .await?;
    let one = |(site, pack, stated): (String, i64, Vec<u8>)| {
        Ok((site, PackNumber::new(pack.cast_unsigned()), hash(&stated)?))
    };
    rows.into_iter().map(one).collect()
}

type Row = (String, i64, i32, Vec<u8>, i64, Vec<u8>, i32);

fn read(row: Row) -> Result<SiteCopy, sqlx::Error> {
    let (site, pack, generation, digest, bytes, stated, failures) = row;
    Ok(SiteCopy {
        site,
        pack: PackNumber::new(pack.cast_unsigned()),
        generation: generation.cast_unsigned(),
        digest: sha256(&digest)?,
        bytes: bytes.cast_unsigned(),
        stated: hash(&stated)?,
        failures: failures.cast_unsigned(),
    })
}

/// Good copies of a site that are urgent or were not read since `before`, the oldest first.
pub(crate) async fn due(
    pool: &PgPool,
    site: &str,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<SiteCopy>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select site, pack, generation, digest, bytes, stated, failures from copies
         where site = $1 and state = 'good' and (is_urgent or verified_at <= $2)
         order by is_urgent desc, verified_at limit $3",
    )
    .bind(site)
    .bind(before.millis())
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Good copies of a site with pack numbers in [`from`, `to`].
pub(crate) async fn between(
    pool: &PgPool,
    site: &str,
    from: u64,
    to: u64,
) -> Result<Vec<SiteCopy>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select site, pack, generation, digest, bytes, stated, failures from copies
         where site = $1 and pack between $2 and $3 and state = 'good'",
    )
    .bind(site)
    .bind(from.cast_signed())
    .bind(i64::try_from(to).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Every (pack, generation) that is known of a site in [`from`, `to`], in whatever state.
pub(crate) async fn names_between(
    pool: &PgPool,
    site: &str,
    from: u64,
    to: u64,
) -> Result<Vec<(u64, u32)>, sqlx::Error> {
    let rows: Vec<(i64, i32)> =
        sqlx::query_as("select pack, generation from copies where site = $1 and pack between $2 and $3")
            .bind(site)
            .bind(from.cast_signed())
            .bind(i64::try_from(to).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(pack, generation)| (pack.cast_unsigned(), generation.cast_unsigned()))
        .collect())
}

/// These copies of a site (pack, generation) are to be read as soon as possible.
pub(crate) async fn urge(pool: &PgPool, site: &str, copies: &[(u64, u32)]) -> Result<(), sqlx::Error> {
    if copies.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update copies set is_urgent = true where site = $1
         and (pack, generation) in (select * from unnest($2::bigint[], $3::int[]))",
    )
    .bind(site)
    .bind(copies.iter().map(|(pack, _)| pack.cast_signed()).collect::<Vec<_>>())
    .bind(copies.iter().map(|(_, generation)| generation.cast_signed()).collect::<Vec<_>>())
    .execute(pool)
    .await
    .map(drop)
}

/// Every good copy of the site is to be read as soon as possible: it was rolled back.
pub(crate) async fn urge_all(tx: &mut PgConnection, site: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update copies set is_urgent = true where site = $1 and state = 'good'")
        .bind(site)
        .execute(tx)
        .await
        .map(drop)
}

/// Read and found good at `at`.
pub(crate) async fn verified(
    tx: &mut PgConnection,
    copy: &SiteCopy,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update copies set verified_at = greatest(verified_at, $4), is_urgent = false, failures = 0
         where site = $1 and pack = $2 and generation = $3 and state = 'good'",
    )
    .bind(&copy.site)
    .bind(copy.pack.get().cast_signed())
    .bind(copy.generation.cast_signed())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// Its site could not read it, once more.
pub(crate) async fn failed(pool: &PgPool, copy: &SiteCopy) -> Result<(), sqlx::Error> {
    sqlx::query("update copies set failures = failures + 1 where site = $1 and pack = $2 and generation = $3")
        .bind(&copy.site)
        .bind(copy.pack.get().cast_signed())
        .bind(copy.generation.cast_signed())
        .execute(pool)
        .await
        .map(drop)
}

/// Found in another state than good at `at`. False: somebody found that before, or a newer receipt came meanwhile.
pub(crate) async fn found(
    tx: &mut PgConnection,
    copy: &SiteCopy,
    state: &str,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update copies set state = $4, found_at = $5, is_urgent = false, failures = 0
         where site = $1 and pack = $2 and generation = $3 and state = 'good' and digest = $6",
    )
    .bind(&copy.site)
    .bind(copy.pack.get().cast_signed())
    .bind(copy.generation.cast_signed())
    .bind(state)
    .bind(at.millis())
    .bind(copy.digest.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How a site's copies stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Good ones.
    pub(crate) good: u64,
    /// When the good one that waited longest was read.
    pub(crate) oldest: Option<Timestamp>,
}

/// How a site's copies stand.
pub(crate) async fn standing(pool: &PgPool, site: &str) -> Result<Standing, sqlx::Error> {
    let (good, oldest): (i64, Option<i64>) =
        sqlx::query_as("select count(*), min(verified_at) from copies where site = $1 and state = 'good'")
            .bind(site)
            .fetch_one(pool)
            .await?;
    Ok(Standing { good: good.cast_unsigned(), oldest: oldest.map(Timestamp::from_millis) })
}
