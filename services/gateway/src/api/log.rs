//! `GET /log/…`: checkpoint and tiles of the public log, as C2SP's tlog-tiles names them.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;

use super::files::File;
use super::problems::Problems;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_NOW: &str = "no-cache";

/// The newest checkpoint (a signed C2SP note)
#[utoipa::path(get, path = "/log/checkpoint", operation_id = "getCheckpoint", tag = "log", security(()),
    responses((status = 200, description = "the signed note", body = String, content_type = "text/plain"), Problems))]
pub(crate) async fn checkpoint(gateway: State<Gateway>) -> Result<Response, Refusal> {
    file(gateway, Path("checkpoint".to_owned())).await
}

/// A file of the public log: tile/… (C2SP tlog-tiles)
///
/// A full tile never changes; partial tiles do. Tiles of entries need the token.
#[utoipa::path(get, path = "/log/{path}", operation_id = "getLogFile", tag = "log",
    params(("path" = String, Path, description = "tile/<level>/<index>")),
    responses((status = 200, description = "the tile", body = inline(File), content_type = "application/octet-stream"), Problems))]
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
