//! Papers as registration gives them: sealed data (canonical JSON) byte for byte, or the same as PDF under the same path
//! with `.pdf`.

use axum::extract::{Path, State};
use axum::response::Response;
use dengbei_proto::v1;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::files::{self, File};
use super::problems::Problems;
use crate::accounts::Entry;
use crate::door::Who;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// One signature of a person, or one seal of a body.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seal)]
pub(crate) struct SealShape {
    /// unit.filled_by, unit.reviewed_by, unit.seal, archive.…, administration.seal
    role: String,
    name: String,
    at: String,
    /// Ed25519, SM2-SM3
    algorithm: String,
    /// Public key, hex
    key: String,
    /// Signature, hex
    value: String,
}

/// A paper with the seals under it: what the body says depends on the kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SealedPaper)]
pub(crate) struct SealedShape {
    /// certificate/1, application/1, decision/1, handover/1, digests/1, catalogue/1, filing/1
    paper: String,
    #[schema(value_type = Object)]
    body: Value,
    seals: Vec<SealShape>,
}

/// A paper of a kind, by what it is about.
async fn paper(
    gateway: &Gateway,
    who: &Who,
    (kind, id): (&str, &str),
    format: &str,
) -> Result<Response, Refusal> {
    let request = v1::PaperRequest { kind: kind.into(), id: id.into(), format: format.into() };
    let reply = answered(gateway.peers.registration().paper(question(request)).await)?;
    let (action, object) = (format!("paper.{kind}"), format!("{kind}/{id}"));
    gateway.audit.sees(who, Entry { action: &action, object: &object, detail: format });
    Ok(match format {
        "pdf" => files::pdf(&reply.file_name, reply.body),
        _ => files::saved("application/json", &reply.file_name, reply.body),
    })
}

/// One segment, two papers: a route's parameter cannot end in a text of ours.
pub(crate) async fn certificate_or_pdf(
    gateway: State<Gateway>,
    who: Who,
    Path(certificate_no): Path<String>,
) -> Result<Response, Refusal> {
    match certificate_no.strip_suffix(".pdf") {
        Some(no) => certificate_pdf(gateway, who, Path(no.to_owned())).await,
        None => certificate(gateway, who, Path(certificate_no)).await,
    }
}

/// 登记证书 as data
#[utoipa::path(get, path = "/v1/certificates/{certificate_no}", operation_id = "getCertificate", tag = "papers",
    params(("certificate_no" = String, Path, description = "证书号")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn certificate(
    State(gateway): State<Gateway>,
    who: Who,
    Path(certificate_no): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("certificate", &certificate_no), "json").await
}

/// 登记证书 as PDF
#[utoipa::path(get, path = "/v1/certificates/{certificate_no}.pdf", operation_id = "getCertificatePdf", tag = "papers",
    params(("certificate_no" = String, Path, description = "证书号")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn certificate_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(certificate_no): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("certificate", &certificate_no), "pdf").await
}

/// 登记申请表 as data
#[utoipa::path(get, path = "/v1/registrations/{batch}/application", operation_id = "getApplication", tag = "papers",
    params(("batch" = String, Path, description = "登记批 (UUID)")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn application(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("application", &id), "json").await
}

/// 登记申请表 as PDF
#[utoipa::path(get, path = "/v1/registrations/{batch}/application.pdf", operation_id = "getApplicationPdf", tag = "papers",
    params(("batch" = String, Path, description = "登记批 (UUID)")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn application_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("application", &id), "pdf").await
}

/// 登记决定 as data
#[utoipa::path(get, path = "/v1/registrations/{batch}/decision", operation_id = "getDecision", tag = "papers",
    params(("batch" = String, Path, description = "登记批 (UUID)")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn decision(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("registration", &id), "json").await
}

/// 登记决定 as PDF
#[utoipa::path(get, path = "/v1/registrations/{batch}/decision.pdf", operation_id = "getDecisionPdf", tag = "papers",
    params(("batch" = String, Path, description = "登记批 (UUID)")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn decision_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("registration", &id), "pdf").await
}

/// 电子档案移交与接收登记表 as data
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/handover", operation_id = "getHandover", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn handover(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("handover", &id), "json").await
}

/// 电子档案移交与接收登记表 as PDF
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/handover.pdf", operation_id = "getHandoverPdf", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn handover_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("handover", &id), "pdf").await
}

/// 电子档案数字摘要表 as data
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/digests", operation_id = "getDigests", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn digests(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("digests", &id), "json").await
}

/// 电子档案数字摘要表 as PDF
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/digests.pdf", operation_id = "getDigestsPdf", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn digests_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("digests", &id), "pdf").await
}

/// 移交目录 as data
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/catalogue", operation_id = "getCatalogue", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn catalogue(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("catalogue", &id), "json").await
}

/// 移交目录 as PDF
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/catalogue.pdf", operation_id = "getCataloguePdf", tag = "papers",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn catalogue_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("catalogue", &id), "pdf").await
}

/// 归档电子文件登记表 as data
#[utoipa::path(get, path = "/v1/filing-batches/{pack}/filing", operation_id = "getFiling", tag = "papers",
    params(("pack" = u64, Path, description = "存储包")),
    responses((status = 200, description = "canonical JSON, sealed", body = SealedShape), Problems))]
pub(crate) async fn filing(
    State(gateway): State<Gateway>,
    who: Who,
    Path(pack): Path<u64>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("filing", &pack.to_string()), "json").await
}

/// 归档电子文件登记表 as PDF
#[utoipa::path(get, path = "/v1/filing-batches/{pack}/filing.pdf", operation_id = "getFilingPdf", tag = "papers",
    params(("pack" = u64, Path, description = "存储包")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn filing_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(pack): Path<u64>,
) -> Result<Response, Refusal> {
    paper(&gateway, &who, ("filing", &pack.to_string()), "pdf").await
}
