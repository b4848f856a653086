//! Rows as the database has them, and what they mean.

use dengbei_records::{EventHash, ItemId, Preservation, Registration, SubmissionId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::attempt::Rank;
use crate::error::QueryError;
use crate::history::Entry;

/// The transfer that an attempt `a` in a pack `p` belongs to: the one that was accessioned, else the newest that was
/// not rejected. Where something was unfit, the members decide.
pub(super) const TRANSFER: &str = " left join lateral (
    select t.transfer_no, t.accessioned_at is not null as is_accessioned
    from unnest(p.transfers) as n join query.transfers t on t.transfer_no = n
    where t.rejected_at is null and p.pack = any(coalesce(t.accepted_packs, t.packs))
      and (t.accessioned_at is null or not t.is_partial or exists (
          select from query.transfer_members m where m.transfer_no = t.transfer_no and m.filed = a.filed))
    order by t.accessioned_at is not null desc, t.transfer_no desc limit 1) as t on true";

/// An item as lists show it. Names come from the newest version of the matter.
pub(super) const SUMMARY: &str = "select i.item, i.submission, i.data_version, i.rank, i.changed_at, a.is_passed,
    a.failed, coalesce(a.source_system, '') as source_system, i.matter_code, coalesce(m.matter_name, '') as matter_name,
    i.unit_uscc, coalesce(m.unit_name, '') as unit_name, coalesce(a.retention, '') as retention,
    coalesce(a.archival_code, '') as archival_code, i.pack,
    coalesce(p.registration, 0::smallint) as registration, coalesce(p.preservation, 1::smallint) as preservation,
    coalesce(t.is_accessioned, false) as is_accessioned, p.batch, coalesce(b.registration_no, '') as registration_no,
    coalesce(b.certificate_no, '') as certificate_no, coalesce(t.transfer_no, '') as transfer_no,
    coalesce(p.sites, '{}') as sites";

/// What [`SUMMARY`] joins to `query.items as i`, beside [`TRANSFER`].
pub(super) const JOINS: &str = " join query.attempts as a on a.submission = i.submission
    left join query.packs as p on p.pack = i.pack
    left join query.batches as b on b.batch = p.batch
    left join lateral (
        select matter_name, unit_name from query.matters where matter_code = i.matter_code
        order by in_force_from desc, scope_version desc limit 1) as m on true";

/// One submission.
pub(super) const SUBMITTED: &str = "select a.submission, a.item, a.data_version, a.rank, a.is_passed, a.failed,
    a.changed_at, coalesce(a.retention, '') as retention, coalesce(p.registration, 0::smallint) as registration,
    coalesce(p.preservation, 1::smallint) as preservation, coalesce(t.is_accessioned, false) as is_accessioned
    from query.attempts as a left join query.packs as p on p.pack = a.pack";

/// What is said of a pack holds for an attempt in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) rank: Rank,
    pub(crate) is_passed: bool,
    pub(crate) is_accessioned: bool,
    pub(crate) registration: Registration,
    pub(crate) preservation: Preservation,
}

#[derive(FromRow)]
struct StateRow {
    rank: i16,
    is_passed: bool,
    is_accessioned: bool,
    registration: i16,
    preservation: i16,
}

impl TryFrom<StateRow> for State {
    type Error = QueryError;
    fn try_from(row: StateRow) -> Result<Self, QueryError> {
        let rank =
            Rank::from_number(row.rank).ok_or_else(|| QueryError::Row(format!("rank {}", row.rank)))?;
        let preservation = match (rank, row.preservation) {
            (Rank::Filed, n) => preservation(n)?,
            _ => Preservation::None,
        };
        Ok(Self {
            rank,
            is_passed: row.is_passed,
            is_accessioned: row.is_accessioned,
            registration: registration(row.registration)?,
            preservation,
        })
    }
}

/// One item as the read model shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) item: ItemId,
    pub(crate) submission: SubmissionId,
    pub(crate) data_version: u32,
    pub(crate) state: State,
    pub(crate) changed_at: i64,
    pub(crate) failed: Vec<String>,
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    pub(crate) matter_name: String,
    pub(crate) unit_uscc: String,
    pub(crate) unit_name: String,
    pub(crate) retention: String,
    pub(crate) archival_code: String,
    pub(crate) pack: u64,
    pub(crate) batch: Option<Uuid>,
    pub(crate) registration_no: String,
    pub(crate) certificate_no: String,
    pub(crate) transfer_no: String,
    pub(crate) sites: Vec<String>,
}

#[derive(FromRow)]
pub(super) struct SummaryRow {
    item: Uuid,
    submission: Uuid,
    data_version: i32,
    #[sqlx(flatten)]
    state: StateRow,
    changed_at: i64,
    failed: Vec<String>,
    source_system: String,
    matter_code: String,
    matter_name: String,
    unit_uscc: String,
    unit_name: String,
    retention: String,
    archival_code: String,
    pack: i64,
    batch: Option<Uuid>,
    registration_no: String,
    certificate_no: String,
    transfer_no: String,
    sites: Vec<String>,
}

impl TryFrom<SummaryRow> for Summary {
    type Error = QueryError;
    fn try_from(row: SummaryRow) -> Result<Self, QueryError> {
        Ok(Self {
            item: item(row.item)?,
            submission: SubmissionId::from_uuid(row.submission),
            data_version: number(row.data_version.into())?,
            state: row.state.try_into()?,
            changed_at: row.changed_at,
            failed: row.failed,
            source_system: row.source_system,
            matter_code: row.matter_code,
            matter_name: row.matter_name,
            unit_uscc: row.unit_uscc,
            unit_name: row.unit_name,
            retention: row.retention,
            archival_code: row.archival_code,
            pack: u64::try_from(row.pack).map_err(|_| QueryError::Row(format!("pack {}", row.pack)))?,
            batch: row.batch,
            registration_no: row.registration_no,
            certificate_no: row.certificate_no,
            transfer_no: row.transfer_no,
            sites: row.sites,
        })
    }
}

/// One submission and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submitted {
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: u32,
    pub(crate) state: State,
    pub(crate) failed: Vec<String>,
    pub(crate) changed_at: i64,
    pub(crate) retention: String,
}

#[derive(FromRow)]
pub(super) struct SubmittedRow {
    submission: Uuid,
    item: Uuid,
    data_version: i32,
    #[sqlx(flatten)]
    state: StateRow,
    failed: Vec<String>,
    changed_at: i64,
    retention: String,
}

impl TryFrom<SubmittedRow> for Submitted {
    type Error = QueryError;
    fn try_from(row: SubmittedRow) -> Result<Self, QueryError> {
        Ok(Self {
            submission: SubmissionId::from_uuid(row.submission),
            item: item(row.item)?,
            data_version: number(row.data_version.into())?,
            state: row.state.try_into()?,
            failed: row.failed,
            changed_at: row.changed_at,
            retention: row.retention,
        })
    }
}

#[derive(FromRow)]
pub(super) struct EntryRow {
    hash: Vec<u8>,
    id: Uuid,
    kind: String,
    subject: String,
    recorded_at: i64,
    causes: Vec<u8>,
    bytes: Vec<u8>,
    traceparent: String,
    member: Option<Vec<u8>>,
    by_membership: bool,
}

impl TryFrom<EntryRow> for Entry {
    type Error = QueryError;
    fn try_from(row: EntryRow) -> Result<Self, QueryError> {
        Ok(Self {
            hash: hash(&row.hash)?,
            id: row.id,
            fact: row.kind,
            subject: row.subject,
            recorded_at: row.recorded_at,
            causes: row.causes.chunks(32).map(hash).collect::<Result<_, _>>()?,
            by_membership: row.by_membership,
            member: row.member.as_deref().map(hash).transpose()?,
            bytes: row.bytes.into(),
            traceparent: row.traceparent,
        })
    }
}

const REGISTRATIONS: [Registration; 5] = [
    Registration::Unregistered,
    Registration::Applied,
    Registration::Registered,
    Registration::BackedUp,
    Registration::Certified,
];

const PRESERVATIONS: [Preservation; 4] =
    [Preservation::None, Preservation::Stored, Preservation::Secured, Preservation::Suspect];

/// As the database keeps it.
pub(super) fn registration_number(state: Registration) -> i16 {
    REGISTRATIONS.iter().zip(0..).find(|(known, _)| **known == state).map_or(0, |(_, n)| n)
}

/// From the database.
pub(super) fn registration(number: i16) -> Result<Registration, QueryError> {
    let state = usize::try_from(number).ok().and_then(|n| REGISTRATIONS.get(n));
    state.copied().ok_or_else(|| QueryError::Row(format!("registration {number}")))
}

/// From the database.
pub(super) fn preservation(number: i16) -> Result<Preservation, QueryError> {
    let state = usize::try_from(number).ok().and_then(|n| PRESERVATIONS.get(n));
    state.copied().ok_or_else(|| QueryError::Row(format!("preservation {number}")))
}

fn item(id: Uuid) -> Result<ItemId, QueryError> {
    id.try_into().map_err(|_| QueryError::Row(format!("item {id}")))
}

fn hash(bytes: &[u8]) -> Result<EventHash, QueryError> {
    EventHash::from_slice(bytes).map_err(|e| QueryError::Row(e.to_string()))
}

fn number(n: i64) -> Result<u32, QueryError> {
    u32::try_from(n).map_err(|_| QueryError::Row(format!("data version {n}")))
}
