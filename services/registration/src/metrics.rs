//! What registration measures. Label values are closed lists; nothing about a person or an item is a label.

use dengbei_records::{ErrorClass, UnitCode};
use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::store::history::Counts;
use crate::store::items::Standing;

const UNDECIDED: &str = "dengbei_registration_undecided_items";
const READY: &str = "dengbei_registration_ready_items";
const OLDEST_READY: &str = "dengbei_registration_oldest_ready_seconds";
const OPEN_PLANS: &str = "dengbei_registration_open_plans";
const TROUBLED_PLANS: &str = "dengbei_registration_troubled_plans";
const PUT_OFF: &str = "dengbei_registration_put_off_items";
const PLANNED: &str = "dengbei_registration_items_planned_total";
const ENDED: &str = "dengbei_registration_items_ended_total";
const PLAN_FAILURES: &str = "dengbei_registration_plan_failures_total";
const UNREADABLE: &str = "dengbei_registration_unreadable_receptions_total";
const NO_FONDS: &str = "dengbei_registration_units_without_fonds_total";
const NO_KEY: &str = "dengbei_registration_unit_keys_missing";
const NO_PACK: &str = "dengbei_registration_packs_missing_total";
const OLDEST_UNSEALED: &str = "dengbei_register_oldest_unsealed_seconds";
const SEALED: &str = "dengbei_register_entries_sealed_total";
const SIZE: &str = "dengbei_register_log_size";

/// Says what each is, with its unit.
pub(crate) fn describe() {
    describe_gauge!(UNDECIDED, "items that wait for their filing checks");
    describe_gauge!(READY, "items that wait for a pack");
    describe_gauge!(OLDEST_READY, "seconds that the oldest item has waited for a pack");
    describe_gauge!(OPEN_PLANS, "plans that are not finished");
    describe_gauge!(TROUBLED_PLANS, "open plans that failed at least once; alarm above 0 for 10 minutes");
    describe_gauge!(PUT_OFF, "items that could not be planned at least once; alarm above 0 for 10 minutes");
    describe_counter!(PLANNED, "items put into plans");
    describe_counter!(ENDED, "submissions decided about, by outcome");
    describe_counter!(PLAN_FAILURES, "failed attempts to finish a plan, by class");
    describe_counter!(UNREADABLE, "staged receptions that could not be read");
    describe_counter!(NO_FONDS, "times that items waited because their unit has no fonds");
    describe_gauge!(NO_KEY, "units whose signing key is missing; alarm above 0");
    describe_counter!(NO_PACK, "packs that the log names and the primary site lacks, met in a replay");
    describe_gauge!(OLDEST_UNSEALED, "seconds that the oldest event has waited to be sealed; alarm above 10");
    describe_counter!(SEALED, "entries sealed");
    describe_gauge!(SIZE, "entries under the published checkpoint");
}

pub(crate) fn planned(items: usize) {
    counter!(PLANNED).increment(items as u64);
}

pub(crate) fn filed(items: usize) {
    counter!(ENDED, "outcome" => Standing::Filed.name()).increment(items as u64);
}

pub(crate) fn ended(standing: Standing) {
    counter!(ENDED, "outcome" => standing.name()).increment(1);
}

pub(crate) fn plan_failed(class: ErrorClass) {
    let class = match class {
        ErrorClass::Unavailable | ErrorClass::Exhausted => "unavailable",
        ErrorClass::NotFound => "missing",
        _ => "internal",
    };
    counter!(PLAN_FAILURES, "class" => class).increment(1);
}

pub(crate) fn unreadable() {
    counter!(UNREADABLE).increment(1);
}

pub(crate) fn unit_without_fonds(unit: &UnitCode) {
    tracing::error!(%unit, "items wait: their unit has no fonds");
    counter!(NO_FONDS).increment(1);
}

pub(crate) fn pack_missing() {
    counter!(NO_PACK).increment(1);
}

pub(crate) fn keys_missing(count: usize) {
    gauge!(NO_KEY).set(count as f64);
}

pub(crate) fn standing(counts: &Counts, waited_seconds: f64) {
    gauge!(UNDECIDED).set(counts.undecided as f64);
    gauge!(READY).set(counts.ready as f64);
    gauge!(OLDEST_READY).set(waited_seconds);
    gauge!(OPEN_PLANS).set(counts.open_plans as f64);
    gauge!(TROUBLED_PLANS).set(counts.troubled_plans as f64);
    gauge!(PUT_OFF).set(counts.put_off as f64);
}

pub(crate) fn sealed(entries: u64, size: u64) {
    counter!(SEALED).increment(entries);
    gauge!(SIZE).set(size as f64);
}

pub(crate) fn oldest_unsealed(seconds: f64) {
    gauge!(OLDEST_UNSEALED).set(seconds);
}
