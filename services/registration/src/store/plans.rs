//! Plans: what a pack will hold, frozen. A plan is always finished.

use bytes::Bytes;
use dengbei_chain::facts::{Fact, ItemFiled};
use dengbei_chain::{DocumentRef, Event};
use dengbei_records::{EventHash, FondsNo, PackNumber, Sha256, Sha512, Timestamp, canonical};
use sqlx::{FromRow, PgConnection};

use super::ready::Group;
use super::{corrupt, raw, read, signed, unsigned};

/// What a pack has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanHead {
    pub(crate) pack: PackNumber,
    pub(crate) fonds: FondsNo,
    pub(crate) group: Group,
    /// Version time of everything in the pack.
    pub(crate) created: Timestamp,
    /// Digest of the member list.
    pub(crate) members: Sha256,
}

/// One item of a plan: everything about it but the staged bytes.
#[derive(Debug, Clone)]
pub(crate) struct PlannedItem {
    pub(crate) prefiled: EventHash,
    /// `record.json`.
    pub(crate) record: Bytes,
    /// The staged `reception.json`.
    pub(crate) reception: (Sha512, u64),
    /// `item.filed` as it will be stated.
    pub(crate) event: Event,
    pub(crate) filed: ItemFiled,
}

/// A plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) head: PlanHead,
    pub(crate) items: Vec<PlannedItem>,
}

impl Plan {
    /// The reference to the member list that lies in the pack.
    pub(crate) fn members(&self, body: &[u8]) -> DocumentRef {
        DocumentRef::to(body, dengbei_chain::MEMBERS)
    }

    pub(crate) fn hashes(&self) -> Vec<EventHash> {
        self.items.iter().map(|i| i.event.hash).collect()
    }
}

#[derive(FromRow)]
struct HeadRow {
    pack: i64,
    fonds_no: String,
    uscc: String,
    year: i32,
    retention: String,
    created: i64,
    members: Vec<u8>,
}

impl TryFrom<HeadRow> for PlanHead {
    type Error = sqlx::Error;
    fn try_from(row: HeadRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            pack: PackNumber::new(unsigned(row.pack)),
            fonds: read(row.fonds_no.parse())?,
            group: Group {
                unit: read(row.uscc.parse())?,
                year: u16::try_from(row.year).map_err(corrupt)?,
                retention: super::matters::retention(&row.retention)?,
            },
            created: Timestamp::from_millis(row.created),
            members: read(Sha256::from_slice(&row.members))?,
        })
    }
}

#[derive(FromRow)]
struct ItemRow {
    prefiled: Vec<u8>,
    record: Vec<u8>,
    reception_sha512: Vec<u8>,
    reception_bytes: i64,
    event: Vec<u8>,
}

impl TryFrom<ItemRow> for PlannedItem {
    type Error = sqlx::Error;
    fn try_from(row: ItemRow) -> Result<Self, sqlx::Error> {
        let event = Event::read(row.event.into()).map_err(corrupt)?;
        let Some(Fact::ItemFiled(filed)) = event.fact.clone() else {
            return Err(corrupt("the planned event is no item.filed"));
        };
        Ok(Self {
            prefiled: read(EventHash::from_slice(&row.prefiled))?,
            record: row.record.into(),
            reception: (read(Sha512::from_slice(&row.reception_sha512))?, unsigned(row.reception_bytes)),
            event,
            filed,
        })
    }
}

/// Stores a plan.
pub(crate) async fn insert(tx: &mut PgConnection, plan: &Plan) -> Result<(), sqlx::Error> {
    let head = &plan.head;
    sqlx::query(
        "insert into plans (pack, state, fonds_no, uscc, year, retention, created, members)
         values ($1, 'open', $2, $3, $4, $5, $6, $7)",
    )
    .bind(signed(head.pack.get()))
    .bind(head.fonds.as_str())
    .bind(head.group.unit.as_str())
    .bind(i32::from(head.group.year))
    .bind(head.group.retention.code())
    .bind(head.created.millis())
    .bind(head.members.as_bytes().as_slice())
    .execute(&mut *tx)
    .await?;
    insert_items(tx, plan).await
}

async fn insert_items(tx: &mut PgConnection, plan: &Plan) -> Result<(), sqlx::Error> {
    let items = &plan.items;
    let prefiled: Vec<EventHash> = items.iter().map(|i| i.prefiled).collect();
    sqlx::query(
        "insert into plan_items (pack, ordinal, prefiled, record, reception_sha512, reception_bytes, event)
         select $1, o - 1, p, r, s, b, e
         from unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[])
           with ordinality as t (p, r, s, b, e, o)",
    )
    .bind(signed(plan.head.pack.get()))
    .bind(raw(&prefiled))
    .bind(items.iter().map(|i| i.record.to_vec()).collect::<Vec<_>>())
    .bind(items.iter().map(|i| i.reception.0.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(items.iter().map(|i| signed(i.reception.1)).collect::<Vec<_>>())
    .bind(items.iter().map(|i| i.event.bytes.to_vec()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// The open plans that may be worked on now, lowest number first.
pub(crate) async fn open(
    tx: &mut PgConnection,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<PackNumber>, sqlx::Error> {
    let packs: Vec<i64> = sqlx::query_scalar(
        "select pack from plans where state = 'open' and retry_at <= $1 order by pack limit $2",
    )
    .bind(at.millis())
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(packs.into_iter().map(|p| PackNumber::new(unsigned(p))).collect())
}

/// An open plan; `None` when it is finished or cancelled.
pub(crate) async fn load(tx: &mut PgConnection, pack: PackNumber) -> Result<Option<Plan>, sqlx::Error> {
    let head: Option<HeadRow> = sqlx::query_as(
        "select pack, fonds_no, uscc, year, retention, created, members from plans where pack = $1 and state = 'open'",
    )
    .bind(signed(pack.get()))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let rows: Vec<ItemRow> = sqlx::query_as(
        "select prefiled, record, reception_sha512, reception_bytes, event from plan_items where pack = $1 order by ordinal",
    )
    .bind(signed(pack.get()))
    .fetch_all(tx)
    .await?;
    let items = rows.into_iter().map(PlannedItem::try_from).collect::<Result<_, _>>()?;
    Ok(Some(Plan { head: head.try_into()?, items }))
}

/// Whether a plan is open.
pub(crate) async fn is_open(tx: &mut PgConnection, pack: PackNumber) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from plans where pack = $1 and state = 'open')")
        .bind(signed(pack.get()))
        .fetch_one(tx)
        .await
}

/// Ends a plan: true when it was open until now. What was frozen is in the pack from now on.
pub(crate) async fn end(tx: &mut PgConnection, pack: PackNumber, state: End) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("update plans set state = $2, trouble = '' where pack = $1 and state = 'open'")
        .bind(signed(pack.get()))
        .bind(state.name())
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let forget = sqlx::query("delete from plan_items where pack = $1").bind(signed(pack.get()));
    forget.execute(tx).await?;
    Ok(true)
}

/// How a plan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its pack is committed.
    Committed,
    /// Its items were filed otherwise in another life of this database.
    Cancelled,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Lets a plan that cannot be finished now wait: 1 s, 2 s, 4 s … at most 5 minutes. Never given up.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    pack: PackNumber,
    at: Timestamp,
    trouble: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update plans set tries = tries + 1, retry_at = $2 + least(300000, 1000 * (1 << least(tries, 9))), trouble = $3
         where pack = $1",
    )
    .bind(signed(pack.get()))
    .bind(at.millis())
    .bind(trouble)
    .execute(tx)
    .await
    .map(drop)
}

/// The open plan that holds a submission.
pub(crate) async fn holding(
    tx: &mut PgConnection,
    prefiled: EventHash,
) -> Result<Option<PackNumber>, sqlx::Error> {
    let pack: Option<i64> = sqlx::query_scalar(
        "select i.pack from plan_items i join plans p on p.pack = i.pack where i.prefiled = $1 and p.state = 'open'",
    )
    .bind(prefiled.as_bytes().as_slice())
    .fetch_optional(tx)
    .await?;
    Ok(pack.map(|p| PackNumber::new(unsigned(p))))
}

/// A record as it was frozen.
pub(crate) fn record(item: &PlannedItem) -> Result<dengbei_records::Record, sqlx::Error> {
    read(canonical::from_slice(&item.record))
}
