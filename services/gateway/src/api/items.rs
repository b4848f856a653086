//! Items: one with its history, lists, states, receipts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, ItemId, Problem, SubmissionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::files;
use super::problems::Problems;
use super::{item_id, not_a_query, not_json};
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::findings::{self, Finding};
use crate::json::{Attempt, Event, Summary};
use crate::peers::{Peers, answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

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

/// An item with its history, its findings and its record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    #[serde(flatten)]
    summary: Summary,
    /// In causal order
    history: Vec<Event>,
    /// What failed or warned when it was last decided about
    checks: Vec<Finding>,
    /// record.json; null before filing
    #[schema(value_type = Option<Object>)]
    record: Value,
}

/// One item with its history
#[utoipa::path(get, path = "/v1/items/{id}", operation_id = "getItem", tag = "items",
    params(("id" = String, Path, description = "对象标识 (UUID)")),
    responses((status = 200, description = "the item", body = Item), Problems))]
pub(crate) async fn one(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Item>, Refusal> {
    let item = item_id(&id)?;
    let known = known(&gateway.peers, item).await?;
    saw(&gateway, &who, "item.view", item);
    Ok(Json(Item {
        summary: Summary::from(&known.item),
        history: known.history.iter().map(Event::from).collect(),
        checks: known.findings,
        record: known.holding.map_or(Value::Null, |holding| read(&holding.record)),
    }))
}

/// Notes that somebody was shown an item, or took something of it.
pub(crate) fn saw(gateway: &Gateway, who: &Who, action: &str, item: ItemId) {
    let object = format!("item/{item}");
    gateway.audit.sees(who, Entry { action, object: &object, detail: "" });
}

fn read(document: &[u8]) -> Value {
    serde_json::from_slice(document).unwrap_or(Value::Null)
}

/// Which items, and from where on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// 保管权: parked, prefiled, planned, filed, returned, superseded, accessioned, refused
    #[serde(default)]
    pub(crate) custody: String,
    /// 登记: unregistered, applied, registered, backed_up, certified
    #[serde(default)]
    pub(crate) registration: String,
    /// 保存: none, stored, secured, suspect
    #[serde(default)]
    pub(crate) preservation: String,
    /// 立档单位, 统一社会信用代码
    #[serde(default)]
    pub(crate) unit: String,
    /// 事项编码
    #[serde(default)]
    pub(crate) matter: String,
    /// 保管期限: Y, D30, D10
    #[serde(default)]
    pub(crate) retention: String,
    /// 年度 of closing
    #[serde(default, deserialize_with = "super::number_or_none")]
    pub(crate) year: Option<u32>,
    /// 存储包
    #[serde(default, deserialize_with = "super::number_or_none")]
    pub(crate) pack: Option<u64>,
    /// 移交号
    #[serde(default)]
    pub(crate) transfer: String,
    /// 登记批 (UUID)
    #[serde(default)]
    pub(crate) batch: String,
    /// Part of an archival code, or the beginning of an id
    #[serde(default)]
    pub(crate) q: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Items of a page, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

impl Filters {
    /// As query is asked.
    pub(crate) fn request(&self) -> Result<v1::ItemsRequest, Refusal> {
        let (before_changed_at, before_item) = cursor::read(&self.after)?;
        Ok(v1::ItemsRequest {
            custody: self.custody.clone(),
            unit_uscc: self.unit.trim().into(),
            matter_code: self.matter.trim().into(),
            limit: cursor::page_size(self.limit),
            before_changed_at,
            before_item,
            text: self.q.trim().into(),
            registration: self.registration.clone(),
            preservation: self.preservation.clone(),
            retention: self.retention.clone(),
            year: self.year.unwrap_or(0),
            pack: self.pack.unwrap_or(0),
            transfer_no: self.transfer.trim().into(),
            batch: super::uuid_or_none(&self.batch)?,
        })
    }
}

/// A page of items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemPage {
    items: Vec<Summary>,
    /// Of all pages
    total: u64,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// Items by filters, newest change first
#[utoipa::path(get, path = "/v1/items", operation_id = "listItems", tag = "items", params(Filters),
    responses((status = 200, description = "a page of items", body = ItemPage), Problems))]
pub(crate) async fn list(
    State(gateway): State<Gateway>,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<ItemPage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let request = filters.request()?;
    let limit = request.limit;
    let reply = answered(gateway.peers.query().items(question(request)).await)?;
    let next = cursor::next(&reply.items, limit);
    Ok(Json(ItemPage { items: reply.items.iter().map(Summary::from).collect(), total: reply.total, next }))
}

/// Whose states; at most 1,000 of both together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    items: Vec<ItemId>,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    submissions: Vec<SubmissionId>,
}

/// States of items and of single submissions. Unknown ones do not come back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct States {
    items: Vec<Summary>,
    submissions: Vec<Attempt>,
}

/// States of items, and of single submissions
#[utoipa::path(post, path = "/v1/items:states", operation_id = "getStates", tag = "items",
    request_body(content = Asked, description = "ids of items and of submissions"),
    responses((status = 200, description = "the known ones", body = States), Problems))]
pub(crate) async fn states(
    State(gateway): State<Gateway>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<States>, Refusal> {
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
    let items = reply.items.iter().map(Summary::from).collect();
    Ok(Json(States { items, submissions: reply.submissions.iter().map(Attempt::from).collect() }))
}

/// Which version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Version {
    /// 数据版本; 0: the newest
    #[serde(default)]
    pub(super) data_version: u32,
}

/// The evidence receipt (存证回执) of an item, byte for byte as the register made it
#[utoipa::path(get, path = "/v1/items/{id}/receipt", operation_id = "getReceipt", tag = "items",
    params(("id" = String, Path, description = "对象标识 (UUID)"), Version),
    responses((status = 200, description = "canonical JSON, under 10 KiB", body = Object), Problems))]
pub(crate) async fn receipt(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    version: Result<Query<Version>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (item, Query(version)) = (item_id(&id)?, version.map_err(|e| not_a_query(&e))?);
    let request = v1::ReceiptRequest {
        item: bytes::Bytes::copy_from_slice(item.as_bytes()),
        data_version: version.data_version,
    };
    let reply = answered(gateway.peers.register().receipt(question(request)).await)?;
    saw(&gateway, &who, "item.receipt", item);
    Ok(files::saved("application/json", &format!("{item}.receipt.json"), reply.receipt))
}
