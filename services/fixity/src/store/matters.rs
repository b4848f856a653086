//! 事项: the filing tables by version, as events name them.

use std::collections::HashMap;

use dengbei_records::Matter;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;

/// Matter code and scope version.
pub(crate) type Key = (String, String);

/// Keeps a published version; the same again changes nothing.
pub(crate) async fn put(tx: &mut PgConnection, matter: &Matter) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into matters (matter_code, scope_version, body) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(matter.matter_code.as_str())
    .bind(&matter.scope_version)
    .bind(Json(matter))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The versions asked for, of those that are known.
pub(crate) async fn get(pool: &PgPool, keys: &[Key]) -> Result<HashMap<Key, Matter>, sqlx::Error> {
    let (codes, versions): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(c, v)| (c.as_str(), v.as_str())).unzip();
    let rows: Vec<(String, String, Json<Matter>)> = sqlx::query_as(
        "select matter_code, scope_version, body from matters
         where (matter_code, scope_version) in (select * from unnest($1::text[], $2::text[]))",
    )
    .bind(&codes)
    .bind(&versions)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(code, version, Json(matter))| ((code, version), matter)).collect())
}
