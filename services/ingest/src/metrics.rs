//! What ingest measures: name, unit, labels from closed lists.

use dengbei_checks::CheckId;
use dengbei_kit::measure::{self, Metric, age};
use metrics::{counter, gauge, histogram};

use crate::config::Settings;
use crate::store::submissions::{Oldest, Undecided};

const PACKAGES: &str = "dengbei_ingest_packages_total";
const BYTES: &str = "dengbei_ingest_received_bytes_total";
const REFUSALS: &str = "dengbei_ingest_refusals_total";
const GROUP: &str = "dengbei_ingest_group_size";
const UNDECIDED: &str = "dengbei_ingest_undecided_items";
const UNDECIDED_LIMIT: &str = "dengbei_ingest_undecided_items_limit";
const UNDECIDED_BYTES: &str = "dengbei_ingest_undecided_bytes";
const UNDECIDED_BYTES_LIMIT: &str = "dengbei_ingest_undecided_limit_bytes";
const OLDEST_UNDECIDED: &str = "dengbei_ingest_oldest_undecided_seconds";
const PARKED: &str = "dengbei_ingest_parked_items";
const OLDEST_PARKED: &str = "dengbei_ingest_oldest_parked_seconds";
const STAGING_FREE: &str = "dengbei_ingest_staging_free_bytes";
const STAGING_SIZE: &str = "dengbei_ingest_staging_disk_bytes";
const LOST: &str = "dengbei_ingest_staged_lost_total";

const METRICS: &[Metric] = &[
    Metric::counter(PACKAGES, "收到的信息包，按结果", "Packages that came, by outcome")
        .by(&[("outcome", &["prefiled", "refused", "parked", "duplicate", "conflict"])]),
    Metric::counter(BYTES, "受理的内容字节数", "Bytes of what was accepted"),
    Metric::counter(
        REFUSALS,
        "拒收的信息包中未通过的检测项",
        "Checks that packages failed which were refused at the door",
    )
    .by(&[("check", &[])]),
    Metric::histogram(
        GROUP,
        "一次落盘、一个事务内受理的件数",
        "Submissions that shared one sync and one transaction",
    ),
    Metric::gauge(UNDECIDED, "已受理、尚未归档或退回的件数", "Items accepted and neither filed nor returned"),
    Metric::gauge(UNDECIDED_LIMIT, "超过此件数则暂停接收", "Beyond so many undecided items the door closes"),
    Metric::gauge(
        UNDECIDED_BYTES,
        "已受理、尚未归档或退回的字节数",
        "Bytes accepted and neither filed nor returned",
    ),
    Metric::gauge(
        UNDECIDED_BYTES_LIMIT,
        "超过此字节数则暂停接收",
        "Beyond so many undecided bytes the door closes",
    ),
    Metric::gauge(
        OLDEST_UNDECIDED,
        "最久未归档的件已等待的时间（不含待配置）",
        "How long the oldest accepted item waits to be filed or returned; parked ones apart",
    ),
    Metric::gauge(PARKED, "待配置的件数", "Items parked because no filing table covers their matter"),
    Metric::gauge(OLDEST_PARKED, "最久待配置的件已等待的时间", "How long the oldest parked item waits"),
    Metric::gauge(STAGING_FREE, "暂存盘剩余空间", "Bytes free on the staging disk"),
    Metric::gauge(STAGING_SIZE, "暂存盘总空间", "Size of the staging disk"),
    Metric::counter(
        LOST,
        "启动时发现丢失的暂存内容",
        "Staged ranges of undecided items found missing at a start",
    ),
];

/// Says what each is, and the limits.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn describe(settings: &Settings) {
    measure::describe(METRICS, &[]);
    gauge!(UNDECIDED_LIMIT).set(settings.undecided_items as f64);
    gauge!(UNDECIDED_BYTES_LIMIT).set(settings.undecided_bytes as f64);
}

/// Packages by outcome (`prefiled refused parked duplicate conflict`).
pub(crate) fn decided(outcome: &'static str) {
    counter!(PACKAGES, "outcome" => outcome).increment(1);
}

/// What was accepted has so many bytes.
pub(crate) fn accepted(bytes: u64) {
    counter!(BYTES).increment(bytes);
}

/// A package was refused for these reasons: checks by their ids, anything else together.
pub(crate) fn refused(reasons: &[String]) {
    for reason in reasons {
        let check = reason.parse::<CheckId>().map_or("other", CheckId::as_str);
        counter!(REFUSALS, "check" => check).increment(1);
    }
}

/// Submissions that shared one sync and one transaction.
#[allow(clippy::cast_precision_loss, reason = "a group is small")]
pub(crate) fn group(size: usize) {
    histogram!(GROUP).record(size as f64);
}

/// What is undecided: items, bytes, parked items.
#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn undecided(now: &Undecided) {
    gauge!(UNDECIDED).set(now.items as f64);
    gauge!(UNDECIDED_BYTES).set(now.bytes as f64);
    gauge!(PARKED).set(now.parked as f64);
}

/// Since when the oldest wait.
pub(crate) fn oldest(oldest: Oldest, now: i64) {
    gauge!(OLDEST_UNDECIDED).set(age(oldest.prefiled, now));
    gauge!(OLDEST_PARKED).set(age(oldest.parked, now));
}

/// The staging disk: bytes free, bytes in all.
#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub(crate) fn staging((free, size): (u64, u64)) {
    gauge!(STAGING_FREE).set(free as f64);
    gauge!(STAGING_SIZE).set(size as f64);
}

/// Staged bytes of an undecided item are not there.
pub(crate) fn staged_lost() {
    counter!(LOST).increment(1);
}
