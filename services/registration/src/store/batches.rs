//! 登记批次: one row each, and who took which step.

use dengbei_records::{
    EventHash, FondsNo, Invalid, PackNumber, SerialNo, Sha256, Timestamp, UnitCode,
};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

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

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) step: String,
    pub(crate) at: Timestamp,
    /// Empty: replayed; the documents say it.
    pub(crate) by: String,
    pub(crate) note: String,
}

impl Step {
    pub(crate) fn new(step: &str, at: Timestamp, by: &str) -> Self {
        Self { step: step.to_owned(), at, by: by.to_owned(), note: String::new() }
    }

    pub(crate) fn noted(mut self, note: &str) -> Self {
        self.note = note.to_owned();
        self
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
pub(crate) async fn numbered(
    tx: &mut PgConnection,
    number: &SerialNo,
) -> Result<Option<Batch>, sqlx::Error> {
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

/// Notes steps; a step that was taken stays as it is.
pub(crate) async fn note(tx: &mut PgConnection, batch: Uuid, steps: &[Step]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into batch_steps (batch, step, at, by_whom, note)
         select $1, s.step, s.at, s.by_whom, s.note
         from unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) as s (step, at, by_whom, note)
         on conflict on constraint batch_steps_taken_once do nothing",
    )
    .bind(batch)
    .bind(steps.iter().map(|s| s.step.clone()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.at.millis()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.by.clone()).collect::<Vec<_>>())
    .bind(steps.iter().map(|s| s.note.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// The steps of a batch, in the order in which they were taken.
pub(crate) async fn steps(tx: &mut PgConnection, batch: Uuid) -> Result<Vec<Step>, sqlx::Error> {
    let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
        "select step, at, by_whom, note from batch_steps where batch = $1
         order by array_position(array['apply', 'accept', 'receive', 'check', 'register', 'decline', 'certify'], step)",
    )
    .bind(batch)
    .fetch_all(tx)
    .await?;
    let step = |(step, at, by, note)| Step { step, at: Timestamp::from_millis(at), by, note };
    Ok(rows.into_iter().map(step).collect())
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
    .bind(filter.unit.as_ref().map(|u| u.as_str()))
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
