//! Items: one with its history, lists, states, receipts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, ItemId, Problem, SubmissionId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{item_id, not_a_query, not_json};
use crate::cursor;
use crate::findings::{self, Finding};
use crate::json;
use crate::peers::{Peers, answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// How many a list shows at once when it is not told.
const PAGE: u32 = 50;

/// An item as the roles know it.
pub(crate) struct Known {
    pub(crate) item: v1::ItemSummary,
    /// In causal order.
    pub(crate) history: Vec<v1::HistoryEvent>,
    /// Record and check report; `None` while registration does not answer or does not hold the item.
    pub(crate) holding: Option<v1::HoldingReply>,
    /// What failed or warned when it was last decided about.
    pub(crate) findings: Vec<Finding>,
}

/// Asks query for the item and registration for what it holds of it; the latter may be away. What neither holds
/// (refused, or accepted a moment ago) ingest knows.
pub(crate) async fn known(peers: &Peers, item: ItemId) -> Result<Known, Refusal> {
    let bytes = bytes::Bytes::copy_from_slice(item.as_bytes());
    let (mut query, mut registration) = (peers.query(), peers.registration());
    let (reply, holding) = tokio::join!(
        query.item(question(v1::ItemRequest { item: bytes.clone() })),
        registration.holding(question(v1::HoldingRequest { item: bytes.clone() })),
    );
    let reply = answered(reply);
    let holding = holding.ok().map(tonic::Response::into_inner);
    let mut findings = holding.as_ref().map(|h| findings::of(&h.report)).unwrap_or_default();
    let is_ours = |p: &Problem| p.class == ErrorClass::NotFound;
    let is_refused =
        |reply: &v1::ItemReply| reply.item.as_ref().is_some_and(|item| item.custody == "refused");
    if reply.as_ref().map_or_else(is_ours, is_refused) {
        let asked = v1::SubmissionRequest { item: bytes, submission: bytes::Bytes::new() };
        if let Ok(submission) = answered(peers.ingest().submission(question(asked)).await) {
            findings = submission.checks.iter().map(Finding::from).collect();
            if reply.is_err() {
                let item = at_the_door(submission);
                return Ok(Known { item, history: Vec::new(), holding, findings });
            }
        }
    }
    let reply = reply?;
    Ok(Known { item: reply.item.unwrap_or_default(), history: reply.history, holding, findings })
}

/// An item of which no event has reached the read model.
fn at_the_door(submission: v1::SubmissionReply) -> v1::ItemSummary {
    v1::ItemSummary {
        item: submission.item,
        submission: submission.submission,
        data_version: submission.data_version,
        custody: submission.outcome,
        registration: "unregistered".into(),
        preservation: "none".into(),
        access: "closed".into(),
        matter_code: submission.matter_code,
        changed_at: submission.received_at,
        ..Default::default()
    }
}

/// `GET /v1/items/{id}`.
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let known = known(&gateway.peers, item_id(&id)?).await?;
    let mut body = json::summary(&known.item);
    body["history"] = known.history.iter().map(json::event).collect();
    body["checks"] = json!(known.findings);
    body["record"] = known.holding.map_or(Value::Null, |holding| read(&holding.record));
    Ok(Json(body))
}

fn read(document: &[u8]) -> Value {
    serde_json::from_slice(document).unwrap_or(Value::Null)
}

/// Which items, and from where on.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Filters {
    #[serde(default)]
    pub(crate) custody: String,
    /// 统一社会信用代码
    #[serde(default)]
    pub(crate) unit: String,
    /// 事项编码
    #[serde(default)]
    pub(crate) matter: String,
    /// Part of an archival code, or the beginning of an id.
    #[serde(default)]
    pub(crate) q: String,
    #[serde(default)]
    pub(crate) after: String,
    #[serde(default)]
    pub(crate) limit: Option<u32>,
    #[serde(default)]
    pub(crate) lang: String,
}

impl Filters {
    /// As query is asked.
    pub(crate) fn request(&self) -> Result<v1::ItemsRequest, Refusal> {
        let (before_changed_at, before_item) = cursor::read(&self.after)?;
        Ok(v1::ItemsRequest {
            custody: self.custody.clone(),
            unit_uscc: self.unit.trim().into(),
            matter_code: self.matter.trim().into(),
            limit: self.limit.unwrap_or(PAGE).clamp(1, 200),
            before_changed_at,
            before_item,
            text: self.q.trim().into(),
            ..Default::default()
        })
    }
}

/// `GET /v1/items`.
pub(crate) async fn list(
    State(gateway): State<Gateway>,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let request = filters.request()?;
    let limit = request.limit as usize;
    let reply = answered(gateway.peers.query().items(question(request)).await)?;
    let items: Vec<Value> = reply.items.iter().map(json::summary).collect();
    Ok(Json(json!({ "items": items, "total": reply.total, "next": cursor::next(&reply.items, limit) })))
}

/// Whose states.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    items: Vec<ItemId>,
    #[serde(default)]
    submissions: Vec<SubmissionId>,
}

/// `POST /v1/items:states`: of items, and of single submissions.
pub(crate) async fn states(
    State(gateway): State<Gateway>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Json(asked) = asked.map_err(|e| not_json(&e))?;
    let request = v1::StatesRequest {
        items: asked.items.iter().map(|id| bytes::Bytes::copy_from_slice(id.as_bytes())).collect(),
        submissions: asked
            .submissions
            .iter()
            .map(|id| bytes::Bytes::copy_from_slice(id.as_bytes()))
            .collect(),
    };
    let reply = answered(gateway.peers.query().states(question(request)).await)?;
    let items: Vec<Value> = reply.items.iter().map(json::summary).collect();
    let submissions: Vec<Value> = reply.submissions.iter().map(json::attempt).collect();
    Ok(Json(json!({ "items": items, "submissions": submissions })))
}

/// Which version's receipt.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Version {
    #[serde(default)]
    pub(super) data_version: u32,
}

/// `GET /v1/items/{id}/receipt`: the evidence receipt, byte for byte as the register made it.
pub(crate) async fn receipt(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    version: Result<Query<Version>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (item, Query(version)) = (item_id(&id)?, version.map_err(|e| not_a_query(&e))?);
    let request = v1::ReceiptRequest {
        item: bytes::Bytes::copy_from_slice(item.as_bytes()),
        data_version: version.data_version,
    };
    let reply = answered(gateway.peers.register().receipt(question(request)).await)?;
    let named = format!("attachment; filename=\"{item}.receipt.json\"");
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, reply.receipt).into_response())
}
