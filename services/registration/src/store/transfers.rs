//! Transfers (移交): where each stands, its papers and the facts of its way. What it holds is `members.rs`; what its
//! checks found `checks.rs`; how it goes from state to state `moves.rs`; what may be handed over `certified.rs`; what is
//! asked about all of them `lists.rs`.

pub(crate) mod certified;
pub(crate) mod checks;
pub(crate) mod lists;
pub(crate) mod members;
pub(crate) mod moves;
pub(crate) mod steps;

use dengbei_records::{EventHash, FondsNo, PackNumber, SerialNo, Sha256, Timestamp, UnitCode};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{corrupt, read, signed, unsigned};

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// 已组包: the unit's checks run.
    Packed,
    /// 已移交: the archive's checks run.
    Submitted,
    /// 已检测: both sides checked; four people are to sign.
    Verified,
    /// 已交接: the archive's site takes and checks its copies.
    Accepted,
    /// 已进馆
    Accessioned,
    /// 已退回
    Rejected,
}

impl State {
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::Packed, "packed"),
        (Self::Submitted, "submitted"),
        (Self::Verified, "verified"),
        (Self::Accepted, "accepted"),
        (Self::Accessioned, "accessioned"),
        (Self::Rejected, "rejected"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0]).1
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Whether its items are spoken for, but not in the archive yet.
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Packed | Self::Submitted | Self::Verified | Self::Accepted)
    }
}

/// Two people of a side, and when they signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signatories {
    pub(crate) filled_by: String,
    pub(crate) reviewed_by: String,
    pub(crate) at: Timestamp,
}

/// A registration certificate that a transfer takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) event: EventHash,
    pub(crate) number: SerialNo,
    pub(crate) batch: Uuid,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) number: SerialNo,
    pub(crate) state: State,
    pub(crate) unit: UnitCode,
    pub(crate) fonds: FondsNo,
    pub(crate) is_by_hand: bool,
    pub(crate) items: u32,
    pub(crate) bytes: u64,
    pub(crate) root: Sha256,
    pub(crate) members: Sha256,
    pub(crate) digests: Option<Sha256>,
    pub(crate) catalogue: Option<Sha256>,
    pub(crate) handover: Option<Sha256>,
    pub(crate) packed: EventHash,
    pub(crate) submitted: Option<EventHash>,
    pub(crate) accepted: Option<EventHash>,
    pub(crate) accessioned: Option<EventHash>,
    pub(crate) rejected: Option<EventHash>,
    pub(crate) unit_signed: Option<Signatories>,
    pub(crate) archive_signed: Option<Signatories>,
    pub(crate) reasons: Vec<String>,
    pub(crate) packed_at: Timestamp,
    pub(crate) changed_at: Timestamp,
    /// In order.
    pub(crate) packs: Vec<PackNumber>,
    /// In the order of its causes.
    pub(crate) certificates: Vec<Certificate>,
}

#[derive(FromRow)]
struct Row {
    transfer_no: String,
    state: String,
    uscc: String,
    fonds_no: String,
    by_hand: bool,
    items: i32,
    bytes: i64,
    root: Vec<u8>,
    members: Vec<u8>,
    digests: Option<Vec<u8>>,
    catalogue: Option<Vec<u8>>,
    handover: Option<Vec<u8>>,
    packed: Vec<u8>,
    submitted: Option<Vec<u8>>,
    accepted: Option<Vec<u8>>,
    accessioned: Option<Vec<u8>>,
    rejected: Option<Vec<u8>>,
    unit_filled_by: String,
    unit_reviewed_by: String,
    unit_signed_at: Option<i64>,
    archive_filled_by: String,
    archive_reviewed_by: String,
    archive_signed_at: Option<i64>,
    reasons: Vec<String>,
    packed_at: i64,
    changed_at: i64,
    packs: Vec<i64>,
    certificate_events: Vec<Vec<u8>>,
    certificate_numbers: Vec<String>,
    certificate_batches: Vec<Uuid>,
}

/// Everything of a transfer, packs and certificates in one row.
const SELECT: &str = "select t.*,
    array(select pack from transfer_packs p where p.transfer_no = t.transfer_no order by pack) as packs,
    array(select event from transfer_certificates c where c.transfer_no = t.transfer_no order by ordinal)
        as certificate_events,
    array(select certificate_no from transfer_certificates c where c.transfer_no = t.transfer_no order by ordinal)
        as certificate_numbers,
    array(select batch from transfer_certificates c where c.transfer_no = t.transfer_no order by ordinal)
        as certificate_batches
    from transfers t";

fn hash(bytes: Option<Vec<u8>>) -> Result<Option<EventHash>, sqlx::Error> {
    bytes.map(|b| read(EventHash::from_slice(&b))).transpose()
}

fn digest(bytes: Option<Vec<u8>>) -> Result<Option<Sha256>, sqlx::Error> {
    bytes.map(|b| read(Sha256::from_slice(&b))).transpose()
}

fn signatories(filled_by: String, reviewed_by: String, at: Option<i64>) -> Option<Signatories> {
    at.map(|at| Signatories { filled_by, reviewed_by, at: Timestamp::from_millis(at) })
}

impl TryFrom<Row> for Transfer {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let numbers = row.certificate_numbers.iter().zip(row.certificate_batches);
        let certificate = |(event, (number, batch)): (&Vec<u8>, (&String, Uuid))| {
            let event = read(EventHash::from_slice(event))?;
            Ok::<_, sqlx::Error>(Certificate { event, number: read(number.parse())?, batch })
        };
        Ok(Self {
            number: read(row.transfer_no.parse())?,
            state: State::from_name(&row.state).ok_or_else(|| corrupt(format!("state {}", row.state)))?,
            unit: read(row.uscc.parse())?,
            fonds: read(row.fonds_no.parse())?,
            is_by_hand: row.by_hand,
            items: row.items as u32,
            bytes: unsigned(row.bytes),
            root: read(Sha256::from_slice(&row.root))?,
            members: read(Sha256::from_slice(&row.members))?,
            digests: digest(row.digests)?,
            catalogue: digest(row.catalogue)?,
            handover: digest(row.handover)?,
            packed: read(EventHash::from_slice(&row.packed))?,
            submitted: hash(row.submitted)?,
            accepted: hash(row.accepted)?,
            accessioned: hash(row.accessioned)?,
            rejected: hash(row.rejected)?,
            unit_signed: signatories(row.unit_filled_by, row.unit_reviewed_by, row.unit_signed_at),
            archive_signed: signatories(
                row.archive_filled_by,
                row.archive_reviewed_by,
                row.archive_signed_at,
            ),
            reasons: row.reasons,
            packed_at: Timestamp::from_millis(row.packed_at),
            changed_at: Timestamp::from_millis(row.changed_at),
            packs: row.packs.into_iter().map(|p| PackNumber::new(unsigned(p))).collect(),
            certificates: row
                .certificate_events
                .iter()
                .zip(numbers)
                .map(certificate)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// What is packed is decided one after the other: a pack goes into one transfer at a time.
pub(crate) async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('registration.transfers')::bigint)")
        .execute(tx)
        .await
        .map(drop)
}

/// A transfer.
pub(crate) async fn find(tx: &mut PgConnection, number: &SerialNo) -> Result<Option<Transfer>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where t.transfer_no = $1")))
        .bind(number.to_string())
        .fetch_optional(tx)
        .await?;
    row.map(Transfer::try_from).transpose()
}

/// A transfer, held until the transaction ends.
pub(crate) async fn hold(tx: &mut PgConnection, number: &SerialNo) -> Result<Option<Transfer>, sqlx::Error> {
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where t.transfer_no = $1 for update of t")))
            .bind(number.to_string())
            .fetch_optional(tx)
            .await?;
    row.map(Transfer::try_from).transpose()
}

/// Stores a transfer that was packed.
pub(crate) async fn insert(tx: &mut PgConnection, transfer: &Transfer) -> Result<(), sqlx::Error> {
    let number = transfer.number.to_string();
    sqlx::query(
        "insert into transfers (transfer_no, state, uscc, fonds_no, by_hand, items, bytes, root, members, packed,
           packed_at, changed_at)
         values ($1, 'packed', $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
    )
    .bind(&number)
    .bind(transfer.unit.as_str())
    .bind(transfer.fonds.as_str())
    .bind(transfer.is_by_hand)
    .bind(transfer.items as i32)
    .bind(signed(transfer.bytes))
    .bind(transfer.root.as_bytes().as_slice())
    .bind(transfer.members.as_bytes().as_slice())
    .bind(transfer.packed.as_bytes().as_slice())
    .bind(transfer.packed_at.millis())
    .execute(&mut *tx)
    .await?;
    sqlx::query("insert into transfer_packs (transfer_no, pack) select $1, * from unnest($2::bigint[])")
        .bind(&number)
        .bind(transfer.packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    let each = || transfer.certificates.iter();
    sqlx::query(
        "insert into transfer_certificates (transfer_no, ordinal, event, certificate_no, batch)
         select $1, o - 1, e, n, b from unnest($2::bytea[], $3::text[], $4::uuid[]) with ordinality as c (e, n, b, o)",
    )
    .bind(&number)
    .bind(each().map(|c| c.event.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(each().map(|c| c.number.to_string()).collect::<Vec<_>>())
    .bind(each().map(|c| c.batch).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// The transfers whose next step can be tried now: their checks are there, and their signatures where people sign.
pub(crate) async fn due(
    tx: &mut PgConnection,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<SerialNo>, sqlx::Error> {
    let numbers: Vec<String> = sqlx::query_scalar(
        "select t.transfer_no from transfers t
         join transfer_checks c on c.transfer_no = t.transfer_no and c.side =
           case t.state when 'packed' then 'unit' when 'verified' then 'archive' else 'storing' end
         where t.state in ('packed', 'verified', 'accepted') and t.retry_at <= $1
           and (t.state <> 'verified' or not t.by_hand or c.unfit = c.checked
                or (t.unit_signed_at is not null and t.archive_signed_at is not null))
           and (t.state <> 'accepted' or c.unfit = 0)
         order by t.packed_at, t.transfer_no limit $2",
    )
    .bind(at.millis())
    .bind(limit)
    .fetch_all(tx)
    .await?;
    numbers.iter().map(|n| read(n.parse())).collect()
}

/// Lets a transfer whose next step failed wait: 1 s, 2 s, 4 s … at most 5 minutes. Never given up.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    number: &SerialNo,
    at: Timestamp,
    trouble: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update transfers set tries = tries + 1, retry_at = $2 + least(300000, 1000 * (1 << least(tries, 9))), trouble = $3
         where transfer_no = $1",
    )
    .bind(number.to_string())
    .bind(at.millis())
    .bind(trouble)
    .execute(tx)
    .await
    .map(drop)
}
