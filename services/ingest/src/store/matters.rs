//! 事项: the published filing tables. Which one is in force at a closing day, and which still have to release items.

use dengbei_records::{EventHash, Matter};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;

/// A filing table with the event that published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) matter: Matter,
    pub(crate) event: EventHash,
}

#[derive(sqlx::FromRow)]
struct Row {
    event: Vec<u8>,
    body: Json<Matter>,
}

impl TryFrom<Row> for Published {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let event = EventHash::from_slice(&row.event).map_err(|e| sqlx::Error::Decode(e.into()))?;
        Ok(Self { matter: row.body.0, event })
    }
}

/// Keeps a published version; the same again changes nothing.
pub(crate) async fn put(
    tx: &mut PgConnection,
    matter: &Matter,
    event: &EventHash,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into matters (matter_code, scope_version, in_force_from, event, body)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(matter.matter_code.as_str())
    .bind(&matter.scope_version)
    .bind(&matter.in_force_from)
    .bind(event.as_bytes().as_slice())
    .bind(Json(matter))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many of these (matter code, scope version) are not here yet.
pub(crate) async fn missing(pool: &PgPool, versions: &[(String, String)]) -> Result<i64, sqlx::Error> {
    let (codes, scopes): (Vec<&str>, Vec<&str>) =
        versions.iter().map(|(c, v)| (c.as_str(), v.as_str())).unzip();
    sqlx::query_scalar(
        "select count(*) from unnest($1::text[], $2::text[]) as a (code, version)
         where not exists (select from matters where matter_code = a.code and scope_version = a.version)",
    )
    .bind(codes)
    .bind(scopes)
    .fetch_one(pool)
    .await
}

/// The versions in force, one per asked (matter code, day), in order; `None` where there is none.
pub(crate) async fn in_force<'c>(
    database: impl sqlx::PgExecutor<'c>,
    asked: &[(String, String)],
) -> Result<Vec<Option<Published>>, sqlx::Error> {
    let (codes, days): (Vec<&str>, Vec<&str>) = asked.iter().map(|(c, d)| (c.as_str(), d.as_str())).unzip();
    let rows: Vec<(i64, Vec<u8>, Json<Matter>)> = sqlx::query_as(
        "select a.n, m.event, m.body
         from unnest($1::text[], $2::text[]) with ordinality as a (code, day, n)
         cross join lateral (
             select event, body from matters
             where matter_code = a.code and in_force_from <= a.day
             order by in_force_from desc, scope_version desc limit 1
         ) m",
    )
    .bind(&codes)
    .bind(&days)
    .fetch_all(database)
    .await?;
    let mut found = vec![None; asked.len()];
    for (n, event, body) in rows {
        let at = usize::try_from(n - 1).unwrap_or_default();
        found[at] = Some(Row { event, body }.try_into()?);
    }
    Ok(found)
}

/// Notes of every newly published version for which nothing is parked that it has released all: one statement for a
/// hundred thousand matters. What is parked while this runs is told to the release task by the committer.
pub(crate) async fn mark_idle(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update matters m set released = true
         where not released and not exists (
             select 1 from submissions s where s.matter_code = m.matter_code and s.custody = 'parked')",
    )
    .execute(pool)
    .await
    .map(drop)
}

/// Codes of matters whose publication has not yet released what was parked for it.
pub(crate) async fn unreleased(pool: &PgPool, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("select distinct matter_code from matters where not released limit $1")
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// The versions of one matter that are marked when the release is done: those seen when it began.
pub(crate) async fn versions(pool: &PgPool, code: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("select scope_version from matters where matter_code = $1 and not released")
        .bind(code)
        .fetch_all(pool)
        .await
}

/// Notes that everything these versions cover was released.
pub(crate) async fn mark_released(pool: &PgPool, code: &str, versions: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query("update matters set released = true where matter_code = $1 and scope_version = any($2)")
        .bind(code)
        .bind(versions)
        .execute(pool)
        .await
        .map(drop)
}
