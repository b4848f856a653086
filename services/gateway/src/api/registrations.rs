//! Registration batches (登记批): lists, one with its steps, applying by hand, deciding. Decisions are registration's; here
//! they get the name of who decides.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

use super::problems::Problems;
use super::{not_a_query, not_json};
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::json::{self, Unit};
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// A registration batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Registration {
    /// 登记批 (UUID)
    batch: Option<String>,
    /// applied, accepted, received, checked, registered, backed_up, certified, declined
    state: String,
    /// 登记号
    registration_no: Option<String>,
    /// 证书号
    certificate_no: Option<String>,
    unit: Unit,
    /// 全宗号
    fonds_no: String,
    year: u32,
    /// 存储包
    packs: Vec<u64>,
    /// Of them, those that are secured (备份达标)
    secured_packs: Vec<u64>,
    items: u32,
    files: u64,
    bytes: u64,
    applied_at: Option<String>,
    changed_at: Option<String>,
    /// Who must do what next; null: it goes on by itself
    waits_for: Option<String>,
    /// Codes, when declined
    reasons: Vec<String>,
}

impl From<&v1::BatchSummary> for Registration {
    fn from(b: &v1::BatchSummary) -> Self {
        Self {
            batch: json::id(&b.batch),
            state: b.state.clone(),
            registration_no: json::or_null(&b.registration_no),
            certificate_no: json::or_null(&b.certificate_no),
            unit: Unit { uscc: b.unit_uscc.clone(), name: b.unit_name.clone() },
            fonds_no: b.fonds_no.clone(),
            year: b.year,
            packs: b.packs.clone(),
            secured_packs: b.secured_packs.clone(),
            items: b.items,
            files: b.files,
            bytes: b.bytes,
            applied_at: json::time(b.applied_at),
            changed_at: json::time(b.changed_at),
            waits_for: json::or_null(&b.waits_for),
            reasons: b.reasons.clone(),
        }
    }
}

/// A step that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepTaken {
    step: String,
    at: Option<String>,
    /// 经办人
    by: String,
    note: String,
}

impl From<&v1::BatchStep> for StepTaken {
    fn from(s: &v1::BatchStep) -> Self {
        Self { step: s.step.clone(), at: json::time(s.at), by: s.by.clone(), note: s.note.clone() }
    }
}

impl From<&v1::TransferStep> for StepTaken {
    fn from(s: &v1::TransferStep) -> Self {
        Self { step: s.step.clone(), at: json::time(s.at), by: s.by.clone(), note: s.note.clone() }
    }
}

/// A registration batch with its steps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistrationSteps {
    #[serde(flatten)]
    registration: Registration,
    steps: Vec<StepTaken>,
}

impl From<v1::BatchReply> for RegistrationSteps {
    fn from(reply: v1::BatchReply) -> Self {
        let steps = reply.steps.iter().map(StepTaken::from).collect();
        Self { registration: Registration::from(&reply.batch.unwrap_or_default()), steps }
    }
}

/// A filing batch (pack) that nobody has applied for yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingPack {
    pack: u64,
    unit: Unit,
    year: u32,
    retention: String,
    items: u32,
    bytes: u64,
    filed_at: Option<String>,
}

impl From<&v1::WaitingPack> for WaitingPack {
    fn from(p: &v1::WaitingPack) -> Self {
        Self {
            pack: p.pack,
            unit: Unit { uscc: p.unit_uscc.clone(), name: p.unit_name.clone() },
            year: p.year,
            retention: p.retention.clone(),
            items: p.items,
            bytes: p.bytes,
            filed_at: json::time(p.filed_at),
        }
    }
}

/// A page of registration batches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistrationPage {
    registrations: Vec<Registration>,
    /// How many there are, by state
    counts: BTreeMap<String, u64>,
    /// Packs that nobody has applied for yet
    waiting: Vec<WaitingPack>,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// Which batches.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchFilters {
    /// applied, accepted, received, checked, registered, backed_up, certified, declined
    #[serde(default)]
    pub(crate) state: String,
    /// 立档单位, 统一社会信用代码
    #[serde(default)]
    pub(crate) unit: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Batches of a page, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The batches and the cursor after them.
pub(crate) async fn page(
    gateway: &Gateway,
    filters: &BatchFilters,
) -> Result<(v1::BatchesReply, Option<String>), Refusal> {
    let (before, before_batch) = cursor::read(&filters.after)?;
    let limit = cursor::page_size(filters.limit);
    let request = v1::BatchesRequest {
        state: filters.state.trim().into(),
        unit_uscc: filters.unit.trim().into(),
        limit,
        before,
        before_batch,
    };
    let reply = answered(gateway.peers.registration().batches(question(request)).await)?;
    let next = cursor::next(&reply.batches, limit);
    Ok((reply, next))
}

/// Registration batches, newest first
#[utoipa::path(get, path = "/v1/registrations", operation_id = "listRegistrations", tag = "registration", params(BatchFilters),
    responses((status = 200, description = "a page of registration batches", body = RegistrationPage), Problems))]
pub(crate) async fn list(
    State(gateway): State<Gateway>,
    filters: Result<Query<BatchFilters>, QueryRejection>,
) -> Result<Json<RegistrationPage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let (reply, next) = page(&gateway, &filters).await?;
    Ok(Json(RegistrationPage {
        registrations: reply.batches.iter().map(Registration::from).collect(),
        counts: reply.counts.into_iter().collect(),
        waiting: reply.waiting.iter().map(WaitingPack::from).collect(),
        next,
    }))
}

/// A batch by its id or its registration number.
pub(crate) async fn find(gateway: &Gateway, id: &str) -> Result<v1::BatchReply, Refusal> {
    let mut request = v1::BatchRequest::default();
    if id.starts_with("DJ-") {
        request.registration_no = id.to_owned();
    } else if id.starts_with("ZS-") {
        request.certificate_no = id.to_owned();
    } else {
        request.batch = super::uuid(id)?;
    }
    Ok(answered(gateway.peers.registration().batch(question(request)).await)?)
}

/// One registration batch with its steps
#[utoipa::path(get, path = "/v1/registrations/{batch}", operation_id = "getRegistration", tag = "registration",
    params(("batch" = String, Path, description = "登记批 (UUID), 登记号 or 证书号")),
    responses((status = 200, description = "the batch", body = RegistrationSteps), Problems))]
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    Path(batch): Path<String>,
) -> Result<Json<RegistrationSteps>, Refusal> {
    Ok(Json(find(&gateway, &batch).await?.into()))
}

/// Applying by hand.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    /// 1 to 8 packs of one unit and year
    pub(crate) packs: Vec<u64>,
    /// Who applies; of a signed-in person their own name alone
    #[serde(default)]
    pub(crate) by: String,
    #[serde(default)]
    pub(crate) note: String,
}

/// Apply for the registration of filing batches by hand
#[utoipa::path(post, path = "/v1/registrations", operation_id = "applyForRegistration", tag = "registration",
    request_body(content = Application, description = "which packs"),
    responses((status = 200, description = "the batch that was applied for", body = RegistrationSteps), Problems))]
pub(crate) async fn apply(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Json<Application>, JsonRejection>,
) -> Result<Json<RegistrationSteps>, Refusal> {
    let Json(body) = body.map_err(|e| not_json(&e))?;
    let decision = Decision { step: "apply".into(), by: body.by, note: body.note, reasons: Vec::new() };
    Ok(Json(decide(&gateway, &who, (Bytes::new(), body.packs), decision).await?.into()))
}

/// A step of the desk.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// accept, receive, check, register, decline
    pub(crate) step: String,
    /// Who decides; of a signed-in person their own name alone. The reviewer is another person than who accepted
    #[serde(default)]
    pub(crate) by: String,
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
    (batch, packs): (Bytes, Vec<u64>),
    decision: Decision,
) -> Result<v1::BatchReply, Refusal> {
    let Decision { step, by, note, reasons } = decision;
    let by = who.decides_as(&by)?;
    let (action, object) = (format!("registration.{step}"), json::id(&batch).unwrap_or_default());
    let (object, detail) =
        (format!("registration/{object}"), format!("{by} {packs:?} {}", reasons.join(" ")));
    gateway.audit.does(who, Entry { action: &action, object: &object, detail: &detail }).await?;
    let request = v1::DecideBatchRequest { batch, step, packs, by, note, reasons, actor: who.actor() };
    Ok(answered(gateway.peers.registration().decide_batch(question(request)).await)?)
}

/// Take a step about a batch: accept, receive, check, register, decline
#[utoipa::path(post, path = "/v1/registrations/{batch}:decide", operation_id = "decideRegistration", tag = "registration",
    params(("batch" = String, Path, description = "登记批 (UUID)")),
    request_body(content = Decision, description = "the step and who takes it"),
    responses((status = 200, description = "the batch after the step", body = RegistrationSteps), Problems))]
pub(crate) async fn decision(
    State(gateway): State<Gateway>,
    who: Who,
    Path(batch): Path<String>,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<Json<RegistrationSteps>, Refusal> {
    let batch = super::uuid(super::with_verb(&batch, "decide")?)?;
    let Json(body) = body.map_err(|e| not_json(&e))?;
    Ok(Json(decide(&gateway, &who, (batch, Vec::new()), body).await?.into()))
}
