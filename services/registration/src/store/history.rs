//! What is asked about items and about the whole: reads only.

use dengbei_records::{DataVersion, EventHash, ItemId, PackNumber, Sha256};
use sqlx::{FromRow, PgConnection};

use super::items::{Standing, version};
use super::{read, signed};

/// What registration knows of one submission.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) data_version: DataVersion,
    pub(crate) standing: Standing,
    pub(crate) failed: Vec<String>,
    pub(crate) report: Option<Sha256>,
}

#[derive(FromRow)]
struct KnownRow {
    data_version: i32,
    state: String,
    failed: Vec<String>,
    report: Option<Vec<u8>>,
}

impl TryFrom<KnownRow> for Known {
    type Error = sqlx::Error;
    fn try_from(row: KnownRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            data_version: read(version(row.data_version))?,
            standing: Standing::from_name(&row.state)?,
            failed: row.failed,
            report: row.report.map(|d| read(Sha256::from_slice(&d))).transpose()?,
        })
    }
}

/// Every submission of an item, newest first.
pub(crate) async fn submissions(tx: &mut PgConnection, item: ItemId) -> Result<Vec<Known>, sqlx::Error> {
    let rows: Vec<KnownRow> = sqlx::query_as(
        "select data_version, state, failed, report from items where item = $1
         order by data_version desc, received_at desc, prefiled",
    )
    .bind(item.uuid())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// The verdict that let a submission pass, and the `batch.filed` of its pack.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) checked: EventHash,
    pub(crate) batch: EventHash,
}

/// What a receipt for a filed version rests on; `None` until its batch is committed.
pub(crate) async fn proof(
    tx: &mut PgConnection,
    prefiled: EventHash,
    pack: PackNumber,
) -> Result<Option<Proof>, sqlx::Error> {
    let row: Option<(Option<Vec<u8>>, Vec<u8>)> = sqlx::query_as(
        "select i.checked, p.event from items i, packs p where i.prefiled = $1 and p.pack = $2",
    )
    .bind(prefiled.as_bytes().as_slice())
    .bind(signed(pack.get()))
    .fetch_optional(tx)
    .await?;
    let Some((Some(checked), batch)) = row else { return Ok(None) };
    Ok(Some(Proof {
        checked: read(EventHash::from_slice(&checked))?,
        batch: read(EventHash::from_slice(&batch))?,
    }))
}

/// The first and the last archival code of a pack.
pub(crate) async fn first_and_last_code(
    tx: &mut PgConnection,
    pack: PackNumber,
) -> Result<(String, String), sqlx::Error> {
    let row: (Option<String>, Option<String>) =
        sqlx::query_as("select min(archival_code), max(archival_code) from pack_items where pack = $1")
            .bind(signed(pack.get()))
            .fetch_one(tx)
            .await?;
    Ok((row.0.unwrap_or_default(), row.1.unwrap_or_default()))
}

/// What waits, for console and metrics: small partial indexes, however much is filed.
#[derive(Debug, Clone, Copy, Default, FromRow)]
pub(crate) struct Counts {
    pub(crate) undecided: i64,
    pub(crate) ready: i64,
    pub(crate) open_plans: i64,
    pub(crate) oldest_ready: i64,
    /// Plans that failed at least once, of documents too.
    pub(crate) troubled_plans: i64,
    /// Items that could not be planned at least once.
    pub(crate) put_off: i64,
    /// When the oldest that is neither filed nor returned was received; 0: there is none.
    pub(crate) oldest_unfiled: i64,
}

/// Counts what waits.
pub(crate) async fn counts(tx: &mut PgConnection) -> Result<Counts, sqlx::Error> {
    sqlx::query_as(
        "select
           (select count(*) from items where state = 'prefiled') as undecided,
           (select count(*) from items where state = 'ready') as ready,
           (select count(*) from plans where state = 'open') as open_plans,
           (select coalesce(min(decided_at), 0) from items where state = 'ready') as oldest_ready,
           (select count(*) from plans where state = 'open' and tries > 0)
             + (select count(*) from document_packs where state = 'open' and tries > 0) as troubled_plans,
           (select count(*) from items where state = 'ready' and tries > 0) as put_off,
           (select coalesce(least(
              (select min(received_at) from items where state = 'prefiled'),
              (select min(received_at) from items where state = 'ready'),
              (select min(received_at) from items where state = 'planned'),
              (select min(received_at) from items where state in ('failing', 'superseding'))), 0)) as oldest_unfiled",
    )
    .fetch_one(tx)
    .await
}

/// What is done. Filed versions are counted by their packs.
#[derive(Debug, Clone, Copy, Default, FromRow)]
pub(crate) struct Totals {
    pub(crate) filed: i64,
    pub(crate) returned: i64,
    pub(crate) packs: i64,
    pub(crate) matters: i64,
}

/// Counts what is done.
pub(crate) async fn totals(tx: &mut PgConnection) -> Result<Totals, sqlx::Error> {
    sqlx::query_as(
        "select
           (select coalesce(sum(count), 0)::bigint from packs) as filed,
           (select count(*) from items where state in ('failing', 'returned')) as returned,
           (select count(*) from packs) as packs,
           (select count(*) from matters) as matters",
    )
    .fetch_one(tx)
    .await
}
