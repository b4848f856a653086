//! Items that registration decides about: one row an `item.prefiled`.

use std::collections::HashSet;

use dengbei_chain::facts::ItemPrefiled;
use dengbei_records::{DataVersion, EventHash, ItemId, Sha256, SubmissionId, Timestamp};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{corrupt, raw, read, signed};

/// Where an item stands with registration. `Ready`: passed, waits for a pack. `Failing` and `Superseding`:
/// decided, and the fact is about to be stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Prefiled,
    Ready,
    Failing,
    Superseding,
    Planned,
    Filed,
    Returned,
    Superseded,
}

impl Standing {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Prefiled, "prefiled"),
        (Self::Ready, "ready"),
        (Self::Failing, "failing"),
        (Self::Superseding, "superseding"),
        (Self::Planned, "planned"),
        (Self::Filed, "filed"),
        (Self::Returned, "returned"),
        (Self::Superseded, "superseded"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0]).1
    }

    pub(crate) fn from_name(name: &str) -> Result<Self, sqlx::Error> {
        let found = Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0);
        found.ok_or_else(|| corrupt(format!("unknown state {name}")))
    }

    /// Whether nothing will be decided about this submission any more.
    pub(crate) const fn is_ended(self) -> bool {
        matches!(self, Self::Filed | Self::Returned | Self::Superseded)
    }
}

/// One submission of an item, as far as decisions between submissions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rival {
    pub(crate) prefiled: EventHash,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) submission: SubmissionId,
    pub(crate) standing: Standing,
}

#[derive(FromRow)]
struct RivalRow {
    prefiled: Vec<u8>,
    item: Uuid,
    data_version: i32,
    submission: Uuid,
    state: String,
}

impl TryFrom<RivalRow> for Rival {
    type Error = sqlx::Error;
    fn try_from(row: RivalRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            prefiled: read(EventHash::from_slice(&row.prefiled))?,
            item: read(row.item.try_into())?,
            data_version: read(version(row.data_version))?,
            submission: SubmissionId::from_uuid(row.submission),
            standing: Standing::from_name(&row.state)?,
        })
    }
}

pub(crate) fn version(n: i32) -> Result<DataVersion, dengbei_records::Invalid> {
    DataVersion::try_from(u32::try_from(n).unwrap_or(0))
}

/// Stores what was pre-filed; what is known already is left alone. One bundle at a time: two that cannot see each
/// other would not find out that they hold rivals.
pub(crate) async fn receive(
    tx: &mut PgConnection,
    arrived: &[(EventHash, &ItemPrefiled)],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('registration.receive')::bigint)")
        .execute(&mut *tx)
        .await?;
    let each = || arrived.iter().map(|(_, fact)| *fact);
    let hashes: Vec<EventHash> = arrived.iter().map(|(hash, _)| *hash).collect();
    sqlx::query(
        "insert into items (prefiled, item, data_version, submission, source_system, matter_code, uscc, retention, year,
           scope_version, event_type, reception, bytes, received_at, state)
         select *, $14, 'prefiled' from unnest($1::bytea[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::text[],
           $7::text[], $8::text[], $9::integer[], $10::text[], $11::text[], $12::bytea[], $13::bigint[])
         on conflict on constraint items_pkey do nothing",
    )
    .bind(raw(&hashes))
    .bind(each().map(|f| f.item.uuid()).collect::<Vec<_>>())
    .bind(each().map(|f| f.data_version.get() as i32).collect::<Vec<_>>())
    .bind(each().map(|f| f.submission.uuid()).collect::<Vec<_>>())
    .bind(each().map(|f| f.source_system.to_string()).collect::<Vec<_>>())
    .bind(each().map(|f| f.matter_code.to_string()).collect::<Vec<_>>())
    .bind(each().map(|f| f.unit_uscc.to_string()).collect::<Vec<_>>())
    .bind(each().map(|f| f.retention.code().to_owned()).collect::<Vec<_>>())
    .bind(each().map(|f| i32::from(f.year)).collect::<Vec<_>>())
    .bind(each().map(|f| f.scope_version.clone()).collect::<Vec<_>>())
    .bind(each().map(|f| f.event_type.code().to_owned()).collect::<Vec<_>>())
    .bind(each().map(|f| f.reception.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(each().map(|f| signed(f.bytes)).collect::<Vec<_>>())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// Every submission of those items that have more than one, locked until the transaction ends.
pub(crate) async fn rivals(tx: &mut PgConnection, items: &[ItemId]) -> Result<Vec<Rival>, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|i| i.uuid()).collect();
    let contested: Vec<Uuid> = sqlx::query_scalar(
        "select item from items where item = any($1) group by item having count(*) > 1 order by item",
    )
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    if contested.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RivalRow> = sqlx::query_as(
        "select prefiled, item, data_version, submission, state from items where item = any($1)
         order by item, data_version, received_at, prefiled for update",
    )
    .bind(contested)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Rival::try_from).collect()
}

/// A submission by its event, locked until the transaction ends.
pub(crate) async fn find(tx: &mut PgConnection, prefiled: EventHash) -> Result<Option<Rival>, sqlx::Error> {
    let row: Option<RivalRow> = sqlx::query_as(
        "select prefiled, item, data_version, submission, state from items where prefiled = $1 for update",
    )
    .bind(prefiled.as_bytes().as_slice())
    .fetch_optional(tx)
    .await?;
    row.map(Rival::try_from).transpose()
}

/// Which of these events are known.
pub(crate) async fn known(
    tx: &mut PgConnection,
    hashes: &[EventHash],
) -> Result<HashSet<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select prefiled from items where prefiled = any($1)")
        .bind(raw(hashes))
        .fetch_all(tx)
        .await?;
    rows.iter().map(|h| read(EventHash::from_slice(h))).collect()
}

/// Decides that `by` takes the place of `prefiled`.
pub(crate) async fn supersede(
    tx: &mut PgConnection,
    prefiled: EventHash,
    by: EventHash,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update items set state = 'superseding', by_prefiled = $2
         where prefiled = $1 and state in ('prefiled', 'ready')",
    )
    .bind(prefiled.as_bytes().as_slice())
    .bind(by.as_bytes().as_slice())
    .execute(tx)
    .await
    .map(drop)
}

/// Decides that these passed. Those about which something was decided before stay as they are.
pub(crate) async fn pass(
    tx: &mut PgConnection,
    members: &[EventHash],
    checked: EventHash,
    report: &Sha256,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update items set state = 'ready', checked = $2, report = $3, decided_at = $4
         where prefiled = any($1) and state = 'prefiled'",
    )
    .bind(raw(members))
    .bind(checked.as_bytes().as_slice())
    .bind(report.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A verdict against one item.
#[derive(Debug, Clone)]
pub(crate) struct Failure<'a> {
    pub(crate) checked: EventHash,
    pub(crate) failed: &'a [String],
    pub(crate) report: Sha256,
    pub(crate) at: Timestamp,
}

/// Decides that this failed. If something was decided before, it stays.
pub(crate) async fn fail(
    tx: &mut PgConnection,
    prefiled: EventHash,
    failure: &Failure<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update items set state = 'failing', checked = $2, failed = $3, report = $4, decided_at = $5
         where prefiled = $1 and state = 'prefiled'",
    )
    .bind(prefiled.as_bytes().as_slice())
    .bind(failure.checked.as_bytes().as_slice())
    .bind(failure.failed)
    .bind(failure.report.as_bytes().as_slice())
    .bind(failure.at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// Ends a submission with the event that says so.
pub(crate) async fn end(
    tx: &mut PgConnection,
    prefiled: EventHash,
    standing: Standing,
    outcome: EventHash,
) -> Result<(), sqlx::Error> {
    sqlx::query("update items set state = $2, outcome = $3, pack = null where prefiled = $1")
        .bind(prefiled.as_bytes().as_slice())
        .bind(standing.name())
        .bind(outcome.as_bytes().as_slice())
        .execute(tx)
        .await
        .map(drop)
}

/// Files what another life of this database filed.
pub(crate) async fn note_filed(
    tx: &mut PgConnection,
    prefiled: EventHash,
    filed: EventHash,
    checked: Option<EventHash>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update items set state = 'filed', outcome = $2, checked = coalesce(checked, $3) where prefiled = $1",
    )
    .bind(prefiled.as_bytes().as_slice())
    .bind(filed.as_bytes().as_slice())
    .bind(checked.map(|c| c.as_bytes().to_vec()))
    .execute(tx)
    .await
    .map(drop)
}

/// Notes why another life of this database returned a submission.
pub(crate) async fn note_returned(
    tx: &mut PgConnection,
    prefiled: EventHash,
    failed: &[String],
    report: &Sha256,
) -> Result<(), sqlx::Error> {
    sqlx::query("update items set failed = $2, report = $3 where prefiled = $1")
        .bind(prefiled.as_bytes().as_slice())
        .bind(failed)
        .bind(report.as_bytes().as_slice())
        .execute(tx)
        .await
        .map(drop)
}

/// The submission in a plan to whose item a code was given.
pub(crate) async fn holder_of(
    tx: &mut PgConnection,
    code: &dengbei_records::ArchivalCode,
) -> Result<Option<Rival>, sqlx::Error> {
    let row: Option<RivalRow> = sqlx::query_as(
        "select i.prefiled, i.item, i.data_version, i.submission, i.state from codes c join items i on i.item = c.item
         where c.archival_code = $1 and i.state = 'planned'",
    )
    .bind(code.to_string())
    .fetch_optional(tx)
    .await?;
    row.map(Rival::try_from).transpose()
}

/// Decided, but not stated yet.
#[derive(Debug, Clone)]
pub(crate) struct Unstated {
    pub(crate) rival: Rival,
    pub(crate) checked: Option<EventHash>,
    pub(crate) failed: Vec<String>,
    pub(crate) report: Option<Sha256>,
    pub(crate) by: Option<EventHash>,
}

#[derive(FromRow)]
struct UnstatedRow {
    #[sqlx(flatten)]
    rival: RivalRow,
    checked: Option<Vec<u8>>,
    failed: Vec<String>,
    report: Option<Vec<u8>>,
    by_prefiled: Option<Vec<u8>>,
}

/// Submissions whose end is decided but not stated, held until the transaction ends.
pub(crate) async fn unstated(tx: &mut PgConnection, limit: i64) -> Result<Vec<Unstated>, sqlx::Error> {
    let rows: Vec<UnstatedRow> = sqlx::query_as(
        "select prefiled, item, data_version, submission, state, checked, failed, report, by_prefiled from items
         where state in ('failing', 'superseding') order by received_at, prefiled limit $1 for update skip locked",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    let hash = |h: Option<Vec<u8>>| h.map(|h| read(EventHash::from_slice(&h))).transpose();
    let unstated = |row: UnstatedRow| {
        Ok(Unstated {
            rival: row.rival.try_into()?,
            checked: hash(row.checked)?,
            failed: row.failed,
            report: row.report.map(|d| read(Sha256::from_slice(&d))).transpose()?,
            by: hash(row.by_prefiled)?,
        })
    };
    rows.into_iter().map(unstated).collect()
}
