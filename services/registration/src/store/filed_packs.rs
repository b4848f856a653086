//! Committed packs as registration batches see them: which wait, which batch holds them, who backs them up.

use dengbei_chain::facts::{SiteReceipt, Witness};
use dengbei_records::{EventHash, PackNumber, Retention, Sha256, Timestamp, UnitCode};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{corrupt, read, signed, unsigned};

/// A committed pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FiledPack {
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
    pub(crate) unit: UnitCode,
    pub(crate) year: u16,
    pub(crate) retention: Retention,
    pub(crate) items: u32,
    /// Files of its items; `None` until they are counted.
    pub(crate) files: Option<u64>,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
    pub(crate) versions_root: Sha256,
    /// `batch.filed`
    pub(crate) event: EventHash,
    pub(crate) committed_at: Timestamp,
    /// The live registration batch that holds it.
    pub(crate) batch: Option<Uuid>,
    /// A person declined it: a person applies again.
    pub(crate) is_declined: bool,
    /// `pack.secured`
    pub(crate) secured: Option<EventHash>,
}

#[derive(FromRow)]
struct Row {
    pack: i64,
    generation: i32,
    uscc: String,
    year: i32,
    retention: String,
    count: i32,
    files: Option<i64>,
    digest: Vec<u8>,
    bytes: i64,
    versions_root: Vec<u8>,
    event: Vec<u8>,
    committed_at: i64,
    batch: Option<Uuid>,
    is_declined: bool,
    secured: Option<Vec<u8>>,
}

impl TryFrom<Row> for FiledPack {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            pack: PackNumber::new(unsigned(row.pack)),
            generation: row.generation as u32,
            unit: read(row.uscc.parse())?,
            year: u16::try_from(row.year).map_err(corrupt)?,
            retention: super::matters::retention(&row.retention)?,
            items: row.count as u32,
            files: row.files.map(unsigned),
            digest: read(Sha256::from_slice(&row.digest))?,
            bytes: unsigned(row.bytes),
            versions_root: read(Sha256::from_slice(&row.versions_root))?,
            event: read(EventHash::from_slice(&row.event))?,
            committed_at: Timestamp::from_millis(row.committed_at),
            batch: row.batch,
            is_declined: row.is_declined,
            secured: row.secured.map(|h| read(EventHash::from_slice(&h))).transpose()?,
        })
    }
}

fn numbers(packs: &[PackNumber]) -> Vec<i64> {
    packs.iter().map(|n| signed(n.get())).collect()
}

/// These packs, by number; those that are not committed are left out.
pub(crate) async fn of(tx: &mut PgConnection, packs: &[PackNumber]) -> Result<Vec<FiledPack>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as("select * from packs where pack = any($1) order by pack")
        .bind(numbers(packs))
        .fetch_all(tx)
        .await?;
    rows.into_iter().map(FiledPack::try_from).collect()
}

/// Packs of one unit and year that no batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) unit: UnitCode,
    pub(crate) year: u16,
    pub(crate) count: u64,
    pub(crate) oldest: Timestamp,
}

/// Where packs wait that no person declined, the one that waits longest first.
pub(crate) async fn waiting(tx: &mut PgConnection) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows: Vec<(String, i32, i64, i64)> = sqlx::query_as(
        "select uscc, year, count(*), min(committed_at) from packs where batch is null and not is_declined
         group by uscc, year order by min(committed_at)",
    )
    .fetch_all(tx)
    .await?;
    let group = |(uscc, year, count, oldest): (String, i32, i64, i64)| {
        Ok(Waiting {
            unit: read(uscc.parse())?,
            year: u16::try_from(year).map_err(corrupt)?,
            count: unsigned(count),
            oldest: Timestamp::from_millis(oldest),
        })
    };
    rows.into_iter().map(group).collect()
}

/// The packs of a group that have waited longest, by number.
pub(crate) async fn oldest_of(
    tx: &mut PgConnection,
    group: &Waiting,
    limit: usize,
) -> Result<Vec<FiledPack>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select * from (select * from packs where batch is null and not is_declined and uscc = $1 and year = $2
           order by committed_at, pack limit $3) as oldest order by pack",
    )
    .bind(group.unit.as_str())
    .bind(i32::from(group.year))
    .bind(limit as i64)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(FiledPack::try_from).collect()
}

/// Packs that no batch holds, oldest first, with their unit's name.
pub(crate) async fn unregistered(
    tx: &mut PgConnection,
    unit: Option<&UnitCode>,
    limit: i64,
) -> Result<Vec<(FiledPack, String)>, sqlx::Error> {
    #[derive(FromRow)]
    struct Named {
        #[sqlx(flatten)]
        pack: Row,
        unit_name: String,
    }
    let rows: Vec<Named> = sqlx::query_as(
        "select p.*, f.unit_name from packs p join fonds f on f.uscc = p.uscc
         where batch is null and ($1::text is null or p.uscc = $1) order by committed_at, pack limit $2",
    )
    .bind(unit.map(UnitCode::as_str))
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.pack.try_into()?, row.unit_name))).collect()
}

/// Gives free packs to a batch; false, and nothing counts, when another was faster with one of them.
pub(crate) async fn join(
    tx: &mut PgConnection,
    packs: &[PackNumber],
    batch: Uuid,
) -> Result<bool, sqlx::Error> {
    // In their order, so that two never wait for each other.
    let free: Vec<i64> = sqlx::query_scalar(
        "select pack from packs where pack = any($1) and batch is null order by pack for update",
    )
    .bind(numbers(packs))
    .fetch_all(&mut *tx)
    .await?;
    if free.len() != packs.len() {
        return Ok(false);
    }
    let query = "update packs set batch = $2, is_declined = false where pack = any($1)";
    sqlx::query(query).bind(free).bind(batch).execute(tx).await?;
    Ok(true)
}

/// Gives packs to a batch of the log; a batch that was applied for later keeps what it has.
pub(crate) async fn rejoin(
    tx: &mut PgConnection,
    packs: &[PackNumber],
    batch: Uuid,
) -> Result<(), sqlx::Error> {
    // Batches are numbered by time (UUIDv7).
    let query = "update packs set batch = $2, is_declined = false where pack = any($1) and (batch is null or batch < $2)";
    sqlx::query(query).bind(numbers(packs)).bind(batch).execute(tx).await.map(drop)
}

/// Lets the packs of a declined batch be applied for again, by a person.
pub(crate) async fn leave(tx: &mut PgConnection, batch: Uuid) -> Result<(), sqlx::Error> {
    let query = "update packs set batch = null, is_declined = true where batch = $1";
    sqlx::query(query).bind(batch).execute(tx).await.map(drop)
}

/// Notes what is counted in a pack.
pub(crate) async fn count_files(
    tx: &mut PgConnection,
    pack: PackNumber,
    files: u64,
) -> Result<(), sqlx::Error> {
    let query = "update packs set files = $2 where pack = $1 and files is null";
    sqlx::query(query).bind(signed(pack.get())).bind(signed(files)).execute(tx).await.map(drop)
}

/// Notes the runs in which the items of a replayed pack passed.
pub(crate) async fn note_checks(tx: &mut PgConnection, pack: PackNumber) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update packs set checks = coalesce((select array_agg(distinct i.checked) from pack_items m
           join items i on i.prefiled = m.prefiled where m.pack = $1 and i.checked is not null), '{}') where pack = $1",
    )
    .bind(signed(pack.get()))
    .execute(tx)
    .await
    .map(drop)
}

/// Notes that a pack is secured, and by whom.
pub(crate) async fn secure(
    tx: &mut PgConnection,
    pack: PackNumber,
    event: EventHash,
    receipts: &[SiteReceipt],
) -> Result<(), sqlx::Error> {
    sqlx::query("update packs set secured = $2 where pack = $1")
        .bind(signed(pack.get()))
        .bind(event.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    for receipt in receipts {
        let Witness::Signed { key, .. } = &receipt.witness else { continue };
        sqlx::query(
            "insert into pack_backups (pack, site, class, key, stored_at) values ($1, $2, $3, $4, $5)
             on conflict on constraint pack_backups_one_per_site do nothing",
        )
        .bind(signed(pack.get()))
        .bind(&receipt.site)
        .bind(&receipt.class)
        .bind(key.as_slice())
        .bind(receipt.stored_at.millis())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// A site's backup of some packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) site: String,
    pub(crate) class: String,
    pub(crate) key: Vec<u8>,
    pub(crate) packs: Vec<PackNumber>,
}

/// Who backs up these packs, by class and name.
pub(crate) async fn backups(tx: &mut PgConnection, packs: &[PackNumber]) -> Result<Vec<Backup>, sqlx::Error> {
    let rows: Vec<(String, String, Vec<u8>, Vec<i64>)> = sqlx::query_as(
        "select site, class, key, array_agg(pack order by pack) from pack_backups where pack = any($1)
         group by site, class, key
         order by array_position(array['primary', 'archive', 'remote', 'offline'], class), site, key",
    )
    .bind(numbers(packs))
    .fetch_all(tx)
    .await?;
    let backup = |(site, class, key, packs): (String, String, Vec<u8>, Vec<i64>)| Backup {
        site,
        class,
        key,
        packs: packs.into_iter().map(|n| PackNumber::new(unsigned(n))).collect(),
    };
    Ok(rows.into_iter().map(backup).collect())
}

/// A run of the filing checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckRun {
    pub(crate) report: Sha256,
    pub(crate) scheme: String,
    pub(crate) stage: String,
}

/// Notes a run that passed; the same again is harmless.
pub(crate) async fn note_run(
    tx: &mut PgConnection,
    event: EventHash,
    run: &CheckRun,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into check_runs (event, report, scheme, stage) values ($1, $2, $3, $4) on conflict do nothing")
        .bind(event.as_bytes().as_slice())
        .bind(run.report.as_bytes().as_slice())
        .bind(&run.scheme)
        .bind(&run.stage)
        .execute(tx)
        .await
        .map(drop)
}

/// The runs in which the items of these packs passed.
pub(crate) async fn runs(tx: &mut PgConnection, packs: &[PackNumber]) -> Result<Vec<CheckRun>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, String, String)> = sqlx::query_as(
        "select distinct r.report, r.scheme, r.stage from packs p, unnest(p.checks) as c (event)
         join check_runs r on r.event = c.event where p.pack = any($1) order by r.report",
    )
    .bind(numbers(packs))
    .fetch_all(tx)
    .await?;
    let run = |(report, scheme, stage): (Vec<u8>, String, String)| {
        Ok(CheckRun { report: read(Sha256::from_slice(&report))?, scheme, stage })
    };
    rows.into_iter().map(run).collect()
}
