//! Figures: from tallies, and from the packs and transfers, which are few; items are never counted one by one.

use std::collections::BTreeMap;

use sqlx::{FromRow, PgPool};

use super::rows::{preservation, registration};
use super::tallies::day_name;
use crate::attempt::Rank;
use crate::error::QueryError;
use dengbei_records::{Preservation, Registration};

/// Days of which figures are shown.
const DAYS: usize = 366;

/// Everything that is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// By unit and rank.
    pub(crate) ranks: Vec<(String, Rank, u64)>,
    /// Pre-filed items that passed their checks.
    pub(crate) planned: u64,
    /// Filed items by the states of their packs.
    pub(crate) packs: Vec<PackFigures>,
    /// Accessioned items by unit.
    pub(crate) accessioned: BTreeMap<String, u64>,
    /// By day, newest first.
    pub(crate) days: Vec<Day>,
    /// Submissions by the check that failed.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Events in histories.
    pub(crate) events: u64,
    /// Names of units.
    pub(crate) names: BTreeMap<String, String>,
}

/// Items of one unit in packs of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackFigures {
    pub(crate) unit_uscc: String,
    pub(crate) registration: Registration,
    pub(crate) preservation: Preservation,
    pub(crate) items: u64,
}

/// What happened on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) day: String,
    pub(crate) prefiled: u64,
    pub(crate) filed: u64,
    pub(crate) returned: u64,
    pub(crate) accessioned: u64,
}

#[derive(FromRow)]
struct TallyRow {
    what: String,
    key: String,
    unit: String,
    n: i64,
}

/// Reads all figures.
pub(crate) async fn read(pool: &PgPool) -> Result<Figures, QueryError> {
    let tallies: Vec<TallyRow> = sqlx::query_as(
        "select what, key, unit, sum(n)::bigint as n from query.tallies group by what, key, unit
         having sum(n) > 0 order by what, key, unit",
    )
    .fetch_all(pool)
    .await?;
    let mut figures =
        Figures { planned: planned(pool).await?, packs: packs(pool).await?, ..Figures::default() };
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for row in tallies {
        figures.add(row, &mut days)?;
    }
    figures.days = days.into_values().rev().take(DAYS).collect();
    figures.accessioned = accessioned(pool).await?;
    let names = "select distinct on (unit_uscc) unit_uscc, unit_name from query.matters
                 order by unit_uscc, in_force_from desc, scope_version desc, matter_code";
    figures.names = sqlx::query_as(names).fetch_all(pool).await?.into_iter().collect();
    Ok(figures)
}

impl Figures {
    fn add(&mut self, row: TallyRow, days: &mut BTreeMap<i64, Day>) -> Result<(), QueryError> {
        let invalid = || QueryError::Row(format!("tally {} {}", row.what, row.key));
        let n = row.n.unsigned_abs();
        if let Some(kind) = row.what.strip_prefix("day.") {
            let number: i64 = row.key.parse().map_err(|_| invalid())?;
            let day = days.entry(number).or_insert_with(|| Day { day: day_name(number), ..Day::default() });
            match kind {
                "prefiled" => day.prefiled += n,
                "filed" => day.filed += n,
                "returned" => day.returned += n,
                "accessioned" => day.accessioned += n,
                _ => return Err(invalid()),
            }
            return Ok(());
        }
        match row.what.as_str() {
            "custody" => {
                let rank = row.key.parse().ok().and_then(Rank::from_number).ok_or_else(invalid)?;
                self.ranks.push((row.unit, rank, n));
            }
            "failed" => drop(self.failed.insert(row.key, n)),
            "events" => self.events += n,
            _ => return Err(invalid()),
        }
        Ok(())
    }
}

/// Those that passed and are not filed yet: what is in hand, never what was done.
async fn planned(pool: &PgPool) -> Result<u64, QueryError> {
    let count: i64 = sqlx::query_scalar(
        "select count(*) from query.items i join query.attempts a on a.submission = i.submission
         where i.rank = 2 and a.is_passed",
    )
    .fetch_one(pool)
    .await?;
    Ok(count.unsigned_abs())
}

async fn packs(pool: &PgPool) -> Result<Vec<PackFigures>, QueryError> {
    let rows: Vec<(String, i16, i16, i64)> = sqlx::query_as(
        "select unit_uscc, registration, preservation, sum(standing)::bigint from query.packs
         group by unit_uscc, registration, preservation having sum(standing) > 0
         order by unit_uscc, registration, preservation",
    )
    .fetch_all(pool)
    .await?;
    let of = |(unit_uscc, r, p, n): (String, i16, i16, i64)| {
        let (registration, preservation) = (registration(r)?, preservation(p)?);
        Ok(PackFigures { unit_uscc, registration, preservation, items: n.unsigned_abs() })
    };
    rows.into_iter().map(of).collect()
}

async fn accessioned(pool: &PgPool) -> Result<BTreeMap<String, u64>, QueryError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select unit_uscc, sum(items)::bigint from query.transfers where accessioned_at is not null
         group by unit_uscc",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(unit, n)| (unit, n.unsigned_abs())).collect())
}
