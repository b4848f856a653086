//! What replication measures: name, unit, labels from closed lists (sites are those configured).

use dengbei_kit::measure::{self, Metric, Values, age};
use dengbei_proto::v1::DescribeReply;
use metrics::{counter, gauge};

use crate::store::copies::{Standing, Unsecured};

const COPIES: &str = "dengbei_replication_copies_total";
const BYTES: &str = "dengbei_replication_bytes_total";
const SECURED: &str = "dengbei_replication_packs_secured_total";
const REPAIRED: &str = "dengbei_replication_repairs_total";
const LAG: &str = "dengbei_replication_lag_seconds";
const WAITING: &str = "dengbei_replication_waiting_copies";
const UNSECURED: &str = "dengbei_replication_unsecured_packs";
const OLDEST_UNSECURED: &str = "dengbei_replication_oldest_unsecured_seconds";
const DAMAGED: &str = "dengbei_replication_damaged_copies";
const OLDEST_DAMAGE: &str = "dengbei_replication_oldest_damage_seconds";
const TROUBLED: &str = "dengbei_replication_site_troubled_seconds";
const REACHABLE: &str = "dengbei_replication_site_reachable";
const SITE_PACKS: &str = "dengbei_replication_site_packs";
const SITE_BYTES: &str = "dengbei_replication_site_bytes";
const SITE_FREE: &str = "dengbei_replication_site_free_bytes";
const QUARANTINED: &str = "dengbei_replication_site_quarantined";
const SITE_LOG: &str = "dengbei_replication_site_log_size";

const BY: &[Values] = &[("site", &[])];

const METRICS: &[Metric] = &[
    Metric::counter(COPIES, "向备份点要求的副本，按结果", "Copies asked of a site, by outcome")
        .by(&[("site", &[]), ("outcome", &["signed", "put_off"])]),
    Metric::counter(BYTES, "备份点签收的字节数", "Bytes that a site signed for").by(BY),
    Metric::counter(SECURED, "备份达标的存储包", "Packs that the policy was satisfied with"),
    Metric::counter(REPAIRED, "修复的副本", "Copies that were made again").by(BY),
    Metric::gauge(
        LAG,
        "最久未签收的副本已等待的时间",
        "How long the oldest copy waits that a site has not signed",
    )
    .by(BY),
    Metric::gauge(WAITING, "未签收的副本数", "Copies ordered that a site has not signed").by(BY),
    Metric::gauge(UNSECURED, "已登记、尚未备份达标的存储包", "Packs that are registered and not secured"),
    Metric::gauge(
        OLDEST_UNSECURED,
        "最久未备份达标的存储包已等待的时间",
        "How long the oldest registered pack waits to be secured",
    ),
    Metric::gauge(DAMAGED, "现有损坏或缺失的副本", "Copies on a site that are damaged or missing now").by(BY),
    Metric::gauge(OLDEST_DAMAGE, "最久未修复的损坏已持续的时间", "How long the oldest damage is open").by(BY),
    Metric::gauge(
        TROUBLED,
        "备份点异常已持续的时间，0 为正常",
        "How long something is wrong with a site; 0: nothing is",
    )
    .by(BY),
    Metric::gauge(REACHABLE, "备份点是否应答", "1 while a site answers").by(BY),
    Metric::gauge(SITE_PACKS, "备份点上的存储包数", "Packs that lie on a site").by(BY),
    Metric::gauge(SITE_BYTES, "备份点上存储包的字节数", "Bytes of packs that lie on a site").by(BY),
    Metric::gauge(SITE_FREE, "备份点剩余空间", "Bytes free on a site").by(BY),
    Metric::gauge(QUARANTINED, "备份点隔离区中的文件数", "Files in a site's quarantine").by(BY),
    Metric::gauge(
        SITE_LOG,
        "备份点上登记簿副本的条数",
        "Entries under the newest checkpoint that lies on a site",
    )
    .by(BY),
];

/// Says what each is; the sites are those configured.
pub(crate) fn describe<'a>(sites: impl Iterator<Item = &'a str>) {
    measure::describe(METRICS, &[("site", sites.map(str::to_owned).collect())]);
}

pub(crate) fn signed(site: &str, bytes: u64) {
    counter!(COPIES, "site" => site.to_owned(), "outcome" => "signed").increment(1);
    counter!(BYTES, "site" => site.to_owned()).increment(bytes);
}

pub(crate) fn put_off(site: &str) {
    counter!(COPIES, "site" => site.to_owned(), "outcome" => "put_off").increment(1);
}

pub(crate) fn secured(packs: usize) {
    counter!(SECURED).increment(packs as u64);
}

pub(crate) fn repaired(site: &str) {
    counter!(REPAIRED, "site" => site.to_owned()).increment(1);
}

/// How a site's copies stand, since when the oldest damage is open, and since when it is troubled (0: not).
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn standing(of: &Standing, (damaged_since, troubled_since): (i64, i64), now: i64) {
    let gauge = |name: &'static str, value: f64| gauge!(name, "site" => of.site.clone()).set(value);
    gauge(LAG, age(of.oldest, now));
    gauge(WAITING, of.waiting as f64);
    gauge(DAMAGED, of.damaged as f64);
    gauge(OLDEST_DAMAGE, age(damaged_since, now));
    // A trouble of this very millisecond is one too.
    gauge(TROUBLED, if troubled_since == 0 { 0.0 } else { age(troubled_since, now).max(0.001) });
}

/// Packs that are registered and not secured.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn unsecured(of: &Unsecured, now: i64) {
    gauge!(UNSECURED).set(of.packs as f64);
    gauge!(OLDEST_UNSECURED).set(age(of.oldest, now));
}

/// What a site says of itself; `None`: it does not answer, and what it said last stands.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn site(name: &str, told: Option<&DescribeReply>) {
    let gauge = |metric: &'static str, value: f64| gauge!(metric, "site" => name.to_owned()).set(value);
    gauge(REACHABLE, f64::from(u8::from(told.is_some())));
    let Some(told) = told else { return };
    gauge(SITE_PACKS, told.packs as f64);
    gauge(SITE_BYTES, told.bytes as f64);
    // A bucket does not say: then nothing is shown, and no alert is about it.
    if !told.free_unknown {
        gauge(SITE_FREE, told.free_bytes as f64);
    }
    gauge(QUARANTINED, told.quarantined as f64);
    gauge(SITE_LOG, told.log_size as f64);
}
