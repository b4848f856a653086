//! 副本: one signature wanted or given, by pack, site and purpose. A receipt is never changed.

use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_proto::v1;
use dengbei_records::{EventHash, PackNumber, Timestamp};
use prost::Message as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::corrupt;
use super::packs::{Pack, PackRow, signed};

/// Orders copies of these packs for one purpose on every site of these, unless they are ordered.
pub(crate) async fn order(
    tx: &mut PgConnection,
    packs: &[i64],
    sites: &[String],
    purpose: Purpose,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "insert into copies (pack, generation, site, purpose, ordered_at, due_at)
         select p.pack, p.generation, s.site, $3, $4, $4 from packs p, unnest($2::text[]) as s (site)
         where p.pack = any($1) on conflict do nothing",
    )
    .bind(packs)
    .bind(sites)
    .bind(purpose.name())
    .bind(now.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Storage copies of packs whose time has come: at most `limit` packs. Gives how many packs.
pub(crate) async fn order_storage(
    tx: &mut PgConnection,
    sites: &[String],
    now: Timestamp,
    limit: i64,
) -> Result<usize, sqlx::Error> {
    let packs: Vec<i64> = sqlx::query_scalar(
        "update packs set storage_due_at = null where pack in (
             select pack from packs where storage_due_at <= $1 order by storage_due_at limit $2 for update skip locked)
         returning pack",
    )
    .bind(now.millis())
    .bind(limit)
    .fetch_all(&mut *tx)
    .await?;
    if !packs.is_empty() {
        order(tx, &packs, sites, Purpose::Storage, now).await?;
    }
    Ok(packs.len())
}

/// What was ordered for storage alone and is not there yet is not needed any more.
pub(crate) async fn withdraw_storage(tx: &mut PgConnection, packs: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query("delete from copies where pack = any($1) and purpose = 'storage' and receipt is null")
        .bind(packs)
        .execute(tx)
        .await
        .map(drop)
}

/// Accession copies of these packs, of those that are known and taken over by the archive.
pub(crate) async fn order_accessions(
    tx: &mut PgConnection,
    packs: &[i64],
    sites: &[String],
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let taken: Vec<i64> = sqlx::query_scalar("select pack from accessions where pack = any($1)")
        .bind(packs)
        .fetch_all(&mut *tx)
        .await?;
    order(tx, &taken, sites, Purpose::Accession, now).await
}

/// What a site that is new should hold: of every pack, for every purpose that asks all sites.
pub(crate) async fn order_for_new_site(
    tx: &mut PgConnection,
    site: &str,
    is_archive: bool,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "insert into copies (pack, generation, site, purpose, ordered_at, due_at)
         select pack, generation, $1, case when registered is null then 'storage' else 'backup' end, $2, $2
         from packs where storage_due_at is null
         union all
         select p.pack, p.generation, $1, 'accession', $2, $2 from packs p join accessions a using (pack) where $3
         on conflict do nothing",
    )
    .bind(site)
    .bind(now.millis())
    .bind(is_archive)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// An order that is due, with where the pack may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) pack: Pack,
    pub(crate) purpose: Purpose,
    pub(crate) tries: u32,
    /// Why: what stands among the causes beside the pack's origin.
    pub(crate) grounds: Option<EventHash>,
    /// Names of sites that signed for a copy which is not known to be bad.
    pub(crate) holders: Vec<String>,
}

#[derive(Debug, sqlx::FromRow)]
struct OrderRow {
    #[sqlx(flatten)]
    pack: PackRow,
    purpose: String,
    tries: i32,
    grounds: Option<Vec<u8>>,
    holders: Vec<String>,
}

impl TryFrom<OrderRow> for Order {
    type Error = sqlx::Error;
    fn try_from(row: OrderRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            pack: row.pack.try_into()?,
            purpose: row.purpose.parse().map_err(corrupt)?,
            tries: row.tries.cast_unsigned(),
            grounds: row.grounds.as_deref().map(super::event).transpose()?,
            holders: row.holders,
        })
    }
}

/// Orders of one site that are due, the longest due first.
pub(crate) async fn due(
    pool: &PgPool,
    site: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Order>, sqlx::Error> {
    let rows: Vec<OrderRow> = sqlx::query_as(
        "select p.pack, p.generation, p.digest, p.versions_root, p.bytes, p.origin, c.purpose, c.tries,
             case c.purpose when 'backup' then p.registered when 'accession' then a.accepted end as grounds,
             array(select distinct h.site from copies h where h.pack = c.pack and h.generation = c.generation
                   and h.receipt is not null and not exists (select from damages d where d.pack = h.pack
                       and d.site = h.site and d.repaired_at is null)) as holders
         from copies c join packs p using (pack) left join accessions a using (pack)
         where c.site = $1 and c.receipt is null and c.due_at <= $2 order by c.due_at limit $3",
    )
    .bind(site)
    .bind(now.millis())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// Puts an order off, with the reason.
pub(crate) async fn put_off(
    pool: &PgPool,
    site: &str,
    order: &Order,
    until: Timestamp,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update copies set tries = tries + 1, due_at = $5, reason = $6
         where pack = $1 and generation = $2 and site = $3 and purpose = $4 and receipt is null",
    )
    .bind(signed(order.pack.number))
    .bind(order.pack.generation.cast_signed())
    .bind(site)
    .bind(order.purpose.name())
    .bind(until.millis())
    .bind(reason)
    .execute(pool)
    .await
    .map(drop)
}

/// Stores a receipt with the event that states it. False: there is one already, or nobody wants it any more.
pub(crate) async fn sign(
    tx: &mut PgConnection,
    receipt: &SiteReceipt,
    stored: EventHash,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update copies set receipt = $5, stored = $6, stored_at = $7, reason = ''
         where pack = $1 and generation = $2 and site = $3 and purpose = $4 and receipt is null",
    )
    .bind(signed(receipt.pack))
    .bind(receipt.generation.cast_signed())
    .bind(&receipt.site)
    .bind(receipt.purpose.name())
    .bind(receipt.write().encode_to_vec())
    .bind(stored.as_bytes().as_slice())
    .bind(receipt.stored_at.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a receipt that was stated before and is heard again, ordered or not. The first that is heard stays.
pub(crate) async fn replay(
    tx: &mut PgConnection,
    receipt: &SiteReceipt,
    stored: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into copies (pack, generation, site, purpose, ordered_at, due_at, receipt, stored, stored_at)
         select $1, $2, $3, $4, $5, $5, $6, $7, $8
         -- Nearly always it is there: then nothing is locked.
         where not exists (select from copies c where c.pack = $1 and c.generation = $2 and c.site = $3
             and c.purpose = $4 and c.receipt is not null)
         on conflict on constraint copies_pk do update
           set receipt = excluded.receipt, stored = excluded.stored, stored_at = excluded.stored_at
           where copies.receipt is null",
    )
    .bind(signed(receipt.pack))
    .bind(receipt.generation.cast_signed())
    .bind(&receipt.site)
    .bind(receipt.purpose.name())
    .bind(at.millis())
    .bind(receipt.write().encode_to_vec())
    .bind(stored.as_bytes().as_slice())
    .bind(receipt.stored_at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A copy as questions are answered from.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) site: String,
    pub(crate) generation: u32,
    pub(crate) receipt: Option<SiteReceipt>,
    pub(crate) stored: Option<EventHash>,
    /// Kind of an open damage.
    pub(crate) damage: Option<String>,
}

/// All copies of a pack.
pub(crate) async fn of_pack(tx: &mut PgConnection, pack: PackNumber) -> Result<Vec<Copy>, sqlx::Error> {
    type Row = (String, i32, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "select c.site, c.generation, c.receipt, c.stored,
             (select d.kind from damages d where d.pack = c.pack and d.site = c.site and d.repaired_at is null
              order by d.id desc limit 1)
         from copies c where c.pack = $1 order by c.site, c.purpose",
    )
    .bind(signed(pack))
    .fetch_all(tx)
    .await?;
    let read = |(site, generation, receipt, stored, damage): Row| {
        Ok(Copy {
            site,
            generation: generation.cast_unsigned(),
            receipt: receipt.as_deref().map(decode).transpose()?,
            stored: stored.as_deref().map(super::event).transpose()?,
            damage,
        })
    };
    rows.into_iter().map(read).collect()
}

fn decode(bytes: &[u8]) -> Result<SiteReceipt, sqlx::Error> {
    SiteReceipt::read(v1::SiteReceipt::decode(bytes).map_err(corrupt)?).map_err(corrupt)
}

/// How one site stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Standing {
    pub(crate) site: String,
    pub(crate) waiting: i64,
    /// When the oldest waiting copy was ordered; 0: none waits.
    pub(crate) oldest: i64,
    pub(crate) damaged: i64,
    pub(crate) last_receipt_at: i64,
}

/// How every site stands.
pub(crate) async fn standing(pool: &PgPool) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as(
        "select s.name as site, coalesce(w.waiting, 0) as waiting, coalesce(w.oldest, 0) as oldest,
             (select count(distinct (d.pack, d.generation)) from damages d
              where d.site = s.name and d.repaired_at is null) as damaged,
             coalesce((select max(c.stored_at) from copies c
              where c.site = s.name and c.receipt is not null), 0) as last_receipt_at
         from sites s left join (
             select site, count(*) as waiting, min(ordered_at) as oldest from copies where receipt is null group by site
         ) w on w.site = s.name order by s.name",
    )
    .fetch_all(pool)
    .await
}

/// Packs that are registered and not secured, and when the copies of the oldest were ordered; 0: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Unsecured {
    pub(crate) packs: i64,
    pub(crate) oldest: i64,
}

/// How many packs wait to be secured, and since when: a partial index, empty while all is well.
pub(crate) async fn unsecured(pool: &PgPool) -> Result<Unsecured, sqlx::Error> {
    sqlx::query_as(
        "select count(distinct p.pack) as packs, coalesce(min(c.ordered_at), 0) as oldest
         from packs p left join copies c on c.pack = p.pack and c.generation = p.generation and c.purpose = 'backup'
         where p.registered is not null and p.secured is null",
    )
    .fetch_one(pool)
    .await
}

/// A copy that waits although it was tried: site, pack, generation, since when, why.
pub(crate) type Stuck = (String, i64, i32, i64, String);

/// Copies that were tried in vain, newest first.
pub(crate) async fn stuck(pool: &PgPool, limit: i64) -> Result<Vec<Stuck>, sqlx::Error> {
    sqlx::query_as(
        "select site, pack, generation, ordered_at, reason from copies where receipt is null and reason <> ''
         order by ordered_at desc limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
}
