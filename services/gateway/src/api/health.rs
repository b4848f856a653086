//! `GET /health`: every role by name and state. The door itself answers as long as it stands.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dengbei_kit::admin::Health;
use serde_json::{Value, json};

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

/// 200 when every role serves, else 503 and which does not.
pub(crate) async fn health(State(gateway): State<Gateway>) -> (StatusCode, Json<Value>) {
    let health = of(gateway.peers).await;
    let (code, status) = if health.is_well() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let state = |ok| if ok { "ok" } else { "unavailable" };
    let parts: Vec<Value> = health
        .parts
        .iter()
        .map(|part| json!({ "name": part.name, "ok": part.ok, "state": state(part.ok), "detail": part.detail }))
        .collect();
    (code, Json(json!({ "status": status, "parts": parts })))
}
