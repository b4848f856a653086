//! What a transfer holds: the items of its packs, in the order of packs, without those that were taken out.

use dengbei_records::{ArchivalCode, DataVersion, EventHash, ItemId, PackNumber, SerialNo, Sha256};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::store::items::version;
use crate::store::packs::Stored;
use crate::store::{raw, read, signed, unsigned};

/// An item of a transfer: one filed version.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Where it lies.
    pub(crate) stored: Stored,
    pub(crate) data_version: DataVersion,
    /// SHA-256 of `record.json`.
    pub(crate) record: Sha256,
}

impl Member {
    /// Its `item.filed`.
    pub(crate) const fn filed(&self) -> EventHash {
        self.stored.filed
    }
}

#[derive(FromRow)]
struct MemberRow {
    item: Uuid,
    object_version: i32,
    data_version: i32,
    pack: i64,
    prefiled: Vec<u8>,
    archival_code: String,
    filed: Vec<u8>,
    record: Vec<u8>,
    inventory: Vec<u8>,
    created: i64,
    start: Option<i64>,
    length: Option<i64>,
}

impl TryFrom<MemberRow> for Member {
    type Error = sqlx::Error;
    fn try_from(row: MemberRow) -> Result<Self, sqlx::Error> {
        let range =
            row.start.zip(row.length).map(|(start, length)| unsigned(start)..unsigned(start + length));
        let stored = Stored {
            item: read(row.item.try_into())?,
            object_version: row.object_version as u32,
            data_version: row.data_version as u32,
            pack: PackNumber::new(unsigned(row.pack)),
            prefiled: read(EventHash::from_slice(&row.prefiled))?,
            archival_code: read(row.archival_code.parse())?,
            filed: read(EventHash::from_slice(&row.filed))?,
            inventory: read(dengbei_records::Sha512::from_slice(&row.inventory))?,
            created: dengbei_records::Timestamp::from_millis(row.created),
            range,
        };
        let data_version = read(version(row.data_version))?;
        Ok(Self { stored, data_version, record: read(Sha256::from_slice(&row.record))? })
    }
}

/// What a transfer holds now.
pub(crate) async fn of(tx: &mut PgConnection, number: &SerialNo) -> Result<Vec<Member>, sqlx::Error> {
    let rows: Vec<MemberRow> = sqlx::query_as(
        "select i.item, i.object_version, i.data_version, i.pack, i.prefiled, i.archival_code, i.filed, i.record,
           i.inventory, i.created, i.start, i.length
         from transfer_packs p join pack_items i on i.pack = p.pack
         where p.transfer_no = $1 and not exists (select 1 from transfer_unfit u
           where u.transfer_no = $1 and u.filed = i.filed and u.side <> 'storing')
         order by i.pack, i.ordinal",
    )
    .bind(number.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Every item of these packs.
pub(crate) async fn of_packs(
    tx: &mut PgConnection,
    packs: &[PackNumber],
) -> Result<Vec<Member>, sqlx::Error> {
    let rows: Vec<MemberRow> = sqlx::query_as(
        "select item, object_version, data_version, pack, prefiled, archival_code, filed, record, inventory, created,
           start, length from pack_items where pack = any($1) order by pack, ordinal",
    )
    .bind(packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// The items of some packs: those that can be handed over, and those that are in the archive or in a live transfer.
#[derive(Debug, Default)]
pub(crate) struct Free {
    pub(crate) free: Vec<Member>,
    pub(crate) elsewhere: Vec<Member>,
}

#[derive(FromRow)]
struct FreeRow {
    is_free: bool,
    #[sqlx(flatten)]
    member: MemberRow,
}

/// Which items of these packs are free to be handed over.
pub(crate) async fn free(tx: &mut PgConnection, packs: &[PackNumber]) -> Result<Free, sqlx::Error> {
    let rows: Vec<FreeRow> = sqlx::query_as(
        "select i.item, i.object_version, i.data_version, i.pack, i.prefiled, i.archival_code, i.filed, i.record,
           i.inventory, i.created, i.start, i.length,
           not exists (select 1 from transfer_packs p join transfers t on t.transfer_no = p.transfer_no
             where p.pack = i.pack and t.state <> 'rejected'
               and not exists (select 1 from transfer_unfit u where u.transfer_no = t.transfer_no
                 and u.filed = i.filed and u.side <> 'storing')) as is_free
         from pack_items i where i.pack = any($1) order by i.pack, i.ordinal",
    )
    .bind(packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let mut found = Free::default();
    for FreeRow { is_free, member } in rows {
        let into = if is_free { &mut found.free } else { &mut found.elsewhere };
        into.push(member.try_into()?);
    }
    Ok(found)
}

/// Why an item is not, or not soundly, in a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) filed: EventHash,
    pub(crate) item: ItemId,
    pub(crate) archival_code: ArchivalCode,
    /// `elsewhere`, `unit`, `archive`, `storing`.
    pub(crate) side: String,
    pub(crate) failed: Vec<String>,
    pub(crate) remedy: String,
}

/// Notes what is not, or not soundly, in a transfer; what is noted already stays.
pub(crate) async fn take_out(
    tx: &mut PgConnection,
    number: &SerialNo,
    unfit: &[Unfit],
) -> Result<(), sqlx::Error> {
    let filed: Vec<EventHash> = unfit.iter().map(|u| u.filed).collect();
    // Lists of lists do not unnest: check ids hold no comma.
    let failed: Vec<String> = unfit.iter().map(|u| u.failed.join(",")).collect();
    sqlx::query(
        "insert into transfer_unfit (transfer_no, filed, item, archival_code, side, failed, remedy)
         select $1, f, i, a, s, case c when '' then '{}' else string_to_array(c, ',') end, r
         from unnest($2::bytea[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) as u (f, i, a, s, c, r)
         on conflict on constraint transfer_unfit_once do nothing",
    )
    .bind(number.to_string())
    .bind(raw(&filed))
    .bind(unfit.iter().map(|u| u.item.uuid()).collect::<Vec<_>>())
    .bind(unfit.iter().map(|u| u.archival_code.to_string()).collect::<Vec<_>>())
    .bind(unfit.iter().map(|u| u.side.clone()).collect::<Vec<_>>())
    .bind(failed)
    .bind(unfit.iter().map(|u| u.remedy.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(drop)
}

/// Forgets what was in trouble when it was stored: it was checked again.
pub(crate) async fn clear_storing(tx: &mut PgConnection, number: &SerialNo) -> Result<(), sqlx::Error> {
    sqlx::query("delete from transfer_unfit where transfer_no = $1 and side = 'storing'")
        .bind(number.to_string())
        .execute(tx)
        .await
        .map(drop)
}

#[derive(FromRow)]
struct UnfitRow {
    filed: Vec<u8>,
    item: Uuid,
    archival_code: String,
    side: String,
    failed: Vec<String>,
    remedy: String,
}

impl TryFrom<UnfitRow> for Unfit {
    type Error = sqlx::Error;
    fn try_from(row: UnfitRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            filed: read(EventHash::from_slice(&row.filed))?,
            item: read(row.item.try_into())?,
            archival_code: read(row.archival_code.parse())?,
            side: row.side,
            failed: row.failed,
            remedy: row.remedy,
        })
    }
}

/// What was found unfit, in the order of codes. What was elsewhere when it was packed is not told: nothing is wrong
/// with it.
pub(crate) async fn unfit(tx: &mut PgConnection, number: &SerialNo) -> Result<Vec<Unfit>, sqlx::Error> {
    let rows: Vec<UnfitRow> = sqlx::query_as(
        "select filed, item, archival_code, side, failed, remedy from transfer_unfit
         where transfer_no = $1 and side <> 'elsewhere' order by archival_code, filed",
    )
    .bind(number.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Unfit::try_from).collect()
}

/// Whether a version of the item is in the archive (已进馆).
pub(crate) async fn is_accessioned(tx: &mut PgConnection, item: ItemId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select 1 from pack_items i join transfer_packs p on p.pack = i.pack
           join transfers t on t.transfer_no = p.transfer_no
         where i.item = $1 and t.state = 'accessioned' and not exists (select 1 from transfer_unfit u
           where u.transfer_no = t.transfer_no and u.filed = i.filed and u.side <> 'storing'))",
    )
    .bind(item.uuid())
    .fetch_one(tx)
    .await
}
