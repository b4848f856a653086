//! Items that wait for a pack, are in a plan, or leave it filed.

use std::collections::HashSet;

use dengbei_records::{
    DataVersion, EventHash, EventType, ItemId, PackNumber, Retention, Sha256, SourceSystem, SubmissionId,
    Timestamp, UnitCode,
};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::items::version;
use super::{corrupt, raw, read, signed, unsigned};

/// Which (unit, year, retention) a pack is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) unit: UnitCode,
    pub(crate) year: u16,
    pub(crate) retention: Retention,
}

/// An item that waits for a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) prefiled: EventHash,
    pub(crate) checked: EventHash,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) submission: SubmissionId,
    pub(crate) source_system: SourceSystem,
    pub(crate) scope_version: String,
    pub(crate) event_type: EventType,
    pub(crate) reception: Sha256,
    pub(crate) bytes: u64,
    pub(crate) decided_at: Timestamp,
}

#[derive(FromRow)]
struct ReadyRow {
    prefiled: Vec<u8>,
    checked: Vec<u8>,
    item: Uuid,
    data_version: i32,
    submission: Uuid,
    source_system: String,
    scope_version: String,
    event_type: String,
    reception: Vec<u8>,
    bytes: i64,
    decided_at: i64,
}

impl TryFrom<ReadyRow> for Ready {
    type Error = sqlx::Error;
    fn try_from(row: ReadyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            prefiled: read(EventHash::from_slice(&row.prefiled))?,
            checked: read(EventHash::from_slice(&row.checked))?,
            item: read(row.item.try_into())?,
            data_version: read(version(row.data_version))?,
            submission: SubmissionId::from_uuid(row.submission),
            source_system: read(row.source_system.parse())?,
            scope_version: row.scope_version,
            event_type: read(row.event_type.parse())?,
            reception: read(Sha256::from_slice(&row.reception))?,
            bytes: unsigned(row.bytes),
            decided_at: Timestamp::from_millis(row.decided_at),
        })
    }
}

/// The groups in which something waits for a pack, the one that waits longest first.
pub(crate) async fn groups(tx: &mut PgConnection) -> Result<Vec<Group>, sqlx::Error> {
    let rows: Vec<(String, i32, String)> = sqlx::query_as(
        "select uscc, year, retention from items where state = 'ready'
         group by uscc, year, retention order by min(decided_at)",
    )
    .fetch_all(tx)
    .await?;
    let group = |(unit, year, retention): (String, i32, String)| {
        Ok(Group {
            unit: read(unit.parse())?,
            year: u16::try_from(year).map_err(corrupt)?,
            retention: super::matters::retention(&retention)?,
        })
    };
    rows.into_iter().map(group).collect()
}

/// The items of a group that may be planned now, oldest first: not those whose lower version is in a plan.
pub(crate) async fn candidates(
    tx: &mut PgConnection,
    group: &Group,
    at: Timestamp,
    limit: usize,
) -> Result<Vec<Ready>, sqlx::Error> {
    let rows: Vec<ReadyRow> = sqlx::query_as(
        "select prefiled, checked, item, data_version, submission, source_system, scope_version, event_type, reception,
           bytes, decided_at from items i
         where state = 'ready' and uscc = $1 and year = $2 and retention = $3 and retry_at <= $4
           and not exists (select 1 from items o where o.item = i.item and o.state = 'planned')
         order by decided_at, prefiled limit $5",
    )
    .bind(group.unit.as_str())
    .bind(i32::from(group.year))
    .bind(group.retention.code())
    .bind(at.millis())
    .bind(limit as i64)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Ready::try_from).collect()
}

/// Holds those that are still ready until the transaction ends; passes by those that somebody else holds.
pub(crate) async fn hold(
    tx: &mut PgConnection,
    wanted: &[EventHash],
) -> Result<HashSet<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select prefiled from items where prefiled = any($1) and state = 'ready' for update skip locked",
    )
    .bind(raw(wanted))
    .fetch_all(tx)
    .await?;
    rows.iter().map(|h| read(EventHash::from_slice(h))).collect()
}

/// Puts items into a plan.
pub(crate) async fn plan(
    tx: &mut PgConnection,
    items: &[EventHash],
    pack: PackNumber,
) -> Result<(), sqlx::Error> {
    sqlx::query("update items set state = 'planned', pack = $2 where prefiled = any($1)")
        .bind(raw(items))
        .bind(signed(pack.get()))
        .execute(tx)
        .await
        .map(drop)
}

/// Which submissions are planned for a pack and not filed.
pub(crate) async fn planned_in(
    tx: &mut PgConnection,
    pack: PackNumber,
) -> Result<HashSet<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select prefiled from items where pack = $1 and state = 'planned'")
            .bind(signed(pack.get()))
            .fetch_all(tx)
            .await?;
    rows.iter().map(|h| read(EventHash::from_slice(h))).collect()
}

/// Takes the items of a cancelled plan out of it.
pub(crate) async fn unplan(tx: &mut PgConnection, pack: PackNumber) -> Result<(), sqlx::Error> {
    sqlx::query("update items set state = 'ready', pack = null where pack = $1 and state = 'planned'")
        .bind(signed(pack.get()))
        .execute(tx)
        .await
        .map(drop)
}

/// Files the items of a plan, each with its event; gives the verdict that each passed by.
pub(crate) async fn file(
    tx: &mut PgConnection,
    filed: &[(EventHash, EventHash)],
) -> Result<Vec<EventHash>, sqlx::Error> {
    let (prefiled, events): (Vec<EventHash>, Vec<EventHash>) = filed.iter().copied().unzip();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "update items i set state = 'filed', outcome = f.event
         from unnest($1::bytea[], $2::bytea[]) as f (prefiled, event)
         where i.prefiled = f.prefiled and i.state = 'planned' returning i.checked",
    )
    .bind(raw(&prefiled))
    .bind(raw(&events))
    .fetch_all(tx)
    .await?;
    rows.iter().map(|h| read(EventHash::from_slice(h))).collect()
}

/// Lets an item that cannot be planned now wait: 1 s, 2 s, 4 s … at most 5 minutes.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    prefiled: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update items set tries = tries + 1, retry_at = $2 + least(300000, 1000 * (1 << least(tries, 9)))
         where prefiled = $1",
    )
    .bind(prefiled.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}
