//! What fixity measures: name, unit, labels from closed lists.

use dengbei_chain::facts::Side;
use metrics::{Unit, describe_counter, describe_gauge};

use crate::verdict::Checked;

/// Says what each is, once at start.
pub(crate) fn describe() {
    describe_counter!("dengbei_fixity_items_total", "Items checked at filing, by verdict.");
    describe_counter!("dengbei_fixity_transfers_total", "Sides of transfers checked.");
    describe_counter!("dengbei_fixity_unfit_items_total", "Items found unfit at a transfer.");
    describe_gauge!("dengbei_fixity_transfers_open", "Sides of transfers still to be checked.");
    describe_counter!("dengbei_fixity_packs_inspected_total", "Copies read again and found good, by site.");
    describe_counter!(
        "dengbei_fixity_findings_total",
        "Copies found not as they should be, by kind and site."
    );
    describe_gauge!("dengbei_fixity_copies_bad", "Copies that are not as they should be now, by site.");
    describe_gauge!(
        "dengbei_fixity_oldest_unverified_seconds",
        Unit::Seconds,
        "How long ago the good copy that waited longest was read, by site: to stay below the inspection bound."
    );
    describe_counter!("dengbei_fixity_site_silences_total", "Inspections that a site did not answer.");
}

/// Items by verdict (`passed failed`).
pub(crate) fn checked(items: &[Checked]) {
    let passed = items.iter().filter(|c| c.is_passed()).count();
    for (verdict, count) in [("passed", passed), ("failed", items.len() - passed)] {
        metrics::counter!("dengbei_fixity_items_total", "verdict" => verdict).increment(count as u64);
    }
}

/// One side of a transfer was checked (`unit archive storing`), with so many unfit items.
pub(crate) fn transfer_checked(side: Side, unfit: usize) {
    metrics::counter!("dengbei_fixity_transfers_total", "side" => side.name()).increment(1);
    metrics::counter!("dengbei_fixity_unfit_items_total", "side" => side.name()).increment(unfit as u64);
}

/// Sides of transfers that are still to be checked.
pub(crate) fn open_runs(runs: u64) {
    metrics::gauge!("dengbei_fixity_transfers_open").set(runs as f64);
}

/// A run over a site: so many copies were good.
pub(crate) fn inspected(site: &str, packs: usize) {
    metrics::counter!("dengbei_fixity_packs_inspected_total", "site" => site.to_owned())
        .increment(packs as u64);
}

/// Something was found (`damaged truncated unreadable unexpected rolled_back missing`).
pub(crate) fn found(site: &str, kind: &'static str) {
    metrics::counter!("dengbei_fixity_findings_total", "kind" => kind, "site" => site.to_owned())
        .increment(1);
}

/// How a site's copies stand: bad ones, and seconds since the good one that waited longest was read.
pub(crate) fn standing(site: &str, bad: u64, oldest: f64) {
    metrics::gauge!("dengbei_fixity_copies_bad", "site" => site.to_owned()).set(bad as f64);
    metrics::gauge!("dengbei_fixity_oldest_unverified_seconds", "site" => site.to_owned()).set(oldest);
}

/// A site did not answer an inspection.
pub(crate) fn silent(site: &str) {
    metrics::counter!("dengbei_fixity_site_silences_total", "site" => site.to_owned()).increment(1);
}
