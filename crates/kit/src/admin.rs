//! The admin port, for operators and orchestrators. No token: bind it inside.
//!
//! `/alive`: the process answers; nothing else is asked, so that a dependency's fault restarts nobody. `/ready`: what
//! the role itself stands on serves, so calls may come; other roles and the bus do not count, because without them a
//! role still takes what it can. `/health` says which dependency fails. `/metrics` is Prometheus text.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::Drain;
use crate::measure::process;

const UPKEEP: Duration = Duration::from_secs(5);
/// Of what is counted, not timed.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// A part that has not answered by then is not well.
const ANSWER: Duration = Duration::from_secs(5);
/// Seconds: from a memory access to a patient operator.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// What a role cannot take a call without: its own database and its own storage.
const OWN: [&str; 5] = ["postgres", "site", "staging", "storage", SELF];
/// The part of a role that does not know how it is within the time.
const SELF: &str = "self";

/// One dependency and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `postgres`, `nats`, `site`, `registration`, …
    pub name: &'static str,
    /// Whether it serves.
    pub ok: bool,
    /// What is wrong or worth knowing; empty when nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How a role is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Health {
    /// Its dependencies.
    pub parts: Vec<Part>,
}

impl Health {
    /// Adds a dependency and how it answered.
    #[must_use]
    pub fn with<E: std::fmt::Display>(mut self, name: &'static str, outcome: Result<(), E>) -> Self {
        let ok = outcome.is_ok();
        let detail = outcome.err().map(|e| e.to_string()).unwrap_or_default();
        self.parts.push(Part { name, ok, detail });
        self
    }

    /// Adds something that serves as well as it is configured to, and what an operator should know about it.
    #[must_use]
    pub fn noting(mut self, name: &'static str, detail: &str) -> Self {
        self.parts.push(Part { name, ok: true, detail: detail.to_owned() });
        self
    }

    /// Whether what the role itself stands on serves.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(|part| part.ok || !OWN.contains(&part.name))
    }

    /// Whether every dependency serves.
    pub fn is_well(&self) -> bool {
        self.parts.iter().all(|part| part.ok)
    }
}

/// Whether the database answers, for a [`Health`].
///
/// # Errors
/// The database's.
pub async fn postgres(pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(pool).await.map(drop)
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    parts: Vec<Part>,
}

/// Serves `/alive`, `/ready`, `/health` and `/metrics` until the drain. `health` is asked for every request that needs
/// it and has 5 s.
///
/// # Errors
/// When the address cannot be bound or the server fails.
pub async fn serve<F, H>(address: SocketAddr, health: F, drain: Drain) -> anyhow::Result<()>
where
    F: Fn() -> H + Send + Sync + 'static,
    H: Future<Output = Health> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    info!(address = %listener.local_addr()?, "serving health and metrics");
    serve_on(listener, health, drain).await
}

/// As [`serve`], on a listener that is bound already.
///
/// # Errors
/// When the server fails.
pub async fn serve_on<F, H>(listener: TcpListener, health: F, drain: Drain) -> anyhow::Result<()>
where
    F: Fn() -> H + Send + Sync + 'static,
    H: Future<Output = Health> + Send + 'static,
{
    let router = Router::new()
        .route("/health", get(answer::<F, H>))
        .route("/ready", get(readiness::<F, H>))
        .with_state(Arc::new(health))
        .route("/alive", get(|| async { "ok" }))
        .route("/metrics", get(|| async { render() }));
    let upkeep = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(upkeep()));
    axum::serve(listener, router).with_graceful_shutdown(async move { drain.requested().await }).await?;
    drop(upkeep);
    Ok(())
}

async fn answer<F, H>(State(health): State<Arc<F>>) -> (StatusCode, Json<Answer>)
where
    F: Fn() -> H + Send + Sync + 'static,
    H: Future<Output = Health> + Send + 'static,
{
    let health = asked(&*health).await;
    let is_well = health.is_well();
    rendered(health, is_well)
}

async fn readiness<F, H>(State(health): State<Arc<F>>) -> (StatusCode, Json<Answer>)
where
    F: Fn() -> H + Send + Sync + 'static,
    H: Future<Output = Health> + Send + 'static,
{
    let health = asked(&*health).await;
    let is_ready = health.is_ready();
    rendered(health, is_ready)
}

async fn asked<F, H>(health: &F) -> Health
where
    F: Fn() -> H,
    H: Future<Output = Health>,
{
    let health = tokio::time::timeout(ANSWER, health()).await;
    health.unwrap_or_else(|late| Health::default().with(SELF, Err::<(), _>(late)))
}

fn rendered(health: Health, is_good: bool) -> (StatusCode, Json<Answer>) {
    let (code, status) =
        if is_good { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    (code, Json(Answer { status, parts: health.parts }))
}

/// Everything measured in this process, Prometheus text.
pub fn render() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Installs the recorder: before the first measurement.
pub(crate) fn describe() {
    if recorder().is_some() {
        process::describe();
    }
}

fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || match installed() {
        Ok(handle) => Some(handle),
        Err(e) => {
            warn!(error = %e, "no metrics: another recorder is installed");
            None
        }
    };
    HANDLE.get_or_init(install).as_ref()
}

fn installed() -> Result<PrometheusHandle, BuildError> {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
    builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?.install_recorder()
}

async fn upkeep() {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        if let Some(handle) = recorder() {
            handle.run_upkeep();
            process::look();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(&'static str, bool)]) -> Health {
        parts.iter().fold(Health::default(), |health, (name, ok)| {
            health.with(name, if *ok { Ok(()) } else { Err("away") })
        })
    }

    #[test]
    fn a_role_takes_calls_without_the_bus_and_without_its_peers() {
        let health = of(&[("postgres", true), ("nats", false), ("registration", false)]);
        assert!(health.is_ready());
        assert!(!health.is_well());
    }

    #[test]
    fn a_role_takes_no_calls_without_its_own_stores() {
        for name in OWN {
            assert!(!of(&[("nats", true), (name, false)]).is_ready(), "{name}");
        }
    }

    #[tokio::test]
    async fn the_paths_tell_apart_what_runs_what_serves_and_what_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = Drain::new();
        let serving = tokio::spawn(serve_on(
            listener,
            || async { of(&[("postgres", true), ("nats", false)]) },
            drain.clone(),
        ));
        let mut codes = Vec::new();
        for path in ["/alive", "/ready", "/health", "/metrics", "/nothing"] {
            codes.push((path, status_of(address, path).await));
        }
        drain.request();
        serving.await.unwrap().unwrap();
        let wanted =
            [("/alive", 200), ("/ready", 200), ("/health", 503), ("/metrics", 200), ("/nothing", 404)];
        assert_eq!(codes, wanted);
    }

    async fn status_of(address: SocketAddr, path: &str) -> u16 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer[9..12].parse().unwrap()
    }
}
