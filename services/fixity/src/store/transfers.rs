//! 移交检测: which sides of which transfers are still to be checked, and which were.
//!
//! A row whose event is empty was learned from its verdict alone, which came before what asked for it.

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_chain::facts::{Side, TransferChecked};
use dengbei_records::{EventHash, PackNumber, SerialNo, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};

use super::packs::{hash, sha256};

/// One side's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransferRun {
    pub(crate) transfer_no: SerialNo,
    pub(crate) side: Side,
    /// Hash of the event that asks for it.
    pub(crate) asked: EventHash,
    /// That event's bytes.
    pub(crate) event: Bytes,
    pub(crate) tries: u32,
    /// What it takes from, of `transfer.accepted`; only written.
    pub(crate) packs: Vec<PackNumber>,
}

/// A side's verdict, as its row keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stated {
    /// `transfer.checked`
    pub(crate) event: EventHash,
    pub(crate) at: Timestamp,
    /// Items.
    pub(crate) unfit: u32,
    /// SHA-256 of the report's document.
    pub(crate) report: Sha256,
}

/// Opens a run. False: there is one already, whatever became of it.
pub(crate) async fn open(
    tx: &mut PgConnection,
    run: &TransferRun,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into transfer_runs (transfer_no, side, asked, event, opened_at, due_at, packs)
         values ($1, $2, $3, $4, $5, $5, $6)
         on conflict on constraint transfer_runs_pk do update set
             asked = excluded.asked, event = excluded.event, packs = excluded.packs
         where length(transfer_runs.event) = 0",
    )
    .bind(run.transfer_no.to_string())
    .bind(run.side.name())
    .bind(run.asked.as_bytes().as_slice())
    .bind(run.event.as_ref())
    .bind(now.millis())
    .bind(run.packs.iter().map(|p| p.get().cast_signed()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

type Row = (String, String, Vec<u8>, Vec<u8>, i32);

fn read((number, side, asked, event, tries): Row) -> Result<TransferRun, sqlx::Error> {
    let invalid = |e: dengbei_records::Invalid| sqlx::Error::Decode(e.into());
    Ok(TransferRun {
        transfer_no: number.parse().map_err(invalid)?,
        side: side.parse().map_err(invalid)?,
        asked: hash(&asked)?,
        event: event.into(),
        tries: tries.cast_unsigned(),
        packs: Vec::new(),
    })
}

/// Runs that are due, the longest waiting first.
pub(crate) async fn due(pool: &PgPool, now: Timestamp, limit: u32) -> Result<Vec<TransferRun>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select transfer_no, side, asked, event, tries from transfer_runs
         where stated is null and due_at <= $1 order by due_at limit $2",
    )
    .bind(now.millis())
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// A side's run, stated or not; none: what asks for it was not heard yet.
pub(crate) async fn get(
    pool: &PgPool,
    transfer: &SerialNo,
    side: Side,
) -> Result<Option<TransferRun>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "select transfer_no, side, asked, event, tries from transfer_runs
         where transfer_no = $1 and side = $2 and length(event) > 0",
    )
    .bind(transfer.to_string())
    .bind(side.name())
    .fetch_optional(pool)
    .await?;
    row.map(read).transpose()
}

/// Looks again at `due`; `why` is shown to operators. A wait is no failure and counts no try.
pub(crate) async fn put_off(
    pool: &PgPool,
    run: &TransferRun,
    due: Timestamp,
    tries: u32,
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update transfer_runs set due_at = $3, tries = $4, trouble = $5
         where transfer_no = $1 and side = $2 and stated is null",
    )
    .bind(run.transfer_no.to_string())
    .bind(run.side.name())
    .bind(due.millis())
    .bind(tries.cast_signed())
    .bind(why)
    .execute(pool)
    .await
    .map(drop)
}

/// Ends a run with its verdict, whose report is here. False: another worker was quicker.
pub(crate) async fn state(
    tx: &mut PgConnection,
    run: &TransferRun,
    stated: &Stated,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update transfer_runs set stated = $3, stated_at = $4, unfit = $5, report = $6, is_kept = true, trouble = ''
         where transfer_no = $1 and side = $2 and stated is null",
    )
    .bind(run.transfer_no.to_string())
    .bind(run.side.name())
    .bind(stated.event.as_bytes().as_slice())
    .bind(stated.at.millis())
    .bind(stated.unfit.cast_signed())
    .bind(stated.report.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Learns from the log what was stated. What is known already, or was followed by another verdict, changes nothing: not
/// even where it was opened again meanwhile.
pub(crate) async fn heard(
    tx: &mut PgConnection,
    (fact, event): (&TransferChecked, &Event),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into transfer_runs as r (transfer_no, side, asked, event, opened_at, due_at, stated, stated_at, unfit,
             report, is_kept)
         values ($1, $2, $3, '', $4, $4, $5, $6, $7, $8, false)
         on conflict on constraint transfer_runs_pk do update set
             stated = excluded.stated, stated_at = excluded.stated_at, unfit = excluded.unfit,
             report = excluded.report, is_kept = false, due_at = excluded.due_at, trouble = ''
         where r.stated_at < excluded.stated_at",
    )
    .bind(fact.transfer_no.to_string())
    .bind(fact.side.name())
    .bind(event.causes.first().unwrap_or(&event.hash).as_bytes().as_slice())
    .bind(now.millis())
    .bind(event.hash.as_bytes().as_slice())
    .bind(event.recorded_at.millis())
    .bind(fact.unfit.cast_signed())
    .bind(fact.report.digest.as_bytes().as_slice())
    .execute(tx)
    .await
    .map(drop)
}

/// Verdicts whose report is to be fetched, those that wait longest first: their events and the documents.
pub(crate) async fn unkept(
    pool: &PgPool,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(EventHash, Sha256)>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "select stated, report from transfer_runs
         where not is_kept and stated is not null and due_at <= $1 order by due_at limit $2",
    )
    .bind(now.millis())
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|(stated, report)| Ok((hash(&stated)?, sha256(&report)?))).collect()
}

/// The report of a verdict is here; or (`later`) it could not be had, and is asked for again then.
pub(crate) async fn kept(
    database: impl sqlx::PgExecutor<'_>,
    stated: EventHash,
    later: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update transfer_runs set is_kept = $2::bigint is null, due_at = coalesce($2, due_at) where stated = $1",
    )
    .bind(stated.as_bytes().as_slice())
    .bind(later.map(Timestamp::millis))
    .execute(database)
    .await
    .map(drop)
}

/// A copy that transfers were stored on is good again: what was found unfit on storing is checked once more. Whether
/// there was anything.
pub(crate) async fn reopen_storing(
    tx: &mut PgConnection,
    pack: PackNumber,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update transfer_runs set stated = null, unfit = 0, tries = 0, due_at = $2
         where side = 'storing' and unfit > 0 and packs @> array[$1::bigint]",
    )
    .bind(pack.get().cast_signed())
    .bind(now.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What waited for copies on storing is looked at again now.
pub(crate) async fn wake_storing(tx: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update transfer_runs set due_at = $1 where stated is null and side = 'storing' and tries = 0",
    )
    .bind(now.millis())
    .execute(tx)
    .await
    .map(drop)
}
