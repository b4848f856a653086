//! What fixity measures: name, unit, labels from closed lists (sites are those configured).

use std::time::Duration;

use dengbei_chain::facts::Side;
use dengbei_checks::Verdict;
use dengbei_kit::measure::{self, Metric, Values, age};
use metrics::{counter, gauge};

use crate::check;
use crate::store::stands::{OpenRuns, SiteStands};
use crate::verdict::Checked;

const ITEMS: &str = "dengbei_fixity_items_total";
const FAILED: &str = "dengbei_fixity_failed_checks_total";
const TRANSFERS: &str = "dengbei_fixity_transfers_total";
const UNFIT: &str = "dengbei_fixity_unfit_items_total";
const OPEN: &str = "dengbei_fixity_transfers_open";
const OLDEST_OPEN: &str = "dengbei_fixity_oldest_transfer_seconds";
const INSPECTED: &str = "dengbei_fixity_packs_inspected_total";
const FINDINGS: &str = "dengbei_fixity_findings_total";
const SILENCES: &str = "dengbei_fixity_site_silences_total";
const COPIES: &str = "dengbei_fixity_copies";
const BAD: &str = "dengbei_fixity_copies_bad";
const URGENT: &str = "dengbei_fixity_copies_urgent";
const OLDEST: &str = "dengbei_fixity_oldest_unverified_seconds";
const BOUND: &str = "dengbei_fixity_inspection_bound_seconds";
const STRANGERS: &str = "dengbei_fixity_unexpected_packs";
const BEHIND: &str = "dengbei_fixity_site_rolled_back";
const WHOLES: &str = "dengbei_fixity_wholes_total";
const SIGNED: &str = "dengbei_fixity_signatures_total";
const RECHECKED: &str = "dengbei_fixity_rechecks_total";
const TASKS: &str = "dengbei_fixity_tasks_open";
const OLDEST_TASK: &str = "dengbei_fixity_oldest_task_seconds";

const BY: &[Values] = &[("site", &[])];
const SIDES: &[Values] = &[("side", &["unit", "archive", "storing"])];

const METRICS: &[Metric] = &[
    Metric::counter(ITEMS, "归档检测的件数，按结论", "Items checked at filing, by verdict")
        .by(&[("verdict", &["passed", "failed"])]),
    Metric::counter(FAILED, "归档检测未通过的检测项", "Checks that items failed at filing")
        .by(&[("check", &[])]),
    Metric::counter(TRANSFERS, "完成的移交检测，按环节", "Sides of transfers checked").by(SIDES),
    Metric::counter(UNFIT, "移交检测中不合格的件数，按环节", "Items found unfit at a transfer").by(SIDES),
    Metric::gauge(OPEN, "待做的移交检测", "Sides of transfers still to be checked"),
    Metric::gauge(
        OLDEST_OPEN,
        "最久未做的移交检测已等待的时间",
        "How long the oldest check of a transfer waits",
    ),
    Metric::counter(INSPECTED, "巡检读回且完好的副本", "Copies read again and found good").by(BY),
    Metric::counter(FINDINGS, "巡检发现的异常，按种类", "Copies found not as they should be, by kind").by(&[
        ("kind", &["damaged", "truncated", "unreadable", "unexpected", "rolled_back", "missing"]),
        ("site", &[]),
    ]),
    Metric::counter(SILENCES, "巡检时备份点未应答的次数", "Inspections that a site did not answer").by(BY),
    Metric::gauge(COPIES, "完好的副本数", "Copies that were good when they were last read").by(BY),
    Metric::gauge(BAD, "现有异常的副本数", "Copies that are not as they should be now").by(BY),
    Metric::gauge(URGENT, "待尽快读回的副本数", "Copies that are to be read as soon as possible").by(BY),
    Metric::gauge(
        OLDEST,
        "最久未巡检的副本距上次读回的时间",
        "How long ago the good copy that waited longest was read: to stay below the inspection bound",
    )
    .by(BY),
    Metric::gauge(
        BOUND,
        "巡检周期：每个副本至少这样久读回一次",
        "The inspection bound: every copy is read at least this often",
    ),
    Metric::gauge(STRANGERS, "来历不明的存储包数", "Packs on a site that nobody stored there").by(BY),
    Metric::gauge(
        BEHIND,
        "备份点的登记簿是否短于曾经所见（被回退）",
        "1 while a site's log is shorter than it once was",
    )
    .by(BY),
    Metric::counter(
        WHOLES,
        "整体检测的次数，按对象和结论",
        "Batches, carriers and days of the system checked",
    )
    .by(&[
        ("scope", &["batch", "carrier", "system"]),
        ("verdict", &["passed", "failed", "unverifiable", "unsigned"]),
    ]),
    Metric::counter(SIGNED, "人工检测签字数，按结论", "Tasks signed by persons, by what they found")
        .by(&[("finding", &["in_order", "wrong"])]),
    Metric::counter(RECHECKED, "人工复检数，按意见", "What persons said of reports, by opinion")
        .by(&[("opinion", &["overruled", "upheld"])]),
    Metric::gauge(TASKS, "待签的人工检测任务", "Tasks that too few persons have signed"),
    Metric::gauge(
        OLDEST_TASK,
        "最久未签的人工检测任务已等待的时间",
        "How long the oldest task waits for a person",
    ),
];

/// Says what each is, once at start; the sites are those configured.
pub(crate) fn describe(sites: Vec<String>, bound: Duration) {
    measure::describe(METRICS, &[("site", sites)]);
    gauge!(BOUND).set(bound.as_secs_f64());
}

/// Items by verdict, and the checks that failed.
pub(crate) fn checked(items: &[Checked]) {
    let passed = items.iter().filter(|c| c.is_passed()).count();
    for (verdict, count) in [("passed", passed), ("failed", items.len() - passed)] {
        counter!(ITEMS, "verdict" => verdict).increment(count as u64);
    }
    for check in items.iter().flat_map(|c| check::failing(&c.report)) {
        counter!(FAILED, "check" => check.to_string()).increment(1);
    }
}

/// One side of a transfer was checked (`unit archive storing`), with so many unfit items.
pub(crate) fn transfer_checked(side: Side, unfit: usize) {
    counter!(TRANSFERS, "side" => side.name()).increment(1);
    counter!(UNFIT, "side" => side.name()).increment(unfit as u64);
}

/// Sides of transfers that are still to be checked.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn open_runs(runs: &OpenRuns, now: i64) {
    gauge!(OPEN).set(runs.open as f64);
    gauge!(OLDEST_OPEN).set(age(runs.oldest, now));
}

/// A run over a site: so many copies were good.
pub(crate) fn inspected(site: &str, packs: usize) {
    counter!(INSPECTED, "site" => site.to_owned()).increment(packs as u64);
}

/// Something was found (`damaged truncated unreadable unexpected rolled_back missing`).
pub(crate) fn found(site: &str, kind: &'static str) {
    counter!(FINDINGS, "kind" => kind, "site" => site.to_owned()).increment(1);
}

/// How a site's copies stand.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn stands(site: &str, of: &SiteStands, now: i64) {
    let gauge = |name: &'static str, value: f64| gauge!(name, "site" => site.to_owned()).set(value);
    gauge(COPIES, of.good as f64);
    gauge(BAD, of.bad as f64);
    gauge(URGENT, of.urgent as f64);
    gauge(OLDEST, age(of.oldest, now));
    gauge(STRANGERS, of.strangers as f64);
    gauge(BEHIND, f64::from(u8::from(of.is_behind)));
}

/// A site did not answer an inspection.
pub(crate) fn silent(site: &str) {
    counter!(SILENCES, "site" => site.to_owned()).increment(1);
}

/// A batch, a carrier or the system was checked.
pub(crate) fn whole_checked(scope: &str, verdict: Verdict) {
    counter!(WHOLES, "scope" => scope.to_owned(), "verdict" => verdict.as_str()).increment(1);
}

/// A person signed a task.
pub(crate) fn signed(is_in_order: bool) {
    let finding = if is_in_order { "in_order" } else { "wrong" };
    counter!(SIGNED, "finding" => finding).increment(1);
}

/// A person said something of a report (`overruled upheld`).
pub(crate) fn rechecked(opinion: &'static str) {
    counter!(RECHECKED, "opinion" => opinion).increment(1);
}

/// Tasks that wait for persons, and since when the oldest does.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn tasks((open, oldest): (i64, i64), now: i64) {
    gauge!(TASKS).set(open as f64);
    gauge!(OLDEST_TASK).set(age(oldest, now));
}
