//! What registration measures. Label values are closed lists; nothing about a person or an item is a label.

use dengbei_kit::measure::{self, Metric, age};
use dengbei_records::{ErrorClass, Timestamp, UnitCode};
use metrics::{counter, gauge};

use crate::register::Standing as LogStanding;
use crate::store::batches::BatchState;
use crate::store::history::Counts;
use crate::store::items::Standing;
use crate::store::people::Waiting;
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
const RETURNED: &str = "dengbei_registration_returns_total";
const OLDEST_UNFILED: &str = "dengbei_registration_oldest_unfiled_seconds";
const PEOPLE: &str = "dengbei_registration_waiting_for_person";
const OLDEST_PEOPLE: &str = "dengbei_registration_oldest_waiting_for_person_seconds";
const UNSEALED: &str = "dengbei_register_unsealed_entries";
const ASSIGNED: &str = "dengbei_register_log_assigned";
const CHECKPOINT: &str = "dengbei_register_checkpoint_age_seconds";
const QUORUM: &str = "dengbei_register_log_quorum";
const QUORUM_FAILURES: &str = "dengbei_register_quorum_failures_total";
/// Entries in a site's copy of the log.
pub(crate) const COPY: &str = "dengbei_register_log_copy_size";

const CLASSES: &[&str] = &["unavailable", "missing", "internal"];
const STATIONS: &[&str] = &["desk", "transfer"];

const METRICS: &[Metric] = &[
    Metric::gauge(UNDECIDED, "等待归档检测的件数", "Items that wait for their filing checks"),
    Metric::gauge(READY, "等待组包的件数", "Items that wait for a pack"),
    Metric::gauge(
        OLDEST_READY,
        "最久等待组包的件已等待的时间",
        "How long the oldest item has waited for a pack",
    ),
    Metric::gauge(
        OLDEST_UNFILED,
        "最久未归档的件自接收起的时间",
        "How long ago the oldest item was received that is neither filed nor returned",
    ),
    Metric::gauge(OPEN_PLANS, "未完成的归档计划", "Plans that are not finished"),
    Metric::gauge(TROUBLED_PLANS, "失败过、尚未完成的归档计划", "Open plans that failed at least once"),
    Metric::gauge(PUT_OFF, "未能列入计划的件数", "Items that could not be planned at least once"),
    Metric::counter(PLANNED, "列入计划的件数", "Items put into plans"),
    Metric::counter(ENDED, "有结论的提交，按结论", "Submissions decided about, by outcome")
        .by(&[("outcome", &["filed", "returned", "superseded"])]),
    Metric::counter(RETURNED, "退回的件未通过的检测项", "Checks for which items were returned")
        .by(&[("check", &[])]),
    Metric::counter(
        PLAN_FAILURES,
        "归档计划失败的次数，按类别",
        "Failed attempts to finish a plan, by class",
    )
    .by(&[("class", CLASSES)]),
    Metric::counter(UNREADABLE, "无法读取的暂存接收件", "Staged receptions that could not be read"),
    Metric::counter(
        NO_FONDS,
        "因立档单位无全宗而等待的次数",
        "Times that items waited because their unit has no fonds",
    ),
    Metric::gauge(NO_KEY, "缺少签名密钥的立档单位", "Units whose signing key is missing"),
    Metric::counter(
        NO_PACK,
        "重放时发现主备份点缺少的存储包",
        "Packs that the log names and the primary site lacks, met in a replay",
    ),
    Metric::gauge(TRANSFERS, "移交，按状态", "Transfers, by state")
        .by(&[("state", &["packed", "submitted", "verified", "accepted", "accessioned", "rejected"])]),
    Metric::counter(TRANSFERS_REACHED, "移交到达某状态的次数", "Transfers that reached a state")
        .by(&[("state", &["packed", "submitted", "verified", "accepted", "accessioned", "rejected"])]),
    Metric::counter(
        TRANSFER_FAILURES,
        "移交步骤失败的次数，按类别",
        "Failed attempts to move a transfer on, by class",
    )
    .by(&[("class", CLASSES)]),
    Metric::gauge(
        OLDEST_TRANSFER,
        "最久未办结的移交自组包起的时间",
        "How long ago the oldest transfer was packed that is not at its end",
    ),
    Metric::gauge(BATCHES, "登记批次，按状态", "Registration batches, by state").by(&[(
        "state",
        &["applied", "accepted", "received", "checked", "registered", "backed_up", "certified", "declined"],
    )]),
    Metric::gauge(
        OLDEST_BATCH,
        "最久未发证的批次自申请起的时间",
        "How long ago the oldest batch without a certificate was applied for",
    ),
    Metric::counter(
        BATCH_FAILURES,
        "批次步骤失败的次数，按步骤与类别",
        "Steps of batches that could not be taken, by verb and class",
    )
    .by(&[("verb", &["apply", "decide", "certify"]), ("class", CLASSES)]),
    Metric::counter(
        CHECKS_FAILED,
        "技术检测发现存储包损坏或缺失的次数",
        "Technical checks that found a pack damaged or missing",
    ),
    Metric::counter(REGISTERED, "完成登记的批次", "Batches registered"),
    Metric::counter(CERTIFIED, "颁发的登记证书", "Certificates issued"),
    Metric::gauge(
        PEOPLE,
        "等待人工办理的件次：登记台、移交",
        "What waits for a person, at the registration desk and in transfers",
    )
    .by(&[("station", STATIONS)]),
    Metric::gauge(OLDEST_PEOPLE, "最久等待人工办理的已等待的时间", "How long the oldest of it waits")
        .by(&[("station", STATIONS)]),
    Metric::gauge(
        OLDEST_UNSEALED,
        "最久未封存的事件已等待的时间",
        "How long the oldest event has waited to be sealed",
    ),
    Metric::gauge(UNSEALED, "待封存的条目数", "Entries that are not under a published checkpoint"),
    Metric::counter(SEALED, "封存的条目数", "Entries sealed"),
    Metric::gauge(SIZE, "已公布的登记簿条数", "Entries under the published checkpoint"),
    Metric::gauge(ASSIGNED, "已编号的登记簿条数", "Entries that have their index"),
    Metric::gauge(
        CHECKPOINT,
        "距上次公布检查点的时间；无新事件时自然增长",
        "Since the last checkpoint; grows while nothing happens",
    ),
    Metric::gauge(
        QUORUM,
        "公布前须持有登记簿副本的其他备份点数",
        "Other sites that must hold the log before a checkpoint is published",
    ),
    Metric::counter(
        QUORUM_FAILURES,
        "因持有副本的备份点不足而未能公布的次数",
        "Times that a checkpoint was not published for want of a quorum",
    ),
    Metric::gauge(
        COPY,
        "备份点上登记簿副本的条数（登记簿所知）",
        "Entries in a site's copy of the log, as the register knows",
    )
    .by(&[("site", &[])]),
];

/// Says what each is, and how many other sites the quorum asks for.
pub(crate) fn describe(quorum: u8) {
    measure::describe(METRICS, &[]);
    gauge!(QUORUM).set(f64::from(quorum));
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

pub(crate) fn sealed(entries: u64) {
    counter!(SEALED).increment(entries);
}

/// A checkpoint could not be published: too few other sites hold the log.
pub(crate) fn no_quorum() {
    counter!(QUORUM_FAILURES).increment(1);
}

/// An item is returned for these checks.
pub(crate) fn returned(failed: &[String]) {
    for check in failed {
        counter!(RETURNED, "check" => check.clone()).increment(1);
    }
}

/// How the log stands.
pub(crate) fn log(of: &LogStanding, now: Timestamp) {
    gauge!(SIZE).set(of.size as f64);
    gauge!(ASSIGNED).set(of.assigned as f64);
    gauge!(UNSEALED).set(of.unsealed as f64);
    gauge!(OLDEST_UNSEALED).set(age(of.oldest_unsealed, now.millis()));
    gauge!(CHECKPOINT).set(age(of.sealed_at, now.millis()));
}

/// What waits for a person, and how long an item has waited at most.
pub(crate) fn people(of: &Waiting, oldest_unfiled: i64, now: Timestamp) {
    for (station, count, oldest) in
        [("desk", of.desk, of.oldest_desk), ("transfer", of.transfers, of.oldest_transfer)]
    {
        gauge!(PEOPLE, "station" => station).set(count as f64);
        gauge!(OLDEST_PEOPLE, "station" => station).set(age(oldest, now.millis()));
    }
    gauge!(OLDEST_UNFILED).set(age(oldest_unfiled, now.millis()));
}
