//! What a site measures: name, unit, labels from closed lists. Several sites may share a process: each by its name.

use std::time::Instant;

use dengbei_kit::measure::{self, Metric};
use metrics::{counter, gauge, histogram};

use crate::error::Refusal;

const READ_BACKS: &str = "dengbei_site_read_backs_total";
const BYTES: &str = "dengbei_site_transferred_bytes_total";
const SECONDS: &str = "dengbei_site_sign_seconds";
const FREE: &str = "dengbei_site_free_bytes";

const METRICS: &[Metric] = &[
    Metric::counter(READ_BACKS, "读回的存储包，按调用与结果", "Packs read back, by call and outcome").by(&[
        ("call", &["take", "attest"]),
        ("outcome", &["signed", "missing", "damaged", "source", "failed"]),
    ]),
    Metric::counter(BYTES, "存储包的字节数，按方向", "Bytes of packs, by direction")
        .by(&[("direction", &["taken", "read_back", "sent"])]),
    Metric::histogram(SECONDS, "从请求到签名的时间，按调用", "From asking to the signature, by call")
        .by(&[("call", &[])]),
    Metric::gauge(FREE, "备份点存储剩余空间", "Bytes free on the site's storage").by(&[("site", &[])]),
];

/// Says what each is, once at start.
pub(crate) fn describe() {
    measure::describe(METRICS, &[]);
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

/// What is left on the site's disk.
#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn free(site: &str, bytes: u64) {
    gauge!(FREE, "site" => site.to_owned()).set(bytes as f64);
}
