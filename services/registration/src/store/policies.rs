//! Units' rules (单位规则): every version is kept; the newest of the unit holds, else the newest of the area, else the
//! built-in one.

use dengbei_chain::Actor;
use dengbei_records::policy::UnitPolicy;
use dengbei_records::{Timestamp, UnitCode, canonical};
use sqlx::PgConnection;

use super::{corrupt, read};

/// A rule, and whether it is the unit's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) policy: UnitPolicy,
    pub(crate) is_default: bool,
}

/// The rule of a unit.
pub(crate) async fn of(tx: &mut PgConnection, unit: &UnitCode) -> Result<UnitPolicy, sqlx::Error> {
    Ok(standing(tx, Some(unit)).await?.policy)
}

/// The rule that holds for a unit, or for the area where none is named.
pub(crate) async fn standing(
    tx: &mut PgConnection,
    unit: Option<&UnitCode>,
) -> Result<Standing, sqlx::Error> {
    let unit = key(unit);
    let row: Option<(String, Vec<u8>)> = sqlx::query_as(
        "select uscc, content from policies where uscc in ($1, '') order by (uscc <> '') desc, version desc limit 1",
    )
    .bind(unit)
    .fetch_optional(tx)
    .await?;
    match row {
        None => Ok(Standing { policy: UnitPolicy::default_rule(), is_default: true }),
        Some((of, content)) => {
            let policy = read(canonical::from_slice(&content))?;
            Ok(Standing { policy, is_default: of != unit })
        }
    }
}

/// Makes setting rules one at a time: versions follow each other.
pub(crate) async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('registration.policies')::bigint)")
        .execute(tx)
        .await
        .map(drop)
}

/// Stores another version.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    unit: Option<&UnitCode>,
    policy: &UnitPolicy,
    actor: Option<Actor>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into policies (uscc, version, content, set_by, set_at) values ($1, $2, $3, $4, $5)")
        .bind(key(unit))
        .bind(policy.version as i32)
        .bind(canonical::to_vec(policy).map_err(corrupt)?)
        .bind(actor.map(|a| a.0.to_vec()))
        .bind(at.millis())
        .execute(tx)
        .await
        .map(drop)
}

fn key(unit: Option<&UnitCode>) -> &str {
    unit.map_or("", UnitCode::as_str)
}
