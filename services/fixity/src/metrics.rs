//! What fixity measures: name, unit, labels from closed lists.

use dengbei_chain::facts::Side;

use crate::verdict::Checked;

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
