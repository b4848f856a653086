//! What query measures beside what the bus does.

use std::time::Instant;

use dengbei_kit::measure::{self, Metric};

const APPLY: &str = "dengbei_query_apply_seconds";

const METRICS: &[Metric] =
    &[Metric::histogram(APPLY, "把一批事件写入查询库的时间", "Writing a bundle into the read model")];

/// Says what each is, once at start.
pub(crate) fn describe() {
    measure::describe(METRICS, &[]);
}

/// A bundle was written into the read model.
pub(crate) fn applied(began: Instant) {
    metrics::histogram!(APPLY).record(began.elapsed());
}
