//! What each side's checks of a transfer found.

use std::str::FromStr as _;

use dengbei_chain::facts::{Side, TransferChecked};
use dengbei_records::{EventHash, SerialNo, Sha256, Timestamp};
use sqlx::{FromRow, PgConnection};

use crate::store::read;

/// A side's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) side: Side,
    pub(crate) event: EventHash,
    pub(crate) scheme: String,
    pub(crate) checked: u32,
    pub(crate) unfit: u32,
    pub(crate) report: Sha256,
    pub(crate) at: Timestamp,
}

impl Check {
    /// Whether nothing of it was fit.
    pub(crate) const fn is_hopeless(&self) -> bool {
        self.unfit == self.checked
    }
}

#[derive(FromRow)]
struct Row {
    side: String,
    event: Vec<u8>,
    scheme: String,
    checked: i32,
    unfit: i32,
    report: Vec<u8>,
    checked_at: i64,
}

impl TryFrom<Row> for Check {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            side: read(Side::from_str(&row.side))?,
            event: read(EventHash::from_slice(&row.event))?,
            scheme: row.scheme,
            checked: row.checked as u32,
            unfit: row.unfit as u32,
            report: read(Sha256::from_slice(&row.report))?,
            at: Timestamp::from_millis(row.checked_at),
        })
    }
}

/// Notes what a side found; the newest holds.
pub(crate) async fn note(
    tx: &mut PgConnection,
    fact: &TransferChecked,
    event: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into transfer_checks (transfer_no, side, event, scheme, checked, unfit, root, report, checked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict on constraint transfer_checks_one_per_side do update set event = excluded.event,
           scheme = excluded.scheme, checked = excluded.checked, unfit = excluded.unfit, root = excluded.root,
           report = excluded.report, checked_at = excluded.checked_at",
    )
    .bind(fact.transfer_no.to_string())
    .bind(fact.side.name())
    .bind(event.as_bytes().as_slice())
    .bind(&fact.scheme)
    .bind(fact.checked as i32)
    .bind(fact.unfit as i32)
    .bind(fact.root.as_bytes().as_slice())
    .bind(fact.report.digest.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// What a side found.
pub(crate) async fn of(
    tx: &mut PgConnection,
    number: &SerialNo,
    side: Side,
) -> Result<Option<Check>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "select side, event, scheme, checked, unfit, report, checked_at from transfer_checks
         where transfer_no = $1 and side = $2",
    )
    .bind(number.to_string())
    .bind(side.name())
    .fetch_optional(tx)
    .await?;
    row.map(Check::try_from).transpose()
}

/// Whether these checks are in the state.
pub(crate) async fn is_known(tx: &mut PgConnection, event: EventHash) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select 1 from transfer_checks where event = $1)")
        .bind(event.as_bytes().as_slice())
        .fetch_one(tx)
        .await
}
