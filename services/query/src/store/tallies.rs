//! Counts, kept in the transaction that changes what is counted. Nothing is ever counted by looking at all of it.

use std::collections::BTreeMap;

use dengbei_chain::{Event, Fact};
use sqlx::PgConnection;

use crate::counted::Sums;

/// Which days begin when: offices are eight hours ahead of UTC.
const OFFICE: i64 = 8 * 3_600_000;
const DAY: i64 = 24 * 3_600_000;

/// What a bundle adds to the counts, by (what, key, unit).
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, String, String), i64>,
    /// For the quality monitor.
    pub(crate) quality: Sums,
}

impl Tally {
    /// Counts an event that was not known before.
    pub(crate) fn event(&mut self, event: &Event) {
        self.add("events", String::new(), "", 1);
        let day = day_of(event).to_string();
        match &event.fact {
            Some(Fact::ItemPrefiled(_)) => self.add("day.prefiled", day, "", 1),
            Some(Fact::ItemFiled(_)) => self.add("day.filed", day, "", 1),
            Some(Fact::ItemReturned(f)) => {
                self.add("day.returned", day, "", 1);
                self.failed(&f.failed);
            }
            Some(Fact::SubmissionRefused(f)) => self.failed(&f.failed),
            Some(Fact::ItemAccessioned(f)) => self.add("day.accessioned", day, "", i64::from(f.items)),
            _ => {}
        }
    }

    /// Counts items that came to stand at `rank`, or left it. There are none at a rank below zero.
    pub(crate) fn custody(&mut self, unit: &str, rank: i16, n: i64) {
        if rank >= 0 {
            self.add("custody", rank.to_string(), unit, n);
        }
    }

    fn failed(&mut self, checks: &[String]) {
        let distinct: std::collections::BTreeSet<&String> = checks.iter().collect();
        for check in distinct {
            self.add("failed", check.clone(), "", 1);
        }
    }

    fn add(&mut self, what: &'static str, key: String, unit: &str, n: i64) {
        *self.counts.entry((what, key, unit.to_owned())).or_default() += n;
    }
}

/// The office's day of an event, counted from 1970.
pub(crate) fn day_of(event: &Event) -> i32 {
    day_number(event.recorded_at.millis())
}

/// The office's day of a moment, counted from 1970.
pub(crate) fn day_number(millis: i64) -> i32 {
    i32::try_from((millis + OFFICE).div_euclid(DAY)).unwrap_or(i32::MAX)
}

/// Adds a bundle's counts. Last in its transaction: the rows are few and everybody's.
pub(crate) async fn add(tx: &mut PgConnection, tally: Tally) -> sqlx::Result<()> {
    super::quality::add(tx, &tally.quality.settled()).await?;
    let changed: Vec<_> = tally.counts.iter().filter(|(_, n)| **n != 0).collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into query.tallies as t (what, key, unit, stripe, n)
         select w, k, u, pg_backend_pid() & 7, c from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
             as r(w, k, u, c) order by w, k, u
         on conflict (what, key, unit, stripe) do update set n = t.n + excluded.n",
    )
    .bind(changed.iter().map(|((what, ..), _)| *what).collect::<Vec<_>>())
    .bind(changed.iter().map(|((_, key, _), _)| key.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|((.., unit), _)| unit.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, n)| **n).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// The office's day, `2026-11-22`, from its number since 1970.
pub(crate) fn day_name(number: i64) -> String {
    let at = dengbei_records::Timestamp::from_millis(number * DAY);
    at.rfc3339().chars().take(10).collect()
}
