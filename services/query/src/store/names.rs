//! Names of matters and units, by version of the filing table.

use dengbei_records::Matter;
use sqlx::PgConnection;

/// Keeps the names. A version of a matter is published once and never changed: the first one stands.
pub(crate) async fn put(tx: &mut PgConnection, matters: &[Matter]) -> sqlx::Result<()> {
    if matters.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<&Matter> = matters.iter().collect();
    sorted.sort_by_key(|m| (m.matter_code.as_str(), m.scope_version.as_str()));
    let column = |pick: fn(&Matter) -> &str| sorted.iter().map(|m| pick(m)).collect::<Vec<_>>();
    sqlx::query(
        "insert into query.matters (matter_code, scope_version, in_force_from, matter_name, unit_name, unit_uscc)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
         on conflict (matter_code, scope_version) do nothing",
    )
    .bind(column(|m| m.matter_code.as_str()))
    .bind(column(|m| &m.scope_version))
    .bind(column(|m| &m.in_force_from))
    .bind(column(|m| &m.matter_name))
    .bind(column(|m| &m.unit_name))
    .bind(column(|m| m.unit_uscc.as_str()))
    .execute(tx)
    .await?;
    Ok(())
}
