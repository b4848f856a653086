//! What ingest measures: name, unit, labels from closed lists.

use crate::store::submissions::Undecided;

/// Packages by outcome (`prefiled refused parked duplicate conflict`).
pub(crate) fn decided(outcome: &'static str) {
    metrics::counter!("dengbei_ingest_packages_total", "outcome" => outcome).increment(1);
}

/// Submissions that shared one sync and one transaction.
pub(crate) fn group(size: usize) {
    #[allow(clippy::cast_precision_loss, reason = "a group is small")]
    metrics::histogram!("dengbei_ingest_group_size").record(size as f64);
}

/// What is undecided: items, bytes, parked items.
#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn undecided(now: &Undecided) {
    metrics::gauge!("dengbei_ingest_undecided_items").set(now.items as f64);
    metrics::gauge!("dengbei_ingest_undecided_bytes").set(now.bytes as f64);
    metrics::gauge!("dengbei_ingest_parked_items").set(now.parked as f64);
}
