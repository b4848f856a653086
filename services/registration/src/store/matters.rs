//! Matters (事项) and fonds (全宗).

use dengbei_records::{EventHash, FondsNo, Matter, MatterCode, Retention, Timestamp, UnitCode, canonical};
use sqlx::PgConnection;

use super::{corrupt, read};

/// The content of a published version, canonical JSON.
pub(crate) async fn content(
    tx: &mut PgConnection,
    matter: &MatterCode,
    scope_version: &str,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("select content from matters where matter_code = $1 and scope_version = $2")
        .bind(matter.as_str())
        .bind(scope_version)
        .fetch_optional(tx)
        .await
}

/// Stores a published version.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    matter: &Matter,
    event: EventHash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into matters (matter_code, scope_version, uscc, in_force_from, content, event, published_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(matter.matter_code.as_str())
    .bind(&matter.scope_version)
    .bind(matter.unit_uscc.as_str())
    .bind(&matter.in_force_from)
    .bind(canonical::to_vec(matter).map_err(corrupt)?)
    .bind(event.as_bytes().as_slice())
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// A unit's fonds.
pub(crate) async fn fonds(tx: &mut PgConnection, unit: &UnitCode) -> Result<Option<FondsNo>, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar("select fonds_no from fonds where uscc = $1")
        .bind(unit.as_str())
        .fetch_optional(tx)
        .await?;
    found.map(|text| read(text.parse())).transpose()
}

/// A unit's name and fonds.
pub(crate) async fn unit(
    tx: &mut PgConnection,
    unit: &UnitCode,
) -> Result<Option<(String, FondsNo)>, sqlx::Error> {
    let found: Option<(String, String)> =
        sqlx::query_as("select unit_name, fonds_no from fonds where uscc = $1")
            .bind(unit.as_str())
            .fetch_optional(tx)
            .await?;
    found.map(|(name, fonds)| Ok((name, read(fonds.parse())?))).transpose()
}

/// Gives a unit its fonds; the same again is harmless.
pub(crate) async fn give_fonds(
    tx: &mut PgConnection,
    fonds: &FondsNo,
    matter: &Matter,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into fonds (fonds_no, uscc, unit_name, given_at) select $1, $2, $3, $4
         where not exists (select 1 from fonds where fonds_no = $1 and uscc = $2)",
    )
    .bind(fonds.as_str())
    .bind(matter.unit_uscc.as_str())
    .bind(&matter.unit_name)
    .bind(at.millis())
    .execute(tx)
    .await
    .map(drop)
}

/// All units that have a fonds.
pub(crate) async fn units(tx: &mut PgConnection) -> Result<Vec<UnitCode>, sqlx::Error> {
    let all: Vec<String> = sqlx::query_scalar("select uscc from fonds order by uscc").fetch_all(tx).await?;
    all.into_iter().map(|text| read(text.parse())).collect()
}

/// Makes publishing one at a time: fonds numbers and conflicts are decided in one order.
pub(crate) async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('registration.publish')::bigint)")
        .execute(tx)
        .await
        .map(drop)
}

/// A retention as stored.
pub(crate) fn retention(code: &str) -> Result<Retention, sqlx::Error> {
    read(Retention::from_source(code))
}
