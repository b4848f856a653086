//! 人工检测: tasks that persons sign. The rules are fixity's; here they get the name of who acts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::Problems;
use super::{not_a_query, not_json};
use crate::accounts::Entry;
use crate::cursor;
use crate::door::Who;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

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
    let limit = cursor::page_size(filters.limit);
    let request = v1::TasksRequest {
        state: filters.state.trim().into(),
        scope: filters.scope.trim().into(),
        number: filters.number.trim().into(),
        limit,
        after: filters.after.trim().into(),
    };
    let reply = answered(gateway.peers.checks().tasks(question(request)).await)?;
    let next = cursor::last_of_full(&reply.tasks, limit).map(|task| task.id.clone());
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
#[schema(as = TaskSigning)]
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

/// Signs a task, and notes it first.
pub(crate) async fn sign(
    gateway: &Gateway,
    who: &Who,
    task: &str,
    signing: Signing,
) -> Result<v1::CheckTask, Refusal> {
    let (person, actor) = who.vouches_as(&signing.person)?;
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
