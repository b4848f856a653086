//! What a site measures: name, unit, labels from closed lists.

use std::time::Instant;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::error::Refusal;

const READ_BACKS: &str = "dengbei_site_read_backs_total";
const BYTES: &str = "dengbei_site_bytes_total";
const SECONDS: &str = "dengbei_site_seconds";
const FREE: &str = "dengbei_site_free_bytes";

/// Says what each is, with its unit.
pub(crate) fn describe() {
    describe_counter!(READ_BACKS, "packs read back, by call (take, attest) and outcome; alarm on damaged");
    describe_counter!(BYTES, "bytes of packs, by direction (taken, read_back, sent)");
    describe_histogram!(SECONDS, "from asking to the signature, by call");
    describe_gauge!(FREE, "bytes still free; alarm below 10 GiB");
}

/// One call that was to end in a signature.
pub(crate) fn read_back<T>(call: &'static str, began: Instant, outcome: &Result<T, Refusal>) {
    let outcome = match outcome {
        Ok(_) => "signed",
        Err(Refusal::Missing(_)) => "missing",
        Err(Refusal::Differs { .. } | Refusal::Damaged { .. } | Refusal::Unreadable { .. }) => "damaged",
        Err(Refusal::Source { .. } | Refusal::SourceDiffers { .. }) => "source",
        Err(_) => "failed",
    };
    counter!(READ_BACKS, "call" => call, "outcome" => outcome).increment(1);
    histogram!(SECONDS, "call" => call).record(began.elapsed());
}

/// Bytes that went one way.
pub(crate) fn bytes(direction: &'static str, count: u64) {
    counter!(BYTES, "direction" => direction).increment(count);
}

/// What is left on the disk.
pub(crate) fn free(bytes: u64) {
    gauge!(FREE).set(bytes as f64);
}
