//! What the bus measures: name, unit, help, and the closed list of label values.

use std::sync::Once;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const BUNDLES: &str = "dengbei_bus_bundles_total";
const EVENTS: &str = "dengbei_bus_events_total";
const SECONDS: &str = "dengbei_bus_bundle_seconds";
const PUBLISHED: &str = "dengbei_bus_published_total";
const UNPUBLISHED: &str = "dengbei_bus_publish_failures_total";
const APPENDED: &str = "dengbei_bus_appended_total";
const UNSEALED: &str = "dengbei_bus_outbox_unsealed";
const LOG_INDEX: &str = "dengbei_bus_log_index";

/// What became of a bundle, label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BundleOutcome {
    /// In one transaction.
    Whole,
    /// Event by event.
    Partly,
    /// It was done already.
    Duplicate,
    /// Not now: the database or another worker has it.
    Postponed,
    /// No bundle at all.
    Unreadable,
}

impl BundleOutcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partly => "partly",
            Self::Duplicate => "duplicate",
            Self::Postponed => "postponed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What became of an event, label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventOutcome {
    /// Applied.
    Applied,
    /// Skipped.
    Skipped,
    /// Waiting for its cause.
    Waiting,
    /// Waiting for its next try.
    Retrying,
    /// A dead letter.
    Dead,
}

impl EventOutcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Dead => "dead",
        }
    }
}

/// Where a bundle came from, label `source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// JetStream.
    Bus,
    /// Catch-up.
    Log,
}

impl Source {
    const fn label(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Log => "log",
        }
    }
}

/// Says what the names mean; every relay and consumer calls it.
pub(crate) fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_counter!(BUNDLES, Unit::Count, "Bundles by outcome and source");
        describe_counter!(EVENTS, Unit::Count, "Events by outcome");
        describe_histogram!(SECONDS, Unit::Seconds, "From taking up a bundle to its commit");
        describe_counter!(PUBLISHED, Unit::Count, "Bundles that JetStream acknowledged");
        describe_counter!(UNPUBLISHED, Unit::Count, "Bundles that JetStream did not acknowledge");
        describe_counter!(APPENDED, Unit::Count, "Bundles sent to the register directly");
        describe_gauge!(UNSEALED, Unit::Count, "Outbox rows that the register has not sealed");
        describe_gauge!(LOG_INDEX, Unit::Count, "Log index below which all is settled");
    });
}

pub(crate) fn bundle(service: &str, source: Source, outcome: BundleOutcome) {
    let labels = [("outcome", outcome.label()), ("source", source.label())];
    let [outcome, source] = labels;
    counter!(BUNDLES, "service" => service.to_owned(), outcome.0 => outcome.1, source.0 => source.1)
        .increment(1);
}

pub(crate) fn events(service: &str, outcome: EventOutcome, count: usize) {
    if count > 0 {
        counter!(EVENTS, "service" => service.to_owned(), "outcome" => outcome.label())
            .increment(count as u64);
    }
}

pub(crate) fn seconds(service: &str, began: std::time::Instant) {
    histogram!(SECONDS, "service" => service.to_owned()).record(began.elapsed());
}

pub(crate) fn published(service: &str, acknowledged: usize, failed: usize) {
    counter!(PUBLISHED, "service" => service.to_owned()).increment(acknowledged as u64);
    counter!(UNPUBLISHED, "service" => service.to_owned()).increment(failed as u64);
}

pub(crate) fn appended(service: &str, count: usize) {
    counter!(APPENDED, "service" => service.to_owned()).increment(count as u64);
}

#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn unsealed(service: &str, count: u64) {
    gauge!(UNSEALED, "service" => service.to_owned()).set(count as f64);
}

#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn log_index(service: &str, index: u64) {
    gauge!(LOG_INDEX, "service" => service.to_owned()).set(index as f64);
}
