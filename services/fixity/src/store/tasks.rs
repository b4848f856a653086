//! 人工检测: tasks and what was signed of them.

use dengbei_checks::Task;
use dengbei_records::{EventHash, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use super::packs::{hash, sha256};

/// How long a person has before it is called late.
const DAYS: i64 = 30;
const DAY: i64 = 86_400_000;

/// A task as it is listed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct TaskRow {
    pub(crate) id: String,
    pub(crate) scope: String,
    pub(crate) stage: String,
    pub(crate) number: String,
    pub(crate) check_id: String,
    pub(crate) task: String,
    pub(crate) task_en: String,
    pub(crate) persons: i32,
    pub(crate) items: Vec<Uuid>,
    pub(crate) whole: Vec<u8>,
    pub(crate) report: Vec<u8>,
    pub(crate) opened_at: i64,
    pub(crate) due_at: i64,
    pub(crate) is_done: bool,
}

/// What a person signed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Signature {
    pub(crate) event: Vec<u8>,
    pub(crate) task: String,
    pub(crate) actor: Vec<u8>,
    pub(crate) is_in_order: bool,
    pub(crate) document: Vec<u8>,
    pub(crate) at: i64,
    pub(crate) person: Option<String>,
    pub(crate) note: Option<String>,
}

/// The same subject and check have the same id for ever: whoever rebuilds this finds the signatures again.
pub(crate) fn id(scope: &str, stage: &str, number: &str, check: &str) -> String {
    let text = format!("dengbei/task/v1\n{scope}\n{stage}\n{number}\n{check}\n");
    Sha256::of(text.as_bytes()).to_string().chars().take(32).collect()
}

/// The report that asks for tasks.
pub(crate) struct Asking {
    /// `whole.checked`
    pub(crate) whole: EventHash,
    /// The report's own digest.
    pub(crate) report: Sha256,
    pub(crate) stage: String,
    pub(crate) at: Timestamp,
}

/// Opens the tasks of a report; one that is open already stays as it is. Their ids.
pub(crate) async fn open(
    tx: &mut PgConnection,
    asking: &Asking,
    tasks: &[Task],
) -> Result<Vec<String>, sqlx::Error> {
    let mut ids = Vec::with_capacity(tasks.len());
    for task in tasks {
        let scope = task.scope.as_str();
        let id = id(scope, &asking.stage, &task.of, task.check.as_str());
        let items: Vec<Uuid> = task.items.iter().map(|item| item.uuid()).collect();
        sqlx::query(
            "insert into check_tasks (id, scope, stage, number, check_id, task, task_en, persons, items, whole, report,
                 opened_at, due_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             on conflict on constraint check_tasks_pk do update set
                 opened_at = excluded.opened_at, due_at = excluded.due_at, whole = excluded.whole,
                 report = excluded.report
             where excluded.opened_at < check_tasks.opened_at",
        )
        .bind(&id)
        .bind(scope)
        .bind(&asking.stage)
        .bind(&task.of)
        .bind(task.check.as_str())
        .bind(&task.task)
        .bind(&task.task_en)
        .bind(i32::try_from(task.persons).unwrap_or(i32::MAX))
        .bind(&items)
        .bind(asking.whole.as_bytes().as_slice())
        .bind(asking.report.as_bytes().as_slice())
        .bind(asking.at.millis())
        .bind(asking.at.millis() + DAYS * DAY)
        .execute(&mut *tx)
        .await?;
        // Signatures may have come before it, from the log.
        settle(&mut *tx, &id).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// Whether as many different persons as wanted have signed.
async fn settle(tx: &mut PgConnection, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update check_tasks t set is_done = t.persons <=
             (select count(distinct coalesce(s.person, encode(s.actor, 'hex'))) from signatures s where s.task = t.id)
         where t.id = $1",
    )
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

/// Keeps a signature; the same again changes nothing. False: it was there.
pub(crate) async fn sign(tx: &mut PgConnection, signed: &Signature) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into signatures (event, task, actor, is_in_order, document, at, person, note)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
    )
    .bind(&signed.event)
    .bind(&signed.task)
    .bind(&signed.actor)
    .bind(signed.is_in_order)
    .bind(&signed.document)
    .bind(signed.at)
    .bind(&signed.person)
    .bind(&signed.note)
    .execute(&mut *tx)
    .await?;
    settle(tx, &signed.task).await?;
    Ok(done.rows_affected() == 1)
}

/// Signatures whose document is to be read: (event, document).
pub(crate) async fn unread(pool: &PgPool, limit: i64) -> Result<Vec<(EventHash, Sha256)>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select event, document from signatures where person is null order by at limit $1")
            .bind(limit)
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(|(event, document)| Ok((hash(&event)?, sha256(&document)?))).collect()
}

/// Who signed, and what was seen, from its document.
pub(crate) async fn told(
    tx: &mut PgConnection,
    event: EventHash,
    (person, note): (&str, &str),
) -> Result<(), sqlx::Error> {
    let task: Option<String> =
        sqlx::query_scalar("update signatures set person = $2, note = $3 where event = $1 returning task")
            .bind(event.as_bytes().as_slice())
            .bind(person)
            .bind(note)
            .fetch_optional(&mut *tx)
            .await?;
    match task {
        Some(task) => settle(tx, &task).await,
        None => Ok(()),
    }
}

/// What a list is narrowed to; empty: not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// `Some(true)`: signed by as many as wanted.
    pub(crate) is_done: Option<bool>,
    pub(crate) scope: String,
    pub(crate) number: String,
    /// After the task of this id.
    pub(crate) after: String,
}

/// Tasks: open ones first, then by when they are due.
pub(crate) async fn list(pool: &PgPool, wanted: &Wanted, limit: i64) -> Result<Vec<TaskRow>, sqlx::Error> {
    sqlx::query_as(
        "select t.* from check_tasks t
         where ($1::boolean is null or t.is_done = $1) and ($2 = '' or t.scope = $2) and ($3 = '' or t.number = $3)
             and ($4 = '' or (t.is_done, t.due_at, t.id) >
                 (select a.is_done, a.due_at, a.id from check_tasks a where a.id = $4))
         order by t.is_done, t.due_at, t.id limit $5",
    )
    .bind(wanted.is_done)
    .bind(&wanted.scope)
    .bind(&wanted.number)
    .bind(&wanted.after)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// These tasks.
pub(crate) async fn these(pool: &PgPool, ids: &[String]) -> Result<Vec<TaskRow>, sqlx::Error> {
    sqlx::query_as("select * from check_tasks where id = any($1) order by check_id, id")
        .bind(ids)
        .fetch_all(pool)
        .await
}

/// A task, held until the transaction ends: two persons do not sign past each other.
pub(crate) async fn hold(tx: &mut PgConnection, id: &str) -> Result<Option<TaskRow>, sqlx::Error> {
    sqlx::query_as("select * from check_tasks where id = $1 for update").bind(id).fetch_optional(tx).await
}

/// What was signed of these tasks, in order.
pub(crate) async fn signatures(
    database: impl sqlx::PgExecutor<'_>,
    tasks: &[String],
) -> Result<Vec<Signature>, sqlx::Error> {
    sqlx::query_as("select * from signatures where task = any($1) order by at, event")
        .bind(tasks)
        .fetch_all(database)
        .await
}

/// Open tasks, and since when the oldest waits; 0: none is open.
pub(crate) async fn open_ones(pool: &PgPool) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as("select count(*), coalesce(min(opened_at), 0) from check_tasks where not is_done")
        .fetch_one(pool)
        .await
}
