//! What the door measures: name, unit, labels from closed lists; routes are those of the interface.

use std::time::Instant;

use dengbei_kit::measure::{self, Metric, database};
use dengbei_kit::{Drain, OnError, Tasks};
use metrics::{counter, gauge, histogram};
use sqlx::postgres::PgPool;

use crate::accounts::AccountError;

const REQUESTS: &str = "dengbei_http_request_seconds";
const SHED: &str = "dengbei_http_shed_total";
const LOST: &str = "dengbei_audit_lost_total";
const SIGN_INS: &str = "dengbei_gateway_sign_ins_total";
const SESSIONS: &str = "dengbei_gateway_sessions";
const DATABASE: &str = "gateway";

const METRICS: &[Metric] = &[
    Metric::histogram(
        REQUESTS,
        "HTTP 请求的时间，按路径与状态类别",
        "From an HTTP request to the beginning of its answer, by route and class of status",
    )
    .by(&[("route", &[]), ("status", &[])]),
    Metric::counter(SHED, "因同时请求过多而拒绝的请求", "Requests refused because too many were in hand"),
    Metric::counter(LOST, "未能写入的审计记录", "Audit entries that could not be written"),
    Metric::counter(SIGN_INS, "登录次数，按结果", "Attempts to sign in, by outcome")
        .by(&[("outcome", &["signed_in", "wrong", "too_many", "failed"])]),
    Metric::gauge(SESSIONS, "有效的登录会话数", "Sessions that are open"),
];

/// Says what each is, once at start.
pub(crate) fn describe() {
    measure::describe(METRICS, &[]);
}

/// A request was answered.
pub(crate) fn answered(route: String, status: &'static str, began: Instant) {
    histogram!(REQUESTS, "route" => route, "status" => status).record(began.elapsed());
}

/// A request was refused because too many were in hand.
pub(crate) fn shed() {
    counter!(SHED).increment(1);
}

/// An audit entry is lost.
pub(crate) fn audit_lost() {
    counter!(LOST).increment(1);
}

/// Somebody tried to sign in.
pub(crate) fn signed_in<T>(outcome: &Result<T, AccountError>) {
    let outcome = match outcome {
        Ok(_) => "signed_in",
        Err(AccountError::Wrong) => "wrong",
        Err(AccountError::TooMany(_)) => "too_many",
        Err(_) => "failed",
    };
    counter!(SIGN_INS, "outcome" => outcome).increment(1);
}

/// Looks at the door's database until the drain.
pub(crate) fn watch(tasks: &mut Tasks, pool: &PgPool, drain: &Drain) {
    let (pool, drain) = (pool.clone(), drain.clone());
    tasks.spawn("measure", OnError::Restart, move || {
        let (pool, drain) = (pool.clone(), drain.clone());
        async move { measure::every(&drain, || look(&pool)).await }
    });
}

#[allow(clippy::cast_precision_loss, reason = "a gauge")]
async fn look(pool: &PgPool) -> anyhow::Result<()> {
    database::look(pool, DATABASE).await;
    gauge!(SESSIONS).set(crate::store::sessions::open(pool).await? as f64);
    Ok(())
}
