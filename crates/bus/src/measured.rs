//! What the bus measures: name, unit, help, and the closed list of label values.

use std::sync::Once;

use dengbei_kit::measure::{self, Metric, Values, age, database};
use dengbei_kit::{Drain, OnError, Tasks};
use metrics::{counter, gauge, histogram};
use sqlx::postgres::PgPool;

use crate::Nats;
use crate::store::traces;
use crate::store::waiting::{self, Waiting};

const BUNDLES: &str = "dengbei_bus_bundles_total";
const EVENTS: &str = "dengbei_bus_events_total";
const SECONDS: &str = "dengbei_bus_bundle_seconds";
const PUBLISHED: &str = "dengbei_bus_published_total";
const UNPUBLISHED: &str = "dengbei_bus_publish_failures_total";
const APPENDED: &str = "dengbei_bus_appended_total";
const CONNECTED: &str = "dengbei_bus_connected";
const OUTBOX_UNPUBLISHED: &str = "dengbei_bus_outbox_unpublished";
const UNSEALED: &str = "dengbei_bus_outbox_unsealed";
const OLDEST_UNSEALED: &str = "dengbei_bus_outbox_oldest_seconds";
const PENDING: &str = "dengbei_bus_pending_events";
const OLDEST_PENDING: &str = "dengbei_bus_pending_oldest_seconds";
const RETRYING: &str = "dengbei_bus_retrying_events";
const DEAD: &str = "dengbei_bus_dead_letters";
const OLDEST_DEAD: &str = "dengbei_bus_dead_letters_oldest_seconds";
const LOG_INDEX: &str = "dengbei_bus_log_index";

const BY: &[Values] = &[("service", &[])];
const OUTCOMES: Values = ("outcome", &["whole", "partly", "duplicate", "postponed", "unreadable"]);

const METRICS: &[Metric] = &[
    Metric::counter(BUNDLES, "处理的消息包，按结果与来源", "Bundles by outcome and source").by(&[
        ("service", &[]),
        OUTCOMES,
        ("source", &["bus", "log"]),
    ]),
    Metric::counter(EVENTS, "处理的事件，按结果", "Events by outcome")
        .by(&[("service", &[]), ("outcome", &["applied", "skipped", "waiting", "retrying", "dead"])]),
    Metric::histogram(SECONDS, "消息包从取到到提交的时间", "From taking up a bundle to its commit").by(BY),
    Metric::counter(PUBLISHED, "消息总线确认的消息包", "Bundles that JetStream acknowledged").by(BY),
    Metric::counter(UNPUBLISHED, "消息总线未确认的消息包", "Bundles that JetStream did not acknowledge")
        .by(BY),
    Metric::counter(APPENDED, "直接送登记簿的消息包", "Bundles sent to the register directly").by(BY),
    Metric::gauge(CONNECTED, "与消息总线是否连通", "1 while the service is connected to the bus").by(BY),
    Metric::gauge(OUTBOX_UNPUBLISHED, "待发出的消息包", "Outbox rows that are not published yet").by(BY),
    Metric::gauge(UNSEALED, "登记簿未封存的消息包", "Outbox rows that the register has not sealed").by(BY),
    Metric::gauge(
        OLDEST_UNSEALED,
        "最久未封存的消息包已等待的时间",
        "How long the oldest outbox row has waited",
    )
    .by(BY),
    Metric::gauge(PENDING, "等待前因的事件", "Events that wait for their cause").by(BY),
    Metric::gauge(
        OLDEST_PENDING,
        "最久等待前因的事件已等待的时间",
        "How long the oldest waits for its cause",
    )
    .by(BY),
    Metric::gauge(RETRYING, "失败后等待重试的事件", "Events that failed and will be tried again").by(BY),
    Metric::gauge(DEAD, "滞留消息", "Dead letters").by(BY),
    Metric::gauge(OLDEST_DEAD, "最久的滞留消息已滞留的时间", "How long the oldest dead letter lies").by(BY),
    Metric::gauge(LOG_INDEX, "登记簿中此前均已处理的位置", "Log index below which all is settled").by(BY),
];

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

/// Says what the names mean, for a service that relays or consumes.
pub(crate) fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| measure::describe(METRICS, &[]));
}

/// Begins the counters of a service.
fn begin(service: &str) {
    describe();
    measure::describe(METRICS, &[("service", vec![service.to_owned()])]);
}

/// Measures how a service's outbox, inbox and database stand, until the drain. Every replica shows the same.
pub fn measure(tasks: &mut Tasks, service: &str, of: (&PgPool, &Nats), drain: &Drain) {
    begin(service);
    let (service, pool, nats, drain) = (service.to_owned(), of.0.clone(), of.1.clone(), drain.clone());
    tasks.spawn("measure", OnError::Restart, move || {
        let (service, pool, nats, drain) = (service.clone(), pool.clone(), nats.clone(), drain.clone());
        async move {
            measure::every(&drain, || async {
                gauge!(CONNECTED, "service" => service.clone()).set(f64::from(u8::from(nats.is_connected())));
                database::look(&pool, &service).await;
                stands(&service, &waiting::read(&pool, &service).await?);
                traces::forget(&pool).await?;
                Ok(())
            })
            .await
        }
    });
}

#[allow(clippy::cast_precision_loss, reason = "gauges")]
fn stands(service: &str, waiting: &Waiting) {
    let gauge = |name: &'static str, value: f64| gauge!(name, "service" => service.to_owned()).set(value);
    gauge(OUTBOX_UNPUBLISHED, waiting.unpublished as f64);
    gauge(UNSEALED, waiting.unsealed as f64);
    gauge(OLDEST_UNSEALED, age(waiting.oldest_unsealed, waiting.now));
    gauge(PENDING, waiting.pending as f64);
    gauge(OLDEST_PENDING, age(waiting.oldest_pending, waiting.now));
    gauge(RETRYING, waiting.retrying as f64);
    gauge(DEAD, waiting.dead as f64);
    gauge(OLDEST_DEAD, age(waiting.oldest_dead, waiting.now));
    gauge(LOG_INDEX, waiting.log_index as f64);
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
pub(crate) fn log_index(service: &str, index: u64) {
    gauge!(LOG_INDEX, "service" => service.to_owned()).set(index as f64);
}
