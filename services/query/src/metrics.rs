//! What query measures beside what the bus does. Sources are those that sent within nine weeks.

use std::time::Instant;

use dengbei_kit::measure::{self, Metric, Values};
use metrics::gauge;

use crate::alarm::{Day, Standing};

const APPLY: &str = "dengbei_query_apply_seconds";
const RATIO: &str = "dengbei_query_source_failed_ratio";
const FAILS_MORE: &str = "dengbei_query_source_fails_more";
const SILENT: &str = "dengbei_query_source_silent";
const SILENT_DAYS: &str = "dengbei_query_source_silent_days";
const UNPLACED: &str = "dengbei_query_unplaced_submissions";

const BY: &[Values] = &[("source", &[])];

const METRICS: &[Metric] = &[
    Metric::histogram(APPLY, "把一批事件写入查询库的时间", "Writing a bundle into the read model"),
    Metric::gauge(
        RATIO,
        "来源系统近 7 日拒收与退回所占比例",
        "Share of a source's submissions of 7 days that were refused or returned",
    )
    .by(BY),
    Metric::gauge(
        FAILS_MORE,
        "来源系统近 7 日失败明显多于其前 8 周为 1",
        "1 while a source fails much more than in its 8 weeks before",
    )
    .by(BY),
    Metric::gauge(SILENT, "惯常报送的来源系统中断为 1", "1 while a source that usually sends is silent")
        .by(BY),
    Metric::gauge(
        SILENT_DAYS,
        "来源系统已有多少个完整工作日没有报送",
        "Whole working days since a source sent last",
    )
    .by(BY),
    Metric::gauge(UNPLACED, "来源尚未查明的提交", "Submissions whose origin ingest has not told yet"),
];

/// Says what each is, once at start.
pub(crate) fn describe() {
    measure::describe(METRICS, &[("source", Vec::new())]);
}

/// A bundle was written into the read model.
pub(crate) fn applied(began: Instant) {
    metrics::histogram!(APPLY).record(began.elapsed());
}

/// How sources stand.
pub(crate) fn sources(standings: &[(String, Standing)], unplaced: i64) {
    for (source, standing) in standings {
        let one = |is: bool| if is { 1.0 } else { 0.0 };
        gauge!(RATIO, "source" => source.clone()).set(ratio(&standing.week));
        gauge!(FAILS_MORE, "source" => source.clone()).set(one(standing.fails_more));
        gauge!(SILENT, "source" => source.clone()).set(one(standing.is_silent));
        gauge!(SILENT_DAYS, "source" => source.clone()).set(f64::from(standing.silent));
    }
    gauge!(UNPLACED).set(small(unplaced));
}

fn ratio(week: &Day) -> f64 {
    let all = week.received + week.refused;
    if all <= 0 { 0.0 } else { small(week.refused + week.returned) / small(all) }
}

/// A count as a gauge holds it; one that is larger than gauges hold exactly is the largest that is.
fn small(n: i64) -> f64 {
    u32::try_from(n.max(0)).map_or(f64::from(u32::MAX), f64::from)
}
