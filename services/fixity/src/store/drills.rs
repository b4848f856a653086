//! 恢复演练 and 写入读回: what was restored to quarantine, which copy is next, a record written and read.

use dengbei_checks::facts::Restored;
use dengbei_records::{PackNumber, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use super::packs::sha256;

/// A copy that a drill restores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) site: String,
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
}

/// One good copy of a pack on these sites, drawn by the seed; none: there is none.
pub(crate) async fn draw(pool: &PgPool, sites: &[String], seed: &str) -> Result<Option<Backup>, sqlx::Error> {
    let row: Option<(String, i64, i32, Vec<u8>, i64)> = sqlx::query_as(
        "select site, pack, generation, digest, bytes from copies where state = 'good' and site = any($1)
         order by sha256(convert_to($2 || ' ' || site || ' ' || pack || ' ' || generation, 'UTF8')) limit 1",
    )
    .bind(sites)
    .bind(seed)
    .fetch_optional(pool)
    .await?;
    let Some((site, pack, generation, digest, bytes)) = row else { return Ok(None) };
    Ok(Some(Backup {
        site,
        pack: PackNumber::new(pack.cast_unsigned()),
        generation: generation.cast_unsigned(),
        digest: sha256(&digest)?,
        bytes: bytes.cast_unsigned(),
    }))
}

/// Keeps what was restored.
pub(crate) async fn put(
    tx: &mut PgConnection,
    of: (&str, PackNumber, u32),
    restored: &Restored,
) -> Result<(), sqlx::Error> {
    let (site, pack, generation) = of;
    sqlx::query(
        "insert into drills (at, site, pack, generation, compared, differing) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
    )
    .bind(restored.at.millis())
    .bind(site)
    .bind(pack.get().cast_signed())
    .bind(generation.cast_signed())
    .bind(restored.compared.cast_signed())
    .bind(&restored.differing)
    .execute(tx)
    .await
    .map(drop)
}

/// What was restored last.
pub(crate) async fn last(pool: &PgPool) -> Result<Option<Restored>, sqlx::Error> {
    let row: Option<(i64, String, i64, i32, i32, Vec<String>)> = sqlx::query_as(
        "select at, site, pack, generation, compared, differing from drills order by at desc limit 1",
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(at, site, pack, generation, compared, differing)| Restored {
        at: Timestamp::from_millis(at),
        from: from(&site, PackNumber::new(pack.cast_unsigned()), generation.cast_unsigned()),
        compared: compared.cast_unsigned(),
        differing,
    }))
}

/// `archive 00000012.g1`: where from, as reports say it and [`place`] reads it again.
pub(crate) fn from(site: &str, pack: PackNumber, generation: u32) -> String {
    format!("{site} {pack}.g{generation}")
}

/// Site, pack and generation of a [`from`].
pub(crate) fn place(from: &str) -> Option<(&str, PackNumber, u32)> {
    let (site, pack) = from.rsplit_once(' ')?;
    let (number, generation) = pack.split_once(".g")?;
    Some((site, PackNumber::new(number.parse().ok()?), generation.parse().ok()?))
}

/// Writes a record; durable when it returns.
pub(crate) async fn write(pool: &PgPool, id: Uuid, body: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query("insert into read_backs (id, body) values ($1, $2)")
        .bind(id)
        .bind(body)
        .execute(pool)
        .await
        .map(drop)
}

/// Reads it back and takes it away.
pub(crate) async fn read_back(pool: &PgPool, id: Uuid) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let read =
        sqlx::query_scalar("select body from read_backs where id = $1").bind(id).fetch_optional(pool).await?;
    // Those of runs that ended before they came here go along.
    sqlx::query("delete from read_backs where id <= $1").bind(id).execute(pool).await?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_drill_read_from_is_read_again() {
        let text = from("city archive", PackNumber::new(12), 2);
        assert_eq!(text, "city archive 00000012.g2");
        assert_eq!(place(&text), Some(("city archive", PackNumber::new(12), 2)));
        assert_eq!(place("nowhere"), None);
    }
}
