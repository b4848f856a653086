//! What registration measures. Label values are closed lists; nothing about a person or an item is a label.

use dengbei_records::{ErrorClass, Timestamp, UnitCode};
use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::store::batches::BatchState;
use crate::store::history::Counts;
use crate::store::items::Standing;
use crate::store::transfers::State;

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
const TRANSFERS: &str = "dengbei_registration_transfers";
const TRANSFERS_REACHED: &str = "dengbei_registration_transfers_reached_total";
const TRANSFER_FAILURES: &str = "dengbei_registration_transfer_failures_total";
const OLDEST_TRANSFER: &str = "dengbei_registration_oldest_transfer_seconds";
const BATCHES: &str = "dengbei_registration_batches";
const OLDEST_BATCH: &str = "dengbei_registration_oldest_uncertified_seconds";
const BATCH_FAILURES: &str = "dengbei_registration_batch_failures_total";
const CHECKS_FAILED: &str = "dengbei_registration_technical_checks_failed_total";
const REGISTERED: &str = "dengbei_registration_batches_registered_total";
const CERTIFIED: &str = "dengbei_registration_certificates_issued_total";
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
    describe_gauge!(TRANSFERS, "transfers, by state");
    describe_counter!(TRANSFERS_REACHED, "transfers that reached a state");
    describe_counter!(TRANSFER_FAILURES, "failed attempts to move a transfer on, by class");
    describe_gauge!(
        OLDEST_TRANSFER,
        "seconds since the oldest transfer that is not at its end was packed; 0: none"
    );
    describe_gauge!(BATCHES, "registration batches, by state");
    describe_gauge!(OLDEST_BATCH, "seconds since the oldest batch without a certificate was applied for");
    describe_counter!(BATCH_FAILURES, "steps of batches that could not be taken, by verb and class");
    describe_counter!(
        CHECKS_FAILED,
        "technical checks that found a pack damaged or missing; alarm when it rises"
    );
    describe_counter!(REGISTERED, "batches registered");
    describe_counter!(CERTIFIED, "certificates issued");
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
    counter!(PLAN_FAILURES, "class" => label(class)).increment(1);
}

fn label(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Unavailable | ErrorClass::Exhausted => "unavailable",
        ErrorClass::NotFound => "missing",
        _ => "internal",
    }
}

pub(crate) fn transfer_reached(state: State) {
    counter!(TRANSFERS_REACHED, "state" => state.name()).increment(1);
}

pub(crate) fn transfer_failed(class: ErrorClass) {
    counter!(TRANSFER_FAILURES, "class" => label(class)).increment(1);
}

/// How transfers stand; a state that has none shows 0.
pub(crate) fn transfers(counts: &[(State, u64, i64)], now: Timestamp) {
    for (state, name) in State::ALL {
        let count = counts.iter().find(|row| row.0 == state).map_or(0, |row| row.1);
        gauge!(TRANSFERS, "state" => name).set(count as f64);
    }
    let oldest = counts.iter().filter(|row| row.0.is_live()).map(|row| row.2).min();
    gauge!(OLDEST_TRANSFER).set(oldest.map_or(0.0, |at| (now.millis() - at) as f64 / 1000.0));
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

/// How many batches stand where, and how long the oldest without a certificate has waited.
pub(crate) fn batches(counts: &[(String, u64)], waited_seconds: f64) {
    for (_, state) in BatchState::ALL {
        let count = counts.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
        gauge!(BATCHES, "state" => state).set(count as f64);
    }
    gauge!(OLDEST_BATCH).set(waited_seconds);
}

/// A step that could not be taken; `verb` is `apply`, `decide` or `certify`.
pub(crate) fn batch_failed(verb: &'static str, class: ErrorClass) {
    counter!(BATCH_FAILURES, "verb" => verb, "class" => label(class)).increment(1);
}

pub(crate) fn check_failed() {
    counter!(CHECKS_FAILED).increment(1);
}

pub(crate) fn registered() {
    counter!(REGISTERED).increment(1);
}

pub(crate) fn certified() {
    counter!(CERTIFIED).increment(1);
}

pub(crate) fn sealed(entries: u64, size: u64) {
    counter!(SEALED).increment(entries);
    gauge!(SIZE).set(size as f64);
}

pub(crate) fn oldest_unsealed(seconds: f64) {
    gauge!(OLDEST_UNSEALED).set(seconds);
}
