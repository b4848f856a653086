//! How a batch goes on: to the next state, or it waits for its next try.

use dengbei_records::{EventHash, PackNumber, SerialNo, Sha256, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Batch, BatchRow, BatchState};
use crate::store::signed;

/// Undecided batches that go on by themselves and may be tried now, oldest first.
pub(crate) async fn undecided(
    tx: &mut PgConnection,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<Batch>, sqlx::Error> {
    let rows: Vec<BatchRow> = sqlx::query_as(
        "select * from batches where state in ('applied', 'accepted', 'received', 'checked') and is_automatic
           and retry_at <= $1 order by applied_at, batch limit $2",
    )
    .bind(at.millis())
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// Moves batches whose every pack is secured on to 备份达标; gives how many.
pub(crate) async fn back_up(tx: &mut PgConnection, at: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update batches b set state = 'backed_up', changed_at = $1 where state = 'registered'
           and not exists (select 1 from packs p where p.pack = any(b.packs) and p.secured is null)",
    )
    .bind(at.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Batches that may be certified now.
pub(crate) async fn backed_up(
    tx: &mut PgConnection,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "select batch from batches where state = 'backed_up' and retry_at <= $1 order by registered_at, batch limit $2",
    )
    .bind(at.millis())
    .bind(limit)
    .fetch_all(tx)
    .await
}

/// Where an undecided batch stands from now on.
#[derive(Debug, Clone)]
pub(crate) struct Progress<'a> {
    pub(crate) state: BatchState,
    pub(crate) is_automatic: bool,
    pub(crate) technical: &'a [String],
    pub(crate) reasons: &'a [String],
    pub(crate) at: Timestamp,
}

/// Moves an undecided batch.
pub(crate) async fn advance(
    tx: &mut PgConnection,
    batch: Uuid,
    progress: &Progress<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update batches set state = $2, is_automatic = $3, technical = $4, reasons = $5, changed_at = $6, trouble = ''
         where batch = $1",
    )
    .bind(batch)
    .bind(progress.state.name())
    .bind(progress.is_automatic)
    .bind(progress.technical)
    .bind(progress.reasons)
    .bind(progress.at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// Lets a batch that cannot go on now wait: 1 s, 2 s, 4 s … at most 5 minutes. Never given up.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    batch: Uuid,
    at: Timestamp,
    trouble: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update batches set tries = tries + 1, retry_at = $2 + least(300000, 1000 * (1 << least(tries, 9))), trouble = $3
         where batch = $1",
    )
    .bind(batch)
    .bind(at.millis())
    .bind(trouble)
    .execute(tx)
    .await
    .map(drop)
}

/// Lets the undecided batch that holds a pack be tried at once: its pack was repaired.
pub(crate) async fn try_again(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update batches set retry_at = 0 where state in ('applied', 'accepted', 'received', 'checked')
           and batch = (select batch from packs where pack = $1)",
    )
    .bind(signed(pack.get()))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A decision for a batch.
#[derive(Debug, Clone)]
pub(crate) struct Registered<'a> {
    pub(crate) number: &'a SerialNo,
    pub(crate) decision: Sha256,
    /// `batch.registered`
    pub(crate) event: EventHash,
    pub(crate) technical: &'a [String],
    pub(crate) at: Timestamp,
}

/// Registers a batch.
pub(crate) async fn register(
    tx: &mut PgConnection,
    batch: Uuid,
    registered: &Registered<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update batches set state = 'registered', registration_no = $2, decision = $3, registered = $4, technical = $5,
           registered_at = $6, changed_at = $6, reasons = '{}', trouble = '', tries = 0, retry_at = 0 where batch = $1",
    )
    .bind(batch)
    .bind(registered.number.to_string())
    .bind(registered.decision.as_bytes().as_slice())
    .bind(registered.event.as_bytes().as_slice())
    .bind(registered.technical)
    .bind(registered.at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A decision against a batch.
#[derive(Debug, Clone)]
pub(crate) struct Declined<'a> {
    pub(crate) reasons: &'a [String],
    pub(crate) decision: Sha256,
    /// `batch.declined`
    pub(crate) event: EventHash,
    pub(crate) at: Timestamp,
}

/// Declines a batch.
pub(crate) async fn decline(
    tx: &mut PgConnection,
    batch: Uuid,
    declined: &Declined<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update batches set state = 'declined', declined = $2, decision = $3, reasons = $4, changed_at = $5, trouble = ''
         where batch = $1",
    )
    .bind(batch)
    .bind(declined.event.as_bytes().as_slice())
    .bind(declined.decision.as_bytes().as_slice())
    .bind(declined.reasons)
    .bind(declined.at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certified<'a> {
    pub(crate) number: &'a SerialNo,
    pub(crate) certificate: Sha256,
    /// `certificate.issued`
    pub(crate) event: EventHash,
    pub(crate) at: Timestamp,
}

/// Certifies a batch.
pub(crate) async fn certify(
    tx: &mut PgConnection,
    batch: Uuid,
    certified: &Certified<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update batches set state = 'certified', certificate_no = $2, certificate = $3, issued = $4, changed_at = $5,
           trouble = '' where batch = $1",
    )
    .bind(batch)
    .bind(certified.number.to_string())
    .bind(certified.certificate.as_bytes().as_slice())
    .bind(certified.event.as_bytes().as_slice())
    .bind(certified.at.millis())
    .execute(tx)
    .await
    .map(drop)
}
