//! `POST /v1/matters`: publishes matters with scope and retention. All or none.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};
use serde_json::{Value, json};

use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// The JSON goes to registration as it came: that is who reads it.
pub(crate) async fn publish(
    State(gateway): State<Gateway>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refusal> {
    let body = body.map_err(|e| whole(&e))?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::invalid(
            "matter.empty",
            "请求体为空，应为事项 JSON",
            "the body is empty; JSON is wanted",
        ));
    }
    let request = v1::PublishMattersRequest { body, actor: Bytes::new() };
    let reply = answered(gateway.peers.registration().publish_matters(question(request)).await)?;
    Ok(Json(json!({ "published": reply.published, "unchanged": reply.unchanged })))
}

fn whole(error: &BytesRejection) -> Refusal {
    let status = error.status();
    let code =
        if status == StatusCode::PAYLOAD_TOO_LARGE { "request.too_large" } else { "upload.broken_off" };
    let problem = Problem::new(code, ErrorClass::Invalid, "请求体过大或中断", error.body_text());
    Refusal::with_status(status, problem)
}
