//! 登记批次: one row each. `progress.rs` moves them on, `steps.rs` keeps who took which step.

mod progress;
mod steps;

use dengbei_records::{EventHash, FondsNo, Invalid, PackNumber, SerialNo, Sha256, Timestamp, UnitCode};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

pub(crate) use progress::*;
pub(crate) use steps::*;

use super::{corrupt, read, signed, unsigned};

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BatchState {
    /// 已申请
    Applied,
    /// 已受理
    Accepted,
    /// 已接收: every pack has arrived.
    Received,
    /// 已检测
    Checked,
    /// 已登记
    Registered,
    /// 备份达标
    BackedUp,
    /// 已发证
    Certified,
    /// 不予登记
    Declined,
}

impl BatchState {
    pub(crate) const ALL: [(Self, &'static str); 8] = [
        (Self::Applied, "applied"),
        (Self::Accepted, "accepted"),
        (Self::Received, "received"),
        (Self::Checked, "checked"),
        (Self::Registered, "registered"),
        (Self::BackedUp, "backed_up"),
        (Self::Certified, "certified"),
        (Self::Declined, "declined"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0]).1
    }

    pub(crate) fn from_name(name: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0);
        found.ok_or_else(|| Invalid::new("登记状态 batch state", name))
    }

    /// Whether the administration has not decided yet.
    pub(crate) const fn is_undecided(self) -> bool {
        matches!(self, Self::Applied | Self::Accepted | Self::Received | Self::Checked)
    }
}

/// A registration batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) id: Uuid,
    pub(crate) state: BatchState,
    pub(crate) is_automatic: bool,
    pub(crate) unit: UnitCode,
    pub(crate) unit_name: String,
    pub(crate) fonds: FondsNo,
    pub(crate) year: u16,
    pub(crate) packs: Vec<PackNumber>,
    pub(crate) items: u32,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) root: Sha256,
    /// Document.
    pub(crate) application: Sha256,
    /// `batch.applied`
    pub(crate) applied: EventHash,
    pub(crate) applied_at: Timestamp,
    pub(crate) technical: Vec<String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) trouble: String,
    pub(crate) registration_no: Option<SerialNo>,
    /// Document.
    pub(crate) decision: Option<Sha256>,
    /// `batch.registered`
    pub(crate) registered: Option<EventHash>,
    pub(crate) registered_at: Option<Timestamp>,
    pub(crate) certificate_no: Option<SerialNo>,
    /// Document.
    pub(crate) certificate: Option<Sha256>,
    /// `certificate.issued`
    pub(crate) issued: Option<EventHash>,
    pub(crate) changed_at: Timestamp,
}

#[derive(FromRow)]
struct BatchRow {
    batch: Uuid,
    state: String,
    is_automatic: bool,
    uscc: String,
    unit_name: String,
    fonds_no: String,
    year: i32,
    packs: Vec<i64>,
    items: i32,
    files: i64,
    bytes: i64,
    root: Vec<u8>,
    application: Vec<u8>,
    applied: Vec<u8>,
    applied_at: i64,
    technical: Vec<String>,
    reasons: Vec<String>,
    trouble: String,
    registration_no: Option<String>,
    decision: Option<Vec<u8>>,
    registered: Option<Vec<u8>>,
    registered_at: Option<i64>,
    certificate_no: Option<String>,
    certificate: Option<Vec<u8>>,
    issued: Option<Vec<u8>>,
    changed_at: i64,
}

impl TryFrom<BatchRow> for Batch {
    type Error = sqlx::Error;
    fn try_from(row: BatchRow) -> Result<Self, sqlx::Error> {
        let document = |d: Option<Vec<u8>>| d.map(|d| read(Sha256::from_slice(&d))).transpose();
        let event = |h: Option<Vec<u8>>| h.map(|h| read(EventHash::from_slice(&h))).transpose();
        let number = |n: Option<String>| n.map(|n| read(n.parse())).transpose();
        Ok(Self {
            id: row.batch,
            state: read(BatchState::from_name(&row.state))?,
            is_automatic: row.is_automatic,
            unit: read(row.uscc.parse())?,
            unit_name: row.unit_name,
            fonds: read(row.fonds_no.parse())?,
            year: u16::try_from(row.year).map_err(corrupt)?,
            packs: row.packs.into_iter().map(|n| PackNumber::new(unsigned(n))).collect(),
            items: row.items as u32,
            files: unsigned(row.files),
            bytes: unsigned(row.bytes),
            root: read(Sha256::from_slice(&row.root))?,
            application: read(Sha256::from_slice(&row.application))?,
            applied: read(EventHash::from_slice(&row.applied))?,
            applied_at: Timestamp::from_millis(row.applied_at),
            technical: row.technical,
            reasons: row.reasons,
            trouble: row.trouble,
            registration_no: number(row.registration_no)?,
            decision: document(row.decision)?,
            registered: event(row.registered)?,
            registered_at: row.registered_at.map(Timestamp::from_millis),
            certificate_no: number(row.certificate_no)?,
            certificate: document(row.certificate)?,
            issued: event(row.issued)?,
            changed_at: Timestamp::from_millis(row.changed_at),
        })
    }
}

/// Stores an application. False: it is known.
pub(crate) async fn insert(tx: &mut PgConnection, batch: &Batch) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into batches (batch, state, is_automatic, uscc, unit_name, fonds_no, year, packs, items, files, bytes, root,
           application, applied, applied_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
         on conflict on constraint batches_pkey do nothing",
    )
    .bind(batch.id)
    .bind(batch.state.name())
    .bind(batch.is_automatic)
    .bind(batch.unit.as_str())
    .bind(&batch.unit_name)
    .bind(batch.fonds.as_str())
    .bind(i32::from(batch.year))
    .bind(batch.packs.iter().map(|n| signed(n.get())).collect::<Vec<_>>())
    .bind(batch.items as i32)
    .bind(signed(batch.files))
    .bind(signed(batch.bytes))
    .bind(batch.root.as_bytes().as_slice())
    .bind(batch.application.as_bytes().as_slice())
    .bind(batch.applied.as_bytes().as_slice())
    .bind(batch.applied_at.millis())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A batch.
pub(crate) async fn find(tx: &mut PgConnection, batch: Uuid) -> Result<Option<Batch>, sqlx::Error> {
    let row: Option<BatchRow> =
        sqlx::query_as("select * from batches where batch = $1").bind(batch).fetch_optional(tx).await?;
    row.map(Batch::try_from).transpose()
}

/// A batch, held until the transaction ends.
pub(crate) async fn hold(tx: &mut PgConnection, batch: Uuid) -> Result<Option<Batch>, sqlx::Error> {
    let row: Option<BatchRow> = sqlx::query_as("select * from batches where batch = $1 for update")
        .bind(batch)
        .fetch_optional(tx)
        .await?;
    row.map(Batch::try_from).transpose()
}

/// Which batch has this registration or certificate number.
pub(crate) async fn numbered(tx: &mut PgConnection, number: &SerialNo) -> Result<Option<Batch>, sqlx::Error> {
    let row: Option<BatchRow> =
        sqlx::query_as("select * from batches where registration_no = $1 or certificate_no = $1")
            .bind(number.to_string())
            .fetch_optional(tx)
            .await?;
    row.map(Batch::try_from).transpose()
}

/// The batch that holds a pack: the live one, else the last that was declined.
pub(crate) async fn of_pack(tx: &mut PgConnection, pack: PackNumber) -> Result<Option<Batch>, sqlx::Error> {
    let row: Option<BatchRow> = sqlx::query_as(
        "select b.* from packs p join batches b on b.batch = p.batch where p.pack = $1
         union all (select b.* from packs p join batches b on b.uscc = p.uscc and p.pack = any(b.packs)
           where p.pack = $1 and p.batch is null order by b.applied_at desc limit 1)",
    )
    .bind(signed(pack.get()))
    .fetch_optional(tx)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// Which batches are listed, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<BatchState>,
    pub(crate) unit: Option<UnitCode>,
    /// Before this batch.
    pub(crate) before: Option<(Timestamp, Uuid)>,
    pub(crate) limit: u32,
}

/// Lists batches.
pub(crate) async fn list(tx: &mut PgConnection, filter: &Filter) -> Result<Vec<Batch>, sqlx::Error> {
    let (before, before_batch) = filter.before.unzip();
    let rows: Vec<BatchRow> = sqlx::query_as(
        "select * from batches where ($1::text is null or state = $1) and ($2::text is null or uscc = $2)
           and ($3::bigint is null or (applied_at, batch) < ($3, $4::uuid))
         order by applied_at desc, batch desc limit $5",
    )
    .bind(filter.state.map(BatchState::name))
    .bind(filter.unit.as_ref().map(UnitCode::as_str))
    .bind(before.map(Timestamp::millis))
    .bind(before_batch)
    .bind(i64::from(filter.limit))
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// How many batches stand where: every state that has one.
pub(crate) async fn counts(tx: &mut PgConnection) -> Result<Vec<(String, u64)>, sqlx::Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select state, count(*) from batches group by state order by state")
            .fetch_all(tx)
            .await?;
    Ok(rows.into_iter().map(|(state, count)| (state, unsigned(count))).collect())
}

/// When the oldest batch that is not certified was applied for; `None`: none waits.
pub(crate) async fn oldest(tx: &mut PgConnection) -> Result<Option<Timestamp>, sqlx::Error> {
    let oldest: Option<i64> = sqlx::query_scalar(
        "select least(
           (select min(applied_at) from batches where state in ('applied', 'accepted', 'received', 'checked')),
           (select min(applied_at) from batches where state in ('registered', 'backed_up')))",
    )
    .fetch_one(tx)
    .await?;
    Ok(oldest.map(Timestamp::from_millis))
}
