//! 人工检测, 整体检测, 人工复检: what persons sign, what was checked beside single items, what persons say of a report. The
//! rules are fixity's; here they get the name of who acts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, ItemId, Problem, Sha256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::problems::Problems;
use super::{item_id, not_a_query, not_json};
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// How many a list shows at once when it is not told.
const PAGE: u32 = 50;

/// What a person signed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signature {
    /// 签字人; empty while its document is on its way back after a loss
    person: String,
    in_order: bool,
    note: String,
    at: Option<String>,
    /// Hash of the event in the log
    event: String,
}

/// A task for persons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Task {
    id: String,
    /// S-06
    check: String,
    check_name: String,
    check_name_en: String,
    /// batch, carrier, system
    scope: String,
    number: String,
    /// G, Y, C
    stage: String,
    task: String,
    task_en: String,
    /// How many different persons sign
    persons: u32,
    /// open (待签), done, wrong
    state: String,
    opened_at: Option<String>,
    due_at: Option<String>,
    signatures: Vec<Signature>,
    /// The sample to look at: ids of items
    items: Vec<String>,
    /// The run whose report asks for it
    whole: String,
}

impl From<v1::CheckTask> for Task {
    fn from(t: v1::CheckTask) -> Self {
        let signature = |s: v1::Signature| Signature {
            person: s.person,
            in_order: s.in_order,
            note: s.note,
            at: json::time(s.at),
            event: hex::encode(&s.event),
        };
        Self {
            id: t.id,
            check: t.check,
            check_name: t.check_name,
            check_name_en: t.check_name_en,
            scope: t.scope,
            number: t.number,
            stage: t.stage,
            task: t.task,
            task_en: t.task_en,
            persons: t.persons,
            state: t.state,
            opened_at: json::time(t.opened_at),
            due_at: json::time(t.due_at),
            signatures: t.signatures.into_iter().map(signature).collect(),
            items: t.items.iter().filter_map(|item| json::id(item)).collect(),
            whole: hex::encode(&t.whole),
        }
    }
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskPage {
    /// How many wait for a signature
    open: u64,
    /// Since when the oldest of them waits
    oldest: Option<String>,
    tasks: Vec<Task>,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// Which tasks.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TaskFilters {
    /// open, done; all when not told
    #[serde(default)]
    pub(crate) state: String,
    /// batch, carrier, system
    #[serde(default)]
    pub(crate) scope: String,
    /// Of the batch or carrier, or month of the system
    #[serde(default)]
    pub(crate) number: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Tasks of a page, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The tasks and the cursor after them.
pub(crate) async fn page_of_tasks(
    gateway: &Gateway,
    filters: &TaskFilters,
) -> Result<(v1::TasksReply, Option<String>), Refusal> {
    let limit = filters.limit.unwrap_or(PAGE).clamp(1, 200);
    let request = v1::TasksRequest {
        state: filters.state.trim().into(),
        scope: filters.scope.trim().into(),
        number: filters.number.trim().into(),
        limit,
        after: filters.after.trim().into(),
    };
    let reply = answered(gateway.peers.checks().tasks(question(request)).await)?;
    let last = reply.tasks.last().filter(|_| reply.tasks.len() >= limit as usize);
    let next = last.map(|task| task.id.clone());
    Ok((reply, next))
}

/// Tasks for persons, open ones first
#[utoipa::path(get, path = "/v1/tasks", operation_id = "listTasks", tag = "inspection", params(TaskFilters),
    responses((status = 200, description = "a page of tasks", body = TaskPage), Problems))]
pub(crate) async fn tasks(
    State(gateway): State<Gateway>,
    filters: Result<Query<TaskFilters>, QueryRejection>,
) -> Result<Json<TaskPage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let (reply, next) = page_of_tasks(&gateway, &filters).await?;
    let tasks = reply.tasks.into_iter().map(Task::from).collect();
    Ok(Json(TaskPage { open: reply.open, oldest: json::time(reply.oldest), tasks, next }))
}

/// What is signed of a task.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signing {
    /// 合格
    pub(crate) in_order: bool,
    /// What was seen; asked for when it is not in order
    #[serde(default)]
    pub(crate) note: String,
    /// Who signs; of a signed-in person their own name alone
    #[serde(default)]
    pub(crate) person: String,
}

/// Who acts, as documents name them and as events do. The token, which systems carry, acts for the person that it names.
fn actor(who: &Who, given: &str) -> Result<(String, Bytes), Refusal> {
    if who.account().is_none() && given.trim().is_empty() {
        let (zh, en) =
            ("签字须由登录的人员办理，或写明签字人", "a signed-in person signs, or the person is named");
        return Err(Refusal::invalid("task.no_person", zh, en));
    }
    let actor = who.account().map(|_| who.actor()).unwrap_or_default();
    Ok((who.decides_as(given)?, actor))
}

/// Signs a task, and notes it first.
pub(crate) async fn sign(
    gateway: &Gateway,
    who: &Who,
    task: &str,
    signing: Signing,
) -> Result<v1::CheckTask, Refusal> {
    let (person, actor) = actor(who, &signing.person)?;
    let said = if signing.in_order { "合格" } else { "不合格" };
    let (object, detail) = (format!("task/{task}"), format!("{person} {said} {}", signing.note));
    gateway.audit.does(who, Entry { action: "task.sign", object: &object, detail: &detail }).await?;
    let request = v1::SignTaskRequest {
        id: task.to_owned(),
        person,
        actor,
        in_order: signing.in_order,
        note: signing.note,
    };
    let reply = answered(gateway.peers.checks().sign_task(question(request)).await)?;
    Ok(reply.task.unwrap_or_default())
}

/// Sign a task; what is signed is never changed
#[utoipa::path(post, path = "/v1/tasks/{id}/signatures", operation_id = "signTask", tag = "inspection",
    params(("id" = String, Path, description = "the task")),
    request_body(content = Signing, description = "what was found"),
    responses((status = 200, description = "the task with its signatures", body = Task), Problems))]
pub(crate) async fn signatures(
    State(gateway): State<Gateway>,
    who: Who,
    Path(id): Path<String>,
    body: Result<Json<Signing>, JsonRejection>,
) -> Result<Json<Task>, Refusal> {
    let Json(signing) = body.map_err(|e| not_json(&e))?;
    Ok(Json(sign(&gateway, &who, &id, signing).await?.into()))
}

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
    let limit = filters.limit.unwrap_or(PAGE).clamp(1, 200);
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
    let last = reply.wholes.last().filter(|_| reply.wholes.len() >= limit as usize);
    let next = last.map(|w| cursor::after(w.began_at, hex::encode(&w.id).as_bytes()));
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
    let (person, actor) = actor(who, &saying.person)?;
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
