//! gRPC `Fixity`: parse, call, render; no decisions.

use dengbei_chain::Actor;
use dengbei_checks::{CheckId, Opinion, Verdict};
use dengbei_kit::{db, status};
use dengbei_proto::v1;
use dengbei_proto::v1::fixity_server::Fixity;
use dengbei_records::{ErrorClass, Invalid, ItemId, Problem, Sha256};
use sqlx::postgres::PgPool;
use tonic::{Request, Response, Status};

use crate::desk::error::DeskError;
use crate::desk::{Desk, Person, Rechecked, Said, Signing};
use crate::store::tasks::{self, Signature, TaskRow};
use crate::store::wholes::{self, Done, Key};

/// What a list holds when nobody says, and at most.
const FEW: u32 = 100;
const MOST: u32 = 500;

/// Serves it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) pool: PgPool,
    pub(crate) desk: Desk,
}

fn failed(e: &sqlx::Error) -> Status {
    status::report(&status::plain(db::class(e)), e)
}

fn refused(e: &DeskError) -> Status {
    status::report(&e.problem(), e)
}

fn invalid(what: &'static str, value: impl std::fmt::Display) -> Status {
    let text = Invalid::new(what, value);
    status::from_problem(&Problem::bilingual("request.invalid", ErrorClass::Invalid, text))
}

fn unknown() -> Status {
    let (zh, en) = ("没有此检测", "there is no such run");
    status::from_problem(&Problem::new("whole.unknown", ErrorClass::NotFound, zh, en))
}

fn limit(asked: u32) -> i64 {
    i64::from(if asked == 0 { FEW } else { asked.min(MOST) })
}

fn actor(bytes: &[u8]) -> Result<Option<Actor>, Status> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(|bytes| Some(Actor(bytes))).map_err(|_| invalid("actor", "not 16 bytes"))
}

fn item(bytes: &[u8]) -> Result<ItemId, Status> {
    ItemId::from_slice(bytes).map_err(|_| invalid("对象标识 item", hex::encode(bytes)))
}

impl Served {
    /// Tasks with what was signed of them.
    async fn with_signatures(&self, rows: Vec<TaskRow>) -> Result<Vec<v1::CheckTask>, Status> {
        let ids: Vec<String> = rows.iter().map(|t| t.id.clone()).collect();
        let signatures = tasks::signatures(&self.pool, &ids).await.map_err(|e| failed(&e))?;
        Ok(rows.into_iter().map(|row| task(row, &signatures)).collect())
    }
}

fn task(row: TaskRow, signatures: &[Signature]) -> v1::CheckTask {
    let of_it: Vec<&Signature> = signatures.iter().filter(|s| s.task == row.id).collect();
    let state = match (of_it.iter().any(|s| !s.is_in_order), row.is_done) {
        (true, _) => "wrong",
        (false, true) => "done",
        (false, false) => "open",
    };
    let name = row.check_id.parse::<CheckId>().map_or(("", ""), |c| (c.name(), c.name_en()));
    v1::CheckTask {
        check: row.check_id,
        check_name: name.0.to_owned(),
        check_name_en: name.1.to_owned(),
        scope: row.scope,
        number: row.number,
        stage: row.stage,
        task: row.task,
        task_en: row.task_en,
        persons: row.persons.cast_unsigned(),
        state: state.to_owned(),
        opened_at: row.opened_at,
        due_at: row.due_at,
        signatures: of_it.into_iter().map(signature).collect(),
        items: row.items.into_iter().map(|i| i.as_bytes().to_vec().into()).collect(),
        whole: row.whole.into(),
        id: row.id,
    }
}

fn signature(of: &Signature) -> v1::Signature {
    v1::Signature {
        person: of.person.clone().unwrap_or_default(),
        in_order: of.is_in_order,
        note: of.note.clone().unwrap_or_default(),
        at: of.at,
        event: of.event.clone().into(),
    }
}

/// What holds with what persons signed: the report's own verdict stays where it is.
fn holds(of: &Done) -> &str {
    let passed = Verdict::Passed.as_str();
    let unsigned = Verdict::Unsigned.as_str();
    match of.verdict.as_str() {
        verdict if verdict != passed && verdict != unsigned => verdict,
        _ if of.wrong > 0 => Verdict::Failed.as_str(),
        _ if of.open > 0 => unsigned,
        _ => passed,
    }
}

fn summary(of: &Done) -> v1::WholeSummary {
    v1::WholeSummary {
        id: of.stated.clone().into(),
        scope: of.scope.clone(),
        number: of.number.clone(),
        stage: of.stage.clone(),
        scheme: of.scheme.clone(),
        engine: of.engine.clone(),
        verdict: of.verdict.clone(),
        holds: holds(of).to_owned(),
        began_at: of.began_at,
        ended_at: of.ended_at,
        report: of.report.clone().into(),
        open_tasks: u32::try_from(of.open).unwrap_or(u32::MAX),
        seed: of.seed.clone(),
    }
}

fn rechecks(of: &Rechecked) -> v1::RechecksReply {
    let holding = |row: &crate::store::rechecks::RecheckRow| {
        of.holds.as_ref().is_some_and(|(own, effective)| {
            own.as_bytes().as_slice() == row.report
                && effective
                    .holding
                    .iter()
                    .any(|h| h.check.as_str() == row.check_id && h.at.millis() == row.at)
        })
    };
    let rows = of.rows.iter().map(|row| v1::RecheckRow {
        report: row.report.clone().into(),
        check: row.check_id.clone(),
        opinion: row.opinion.clone(),
        person: row.person.clone().unwrap_or_default(),
        reason: row.reason.clone().unwrap_or_default(),
        at: row.at,
        holds: holding(row),
        event: row.event.clone().into(),
    });
    let rows = rows.collect();
    let (report, verdict, blocking) = match &of.holds {
        None => (Vec::new(), String::new(), Vec::new()),
        Some((own, effective)) => (
            own.as_bytes().to_vec(),
            effective.verdict.as_str().to_owned(),
            effective.blocking.iter().map(ToString::to_string).collect(),
        ),
    };
    v1::RechecksReply { rechecks: rows, verdict, blocking, report: report.into() }
}

#[tonic::async_trait]
impl Fixity for Served {
    async fn tasks(&self, request: Request<v1::TasksRequest>) -> Result<Response<v1::TasksReply>, Status> {
        let request = request.into_inner();
        let is_done = match request.state.as_str() {
            "" => None,
            "open" => Some(false),
            "done" => Some(true),
            other => return Err(invalid("状态 state", other)),
        };
        let wanted =
            tasks::Wanted { is_done, scope: request.scope, number: request.number, after: request.after };
        let rows = tasks::list(&self.pool, &wanted, limit(request.limit)).await.map_err(|e| failed(&e))?;
        let (open, oldest) = tasks::open_ones(&self.pool).await.map_err(|e| failed(&e))?;
        let tasks = self.with_signatures(rows).await?;
        Ok(Response::new(v1::TasksReply { tasks, open: open.unsigned_abs(), oldest }))
    }

    async fn sign_task(
        &self,
        request: Request<v1::SignTaskRequest>,
    ) -> Result<Response<v1::SignTaskReply>, Status> {
        let request = request.into_inner();
        let person = Person { name: request.person, actor: actor(&request.actor)? };
        let signing = Signing { task: request.id.clone(), is_in_order: request.in_order, note: request.note };
        self.desk.sign(&person, &signing).await.map_err(|e| refused(&e))?;
        let rows = tasks::these(&self.pool, &[request.id]).await.map_err(|e| failed(&e))?;
        let task = self.with_signatures(rows).await?.pop();
        Ok(Response::new(v1::SignTaskReply { task }))
    }

    async fn wholes(&self, request: Request<v1::WholesRequest>) -> Result<Response<v1::WholesReply>, Status> {
        let request = request.into_inner();
        let before = (request.before > 0).then(|| (request.before, request.before_id.to_vec()));
        let wanted = wholes::Wanted {
            scope: request.scope,
            stage: request.stage,
            number: request.number,
            verdict: request.verdict,
            before,
        };
        let found = wholes::list(&self.pool, &wanted, limit(request.limit)).await.map_err(|e| failed(&e))?;
        Ok(Response::new(v1::WholesReply { wholes: found.iter().map(summary).collect() }))
    }

    async fn whole(&self, request: Request<v1::WholeRequest>) -> Result<Response<v1::WholeReply>, Status> {
        let id = request.into_inner().id;
        let found = wholes::get(&self.pool, &id).await.map_err(|e| failed(&e))?.ok_or_else(unknown)?;
        let digest = Sha256::from_slice(&found.report).map_err(|_| unknown())?;
        let report = crate::wholes::find(&self.pool, &self.desk.registration, &digest).await;
        let report = report.map_err(|e| refused(&DeskError::from(e)))?.body;
        let rows = tasks::these(&self.pool, &found.tasks).await.map_err(|e| failed(&e))?;
        let tasks = self.with_signatures(rows).await?;
        Ok(Response::new(v1::WholeReply { whole: Some(summary(&found)), report, tasks }))
    }

    async fn check_system(
        &self,
        _: Request<v1::CheckSystemRequest>,
    ) -> Result<Response<v1::CheckSystemReply>, Status> {
        let now = self.desk.author.clock.now();
        let number = now.office();
        let key = Key::of("system", "C", &number);
        wholes::open(&self.pool, &key, None, now).await.map_err(|e| failed(&e))?;
        Ok(Response::new(v1::CheckSystemReply { number }))
    }

    async fn rechecks(
        &self,
        request: Request<v1::RechecksRequest>,
    ) -> Result<Response<v1::RechecksReply>, Status> {
        let request = request.into_inner();
        let item = item(&request.item)?;
        let report = match request.report.as_ref() {
            [] => None,
            bytes => Some(Sha256::from_slice(bytes).map_err(|_| invalid("摘要 digest", hex::encode(bytes)))?),
        };
        let found = self.desk.rechecks(&item, report.as_ref()).await.map_err(|e| refused(&e))?;
        Ok(Response::new(rechecks(&found)))
    }

    async fn recheck(
        &self,
        request: Request<v1::RecheckRequest>,
    ) -> Result<Response<v1::RechecksReply>, Status> {
        let request = request.into_inner();
        let opinion = Opinion::from_name(&request.opinion);
        let opinion = opinion.ok_or_else(|| invalid("复检意见 opinion", &request.opinion))?;
        let said = Said {
            item: item(&request.item)?,
            report: Sha256::from_slice(&request.report)
                .map_err(|_| invalid("摘要 digest", hex::encode(&request.report)))?,
            check: request.check.parse().map_err(|_| invalid("检测项 check id", &request.check))?,
            opinion,
            reason: request.reason,
        };
        let person = Person { name: request.person, actor: actor(&request.actor)? };
        let found = self.desk.recheck(&person, &said).await.map_err(|e| refused(&e))?;
        Ok(Response::new(rechecks(&found)))
    }
}
