//! A county's year: 40 units of very different size, what they closed, what was sent in badly and what nobody had
//! published a scope for. Made unit by unit in memory, for `dengbei up --demo`; the same area and day give the same
//! bytes, so sending it twice changes nothing.

use chrono::{Datelike as _, NaiveDate};
use dengbei_records::Matter;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::matters::{self, SampleMatter};
use super::{Item, Making, mutants, zipped};

/// 立档单位
const UNITS: u32 = 40;
/// Packages in one batch.
const BATCH: usize = 50;
/// Size of each document, KiB: small, so that a demonstration starts fast.
const FILE_KB: u32 = 4;
const SEED: u64 = 2026;
/// Units one of whose matters nobody has published (the third).
const UNPUBLISHED: [u32; 2] = [5, 12];
/// Items of each unpublished matter.
const PARKED: u32 = 7;
/// Numbers of items: one range for what passes, others for what does not, so that no two are the same item.
const FAULTY_FROM: u32 = 600_000;
const PARKED_FROM: u32 = 700_000;

/// A unit of the county.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Which, from 0.
    pub(crate) index: u32,
    /// 统一社会信用代码
    pub(crate) uscc: String,
}

/// A zip to send.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// How many packages are in it.
    pub(crate) packages: usize,
    /// The bytes.
    pub(crate) zip: Vec<u8>,
}

/// A package with one fault.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    /// Whose.
    pub(crate) unit: u32,
    /// The package.
    pub(crate) parcel: Parcel,
    /// The same item mended, for every other one.
    pub(crate) mended: Option<Parcel>,
}

/// The year.
#[derive(Debug, Clone)]
pub(crate) struct Year {
    area: String,
    since: NaiveDate,
    days: u64,
    matters: Vec<SampleMatter>,
}

impl Year {
    /// The year in which `today` lies, up to then; before April the one before.
    pub(crate) fn until(area: &str, today: NaiveDate) -> Self {
        let (since, days) = span(today);
        let year = since.year();
        let mut matters = matters::county(&mut StdRng::seed_from_u64(SEED), area, UNITS, None);
        for matter in &mut matters {
            matter.published.scope_version = format!("{year}-01");
            matter.published.in_force_from = format!("{year}-01-01");
        }
        Self { area: area.to_owned(), since, days, matters }
    }

    /// What is published: all matters but two.
    pub(crate) fn published(&self) -> Vec<&Matter> {
        let waits: Vec<_> = self.unpublished().map(|matter| &matter.published.matter_code).collect();
        let is_published = |matter: &&SampleMatter| !waits.contains(&&matter.published.matter_code);
        self.matters.iter().filter(is_published).map(|matter| &matter.published).collect()
    }

    /// The units, in order.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let unit = |index| {
            let matter = self.of_unit(index).first()?;
            Some(Unit { index, uscc: matter.published.unit_uscc.to_string() })
        };
        (0..UNITS).filter_map(unit).collect()
    }

    /// How many items pass, in all.
    pub(crate) fn size(&self) -> u32 {
        (0..UNITS).map(size_of).sum()
    }

    /// What a unit closed, in batches.
    ///
    /// # Errors
    /// When a zip cannot be written in memory.
    pub(crate) fn batches(&self, unit: u32) -> anyhow::Result<Vec<Parcel>> {
        let matters = self.of_unit(unit);
        let matters = if UNPUBLISHED.contains(&unit) { &matters[..2] } else { matters };
        let items = self.items(unit * 1_000 + 1, size_of(unit), matters);
        items.chunks(BATCH).map(batch).collect()
    }

    /// What is sent before its matter is published.
    ///
    /// # Errors
    /// When a zip cannot be written in memory.
    pub(crate) fn parked(&self) -> anyhow::Result<Vec<Parcel>> {
        let parcel = |(n, matter): (u32, &SampleMatter)| {
            batch(&self.items(PARKED_FROM + n * 100, PARKED, std::slice::from_ref(matter)))
        };
        (0..).zip(self.unpublished()).map(parcel).collect()
    }

    /// Packages with one fault each, every one another item.
    ///
    /// # Errors
    /// When a zip cannot be written in memory.
    pub(crate) fn faulty(&self) -> anyhow::Result<Vec<Faulty>> {
        let mut out = Vec::new();
        for n in 0.. {
            let unit = n * 3 % UNITS;
            let matters = &self.of_unit(unit)[..2];
            let Some(item) = self.items(FAULTY_FROM + n, 1, matters).pop() else { break };
            let Some(mutant) = mutants::all(&item).into_iter().nth(n as usize) else { break };
            let parcel = Parcel { packages: 1, zip: zipped([("package", mutant.tree)].into_iter())? };
            let mended = n.is_multiple_of(2).then(|| batch(&[item])).transpose()?;
            out.push(Faulty { unit, parcel, mended });
        }
        Ok(out)
    }

    fn items(&self, from: u32, count: u32, matters: &[SampleMatter]) -> Vec<Item> {
        let making = Making { area: &self.area, file_kb: FILE_KB, since: self.since, days: self.days };
        let mut rng = StdRng::seed_from_u64(SEED ^ u64::from(from));
        (from..from + count).map(|n| Item::invent(&mut rng, n, &making, matters)).collect()
    }

    fn of_unit(&self, unit: u32) -> &[SampleMatter] {
        let first = unit as usize * 3;
        self.matters.get(first..first + 3).unwrap_or_default()
    }

    fn unpublished(&self) -> impl Iterator<Item = &SampleMatter> {
        UNPUBLISHED.into_iter().filter_map(|unit| self.of_unit(unit).get(2))
    }
}

/// From 21 items in a small town to 81 in a busy office.
fn size_of(unit: u32) -> u32 {
    21 + unit * 37 % 61
}

fn batch(items: &[Item]) -> anyhow::Result<Parcel> {
    let packages = items.iter().map(|item| (item.record_no.as_str(), item.render()));
    Ok(Parcel { packages: items.len(), zip: zipped(packages)? })
}

/// The first day, and over how many days people apply, so that everything is closed before `today`.
fn span(today: NaiveDate) -> (NaiveDate, u64) {
    let year = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or(today);
    let (since, last) = (day(1, 5), today.min(day(12, 31)));
    // An application is closed at most 24 days later.
    let days = (last - since).num_days() - 25;
    (since, days.max(1).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn year() -> Year {
        Year::until("330499", day("2026-11-22"))
    }

    #[test]
    fn the_same_day_gives_the_same_bytes() {
        let zips = |year: &Year| -> Vec<Vec<u8>> {
            let parcels = year.batches(3).unwrap().into_iter().chain(year.parked().unwrap());
            parcels.map(|parcel| parcel.zip).collect()
        };
        assert_eq!(zips(&year()), zips(&year()));
    }

    #[test]
    fn a_year_has_two_thousand_items_of_forty_units() {
        let year = year();
        assert!(year.size() >= 2_000, "{}", year.size());
        assert_eq!(year.units().len(), 40);
        let packages: usize = year.batches(7).unwrap().iter().map(|parcel| parcel.packages).sum();
        assert_eq!(packages, size_of(7) as usize);
        let names: std::collections::BTreeSet<_> = year.published().iter().map(|m| &m.unit_name).collect();
        assert_eq!(names.len(), 40);
    }

    #[test]
    fn nothing_is_closed_after_today() {
        for today in ["2026-11-22", "2026-12-31", "2027-01-02", "2027-03-31", "2027-04-01"] {
            let year = Year::until("330499", day(today));
            for unit in 0..UNITS {
                let items = year.items(unit * 1_000 + 1, size_of(unit), year.of_unit(unit));
                let last = items.iter().map(|item| item.closed.date()).max().unwrap();
                assert!(last <= day(today), "{today}: {last}");
                assert!(items.iter().all(|item| item.closed.year() == year.since.year()), "{today}");
            }
        }
    }

    #[test]
    fn closings_are_spread_over_the_year() {
        let year = year();
        let items = year.items(1, 600, year.of_unit(1));
        let months: std::collections::BTreeSet<_> = items.iter().map(|item| item.closed.month()).collect();
        assert!(months.len() >= 10, "{months:?}");
    }

    #[test]
    fn two_matters_wait_for_their_scope() {
        let year = year();
        assert_eq!(year.published().len(), 118);
        let published: Vec<_> = year.published().iter().map(|m| m.matter_code.to_string()).collect();
        for matter in year.unpublished() {
            assert!(!published.contains(&matter.published.matter_code.to_string()));
        }
        assert_eq!(year.parked().unwrap().iter().map(|parcel| parcel.packages).sum::<usize>(), 14);
    }

    #[test]
    fn every_kind_of_fault_is_sent_once_and_every_other_mended() {
        let faulty = year().faulty().unwrap();
        assert!(faulty.len() >= 15, "{}", faulty.len());
        let mended = faulty.iter().filter(|one| one.mended.is_some()).count();
        assert_eq!(mended, faulty.len().div_ceil(2));
    }
}
