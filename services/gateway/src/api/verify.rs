//! `POST /v1/verify`: whether a receipt or a sealed paper holds, for anybody.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;

use super::problems::Problems;
use crate::problem::Refusal;
use crate::service::Gateway;
use crate::verify::{Checked, LARGEST, check};

/// Check a receipt or a sealed paper; needs no token
#[utoipa::path(post, path = "/v1/verify", operation_id = "verify", tag = "papers", security(()),
    request_body(content = Object, description = "the file as it is, JSON"),
    responses((status = 200, description = "what came of it, also when it does not hold", body = Checked), Problems))]
pub(crate) async fn verify(
    State(gateway): State<Gateway>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Checked>, Refusal> {
    let too_large = || Refusal::invalid("verify.too_large", "文件过大", "the file is too large");
    let body = body.ok().filter(|body| body.len() <= LARGEST).ok_or_else(too_large)?;
    let keys = gateway.keys.clone();
    let work = tokio::task::spawn_blocking(move || check(&keys, &body));
    let checked = work
        .await
        .unwrap_or_else(|_| Err(Refusal::invalid("verify.failed", "无法核验", "could not be checked")));
    Ok(Json(checked?))
}
