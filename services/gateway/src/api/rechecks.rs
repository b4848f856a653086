//! 人工复检: what persons say of an item's check report, and what holds with it. The rules are fixity's; here they get the
//! name of who acts.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, ItemId, Problem, Sha256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::Problems;
use super::{item_id, not_json};
use crate::accounts::Entry;
use crate::door::Who;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// What a person said of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recheck {
    /// The report's own digest
    report: String,
    check: String,
    /// overruled (认可), upheld (维持)
    opinion: String,
    person: String,
    reason: String,
    at: Option<String>,
    /// Whether it is the one of its check that holds
    holds: bool,
    /// Hash of the event in the log
    event: String,
}

/// What persons said, and what holds of the item's present report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rechecks {
    rechecks: Vec<Recheck>,
    /// passed, failed, unverifiable, unsigned; null where the item has no report of its own
    verdict: Option<String>,
    /// Checks that keep it out
    blocking: Vec<String>,
    /// The present report's own digest
    report: Option<String>,
}

impl From<v1::RechecksReply> for Rechecks {
    fn from(reply: v1::RechecksReply) -> Self {
        let row = |r: v1::RecheckRow| Recheck {
            report: hex::encode(&r.report),
            check: r.check,
            opinion: r.opinion,
            person: r.person,
            reason: r.reason,
            at: json::time(r.at),
            holds: r.holds,
            event: hex::encode(&r.event),
        };
        Self {
            rechecks: reply.rechecks.into_iter().map(row).collect(),
            verdict: json::or_null(&reply.verdict),
            blocking: reply.blocking,
            report: json::or_null(&hex::encode(&reply.report)),
        }
    }
}

/// The digest of a report's document, as fixity keeps it; empty for what is no report of one item.
pub(crate) fn digest_of(report: &[u8]) -> Bytes {
    let is_report = serde_json::from_slice::<Value>(report).is_ok_and(|tree| tree.get("checks").is_some());
    if is_report { Bytes::copy_from_slice(Sha256::of(report).as_bytes()) } else { Bytes::new() }
}

/// The digest of the item's present report, as registration holds it; empty where it holds none.
async fn report_of(gateway: &Gateway, item: ItemId) -> Result<Bytes, Refusal> {
    let request = v1::HoldingRequest { item: Bytes::copy_from_slice(item.as_bytes()) };
    match answered(gateway.peers.registration().holding(question(request)).await) {
        Ok(holding) => Ok(digest_of(&holding.report)),
        Err(problem) if problem.class == ErrorClass::NotFound => Ok(Bytes::new()),
        Err(problem) => Err(problem.into()),
    }
}

/// What persons said of an item's report; `report` is its document's digest, empty for none.
pub(crate) async fn said_of(
    gateway: &Gateway,
    item: ItemId,
    report: Bytes,
) -> Result<v1::RechecksReply, Refusal> {
    let request = v1::RechecksRequest { item: Bytes::copy_from_slice(item.as_bytes()), report };
    Ok(answered(gateway.peers.checks().rechecks(question(request)).await)?)
}

/// What persons said of an item's report, and what holds
#[utoipa::path(get, path = "/v1/items/{id}/rechecks", operation_id = "listRechecks", tag = "inspection",
    params(("id" = String, Path, description = "对象标识 (UUID)")),
    responses((status = 200, description = "what was said", body = Rechecks), Problems))]
pub(crate) async fn rechecks(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
) -> Result<Json<Rechecks>, Refusal> {
    let item = item_id(&id)?;
    let report = report_of(&gateway, item).await?;
    Ok(Json(said_of(&gateway, item, report).await?.into()))
}

/// What a person says of one check of the item's report.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saying {
    /// A-10
    pub(crate) check: String,
    /// overruled (认可: what the machine found is no fault), upheld (维持)
    pub(crate) opinion: String,
    pub(crate) reason: String,
    /// Who says it; of a signed-in person their own name alone
    #[serde(default)]
    pub(crate) person: String,
}

/// Says it, and notes it first.
pub(crate) async fn say(
    gateway: &Gateway,
    who: &Who,
    item: ItemId,
    saying: Saying,
) -> Result<v1::RechecksReply, Refusal> {
    let (person, actor) = who.vouches_as(&saying.person)?;
    let report = report_of(gateway, item).await?;
    if report.is_empty() {
        return Err(no_report());
    }
    let (object, detail) =
        (format!("item/{item}"), format!("{} {} {}", saying.check, saying.opinion, saying.reason));
    gateway.audit.does(who, Entry { action: "item.recheck", object: &object, detail: &detail }).await?;
    let request = v1::RecheckRequest {
        item: Bytes::copy_from_slice(item.as_bytes()),
        report,
        check: saying.check.trim().into(),
        opinion: saying.opinion.trim().into(),
        person,
        actor,
        reason: saying.reason,
    };
    Ok(answered(gateway.peers.checks().recheck(question(request)).await)?)
}

fn no_report() -> Refusal {
    let (zh, en) = ("本件没有自己的检测报告", "the item has no check report of its own");
    Problem::new("recheck.no_report", ErrorClass::NotFound, zh, en).into()
}

/// Say something of the item's report; the report stays as it is
#[utoipa::path(post, path = "/v1/items/{id}/rechecks", operation_id = "addRecheck", tag = "inspection",
    params(("id" = String, Path, description = "对象标识 (UUID)")),
    request_body(content = Saying, description = "what is said"),
    responses((status = 200, description = "what was said, and what holds", body = Rechecks), Problems))]
pub(crate) async fn recheck(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    body: Result<Json<Saying>, JsonRejection>,
) -> Result<Json<Rechecks>, Refusal> {
    let Json(saying) = body.map_err(|e| not_json(&e))?;
    Ok(Json(say(&gateway, &who, item_id(&id)?, saying).await?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_over_many_is_no_report_of_one_item() {
        assert_eq!(digest_of(br#"{"stage":"G","checks":[]}"#).len(), 32);
        assert!(digest_of(br#"{"of":"item.checked","members":[]}"#).is_empty());
        assert!(digest_of(b"").is_empty());
    }
}
