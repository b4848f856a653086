//! Packs under a certificate: what may be handed over, and what was already.

use dengbei_records::{EventHash, FondsNo, PackNumber, Retention, SerialNo, Sha256, Timestamp, UnitCode};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::Certificate;
use crate::store::{read, signed, unsigned};

/// A pack under a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertifiedPack {
    pub(crate) pack: PackNumber,
    pub(crate) certificate: Certificate,
    pub(crate) unit: UnitCode,
    pub(crate) fonds: FondsNo,
    pub(crate) year: u16,
    pub(crate) retention: Retention,
    pub(crate) certified_at: Timestamp,
}

#[derive(FromRow)]
struct Row {
    pack: i64,
    batch: Uuid,
    certificate_no: String,
    event: Vec<u8>,
    uscc: String,
    fonds_no: String,
    year: i32,
    retention: String,
    certified_at: i64,
}

impl TryFrom<Row> for CertifiedPack {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let event = read(EventHash::from_slice(&row.event))?;
        Ok(Self {
            pack: PackNumber::new(unsigned(row.pack)),
            certificate: Certificate { event, number: read(row.certificate_no.parse())?, batch: row.batch },
            unit: read(row.uscc.parse())?,
            fonds: read(row.fonds_no.parse())?,
            year: row.year as u16,
            retention: crate::store::matters::retention(&row.retention)?,
            certified_at: Timestamp::from_millis(row.certified_at),
        })
    }
}

/// Notes the packs that a certificate covers; what is known stays. Retention and year are those of the packs.
pub(crate) async fn note(
    tx: &mut PgConnection,
    certificate: &Certificate,
    unit: &UnitCode,
    packs: &[PackNumber],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into certified_packs (pack, batch, certificate_no, event, uscc, fonds_no, year, retention, certified_at, taken)
         select p.pack, $1, $2, $3, $4, p.fonds_no, p.year, p.retention, $6,
           exists (select 1 from transfer_packs t where t.pack = p.pack)
         from packs p where p.pack = any($5)
         on conflict on constraint certified_packs_pkey do nothing",
    )
    .bind(certificate.batch)
    .bind(certificate.number.to_string())
    .bind(certificate.event.as_bytes().as_slice())
    .bind(unit.as_str())
    .bind(packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// The units that have packs of these retentions which were never in a transfer.
pub(crate) async fn units_waiting(
    tx: &mut PgConnection,
    retentions: &[Retention],
) -> Result<Vec<UnitCode>, sqlx::Error> {
    let units: Vec<String> = sqlx::query_scalar(
        "select distinct uscc from certified_packs where not taken and retention = any($1) order by uscc",
    )
    .bind(codes(retentions))
    .fetch_all(tx)
    .await?;
    units.iter().map(|u| read(u.parse())).collect()
}

fn codes(retentions: &[Retention]) -> Vec<&'static str> {
    retentions.iter().map(|r| r.code()).collect()
}

/// A unit's packs of these retentions that were never in a transfer, oldest certificate first.
pub(crate) async fn waiting(
    tx: &mut PgConnection,
    unit: &UnitCode,
    retentions: &[Retention],
    limit: i64,
) -> Result<Vec<CertifiedPack>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select pack, batch, certificate_no, event, uscc, fonds_no, year, retention, certified_at from certified_packs
         where not taken and uscc = $1 and retention = any($2) order by certified_at, certificate_no, pack limit $3",
    )
    .bind(unit.as_str())
    .bind(codes(retentions))
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(CertifiedPack::try_from).collect()
}

/// What papers say of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackFacts {
    pub(crate) pack: PackNumber,
    pub(crate) year: u16,
    pub(crate) retention: Retention,
    pub(crate) items: u32,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
}

/// What papers say of these packs, in order.
pub(crate) async fn facts(
    tx: &mut PgConnection,
    packs: &[PackNumber],
) -> Result<Vec<PackFacts>, sqlx::Error> {
    let rows: Vec<(i64, i32, String, i32, Vec<u8>, i64)> = sqlx::query_as(
        "select pack, year, retention, count, digest, bytes from packs where pack = any($1) order by pack",
    )
    .bind(packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let facts = |(pack, year, retention, items, digest, bytes): (i64, i32, String, i32, Vec<u8>, i64)| {
        Ok(PackFacts {
            pack: PackNumber::new(unsigned(pack)),
            year: year as u16,
            retention: crate::store::matters::retention(&retention)?,
            items: items as u32,
            digest: read(Sha256::from_slice(&digest))?,
            bytes: unsigned(bytes),
        })
    };
    rows.into_iter().map(facts).collect()
}

/// The packs of certified registration batches, in order.
pub(crate) async fn of_batches(
    tx: &mut PgConnection,
    batches: &[Uuid],
) -> Result<Vec<CertifiedPack>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select pack, batch, certificate_no, event, uscc, fonds_no, year, retention, certified_at from certified_packs
         where batch = any($1) order by certified_at, certificate_no, pack",
    )
    .bind(batches)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(CertifiedPack::try_from).collect()
}

/// The certificate that an event issued, if it is known.
pub(crate) async fn by_event(
    tx: &mut PgConnection,
    event: EventHash,
) -> Result<Option<Certificate>, sqlx::Error> {
    let row: Option<(String, Uuid)> =
        sqlx::query_as("select certificate_no, batch from certified_packs where event = $1 limit 1")
            .bind(event.as_bytes().as_slice())
            .fetch_optional(tx)
            .await?;
    row.map(|(number, batch)| {
        let number: SerialNo = read(number.parse())?;
        Ok(Certificate { event, number, batch })
    })
    .transpose()
}

/// Which retentions any rule hands over: what no archive takes is never looked at.
pub(crate) async fn retentions(tx: &mut PgConnection) -> Result<Vec<Retention>, sqlx::Error> {
    let contents: Vec<Vec<u8>> =
        sqlx::query_scalar("select distinct on (uscc) content from policies order by uscc, version desc")
            .fetch_all(tx)
            .await?;
    let mut all = dengbei_records::policy::UnitPolicy::default_rule().archive_range;
    for content in contents {
        let policy: dengbei_records::policy::UnitPolicy =
            read(dengbei_records::canonical::from_slice(&content))?;
        all.extend(policy.archive_range);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Notes that these packs are in a transfer.
pub(crate) async fn take(tx: &mut PgConnection, packs: &[PackNumber]) -> Result<(), sqlx::Error> {
    sqlx::query("update certified_packs set taken = true where pack = any($1) and not taken")
        .bind(packs.iter().map(|p| signed(p.get())).collect::<Vec<_>>())
        .execute(tx)
        .await
        .map(drop)
}
