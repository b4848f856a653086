//! Rules of units (规则): what a unit approved once. The area's default under `/v1/policies`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::canonical;
use dengbei_records::policy::UnitPolicy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::not_json;
use super::problems::Problems;
use crate::accounts::Entry;
use crate::door::Who;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// Two different people.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    /// 填表人
    filled_by: String,
    /// 审核人
    reviewed_by: String,
}

/// 移交: at_once, monthly, by_hand; or after so many full years.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TransferRule {
    /// at_once, monthly, by_hand
    Named(String),
    /// 按年限移交
    After(AfterYears),
}

/// After so many full years after the year of closing.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterYears {
    after_years: u16,
}

/// What a unit's rule says.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// 规则版本; each change is another
    #[serde(default)]
    version: u32,
    /// automatic, desk
    registration: String,
    transfer: TransferRule,
    /// 进馆范围: Y, D30, D10
    archive_range: Vec<String>,
    /// 立档单位 signs with these two
    unit: Pair,
    /// 档案馆 signs with these two
    archive: Pair,
    /// 登记机关: accepts and checks
    registrar: String,
    /// 登记机关: decides; another person
    reviewer: String,
}

/// A rule and whose it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyInForce {
    policy: Policy,
    /// Whether the area's default holds because the unit said nothing else
    is_default: bool,
}

/// The rule in force.
pub(crate) async fn of(gateway: &Gateway, unit: &str) -> Result<v1::UnitPolicyReply, Refusal> {
    let request = v1::UnitPolicyRequest { unit_uscc: unit.to_owned() };
    Ok(answered(gateway.peers.registration().policy(question(request)).await)?)
}

fn shown(reply: &v1::UnitPolicyReply) -> Result<Json<PolicyInForce>, Refusal> {
    let policy = serde_json::from_slice(&reply.policy).map_err(|e| not_a_policy(&e.to_string()))?;
    Ok(Json(PolicyInForce { policy, is_default: reply.is_default }))
}

fn not_a_policy(why: &str) -> Refusal {
    Refusal::invalid("policy.invalid", format!("规则无效：{why}"), format!("not a valid rule: {why}"))
}

/// The area's default rule
#[utoipa::path(get, path = "/v1/policies", operation_id = "getDefaultPolicy", tag = "policies",
    responses((status = 200, description = "the rule", body = PolicyInForce), Problems))]
pub(crate) async fn default_policy(State(gateway): State<Gateway>) -> Result<Json<PolicyInForce>, Refusal> {
    shown(&of(&gateway, "").await?)
}

/// The rule in force for a unit
#[utoipa::path(get, path = "/v1/policies/{unit}", operation_id = "getPolicy", tag = "policies",
    params(("unit" = String, Path, description = "统一社会信用代码")),
    responses((status = 200, description = "the rule", body = PolicyInForce), Problems))]
pub(crate) async fn policy(
    State(gateway): State<Gateway>,
    Path(unit): Path<String>,
) -> Result<Json<PolicyInForce>, Refusal> {
    shown(&of(&gateway, &unit).await?)
}

/// Sets a unit's rule, or the area's default when `unit` is empty, and notes it first.
pub(crate) async fn set(
    gateway: &Gateway,
    who: &Who,
    unit: &str,
    policy: &UnitPolicy,
) -> Result<v1::UnitPolicyReply, Refusal> {
    policy.check().map_err(|e| not_a_policy(&e.to_string()))?;
    let body = canonical::to_vec(policy).map_err(|e| not_a_policy(&e.to_string()))?;
    let (object, detail) = (format!("policy/{unit}"), String::from_utf8_lossy(&body));
    gateway.audit.does(who, Entry { action: "policy.set", object: &object, detail: &detail }).await?;
    let request = v1::SetUnitPolicyRequest {
        unit_uscc: unit.to_owned(),
        policy: Bytes::from(body),
        actor: who.actor(),
    };
    Ok(answered(gateway.peers.registration().set_policy(question(request)).await)?)
}

fn read(given: Result<Json<Policy>, JsonRejection>) -> Result<UnitPolicy, Refusal> {
    let Json(mut given) = given.map_err(|e| not_json(&e))?;
    given.version = given.version.max(1);
    let refused = |e: serde_json::Error| not_a_policy(&e.to_string());
    serde_json::from_value(serde_json::to_value(given).map_err(refused)?).map_err(refused)
}

/// Set a unit's rule
#[utoipa::path(put, path = "/v1/policies/{unit}", operation_id = "setPolicy", tag = "policies",
    params(("unit" = String, Path, description = "统一社会信用代码")),
    request_body(content = Policy, description = "the rule; its version is given"),
    responses((status = 200, description = "the rule in force", body = PolicyInForce), Problems))]
pub(crate) async fn set_policy(
    State(gateway): State<Gateway>,
    who: Who,
    Path(unit): Path<String>,
    body: Result<Json<Policy>, JsonRejection>,
) -> Result<Json<PolicyInForce>, Refusal> {
    shown(&set(&gateway, &who, &unit, &read(body)?).await?)
}

/// Set the area's default rule
#[utoipa::path(put, path = "/v1/policies", operation_id = "setDefaultPolicy", tag = "policies",
    request_body(content = Policy, description = "the rule; its version is given"),
    responses((status = 200, description = "the rule in force", body = PolicyInForce), Problems))]
pub(crate) async fn set_default_policy(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Json<Policy>, JsonRejection>,
) -> Result<Json<PolicyInForce>, Refusal> {
    shown(&set(&gateway, &who, "", &read(body)?).await?)
}
