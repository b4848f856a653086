//! `POST /v1/matters`: publishes matters with scope and retention. All or none.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::Problems;
use crate::accounts::Entry;
use crate::door::Who;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// How long an answer waits for reception to hear of what was published.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_millis(50);

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    /// Versions that are new
    published: u32,
    /// Versions that were published before, just so
    unchanged: u32,
    /// Whether the door's reception knows them already; else in a moment
    in_force: bool,
}

/// Publish matters (事项) with scope and retention. All or none
///
/// One object or an array, as docs/matters.md says.
// The JSON goes to registration as it came: that is who reads it.
#[utoipa::path(post, path = "/v1/matters", operation_id = "publishMatters", tag = "matters",
    request_body(content = Vec<Object>, description = "matters, as docs/matters.md says"),
    responses((status = 200, description = "how many are new", body = Published), Problems))]
pub(crate) async fn publish(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Published>, Refusal> {
    let body = body.map_err(|e| whole(&e))?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::invalid(
            "matter.empty",
            "请求体为空，应为事项 JSON",
            "the body is empty; JSON is wanted",
        ));
    }
    let versions = versions(&body);
    let named: Vec<&str> = versions.iter().map(|v| v.matter_code.as_str()).take(20).collect();
    let entry = Entry { action: "matter.publish", object: "", detail: &named.join(" ") };
    gateway.audit.does(&who, entry).await?;
    let request = v1::PublishMattersRequest { body, actor: who.actor() };
    let reply = answered(gateway.peers.registration().publish_matters(question(request)).await)?;
    let in_force = arrived(&gateway, versions).await;
    Ok(Json(Published { published: reply.published, unchanged: reply.unchanged, in_force }))
}

/// Waits until the door's reception knows the tables, so that what is sent next is not parked. It only ever takes a
/// moment; when reception is away the publication stands all the same, and what was parked is released by itself.
async fn arrived(gateway: &Gateway, versions: Vec<v1::MatterVersion>) -> bool {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        let request = v1::HasMattersRequest { versions: versions.clone() };
        let reply = gateway.peers.ingest().has_matters(question(request)).await;
        if reply.is_ok_and(|reply| reply.into_inner().missing == 0) {
            return true;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    false
}

/// What the JSON publishes, as far as it can be read here; registration has judged it.
fn versions(body: &[u8]) -> Vec<v1::MatterVersion> {
    let rows = match serde_json::from_slice(body) {
        Ok(Value::Array(rows)) => rows,
        Ok(row) => vec![row],
        Err(_) => Vec::new(),
    };
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| v1::MatterVersion {
            matter_code: text(row, "matter_code"),
            scope_version: text(row, "scope_version"),
        })
        .collect()
}

fn whole(error: &BytesRejection) -> Refusal {
    let status = error.status();
    let code =
        if status == StatusCode::PAYLOAD_TOO_LARGE { "request.too_large" } else { "upload.broken_off" };
    let problem = Problem::new(code, ErrorClass::Invalid, "请求体过大或中断", error.body_text());
    Refusal::with_status(status, problem)
}
