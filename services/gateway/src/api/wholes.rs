//! 整体检测: what was checked beside single items: batches, carriers, the system; each run with its report and the
//! tasks that it asks for.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::not_a_query;
use super::problems::Problems;
use super::tasks::Task;
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// A run over a batch, a carrier or the system.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    id: String,
    /// batch, carrier, system
    scope: String,
    number: String,
    /// G, Y, C
    stage: String,
    scheme: String,
    engine: String,
    /// passed, failed, unverifiable, unsigned: of the report, before anybody signed
    verdict: String,
    /// The same with what persons signed
    holds: String,
    began_at: Option<String>,
    ended_at: Option<String>,
    /// SHA-256 of the report's document
    report_digest: String,
    /// Tasks that wait for a signature
    open_tasks: u32,
    /// Seed of the sample: the hash of the event that makes the batch; null without a sample
    seed: Option<String>,
}

impl From<&v1::WholeSummary> for Whole {
    fn from(w: &v1::WholeSummary) -> Self {
        Self {
            id: hex::encode(&w.id),
            scope: w.scope.clone(),
            number: w.number.clone(),
            stage: w.stage.clone(),
            scheme: w.scheme.clone(),
            engine: w.engine.clone(),
            verdict: w.verdict.clone(),
            holds: w.holds.clone(),
            began_at: json::time(w.began_at),
            ended_at: json::time(w.ended_at),
            report_digest: hex::encode(&w.report),
            open_tasks: w.open_tasks,
            seed: json::or_null(&w.seed),
        }
    }
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholePage {
    wholes: Vec<Whole>,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// A run with its report, tasks and signatures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeReport {
    #[serde(flatten)]
    whole: Whole,
    tasks: Vec<Task>,
    /// 检测报告, as it was sealed
    #[schema(value_type = Object)]
    report: Value,
}

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WholeFilters {
    /// batch, carrier, system
    #[serde(default)]
    pub(crate) scope: String,
    /// G, Y, C
    #[serde(default)]
    pub(crate) stage: String,
    /// Of the batch or carrier, or day of the system
    #[serde(default)]
    pub(crate) number: String,
    /// passed, failed, unverifiable, unsigned
    #[serde(default)]
    pub(crate) verdict: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Runs of a page, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The runs and the cursor after them.
pub(crate) async fn page_of_wholes(
    gateway: &Gateway,
    filters: &WholeFilters,
) -> Result<(v1::WholesReply, Option<String>), Refusal> {
    let (before, id) = cursor::read_named(&filters.after)?;
    let before_id = hex::decode(id).map_err(|_| cursor::not_a_cursor())?;
    let limit = cursor::page_size(filters.limit);
    let request = v1::WholesRequest {
        scope: filters.scope.trim().into(),
        stage: filters.stage.trim().into(),
        number: filters.number.trim().into(),
        verdict: filters.verdict.trim().into(),
        limit,
        before,
        before_id: before_id.into(),
    };
    let reply = answered(gateway.peers.checks().wholes(question(request)).await)?;
    let next = cursor::next(&reply.wholes, limit);
    Ok((reply, next))
}

/// Checks of batches, carriers and the system, newest first
#[utoipa::path(get, path = "/v1/wholes", operation_id = "listWholes", tag = "inspection", params(WholeFilters),
    responses((status = 200, description = "a page of runs", body = WholePage), Problems))]
pub(crate) async fn wholes(
    State(gateway): State<Gateway>,
    filters: Result<Query<WholeFilters>, QueryRejection>,
) -> Result<Json<WholePage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let (reply, next) = page_of_wholes(&gateway, &filters).await?;
    Ok(Json(WholePage { wholes: reply.wholes.iter().map(Whole::from).collect(), next }))
}

/// One run by its id.
pub(crate) async fn find_whole(gateway: &Gateway, id: &str) -> Result<v1::WholeReply, Refusal> {
    let id = hex::decode(id.trim())
        .map_err(|_| Refusal::invalid("request.id", "不是有效的标识", "not a valid id"))?;
    Ok(answered(gateway.peers.checks().whole(question(v1::WholeRequest { id: id.into() })).await)?)
}

/// One run with its report, tasks and signatures
#[utoipa::path(get, path = "/v1/wholes/{id}", operation_id = "getWhole", tag = "inspection",
    params(("id" = String, Path, description = "the run: hash of its event, 64 hex digits")),
    responses((status = 200, description = "the run", body = WholeReport), Problems))]
pub(crate) async fn whole(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
) -> Result<Json<WholeReport>, Refusal> {
    let reply = find_whole(&gateway, &id).await?;
    Ok(Json(WholeReport {
        whole: Whole::from(&reply.whole.unwrap_or_default()),
        tasks: reply.tasks.into_iter().map(Task::from).collect(),
        report: serde_json::from_slice(&reply.report).unwrap_or(Value::Null),
    }))
}

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemCheck)]
pub(crate) struct Asked {
    /// As what it will stand in the list
    number: String,
}

/// Has the system checked now, and notes who asks.
pub(crate) async fn check_now(gateway: &Gateway, who: &Who) -> Result<String, Refusal> {
    gateway.audit.does(who, Entry { action: "system.check", object: "system", detail: "" }).await?;
    let request = v1::CheckSystemRequest { actor: who.actor() };
    Ok(answered(gateway.peers.checks().check_system(question(request)).await)?.number)
}

/// Have the system checked now, beside its daily run
#[utoipa::path(post, path = "/v1/wholes", operation_id = "checkSystem", tag = "inspection",
    responses((status = 200, description = "it will stand in the list soon", body = Asked), Problems))]
pub(crate) async fn check_system(State(gateway): State<Gateway>, who: Who) -> Result<Json<Asked>, Refusal> {
    Ok(Json(Asked { number: check_now(&gateway, &who).await? }))
}
