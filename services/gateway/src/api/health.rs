//! `GET /health`: every role by name and state. The door itself answers as long as it stands.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dengbei_kit::admin::Health;
use serde::Serialize;
use utoipa::ToSchema;

use crate::peers::Peers;
use crate::service::Gateway;

/// Asks every role for its queues, which takes its database.
pub(crate) async fn of(peers: Peers) -> Health {
    let mut health = Health::default();
    for (name, outcome) in peers.queues().await {
        health = health.with(name, outcome.map(drop));
    }
    health
}

/// One part of the deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthPart {
    /// A role, or `site-<name>`
    name: String,
    ok: bool,
    /// ok, unavailable
    state: String,
    /// What is wrong; empty when nothing is
    detail: String,
}

impl HealthPart {
    fn of(name: &str, ok: bool, detail: String) -> Self {
        let state = if ok { "ok" } else { "unavailable" };
        Self { name: name.to_owned(), ok, state: state.to_owned(), detail }
    }
}

/// How the deployment is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    /// ok, degraded (a site is away), unavailable
    status: String,
    parts: Vec<HealthPart>,
}

/// Every role by name and state
///
/// 200 when every role serves, else 503 and which does not. A site that is away is named and leaves the door open: its
/// copies wait for it, and the others are enough to go on.
#[utoipa::path(get, path = "/health", operation_id = "getHealth", tag = "operations", security(()),
    responses((status = 200, description = "every role serves", body = HealthReport),
        (status = 503, description = "some role does not", body = HealthReport)))]
pub(crate) async fn health(State(gateway): State<Gateway>) -> (StatusCode, Json<HealthReport>) {
    let (health, sites) = tokio::join!(of(gateway.peers.clone()), gateway.peers.sites());
    let (code, mut status) = if health.is_well() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let mut parts: Vec<HealthPart> =
        health.parts.iter().map(|part| HealthPart::of(part.name, part.ok, part.detail.clone())).collect();
    for (site, reply) in sites {
        if reply.is_err() && code == StatusCode::OK {
            status = "degraded";
        }
        let detail = reply.as_ref().err().map(ToString::to_string).unwrap_or_default();
        parts.push(HealthPart::of(&format!("site-{site}"), reply.is_ok(), detail));
    }
    (code, Json(HealthReport { status: status.to_owned(), parts }))
}
