//! `GET /health`: every role by name and state. The door itself answers as long as it stands.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dengbei_kit::admin::Health;
use dengbei_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::peers::{Peers, answered, question};
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
    /// ok, unavailable; of `scanner` and `senders` also not_configured: what they would check is not checked
    state: String,
    /// What is wrong or worth knowing; empty when nothing is
    detail: String,
}

impl HealthPart {
    fn of(name: &str, ok: bool, detail: String) -> Self {
        let state = if ok { "ok" } else { "unavailable" };
        Self { name: name.to_owned(), ok, state: state.to_owned(), detail }
    }
}

/// What stands between what is sent and the archive, as intake tells it: the virus scanner, who sends.
fn guards(standing: &v1::StandingReply) -> [HealthPart; 2] {
    let scanner = standing.scanner.clone().unwrap_or_default();
    let part = |name: &str, (is_configured, ok): (bool, bool), detail: String| {
        let state = if is_configured { if ok { "ok" } else { "unavailable" } } else { "not_configured" };
        HealthPart { state: state.to_owned(), ..HealthPart::of(name, !is_configured || ok, detail) }
    };
    let said = match (scanner.configured, scanner.up) {
        (false, _) => {
            "未配置杀毒服务，收到的文件未经杀毒 / no scanner is configured: nothing is scanned".to_owned()
        }
        (true, false) => {
            "杀毒服务无应答，暂停接收 / the virus scanner does not answer: nothing is taken in".to_owned()
        }
        (true, true) if scanner.signatures > 0 => format!("{}/{}", scanner.engine, scanner.signatures),
        (true, true) => scanner.engine,
    };
    let senders = if standing.knows_senders {
        String::new()
    } else {
        "未登记来源系统，无法验证报送方 / no sources are configured: who sends is not verified".to_owned()
    };
    [
        part("scanner", (scanner.configured, scanner.up), said),
        part("senders", (standing.knows_senders, true), senders),
    ]
}

/// How the deployment is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    /// ok, degraded (a site or the virus scanner is away), unavailable
    status: String,
    parts: Vec<HealthPart>,
}

/// Every role by name and state
///
/// 200 when every role serves, else 503 and which does not. A site that is away is named and leaves the door open: its
/// copies wait for it, and the others are enough to go on. So is a virus scanner that is away, or that there is none.
#[utoipa::path(get, path = "/health", operation_id = "getHealth", tag = "operations", security(()),
    responses((status = 200, description = "every role serves", body = HealthReport),
        (status = 503, description = "some role does not", body = HealthReport)))]
pub(crate) async fn health(State(gateway): State<Gateway>) -> (StatusCode, Json<HealthReport>) {
    let mut ingest = gateway.peers.ingest();
    let (health, sites, standing) = tokio::join!(
        of(gateway.peers.clone()),
        gateway.peers.sites(),
        ingest.standing(question(v1::StandingRequest {})),
    );
    let (code, mut status) = if health.is_well() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let mut parts: Vec<HealthPart> =
        health.parts.iter().map(|part| HealthPart::of(part.name, part.ok, part.detail.clone())).collect();
    if let Ok(standing) = answered(standing) {
        for part in guards(&standing) {
            if !part.ok && code == StatusCode::OK {
                status = "degraded";
            }
            parts.push(part);
        }
    }
    for (site, reply) in sites {
        if reply.is_err() && code == StatusCode::OK {
            status = "degraded";
        }
        let detail = reply.as_ref().err().map(ToString::to_string).unwrap_or_default();
        parts.push(HealthPart::of(&format!("site-{site}"), reply.is_ok(), detail));
    }
    (code, Json(HealthReport { status: status.to_owned(), parts }))
}
