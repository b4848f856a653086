//! Rows as the database has them, and what they mean.

use dengbei_records::{EventHash, ItemId, SubmissionId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::derive::Rank;
use crate::error::QueryError;
use crate::history::Entry;

/// One item as the read model shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) item: ItemId,
    pub(crate) submission: Option<SubmissionId>,
    pub(crate) data_version: u32,
    pub(crate) rank: Rank,
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
}

#[derive(FromRow)]
pub(super) struct SummaryRow {
    item: Uuid,
    submission: Option<Uuid>,
    data_version: i32,
    rank: i16,
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
}

impl TryFrom<SummaryRow> for Summary {
    type Error = QueryError;
    fn try_from(row: SummaryRow) -> Result<Self, QueryError> {
        Ok(Self {
            item: item(row.item)?,
            submission: row.submission.map(SubmissionId::from_uuid),
            data_version: number(row.data_version.into())?,
            rank: rank(row.rank)?,
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
        })
    }
}

/// One submission and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submitted {
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: u32,
    pub(crate) rank: Rank,
    pub(crate) failed: Vec<String>,
    pub(crate) changed_at: i64,
}

#[derive(FromRow)]
pub(super) struct SubmittedRow {
    submission: Uuid,
    item: Uuid,
    data_version: i32,
    rank: i16,
    failed: Vec<String>,
    changed_at: i64,
}

impl TryFrom<SubmittedRow> for Submitted {
    type Error = QueryError;
    fn try_from(row: SubmittedRow) -> Result<Self, QueryError> {
        Ok(Self {
            submission: SubmissionId::from_uuid(row.submission),
            item: item(row.item)?,
            data_version: number(row.data_version.into())?,
            rank: rank(row.rank)?,
            failed: row.failed,
            changed_at: row.changed_at,
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
            member: row.member.as_deref().map(hash).transpose()?,
            bytes: row.bytes.into(),
            traceparent: row.traceparent,
        })
    }
}

fn item(id: Uuid) -> Result<ItemId, QueryError> {
    id.try_into().map_err(|_| QueryError::Row(format!("item {id}")))
}

fn hash(bytes: &[u8]) -> Result<EventHash, QueryError> {
    EventHash::from_slice(bytes).map_err(|e| QueryError::Row(e.to_string()))
}

fn rank(number: i16) -> Result<Rank, QueryError> {
    Rank::from_number(number).ok_or_else(|| QueryError::Row(format!("rank {number}")))
}

fn number(n: i64) -> Result<u32, QueryError> {
    u32::try_from(n).map_err(|_| QueryError::Row(format!("data version {n}")))
}
