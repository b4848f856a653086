//! Gap-free counters: a number is taken in the transaction that uses it, so a rollback takes nothing.

use std::collections::HashMap;

use dengbei_records::{ArchivalCode, AreaCode, ClassCode, FondsNo, ItemId, PackNumber, SerialNo, Series};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{read, signed, unsigned};

const FONDS: &str = "fonds";
const PACK: &str = "pack";
/// Fonds letters in the order in which they are used up.
const LETTERS: &[u8; 26] = b"JKLMNOPQRSTUVWXYZABCDEFGHI";
const PER_LETTER: u64 = 999;

fn class_counter(class: &ClassCode) -> String {
    format!("code/{class}")
}

/// Takes the next `count` numbers of a counter and holds it until the transaction ends. Gives the first.
async fn take(tx: &mut PgConnection, name: &str, count: u64) -> Result<u64, sqlx::Error> {
    let last: i64 = sqlx::query_scalar(
        "insert into counters (name, last) values ($1, $2)
         on conflict (name) do update set last = counters.last + $2 returning last",
    )
    .bind(name)
    .bind(signed(count))
    .fetch_one(tx)
    .await?;
    Ok(unsigned(last) + 1 - count)
}

/// Makes sure that a counter gives nothing up to `seen` any more.
async fn raise(tx: &mut PgConnection, name: &str, seen: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into counters (name, last) values ($1, $2)
         on conflict (name) do update set last = greatest(counters.last, $2)",
    )
    .bind(name)
    .bind(signed(seen))
    .execute(tx)
    .await
    .map(drop)
}

/// The next pack number.
pub(crate) async fn next_pack(tx: &mut PgConnection) -> Result<PackNumber, sqlx::Error> {
    take(tx, PACK, 1).await.map(PackNumber::new)
}

/// Notes a pack number that was given in another life of this database.
pub(crate) async fn raise_pack(tx: &mut PgConnection, pack: PackNumber) -> Result<(), sqlx::Error> {
    raise(tx, PACK, pack.get()).await
}

/// The first of the next `count` item numbers of a class. Call for several classes in their order only: that is
/// what keeps two planners from waiting for each other.
pub(crate) async fn next_codes(
    tx: &mut PgConnection,
    class: &ClassCode,
    count: u32,
) -> Result<u64, sqlx::Error> {
    take(tx, &class_counter(class), count.into()).await
}

/// Notes a code that was given in another life of this database.
pub(crate) async fn raise_code(tx: &mut PgConnection, code: &ArchivalCode) -> Result<(), sqlx::Error> {
    raise(tx, &class_counter(&code.class), code.number.into()).await
}

/// The next fonds number; `None` when all 25,974 are given.
pub(crate) async fn next_fonds(tx: &mut PgConnection) -> Result<Option<FondsNo>, sqlx::Error> {
    let n = take(tx, FONDS, 1).await?;
    fonds_of(n).map(|text| read(text.parse())).transpose()
}

/// Notes a fonds number that was given in another life of this database.
pub(crate) async fn raise_fonds(tx: &mut PgConnection, fonds: &FondsNo) -> Result<(), sqlx::Error> {
    match ordinal_of(fonds) {
        Some(n) => raise(tx, FONDS, n).await,
        None => Ok(()),
    }
}

fn series_counter(series: Series, year: u16) -> String {
    format!("{}/{year}", series.prefix())
}

/// The next number of a series (登记号, 证书号, 移交号) in a year.
pub(crate) async fn next_serial(
    tx: &mut PgConnection,
    series: Series,
    area: &AreaCode,
    year: u16,
) -> Result<SerialNo, sqlx::Error> {
    let n = take(tx, &series_counter(series, year), 1).await?;
    read(SerialNo::new(series, area.clone(), year, u32::try_from(n).unwrap_or(u32::MAX)))
}

/// Notes a number of a series that was given in another life of this database.
pub(crate) async fn raise_serial(tx: &mut PgConnection, number: &SerialNo) -> Result<(), sqlx::Error> {
    raise(tx, &series_counter(number.series(), number.year()), number.sequence().into()).await
}

/// The codes that items have already: they keep them through corrections.
pub(crate) async fn codes_of(
    tx: &mut PgConnection,
    items: &[ItemId],
) -> Result<HashMap<ItemId, ArchivalCode>, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|i| i.uuid()).collect();
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select item, archival_code from codes where item = any($1)")
            .bind(ids)
            .fetch_all(tx)
            .await?;
    let code = |(item, code): (Uuid, String)| Ok((read(item.try_into())?, read(code.parse())?));
    rows.into_iter().map(code).collect()
}

/// Gives codes to items; the database refuses a code or an item that comes twice.
pub(crate) async fn give_codes(
    tx: &mut PgConnection,
    given: &[(ArchivalCode, ItemId)],
) -> Result<(), sqlx::Error> {
    let (codes, items): (Vec<String>, Vec<Uuid>) =
        given.iter().map(|(code, item)| (code.to_string(), item.uuid())).unzip();
    sqlx::query(
        "insert into codes (archival_code, item)
         select g.code, g.item from unnest($1::text[], $2::uuid[]) as g (code, item)
         where not exists (select 1 from codes c where c.archival_code = g.code and c.item = g.item)",
    )
    .bind(codes)
    .bind(items)
    .execute(tx)
    .await
    .map(drop)
}

/// Takes back the codes of items whose plan is cancelled, and lets the counters of their classes give them again.
pub(crate) async fn take_back(tx: &mut PgConnection, codes: &[ArchivalCode]) -> Result<(), sqlx::Error> {
    let texts: Vec<String> = codes.iter().map(ToString::to_string).collect();
    sqlx::query("delete from codes where archival_code = any($1)").bind(texts).execute(&mut *tx).await?;
    let classes: std::collections::BTreeSet<&ClassCode> = codes.iter().map(|c| &c.class).collect();
    for class in classes {
        sqlx::query(
            "update counters set last = coalesce((select max(split_part(archival_code, '-', 3)::bigint) from codes
             where starts_with(archival_code, $2 || '-')), 0) where name = $1",
        )
        .bind(class_counter(class))
        .bind(class.to_string())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

fn fonds_of(n: u64) -> Option<String> {
    let letter = LETTERS.get(usize::try_from((n - 1) / PER_LETTER).ok()?)?;
    Some(format!("{}{:03}", char::from(*letter), (n - 1) % PER_LETTER + 1))
}

fn ordinal_of(fonds: &FondsNo) -> Option<u64> {
    let (letter, number) = fonds.as_str().split_at_checked(1)?;
    let at = LETTERS.iter().position(|l| letter.as_bytes() == [*l])? as u64;
    number.parse::<u64>().ok().map(|n| at * PER_LETTER + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonds_numbers_begin_at_j001_and_go_on_with_the_next_letter() {
        assert_eq!(fonds_of(1).unwrap(), "J001");
        assert_eq!(fonds_of(999).unwrap(), "J999");
        assert_eq!(fonds_of(1000).unwrap(), "K001");
        assert_eq!(fonds_of(26 * 999).unwrap(), "I999");
        assert_eq!(fonds_of(26 * 999 + 1), None);
    }

    #[test]
    fn a_fonds_number_tells_how_many_were_given() {
        for n in [1, 999, 1000, 20_000] {
            assert_eq!(ordinal_of(&fonds_of(n).unwrap().parse().unwrap()), Some(n));
        }
    }
}
