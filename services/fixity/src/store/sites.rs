//! 备份点 as fixity knows them: a key that no file holds, how far the log reached, packs that nobody stored.

use dengbei_records::Timestamp;
use sqlx::postgres::{PgConnection, PgPool};

/// The key of a site whose public key lies in no file: the first that it showed.
pub(crate) async fn key(pool: &PgPool, site: &str, shown: &[u8; 32]) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar(
        "insert into sites (site, key) values ($1, $2)
         on conflict on constraint sites_pk do update set key = coalesce(sites.key, excluded.key) returning key",
    )
    .bind(site)
    .bind(shown.as_slice())
    .fetch_one(pool)
    .await
}

/// How a site's log stands against the furthest that it ever reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogStands {
    /// As far as ever, or further.
    Forward,
    /// Shorter than it was, and this is the first that is seen of it.
    WentBack,
    /// Still shorter than it was.
    Behind,
}

/// Notes how far the log reaches on a site.
pub(crate) async fn log_reaches(
    tx: &mut PgConnection,
    site: &str,
    size: u64,
) -> Result<LogStands, sqlx::Error> {
    let before: Option<(i64, bool)> =
        sqlx::query_as("select log_size, is_behind from sites where site = $1 for update")
            .bind(site)
            .fetch_optional(&mut *tx)
            .await?;
    let (furthest, was_behind) = before.unwrap_or((0, false));
    let is_behind = size.cast_signed() < furthest;
    sqlx::query(
        "insert into sites (site, log_size, is_behind) values ($1, $2, $3)
         on conflict on constraint sites_pk do update set
             log_size = greatest(sites.log_size, excluded.log_size), is_behind = excluded.is_behind",
    )
    .bind(site)
    .bind(size.cast_signed())
    .bind(is_behind)
    .execute(tx)
    .await?;
    Ok(match (is_behind, was_behind) {
        (false, _) => LogStands::Forward,
        (true, false) => LogStands::WentBack,
        (true, true) => LogStands::Behind,
    })
}

/// Notes a pack that nobody stored; gives when it was first seen, unless it was stated before.
pub(crate) async fn stranger(
    pool: &PgPool,
    site: &str,
    (pack, generation): (u64, u32),
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let (first_seen, is_stated): (i64, bool) = sqlx::query_as(
        "insert into strangers (site, pack, generation, first_seen) values ($1, $2, $3, $4)
         on conflict on constraint strangers_pk do update set first_seen = strangers.first_seen
         returning first_seen, is_stated",
    )
    .bind(site)
    .bind(pack.cast_signed())
    .bind(generation.cast_signed())
    .bind(now.millis())
    .fetch_one(pool)
    .await?;
    Ok((!is_stated).then(|| Timestamp::from_millis(first_seen)))
}

/// The stranger is stated. False: it was before, or it became known meanwhile.
pub(crate) async fn state_stranger(
    tx: &mut PgConnection,
    site: &str,
    (pack, generation): (u64, u32),
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update strangers set is_stated = true
         where site = $1 and pack = $2 and generation = $3 and not is_stated",
    )
    .bind(site)
    .bind(pack.cast_signed())
    .bind(generation.cast_signed())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Strangers in [`from`, `to`] that are not there any more are forgotten, so that they count anew when they come again.
pub(crate) async fn forget_strangers(
    pool: &PgPool,
    site: &str,
    (from, to): (u64, u64),
    still: &[(u64, u32)],
) -> Result<(), sqlx::Error> {
    let packs: Vec<i64> = still.iter().map(|(pack, _)| pack.cast_signed()).collect();
    let generations: Vec<i32> = still.iter().map(|(_, generation)| generation.cast_signed()).collect();
    sqlx::query(
        "delete from strangers where site = $1 and pack between $2 and $3
         and (pack, generation) not in (select * from unnest($4::bigint[], $5::int[]))",
    )
    .bind(site)
    .bind(from.cast_signed())
    .bind(i64::try_from(to).unwrap_or(i64::MAX))
    .bind(&packs)
    .bind(&generations)
    .execute(pool)
    .await
    .map(drop)
}
