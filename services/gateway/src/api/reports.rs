//! 检测报告 as data and as PDF: of an item and of a transfer.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use dengbei_papers::report::CheckPaper;

use super::files::{self, File};
use super::items::saw;
use super::problems::Problems;
use super::{item_id, not_a_query};
use crate::accounts::Entry;
use crate::door::Who;
use crate::problem::Refusal;
use crate::reports::{self, Which};
use crate::service::Gateway;

/// Every run of checks over an item: verdicts, every check with its result, evidence and remedies
#[utoipa::path(get, path = "/v1/items/{id}/report", operation_id = "getItemReport", tag = "reports",
    params(("id" = String, Path, description = "对象标识 (UUID)"), Which),
    responses((status = 200, description = "check-report/1: about, parts in order of time; a part's `stored` is the sealed report", body = Object), Problems))]
pub(crate) async fn item(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<CheckPaper>, Refusal> {
    let (item, Query(which)) = (item_id(&id)?, which.map_err(|e| not_a_query(&e))?);
    let paper = reports::of_item(&gateway.peers, item, &which).await?;
    saw(&gateway, &who, "item.report", item);
    Ok(Json(paper))
}

/// The same as PDF
#[utoipa::path(get, path = "/v1/items/{id}/report.pdf", operation_id = "getItemReportPdf", tag = "reports",
    params(("id" = String, Path, description = "对象标识 (UUID)"), Which),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn item_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (item, Query(which)) = (item_id(&id)?, which.map_err(|e| not_a_query(&e))?);
    let paper = reports::of_item(&gateway.peers, item, &which).await?;
    saw(&gateway, &who, "item.report", item);
    drawn(paper, &item.to_string()).await
}

/// 移交检测: every side's checks of a transfer
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/report", operation_id = "getTransferReport", tag = "reports",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "check-report/1: a part for the unit, the archive, the storing", body = Object), Problems))]
pub(crate) async fn transfer(
    State(gateway): State<Gateway>,
    who: Who,
    Path(transfer_no): Path<String>,
) -> Result<Json<CheckPaper>, Refusal> {
    let paper = reports::of_transfer(&gateway.peers, &transfer_no).await?;
    saw_transfer(&gateway, &who, &transfer_no);
    Ok(Json(paper))
}

/// The same as PDF
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}/report.pdf", operation_id = "getTransferReportPdf", tag = "reports",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "PDF, the data attached", body = inline(File), content_type = "application/pdf"), Problems))]
pub(crate) async fn transfer_pdf(
    State(gateway): State<Gateway>,
    who: Who,
    Path(transfer_no): Path<String>,
) -> Result<Response, Refusal> {
    let paper = reports::of_transfer(&gateway.peers, &transfer_no).await?;
    saw_transfer(&gateway, &who, &transfer_no);
    drawn(paper, &transfer_no).await
}

fn saw_transfer(gateway: &Gateway, who: &Who, transfer_no: &str) {
    let object = format!("transfer/{transfer_no}");
    gateway.audit.sees(who, Entry { action: "transfer.report", object: &object, detail: "" });
}

async fn drawn(paper: CheckPaper, name: &str) -> Result<Response, Refusal> {
    let body = reports::pdf(paper).await?;
    Ok(files::pdf(&format!("report-{name}.pdf"), body))
}
