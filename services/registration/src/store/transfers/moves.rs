//! From state to state: each move finds the transfer in the state before, so that a second worker changes nothing.

use dengbei_records::{EventHash, SerialNo, Sha256, Timestamp};
use sqlx::PgConnection;

use super::{Signatories, State, members};
use crate::store::signed;

/// The papers of one making, as an event cites them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) items: u32,
    pub(crate) bytes: u64,
    pub(crate) root: Sha256,
    pub(crate) members: Sha256,
    /// What stays: `None` keeps what is there.
    pub(crate) digests: Option<Sha256>,
    pub(crate) catalogue: Option<Sha256>,
    pub(crate) handover: Option<Sha256>,
}

/// Notes papers that were made anew.
async fn remake(tx: &mut PgConnection, number: &SerialNo, made: &Made) -> Result<(), sqlx::Error> {
    let raw = |digest: Option<Sha256>| digest.map(|d| d.as_bytes().to_vec());
    sqlx::query(
        "update transfers set items = $2, bytes = $3, root = $4, members = $5, digests = coalesce($6, digests),
           catalogue = coalesce($7, catalogue), handover = coalesce($8, handover) where transfer_no = $1",
    )
    .bind(number.to_string())
    .bind(made.items as i32)
    .bind(signed(made.bytes))
    .bind(made.root.as_bytes().as_slice())
    .bind(made.members.as_bytes().as_slice())
    .bind(raw(made.digests))
    .bind(raw(made.catalogue))
    .bind(raw(made.handover))
    .execute(tx)
    .await
    .map(drop)
}

/// Moves a transfer on: state, event, no more trouble. False: it was not in `from` any more.
async fn move_on(
    tx: &mut PgConnection,
    number: &SerialNo,
    (from, to): (&[State], State),
    event: EventHash,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let column = to.name();
    let done = sqlx::query(sqlx::AssertSqlSafe(format!(
        "update transfers set state = $3, {column} = $4, changed_at = $5, trouble = '', tries = 0, retry_at = 0
         where transfer_no = $1 and state = any($2)"
    )))
    .bind(number.to_string())
    .bind(from.iter().map(|s| s.name()).collect::<Vec<_>>())
    .bind(to.name())
    .bind(event.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// 移交: the unit's papers are made.
pub(crate) async fn submit(
    tx: &mut PgConnection,
    number: &SerialNo,
    made: &Made,
    event: EventHash,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let is_moved = move_on(tx, number, (&[State::Packed], State::Submitted), event, at).await?;
    if is_moved {
        remake(tx, number, made).await?;
    }
    Ok(is_moved)
}

/// Both sides checked.
pub(crate) async fn verify(
    tx: &mut PgConnection,
    number: &SerialNo,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("update transfers set state = 'verified', changed_at = $2 where transfer_no = $1 and state = 'submitted'")
        .bind(number.to_string())
        .bind(at.millis())
        .execute(tx)
        .await
        .map(drop)
}

/// 交接: signed by both sides.
pub(crate) async fn accept(
    tx: &mut PgConnection,
    number: &SerialNo,
    made: &Made,
    event: EventHash,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let from = &[State::Submitted, State::Verified];
    let is_moved = move_on(tx, number, (from, State::Accepted), event, at).await?;
    if is_moved {
        remake(tx, number, made).await?;
    }
    Ok(is_moved)
}

/// 进馆: custody moves. What was in trouble when it was stored is sound now.
pub(crate) async fn accession(
    tx: &mut PgConnection,
    number: &SerialNo,
    event: EventHash,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let is_moved = move_on(tx, number, (&[State::Accepted], State::Accessioned), event, at).await?;
    if is_moved {
        members::clear_storing(tx, number).await?;
        give_reasons(tx, number, &[]).await?;
    }
    Ok(is_moved)
}

/// 退回移交.
pub(crate) async fn reject(
    tx: &mut PgConnection,
    number: &SerialNo,
    reasons: &[String],
    event: EventHash,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let from = &[State::Packed, State::Submitted, State::Verified];
    let is_moved = move_on(tx, number, (from, State::Rejected), event, at).await?;
    if is_moved {
        give_reasons(tx, number, reasons).await?;
    }
    Ok(is_moved)
}

/// Says why it waits or went back.
pub(crate) async fn give_reasons(
    tx: &mut PgConnection,
    number: &SerialNo,
    reasons: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query("update transfers set reasons = $2 where transfer_no = $1")
        .bind(number.to_string())
        .bind(reasons)
        .execute(tx)
        .await
        .map(drop)
}

/// Notes who signs for a side. The side's columns are named by the caller's enum, never by a caller's text.
pub(crate) async fn sign(
    tx: &mut PgConnection,
    number: &SerialNo,
    is_unit: bool,
    who: &Signatories,
) -> Result<(), sqlx::Error> {
    let side = if is_unit { "unit" } else { "archive" };
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "update transfers set {side}_filled_by = $2, {side}_reviewed_by = $3, {side}_signed_at = $4, changed_at = $4
         where transfer_no = $1"
    )))
    .bind(number.to_string())
    .bind(&who.filled_by)
    .bind(&who.reviewed_by)
    .bind(who.at.millis())
    .execute(tx)
    .await
    .map(drop)
}
