//! 损坏与缺失: copies that are not as they should be, open until they are repaired.

use dengbei_chain::facts::Purpose;
use dengbei_records::{EventHash, PackNumber, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};

use super::packs::{Pack, PackRow, signed};
use super::{corrupt, event, raw, sha256};

/// A copy that is found not to be as it should.
#[derive(Debug, Clone)]
pub(crate) struct NewDamage<'a> {
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
    pub(crate) site: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) found: Option<Sha256>,
    /// `pack.damaged` or `pack.missing`.
    pub(crate) cause: EventHash,
    pub(crate) since: Timestamp,
}

/// Opens a damage; the same event again changes nothing.
pub(crate) async fn open(tx: &mut PgConnection, new: &NewDamage<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into damages (pack, generation, site, kind, found, cause, since, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (cause) do nothing",
    )
    .bind(signed(new.pack))
    .bind(new.generation.cast_signed())
    .bind(new.site)
    .bind(new.kind)
    .bind(new.found.map(|d| d.as_bytes().to_vec()))
    .bind(new.cause.as_bytes().as_slice())
    .bind(new.since.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// Of these events, the first that is not known.
pub(crate) async fn unknown(
    tx: &mut PgConnection,
    causes: &[EventHash],
) -> Result<Option<EventHash>, sqlx::Error> {
    let known: Vec<Vec<u8>> = sqlx::query_scalar("select cause from damages where cause = any($1)")
        .bind(raw(causes))
        .fetch_all(tx)
        .await?;
    Ok(causes.iter().copied().find(|c| !known.iter().any(|k| k == c.as_bytes())))
}

/// A bad copy that is to be made again: everything that is open about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repair {
    pub(crate) pack: Pack,
    pub(crate) tries: u32,
    /// What the newest finding found.
    pub(crate) found: Option<Sha256>,
    /// Kind of the newest finding.
    pub(crate) kind: String,
    /// Events that say so, oldest first.
    pub(crate) causes: Vec<EventHash>,
    /// The last id that is meant: what comes later stays open.
    pub(crate) up_to: i64,
    /// What the new receipt is signed for: the most that was signed for here.
    pub(crate) purpose: Purpose,
    /// Names of sites that hold a copy which is not known to be bad.
    pub(crate) holders: Vec<String>,
}

#[derive(Debug, sqlx::FromRow)]
struct RepairRow {
    #[sqlx(flatten)]
    pack: PackRow,
    tries: i32,
    found: Option<Vec<u8>>,
    kind: String,
    causes: Vec<Vec<u8>>,
    up_to: i64,
    purpose: String,
    holders: Vec<String>,
}

impl TryFrom<RepairRow> for Repair {
    type Error = sqlx::Error;
    fn try_from(row: RepairRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            pack: row.pack.try_into()?,
            tries: row.tries.cast_unsigned(),
            found: row.found.as_deref().map(sha256).transpose()?,
            kind: row.kind,
            causes: row.causes.iter().map(|c| event(c)).collect::<Result<_, _>>()?,
            up_to: row.up_to,
            purpose: row.purpose.parse().map_err(corrupt)?,
            holders: row.holders,
        })
    }
}

/// Bad copies on one site that are due, the longest due first.
pub(crate) async fn due(
    pool: &PgPool,
    site: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Repair>, sqlx::Error> {
    let rows: Vec<RepairRow> = sqlx::query_as(
        "select p.pack, p.generation, p.digest, p.versions_root, p.bytes, p.origin, d.tries, d.found, d.kind,
             d.causes, d.up_to,
             coalesce((select c.purpose from copies c where c.pack = d.pack and c.site = $1 and c.receipt is not null
                 order by array_position(array['accession', 'backup', 'storage'], c.purpose) limit 1), 'storage')
                 as purpose,
             array(select distinct h.site from copies h where h.pack = d.pack and h.generation = d.generation
                   and h.receipt is not null and not exists (select from damages o where o.pack = h.pack
                       and o.site = h.site and o.repaired_at is null)) as holders
         from (select pack, generation, max(tries) as tries, max(id) as up_to,
                   (array_agg(found order by id desc))[1] as found, (array_agg(kind order by id desc))[1] as kind,
                   array_agg(cause order by id) as causes
               from damages where site = $1 and repaired_at is null group by pack, generation
               having min(due_at) <= $2 order by min(due_at) limit $3) d
         join packs p on p.pack = d.pack and p.generation = d.generation",
    )
    .bind(site)
    .bind(now.millis())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Repair::try_from).collect()
}

/// Puts a repair off, with the reason.
pub(crate) async fn put_off(
    pool: &PgPool,
    site: &str,
    repair: &Repair,
    until: Timestamp,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update damages set tries = tries + 1, due_at = $4, reason = $5
         where pack = $1 and generation = $2 and site = $3 and repaired_at is null",
    )
    .bind(signed(repair.pack.number))
    .bind(repair.pack.generation.cast_signed())
    .bind(site)
    .bind(until.millis())
    .bind(reason)
    .execute(pool)
    .await
    .map(drop)
}

/// Closes what is open about a copy, up to what was known when it was repaired. Gives how many were.
pub(crate) async fn close(
    tx: &mut PgConnection,
    site: &str,
    repair: &Repair,
    repaired: EventHash,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update damages set repaired = $5, repaired_at = $6, reason = ''
         where pack = $1 and generation = $2 and site = $3 and id <= $4 and repaired_at is null",
    )
    .bind(signed(repair.pack.number))
    .bind(repair.pack.generation.cast_signed())
    .bind(site)
    .bind(repair.up_to)
    .bind(repaired.as_bytes().as_slice())
    .bind(now.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Closes what was stated as repaired before and is heard again.
pub(crate) async fn replay(
    tx: &mut PgConnection,
    causes: &[EventHash],
    repaired: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update damages set repaired = $2, repaired_at = $3, reason = '' where cause = any($1) and repaired_at is null",
    )
    .bind(raw(causes))
    .bind(repaired.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A damage as it is shown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Shown {
    pub(crate) site: String,
    pub(crate) pack: i64,
    pub(crate) generation: i32,
    pub(crate) kind: String,
    pub(crate) since: i64,
    pub(crate) reason: String,
    pub(crate) repaired_at: Option<i64>,
}

/// The newest damages, repaired or not; the open ones first.
pub(crate) async fn newest(pool: &PgPool, limit: i64) -> Result<Vec<Shown>, sqlx::Error> {
    sqlx::query_as(
        "(select site, pack, generation, kind, since, reason, repaired_at, id from damages where repaired_at is null
          order by since desc limit $1)
         union all
         (select site, pack, generation, kind, since, reason, repaired_at, id from damages
          where repaired_at is not null order by since desc limit $1)
         limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Since when the oldest open damage of each site is open.
pub(crate) async fn open_since(pool: &PgPool) -> Result<std::collections::HashMap<String, i64>, sqlx::Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select site, min(since) from damages where repaired_at is null group by site")
            .fetch_all(pool)
            .await?;
    Ok(rows.into_iter().collect())
}
