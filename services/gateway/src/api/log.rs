//! `GET /log/…`: checkpoint and tiles of the public log, as C2SP's tlog-tiles names them.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;

use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_NOW: &str = "no-cache";

/// A full tile never changes; a checkpoint and partial tiles do.
pub(crate) async fn file(
    State(gateway): State<Gateway>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let is_text = path == "checkpoint";
    let reply = answered(gateway.peers.register().log_file(question(v1::LogFileRequest { path })).await)?;
    let kind = if is_text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    let kept = if reply.immutable { FOR_EVER } else { FOR_NOW };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], reply.body).into_response())
}
