//! `POST /v1/packages` and `POST /v1/batches`: a zip in, a firm answer for each package out.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dengbei_proto::v1;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{not_a_query, upload};
use crate::json;
use crate::problem::Refusal;
use crate::service::Gateway;

/// What a sender says about its upload beside the bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// 来源系统; empty: as the catalogue says.
    #[serde(default)]
    source: String,
    /// For messages.
    #[serde(default)]
    name: String,
    /// 数据版本; 0: as the package says.
    #[serde(default)]
    data_version: u32,
}

type Parameters = Result<Query<About>, QueryRejection>;

/// One package. 200: kept or known already; 422: refused with its checks; 409: contradicts what is in flight.
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    about: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let head = head(about, &headers, gateway.most_bytes, false)?;
    let reply = upload::submit(&gateway.peers, head, body, gateway.most_bytes).await?;
    let Some(package) = reply.packages.first() else {
        return Err(nothing_inside(&reply));
    };
    let mut body = json::package(package);
    if let Some(trouble) = &package.problem {
        // A sender that reads problems alone finds one here too.
        if let (Value::Object(body), Value::Object(trouble)) = (&mut body, json::trouble(trouble)) {
            body.extend(trouble);
        }
    }
    Ok((status_of(&package.outcome), Json(body)).into_response())
}

/// A batch: its catalogue and packages, one outcome each. 200 as soon as one of them is not refused; 422 when nothing of
/// it could be taken.
pub(crate) async fn batch(
    State(gateway): State<Gateway>,
    about: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let head = head(about, &headers, gateway.most_bytes, true)?;
    let reply = upload::submit(&gateway.peers, head, body, gateway.most_bytes).await?;
    if reply.packages.is_empty() {
        return Err(nothing_inside(&reply));
    }
    let packages: Vec<Value> = reply.packages.iter().map(json::package).collect();
    let mut body = json!({ "packages": packages, "checks": findings(&reply) });
    if reply.packages.iter().any(|p| p.outcome != "refused") {
        return Ok(Json(body).into_response());
    }
    let trouble = reply.packages.iter().find_map(|p| p.problem.as_ref());
    let trouble = trouble.map_or_else(|| json!({ "code": "batch.refused", "message": "整批被拒收", "message_en": "every package of the batch was refused", "remedy": "按各包的检测意见修改后重新报送" }), json::trouble);
    if let (Value::Object(body), Value::Object(trouble)) = (&mut body, trouble) {
        body.extend(trouble);
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response())
}

fn head(about: Parameters, headers: &HeaderMap, most: u64, batch: bool) -> Result<v1::SubmitHead, Refusal> {
    let Query(about) = about.map_err(|e| not_a_query(&e))?;
    let length = match headers.get(header::CONTENT_LENGTH) {
        None => 0,
        Some(value) => {
            let length = value.to_str().ok().and_then(|v| v.parse::<u64>().ok());
            length.ok_or_else(|| {
                Refusal::invalid("request.length", "Content-Length 无效", "invalid Content-Length")
            })?
        }
    };
    if headers.contains_key(header::CONTENT_LENGTH) && length == 0 {
        return Err(upload::empty());
    }
    if length > most {
        return Err(upload::too_large(most));
    }
    if about.name.len() > 1024 || about.source.len() > 256 {
        return Err(Refusal::invalid("request.parameters", "参数过长", "a parameter is too long"));
    }
    Ok(v1::SubmitHead {
        batch,
        source_system: about.source,
        name: about.name,
        length,
        actor: bytes::Bytes::new(),
        data_version: about.data_version,
    })
}

fn findings(reply: &v1::SubmitReply) -> Vec<Value> {
    reply.batch_checks.iter().filter(|c| json::is_finding(c)).map(json::check).collect()
}

fn nothing_inside(reply: &v1::SubmitReply) -> Refusal {
    Refusal::invalid("package.none", "上传中没有可受理的信息包", "there is no package in the upload")
        .with_checks(findings(reply))
}

fn status_of(outcome: &str) -> StatusCode {
    match outcome {
        "refused" => StatusCode::UNPROCESSABLE_ENTITY,
        "conflict" => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    }
}
