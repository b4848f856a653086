//! The admin port: `/health` says which dependency fails, `/metrics` is Prometheus text. No token: bind it inside.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::Drain;

const UPKEEP: Duration = Duration::from_secs(5);
/// A part that has not answered by then is not well.
const ANSWER: Duration = Duration::from_secs(5);
/// Seconds: from a memory access to a patient operator.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// One dependency and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `postgres`, `nats`, `site`, `registration`, …
    pub name: &'static str,
    /// Whether it serves.
    pub ok: bool,
    /// What is wrong; empty when nothing is.
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

/// Serves `/health` and `/metrics` until the drain. `health` is asked for every request and has 5 s.
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
    let router = Router::new().route("/health", get(answer::<F, H>)).with_state(Arc::new(health));
    let router = router.route("/metrics", get(|| async { render() }));
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
    let health = tokio::time::timeout(ANSWER, health()).await;
    let health = health.unwrap_or_else(|late| Health::default().with("self", Err::<(), _>(late)));
    let (code, status) = if health.is_well() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    (code, Json(Answer { status, parts: health.parts }))
}

/// Everything measured in this process, Prometheus text.
pub fn render() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Installs the recorder: before the first measurement.
pub(crate) fn describe() {
    let _ = recorder();
}

fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install =
        || match PrometheusBuilder::new().set_buckets(&BUCKETS).and_then(PrometheusBuilder::install_recorder)
        {
            Ok(handle) => Some(handle),
            Err(e) => {
                warn!(error = %e, "no metrics: another recorder is installed");
                None
            }
        };
    HANDLE.get_or_init(install).as_ref()
}

async fn upkeep() {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        if let Some(handle) = recorder() {
            handle.run_upkeep();
        }
    }
}
