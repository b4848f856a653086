//! Figures as they are shown: custody, registration, preservation, by unit, by day. Pure.

use std::collections::{BTreeMap, HashMap};

use dengbei_proto::v1;
use dengbei_records::{Custody, Preservation, Registration};

use crate::attempt::Rank;
use crate::names::{preservation, registration};
use crate::store::figures::{Day, Figures};

/// Renders what was counted. Every item counts once in each of the three maps.
pub(crate) fn render(figures: Figures, log_index: u64) -> v1::FiguresReply {
    v1::FiguresReply {
        custody: custody(&figures),
        registration: registrations(&figures),
        preservation: preservations(&figures),
        units: units(&figures),
        events: figures.events,
        log_index,
        days: figures.days.into_iter().map(day).collect(),
        failed: figures.failed.into_iter().collect(),
    }
}

fn custody(figures: &Figures) -> HashMap<String, u64> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let accessioned: u64 = figures.accessioned.values().sum();
    for (_, rank, n) in &figures.ranks {
        let name = crate::attempt::custody_name(rank.custody(false, false));
        *counts.entry(name.into()).or_default() += n;
    }
    // What is said of many at once is not in the ranks.
    let mut move_on = |from: Custody, to: Custody, n: u64| {
        let held = counts.entry(from.name().into()).or_default();
        let n = n.min(*held);
        *held -= n;
        *counts.entry(to.name().into()).or_default() += n;
    };
    move_on(Custody::Prefiled, Custody::Planned, figures.planned);
    move_on(Custody::Filed, Custody::Accessioned, accessioned);
    counts.retain(|_, n| *n > 0);
    counts
}

fn registrations(figures: &Figures) -> HashMap<String, u64> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for packs in figures.packs.iter().filter(|p| p.registration != Registration::Unregistered) {
        *counts.entry(registration(packs.registration).into()).or_default() += packs.items;
    }
    with_rest(counts, registration(Registration::Unregistered), figures.ranks.iter().map(|(.., n)| n).sum())
}

fn preservations(figures: &Figures) -> HashMap<String, u64> {
    let of = |is_filed: bool| -> u64 {
        figures.ranks.iter().filter(|(_, rank, _)| (*rank == Rank::Filed) == is_filed).map(|(.., n)| n).sum()
    };
    let mut counts: HashMap<String, u64> = HashMap::new();
    for packs in figures.packs.iter().filter(|p| p.preservation != Preservation::Stored) {
        *counts.entry(preservation(packs.preservation).into()).or_default() += packs.items;
    }
    let mut counts = with_rest(counts, preservation(Preservation::Stored), of(true));
    if of(false) > 0 {
        counts.insert(preservation(Preservation::None).into(), of(false));
    }
    counts
}

/// Adds under `name` what is missing to `all`.
fn with_rest(mut counts: HashMap<String, u64>, name: &str, all: u64) -> HashMap<String, u64> {
    let rest = all.saturating_sub(counts.values().sum());
    if rest > 0 {
        counts.insert(name.into(), rest);
    }
    counts
}

/// `prefiled` counts everything that the unit ever had pre-filed (应归), `filed` what was filed of it (已归) and
/// further, `returned` what lies with the unit now.
fn units(figures: &Figures) -> Vec<v1::UnitFigures> {
    let mut units: BTreeMap<&str, v1::UnitFigures> = BTreeMap::new();
    for (unit, rank, n) in
        figures.ranks.iter().filter(|(unit, rank, _)| !unit.is_empty() && *rank >= Rank::Prefiled)
    {
        let figures = units.entry(unit).or_default();
        figures.prefiled += if *rank >= Rank::Prefiled { *n } else { 0 };
        figures.filed += if *rank == Rank::Filed { *n } else { 0 };
        figures.returned += if *rank == Rank::Returned { *n } else { 0 };
    }
    for packs in figures.packs.iter().filter(|p| p.registration == Registration::Certified) {
        units.entry(&packs.unit_uscc).or_default().certified += packs.items;
    }
    for (unit, n) in &figures.accessioned {
        units.entry(unit).or_default().accessioned += n;
    }
    let named = |(unit, counts): (&str, v1::UnitFigures)| v1::UnitFigures {
        unit_uscc: unit.into(),
        unit_name: figures.names.get(unit).cloned().unwrap_or_default(),
        ..counts
    };
    units.into_iter().map(named).collect()
}

fn day(day: Day) -> v1::Day {
    let Day { day, prefiled, filed, returned, accessioned } = day;
    v1::Day { day, prefiled, filed, returned, accessioned }
}
