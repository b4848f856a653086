//! Committed packs (存储包) and where each filed version lies in them.

use std::ops::Range;

use dengbei_chain::facts::{BatchFiled, ItemFiled};
use dengbei_records::{ArchivalCode, EventHash, ItemId, PackNumber, Sha256, Sha512, Timestamp};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{raw, read, signed, unsigned};

/// What registration needs of a pack beside its event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    /// Files of its items; `None`: not counted yet.
    pub(crate) files: Option<u64>,
    /// `item.checked` of its items, each once.
    pub(crate) checks: Vec<EventHash>,
}

/// Stores a committed pack.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    batch: &BatchFiled,
    contents: &Contents,
    event: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into packs (pack, generation, fonds_no, year, retention, count, root, digest, bytes, versions_root, members,
           event, committed_at, uscc, files, checks)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(signed(batch.pack.get()))
    .bind(batch.generation as i32)
    .bind(batch.fonds_no.as_str())
    .bind(i32::from(batch.year))
    .bind(batch.retention.code())
    .bind(batch.count as i32)
    .bind(batch.root.as_bytes().as_slice())
    .bind(batch.pack_digest.as_bytes().as_slice())
    .bind(signed(batch.pack_bytes))
    .bind(batch.versions_root.as_bytes().as_slice())
    .bind(batch.members.digest.as_bytes().as_slice())
    .bind(event.as_bytes().as_slice())
    .bind(at.millis())
    .bind(batch.unit_uscc.as_str())
    .bind(contents.files.map(signed))
    .bind(raw(&contents.checks))
    .execute(tx)
    .await
    .map(drop)
}

/// The digest of a committed pack.
pub(crate) async fn digest(tx: &mut PgConnection, pack: PackNumber) -> Result<Option<Sha256>, sqlx::Error> {
    let digest: Option<Vec<u8>> = sqlx::query_scalar("select digest from packs where pack = $1")
        .bind(signed(pack.get()))
        .fetch_optional(tx)
        .await?;
    digest.map(|d| read(Sha256::from_slice(&d))).transpose()
}

/// A filed version of an item, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Filed<'a> {
    pub(crate) prefiled: EventHash,
    pub(crate) event: EventHash,
    pub(crate) fact: &'a ItemFiled,
    pub(crate) ordinal: usize,
    pub(crate) created: Timestamp,
    /// Bytes of the pack; `None` until its batch is known.
    pub(crate) range: Option<Range<u64>>,
}

/// Stores filed versions; what is there already keeps what it has and gets the range.
pub(crate) async fn insert_items(tx: &mut PgConnection, filed: &[Filed<'_>]) -> Result<(), sqlx::Error> {
    let facts = || filed.iter().map(|f| f.fact);
    let prefiled: Vec<EventHash> = filed.iter().map(|f| f.prefiled).collect();
    let events: Vec<EventHash> = filed.iter().map(|f| f.event).collect();
    let start = |f: &Filed<'_>| f.range.as_ref().map(|r| signed(r.start));
    let length = |f: &Filed<'_>| f.range.as_ref().map(|r| signed(r.end - r.start));
    sqlx::query(
        "insert into pack_items (item, object_version, data_version, pack, ordinal, prefiled, archival_code, filed, record,
           inventory, created, start, length)
         select * from unnest($1::uuid[], $2::integer[], $3::integer[], $4::bigint[], $5::integer[], $6::bytea[], $7::text[],
           $8::bytea[], $9::bytea[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[])
         on conflict on constraint pack_items_filed_once do update set ordinal = excluded.ordinal,
           start = coalesce(excluded.start, pack_items.start), length = coalesce(excluded.length, pack_items.length)",
    )
    .bind(facts().map(|f| f.item.uuid()).collect::<Vec<_>>())
    .bind(facts().map(|f| f.object_version as i32).collect::<Vec<_>>())
    .bind(facts().map(|f| f.data_version.get() as i32).collect::<Vec<_>>())
    .bind(facts().map(|f| signed(f.pack.get())).collect::<Vec<_>>())
    .bind(filed.iter().map(|f| f.ordinal as i32).collect::<Vec<_>>())
    .bind(raw(&prefiled))
    .bind(facts().map(|f| f.archival_code.to_string()).collect::<Vec<_>>())
    .bind(raw(&events))
    .bind(facts().map(|f| f.record.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(facts().map(|f| f.inventory.as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(filed.iter().map(|f| f.created.millis()).collect::<Vec<_>>())
    .bind(filed.iter().map(start).collect::<Vec<_>>())
    .bind(filed.iter().map(length).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// Where a filed version was found in its pack.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) event: EventHash,
    pub(crate) ordinal: usize,
    pub(crate) created: Timestamp,
    pub(crate) range: Range<u64>,
}

/// Notes where versions lie, as the pack's catalogue says.
pub(crate) async fn locate(tx: &mut PgConnection, places: &[Place]) -> Result<(), sqlx::Error> {
    let events: Vec<EventHash> = places.iter().map(|p| p.event).collect();
    sqlx::query(
        "update pack_items i set ordinal = p.o, created = p.c, start = p.s, length = p.l
         from unnest($1::bytea[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[]) as p (e, o, c, s, l)
         where i.filed = p.e",
    )
    .bind(raw(&events))
    .bind(places.iter().map(|p| p.ordinal as i32).collect::<Vec<_>>())
    .bind(places.iter().map(|p| p.created.millis()).collect::<Vec<_>>())
    .bind(places.iter().map(|p| signed(p.range.start)).collect::<Vec<_>>())
    .bind(places.iter().map(|p| signed(p.range.end - p.range.start)).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// A filed version that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) item: ItemId,
    pub(crate) object_version: u32,
    pub(crate) data_version: u32,
    pub(crate) pack: PackNumber,
    pub(crate) prefiled: EventHash,
    pub(crate) archival_code: ArchivalCode,
    pub(crate) filed: EventHash,
    pub(crate) inventory: Sha512,
    pub(crate) created: Timestamp,
    pub(crate) range: Option<Range<u64>>,
}

#[derive(FromRow)]
struct StoredRow {
    item: Uuid,
    object_version: i32,
    data_version: i32,
    pack: i64,
    prefiled: Vec<u8>,
    archival_code: String,
    filed: Vec<u8>,
    inventory: Vec<u8>,
    created: i64,
    start: Option<i64>,
    length: Option<i64>,
}

impl TryFrom<StoredRow> for Stored {
    type Error = sqlx::Error;
    fn try_from(row: StoredRow) -> Result<Self, sqlx::Error> {
        let range =
            row.start.zip(row.length).map(|(start, length)| unsigned(start)..unsigned(start + length));
        Ok(Self {
            item: read(row.item.try_into())?,
            object_version: row.object_version as u32,
            data_version: row.data_version as u32,
            pack: PackNumber::new(unsigned(row.pack)),
            prefiled: read(EventHash::from_slice(&row.prefiled))?,
            archival_code: read(row.archival_code.parse())?,
            filed: read(EventHash::from_slice(&row.filed))?,
            inventory: read(Sha512::from_slice(&row.inventory))?,
            created: Timestamp::from_millis(row.created),
            range,
        })
    }
}

/// Every filed version of these items, oldest first.
pub(crate) async fn versions(tx: &mut PgConnection, items: &[ItemId]) -> Result<Vec<Stored>, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|i| i.uuid()).collect();
    let rows: Vec<StoredRow> = sqlx::query_as(
        "select item, object_version, data_version, pack, prefiled, archival_code, filed, inventory, created, start, length
         from pack_items where item = any($1) order by item, object_version",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// Which of these `item.filed` events are in the state already.
pub(crate) async fn known(
    tx: &mut PgConnection,
    events: &[EventHash],
) -> Result<std::collections::HashSet<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select filed from pack_items where filed = any($1)")
        .bind(raw(events))
        .fetch_all(tx)
        .await?;
    rows.iter().map(|h| read(EventHash::from_slice(h))).collect()
}

/// The item and version of these `item.filed` events that say they lie in `pack`.
pub(crate) async fn of_pack(tx: &mut PgConnection, pack: PackNumber) -> Result<Vec<Stored>, sqlx::Error> {
    let rows: Vec<StoredRow> = sqlx::query_as(
        "select item, object_version, data_version, pack, prefiled, archival_code, filed, inventory, created, start, length
         from pack_items where pack = $1 order by ordinal",
    )
    .bind(signed(pack.get()))
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Stored::try_from).collect()
}
