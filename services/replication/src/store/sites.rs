//! 备份点: as configured, with the key seen first.

use dengbei_kit::SiteAddress;
use dengbei_records::Timestamp;
use sqlx::postgres::{PgConnection, PgPool};

use super::corrupt;

/// A site's row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SiteRow {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) url: String,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) trouble: String,
    pub(crate) last_inspected_at: i64,
}

/// Takes the configuration over; gives the names of sites that are new.
pub(crate) async fn configure(
    tx: &mut PgConnection,
    sites: &[SiteAddress],
) -> Result<Vec<String>, sqlx::Error> {
    let mut new = Vec::new();
    for SiteAddress { name, class, url } in sites {
        let is_new: bool = sqlx::query_scalar(
            "insert into sites (name, class, url) values ($1, $2, $3)
             on conflict (name) do update set class = excluded.class, url = excluded.url returning xmax = 0",
        )
        .bind(name)
        .bind(class)
        .bind(url)
        .fetch_one(&mut *tx)
        .await?;
        if is_new {
            new.push(name.clone());
        }
    }
    Ok(new)
}

/// All sites, as configured once or now.
pub(crate) async fn all(pool: &PgPool) -> Result<Vec<SiteRow>, sqlx::Error> {
    sqlx::query_as("select name, class, url, key, trouble, last_inspected_at from sites order by name")
        .fetch_all(pool)
        .await
}

/// Pins the key of a site that had none; gives the key that is pinned.
pub(crate) async fn pin(pool: &PgPool, name: &str, key: &[u8; 32]) -> Result<[u8; 32], sqlx::Error> {
    sqlx::query("update sites set key = $2 where name = $1 and key is null")
        .bind(name)
        .bind(key.as_slice())
        .execute(pool)
        .await?;
    let pinned: Vec<u8> =
        sqlx::query_scalar("select key from sites where name = $1").bind(name).fetch_one(pool).await?;
    pinned.as_slice().try_into().map_err(corrupt)
}

/// Pins another key, which somebody vouches for.
pub(crate) async fn pin_anew(pool: &PgPool, name: &str, key: &[u8; 32]) -> Result<(), sqlx::Error> {
    let pinned = sqlx::query("update sites set key = $2 where name = $1").bind(name).bind(key.as_slice());
    pinned.execute(pool).await.map(drop)
}

/// Notes what is wrong with a site, or that nothing is any more.
pub(crate) async fn note(
    pool: &PgPool,
    name: &str,
    trouble: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update sites set trouble = $2, trouble_since = case when trouble = '' then $3 else trouble_since end
         where name = $1 and trouble <> $2",
    )
    .bind(name)
    .bind(trouble)
    .bind(now.millis())
    .execute(pool)
    .await
    .map(drop)
}

/// Notes that a site was inspected.
pub(crate) async fn inspected(tx: &mut PgConnection, name: &str, at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update sites set last_inspected_at = greatest(last_inspected_at, $2) where name = $1")
        .bind(name)
        .bind(at.millis())
        .execute(tx)
        .await
        .map(drop)
}

/// Sites with something wrong: name, what, since when.
pub(crate) async fn troubled(pool: &PgPool) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "select name, trouble, trouble_since from sites where trouble <> '' order by trouble_since desc",
    )
    .fetch_all(pool)
    .await
}
