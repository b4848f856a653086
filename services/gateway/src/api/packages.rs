//! `POST /v1/packages` and `POST /v1/batches`: a zip in, a firm answer for each package out.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::files::File;
use super::problems::Problems;
use super::{not_a_query, stated, upload};
use crate::door::Who;
use crate::findings::Finding;
use crate::json::{self, Package};
use crate::problem::{ProblemBody, Refusal};
use crate::service::Gateway;

/// What a sender says about its upload beside the bytes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct About {
    /// 来源系统; empty: as the catalogue says
    #[serde(default)]
    source: String,
    /// Name, for messages
    #[serde(default)]
    name: String,
    /// 数据版本; 0: as the package says
    #[serde(default)]
    data_version: u32,
}

type Parameters = Result<Query<About>, QueryRejection>;

/// One package as decided, and what a sender that reads problems alone finds in every refusal.
#[derive(Debug, Serialize)]
pub(crate) struct Decided {
    #[serde(flatten)]
    package: Package,
    #[serde(flatten)]
    problem: Option<json::Trouble>,
}

/// What a refusal of one package carries: the package as decided, or why nothing could be read.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes what two handlers answer")]
pub(crate) enum RefusedPackage {
    Package(Package),
    Problem(ProblemBody),
}

/// What a refusal of a batch carries: its packages as decided, or why nothing could be read.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes what two handlers answer")]
pub(crate) enum RefusedWhole {
    Batch(DecidedBatch),
    Problem(ProblemBody),
}

/// Submit one package (a zip)
///
/// 200: kept, or known already; 422: refused with its checks; 409: contradicts what is in flight. `Repr-Digest` or
/// `Content-Digest` (RFC 9530: sha-256, sha-512; also sm3) states the digest of the body, which check A-01 compares.
#[utoipa::path(post, path = "/v1/packages", operation_id = "submitPackage", tag = "submissions",
    params(About, ("Repr-Digest" = Option<String>, Header, description = "RFC 9530, of the body: sha-256, sha-512, sm3")),
    request_body(content = inline(File), content_type = "application/zip", description = "一个存档信息包"),
    responses(Problems,
        (status = 200, description = "kept, or known already", body = Package),
        (status = 409, description = "contradicts what is in flight or filed", body = RefusedPackage),
        (status = 413, description = "over the bound", body = ProblemBody),
        (status = 422, description = "refused, with its checks", body = RefusedPackage)))]
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    about: Parameters,
    (who, headers): (Who, HeaderMap),
    body: Body,
) -> Result<Response, Refusal> {
    let head = head(about, &headers, &who, (gateway.most_bytes, false))?;
    let reply = upload::submit(&gateway.peers, head, body, gateway.most_bytes).await?;
    let Some(package) = reply.packages.first() else {
        return Err(nothing_inside(&reply));
    };
    let problem = package.problem.as_ref().map(json::Trouble::from);
    let body = Decided { package: package.into(), problem };
    Ok((status_of(&package.outcome), Json(body)).into_response())
}

/// A batch as decided at the door.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct DecidedBatch {
    packages: Vec<Package>,
    /// What did not pass of the batch itself
    checks: Vec<Finding>,
}

#[derive(Serialize)]
struct RefusedBatch {
    #[serde(flatten)]
    batch: DecidedBatch,
    #[serde(flatten)]
    problem: json::Trouble,
}

/// Submit a batch (a zip of packages, with or without its catalogue)
///
/// 200 as soon as one package is not refused; 422 when nothing of it could be taken.
#[utoipa::path(post, path = "/v1/batches", operation_id = "submitBatch", tag = "submissions",
    params(About, ("Repr-Digest" = Option<String>, Header, description = "RFC 9530, of the body: sha-256, sha-512, sm3")),
    request_body(content = inline(File), content_type = "application/zip", description = "目录清单 and packages"),
    responses(Problems,
        (status = 200, description = "one outcome for each package", body = DecidedBatch),
        (status = 413, description = "over the bound", body = ProblemBody),
        (status = 422, description = "nothing of it could be taken", body = RefusedWhole)))]
pub(crate) async fn batch(
    State(gateway): State<Gateway>,
    about: Parameters,
    (who, headers): (Who, HeaderMap),
    body: Body,
) -> Result<Response, Refusal> {
    let head = head(about, &headers, &who, (gateway.most_bytes, true))?;
    let reply = upload::submit(&gateway.peers, head, body, gateway.most_bytes).await?;
    if reply.packages.is_empty() {
        return Err(nothing_inside(&reply));
    }
    let batch = DecidedBatch {
        packages: reply.packages.iter().map(Package::from).collect(),
        checks: json::findings(&reply.batch_checks),
    };
    if reply.packages.iter().any(|p| p.outcome != "refused") {
        return Ok(Json(batch).into_response());
    }
    let trouble = reply.packages.iter().find_map(|p| p.problem.as_ref());
    let problem = trouble.map_or_else(all_refused, json::Trouble::from);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(RefusedBatch { batch, problem })).into_response())
}

fn all_refused() -> json::Trouble {
    let (zh, en) = ("整批被拒收", "every package of the batch was refused");
    let problem = Problem::new("batch.refused", ErrorClass::Invalid, zh, en);
    json::Trouble::from(&problem.with_remedy("按各包的检测意见修改后重新报送"))
}

fn head(
    about: Parameters,
    headers: &HeaderMap,
    who: &Who,
    (most, batch): (u64, bool),
) -> Result<v1::SubmitHead, Refusal> {
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
        actor: who.actor(),
        data_version: about.data_version,
        sender: who.source().to_owned(),
        digests: stated::of(headers)?,
    })
}

fn nothing_inside(reply: &v1::SubmitReply) -> Refusal {
    Refusal::invalid("package.none", "上传中没有可受理的信息包", "there is no package in the upload")
        .with_checks(json::findings(&reply.batch_checks))
}

fn status_of(outcome: &str) -> StatusCode {
    match outcome {
        "refused" => StatusCode::UNPROCESSABLE_ENTITY,
        "conflict" => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    }
}
