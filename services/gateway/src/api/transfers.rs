//! Transfers (移交): lists, one with its steps and what was unfit, proposing one, signing and declining.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

use super::problems::Problems;
use super::registrations::{Registration, StepTaken};
use super::{not_a_query, not_json};
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::json::{self, Unit};
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Transfer {
    /// 移交号
    transfer_no: String,
    /// packed, submitted, verified, accepted, accessioned, rejected
    state: String,
    unit: Unit,
    /// 全宗号
    fonds_no: String,
    items: u32,
    bytes: u64,
    /// Items that either side found unfit
    unfit: u32,
    /// 存储包
    packs: Vec<u64>,
    /// 证书号 of the batches that it takes from
    certificates: Vec<String>,
    packed_at: Option<String>,
    changed_at: Option<String>,
    /// Who must do what next; null: it goes on by itself
    waits_for: Option<String>,
    /// Codes, when rejected
    reasons: Vec<String>,
}

impl From<&v1::TransferSummary> for Transfer {
    fn from(t: &v1::TransferSummary) -> Self {
        Self {
            transfer_no: t.transfer_no.clone(),
            state: t.state.clone(),
            unit: Unit { uscc: t.unit_uscc.clone(), name: t.unit_name.clone() },
            fonds_no: t.fonds_no.clone(),
            items: t.items,
            bytes: t.bytes,
            unfit: t.unfit,
            packs: t.packs.clone(),
            certificates: t.certificates.clone(),
            packed_at: json::time(t.packed_at),
            changed_at: json::time(t.changed_at),
            waits_for: json::or_null(&t.waits_for),
            reasons: t.reasons.clone(),
        }
    }
}

/// An item that was taken out of a transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnfitItem {
    item: Option<String>,
    archival_code: String,
    /// unit, archive, storing
    side: String,
    /// Ids of the checks that failed
    failed: Vec<String>,
    remedy: String,
}

impl From<&v1::UnfitItem> for UnfitItem {
    fn from(u: &v1::UnfitItem) -> Self {
        Self {
            item: json::id(&u.item),
            archival_code: u.archival_code.clone(),
            side: u.side.clone(),
            failed: u.failed.clone(),
            remedy: u.remedy.clone(),
        }
    }
}

/// A transfer with its steps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferSteps {
    #[serde(flatten)]
    transfer: Transfer,
    steps: Vec<StepTaken>,
    unfit_items: Vec<UnfitItem>,
    /// 档号 of what it holds
    archival_codes: Vec<String>,
}

impl From<v1::TransferReply> for TransferSteps {
    fn from(reply: v1::TransferReply) -> Self {
        Self {
            transfer: Transfer::from(&reply.transfer.unwrap_or_default()),
            steps: reply.steps.iter().map(StepTaken::from).collect(),
            unfit_items: reply.unfit.iter().map(UnfitItem::from).collect(),
            archival_codes: reply.archival_codes,
        }
    }
}

/// A page of transfers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferPage {
    transfers: Vec<Transfer>,
    /// How many there are, by state
    counts: BTreeMap<String, u64>,
    /// Certified batches with items in the archive's range that are not in a transfer yet
    due: Vec<Registration>,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// Which transfers.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransferFilters {
    /// packed, submitted, verified, accepted, accessioned, rejected
    #[serde(default)]
    pub(crate) state: String,
    /// 立档单位, 统一社会信用代码
    #[serde(default)]
    pub(crate) unit: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Transfers of a page, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The transfers and the cursor after them.
pub(crate) async fn page(
    gateway: &Gateway,
    filters: &TransferFilters,
) -> Result<(v1::TransfersReply, Option<String>), Refusal> {
    let (before, before_no) = cursor::read_named(&filters.after)?;
    let limit = cursor::page_size(filters.limit);
    let request = v1::TransfersRequest {
        state: filters.state.trim().into(),
        unit_uscc: filters.unit.trim().into(),
        limit,
        before,
        before_no,
    };
    let reply = answered(gateway.peers.registration().transfers(question(request)).await)?;
    let next = cursor::next(&reply.transfers, limit);
    Ok((reply, next))
}

/// Transfers, newest first
#[utoipa::path(get, path = "/v1/transfers", operation_id = "listTransfers", tag = "transfer", params(TransferFilters),
    responses((status = 200, description = "a page of transfers", body = TransferPage), Problems))]
pub(crate) async fn list(
    State(gateway): State<Gateway>,
    filters: Result<Query<TransferFilters>, QueryRejection>,
) -> Result<Json<TransferPage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let (reply, next) = page(&gateway, &filters).await?;
    Ok(Json(TransferPage {
        transfers: reply.transfers.iter().map(Transfer::from).collect(),
        counts: reply.counts.into_iter().collect(),
        due: reply.due.iter().map(Registration::from).collect(),
        next,
    }))
}

/// A transfer by its number.
pub(crate) async fn find(gateway: &Gateway, transfer_no: &str) -> Result<v1::TransferReply, Refusal> {
    let request = v1::TransferRequest { transfer_no: transfer_no.to_owned(), item: Bytes::new() };
    Ok(answered(gateway.peers.registration().transfer(question(request)).await)?)
}

/// One transfer with its steps and what was unfit
#[utoipa::path(get, path = "/v1/transfers/{transfer_no}", operation_id = "getTransfer", tag = "transfer",
    params(("transfer_no" = String, Path, description = "移交号")),
    responses((status = 200, description = "the transfer", body = TransferSteps), Problems))]
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    Path(transfer_no): Path<String>,
) -> Result<Json<TransferSteps>, Refusal> {
    Ok(Json(find(&gateway, &transfer_no).await?.into()))
}

/// A transfer by hand.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proposal {
    /// 1 to 5 certified registration batches of one unit (UUIDs)
    pub(crate) batches: Vec<String>,
    #[serde(default)]
    pub(crate) note: String,
}

/// Propose a transfer by hand
#[utoipa::path(post, path = "/v1/transfers", operation_id = "proposeTransfer", tag = "transfer",
    request_body(content = Proposal, description = "from which batches"),
    responses((status = 200, description = "the transfer that is packed", body = TransferSteps), Problems))]
pub(crate) async fn propose(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Json<Proposal>, JsonRejection>,
) -> Result<Json<TransferSteps>, Refusal> {
    let Json(body) = body.map_err(|e| not_json(&e))?;
    let batches = body.batches.iter().map(|text| super::uuid(text)).collect::<Result<Vec<_>, _>>()?;
    let signing = Signing { step: "propose".into(), note: body.note, ..Signing::default() };
    Ok(Json(decide(&gateway, &who, (String::new(), batches), signing).await?.into()))
}

/// Signing or declining.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signing {
    /// sign_unit, sign_archive, decline
    pub(crate) step: String,
    /// 填表人; a signed-in person is one of the two
    #[serde(default)]
    pub(crate) filled_by: String,
    /// 审核人, another person
    #[serde(default)]
    pub(crate) reviewed_by: String,
    #[serde(default)]
    pub(crate) note: String,
    /// Codes, when declining
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
}

/// Passes a step on, in the name of who asks, and notes it first.
pub(crate) async fn decide(
    gateway: &Gateway,
    who: &Who,
    (transfer_no, batches): (String, Vec<Bytes>),
    signing: Signing,
) -> Result<v1::TransferReply, Refusal> {
    let Signing { step, filled_by, reviewed_by, note, reasons } = signing;
    let (filled_by, reviewed_by) = if step.starts_with("sign_") {
        who.signs_as(&filled_by, &reviewed_by)?
    } else {
        (who.decides_as(&filled_by)?, reviewed_by)
    };
    let (action, object) = (format!("transfer.{step}"), format!("transfer/{transfer_no}"));
    let named: Vec<String> = batches.iter().filter_map(|batch| json::id(batch)).collect();
    let detail = format!("{filled_by} {reviewed_by} {} {}", named.join(" "), reasons.join(" "));
    gateway.audit.does(who, Entry { action: &action, object: &object, detail: detail.trim() }).await?;
    let actor = who.actor();
    let request = v1::DecideTransferRequest {
        transfer_no,
        step,
        batches,
        filled_by,
        reviewed_by,
        note,
        reasons,
        actor,
    };
    Ok(answered(gateway.peers.registration().decide_transfer(question(request)).await)?)
}

/// Sign a transfer for the unit or the archive, or decline it
#[utoipa::path(post, path = "/v1/transfers/{transfer_no}:decide", operation_id = "decideTransfer", tag = "transfer",
    params(("transfer_no" = String, Path, description = "移交号")),
    request_body(content = Signing, description = "the step and who takes it"),
    responses((status = 200, description = "the transfer after the step", body = TransferSteps), Problems))]
pub(crate) async fn decision(
    State(gateway): State<Gateway>,
    who: Who,
    Path(transfer_no): Path<String>,
    body: Result<Json<Signing>, JsonRejection>,
) -> Result<Json<TransferSteps>, Refusal> {
    let transfer_no = super::with_verb(&transfer_no, "decide")?.to_owned();
    let Json(body) = body.map_err(|e| not_json(&e))?;
    Ok(Json(decide(&gateway, &who, (transfer_no, Vec::new()), body).await?.into()))
}
