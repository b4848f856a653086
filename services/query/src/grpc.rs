//! gRPC Query: parse, ask, render. No decisions.

use std::sync::Arc;

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::query_server::Query;
use dengbei_records::{Access, ItemId, Retention, SubmissionId};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::attempt::custody_name;
use crate::error::QueryError;
use crate::history::{Entry, in_causal_order};
use crate::names::{access, preservation, registration, to_preservation, to_registration};
use crate::store::figures;
use crate::store::filter::{Custody, Filter};
use crate::store::read::{self, Page};
use crate::store::rows::{State, Submitted, Summary};
use crate::summary;

const MOST_STATES: usize = 1_000;
const MOST_ON_A_PAGE: u32 = 200;
const PAGE: u32 = 50;

/// Answers from the read model's tables.
#[derive(Clone)]
pub struct QueryService {
    pool: PgPool,
    log_index: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl QueryService {
    /// Over the service's own database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, log_index: Arc::new(|| 0) }
    }

    /// Says, beside its figures, up to which log index everything is applied.
    #[must_use]
    pub fn caught_up(mut self, log_index: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.log_index = Arc::new(log_index);
        self
    }

    async fn item_of(&self, request: &v1::ItemRequest) -> Result<v1::ItemReply, QueryError> {
        let item = item_id(&request.item)?;
        let summary = read::summaries(&self.pool, &[item]).await?.pop().ok_or(QueryError::NotFound)?;
        let history = in_causal_order(read::history(&self.pool, item).await?);
        Ok(v1::ItemReply {
            item: Some(render(summary)),
            history: history.into_iter().map(render_entry).collect(),
        })
    }

    async fn states_of(&self, request: &v1::StatesRequest) -> Result<v1::StatesReply, QueryError> {
        if request.items.len() + request.submissions.len() > MOST_STATES {
            return Err(QueryError::Invalid(format!(
                "一次最多 {MOST_STATES} 件 / at most {MOST_STATES} at once"
            )));
        }
        let items = request.items.iter().map(item_id).collect::<Result<Vec<_>, _>>()?;
        let ids = request.submissions.iter().map(submission_id).collect::<Result<Vec<_>, _>>()?;
        let mut reply = v1::StatesReply::default();
        // Submissions first: no item is shown behind one of its own submissions.
        if !ids.is_empty() {
            let found = read::submissions(&self.pool, &ids).await?;
            reply.submissions = found.into_iter().map(render_submitted).collect();
        }
        if !items.is_empty() {
            reply.items = read::summaries(&self.pool, &items).await?.into_iter().map(render).collect();
        }
        Ok(reply)
    }

    async fn items_of(&self, request: v1::ItemsRequest) -> Result<v1::ItemsReply, QueryError> {
        let before = read::before(request.before_changed_at, &request.before_item)?;
        let limit = if request.limit == 0 { PAGE } else { request.limit.min(MOST_ON_A_PAGE) };
        let filter = filter(request)?;
        let total = read::total(&self.pool, &filter).await?;
        let items = read::page(&self.pool, &filter, &Page { limit, before }).await?;
        Ok(v1::ItemsReply { items: items.into_iter().map(render).collect(), total })
    }

    async fn figures_now(&self) -> Result<v1::FiguresReply, QueryError> {
        let figures = figures::read(&self.pool).await?;
        Ok(crate::figures::render(figures, (self.log_index)()))
    }
}

#[tonic::async_trait]
impl Query for QueryService {
    async fn item(&self, request: Request<v1::ItemRequest>) -> Result<Response<v1::ItemReply>, Status> {
        answer(self.item_of(request.get_ref()).await)
    }

    async fn states(&self, request: Request<v1::StatesRequest>) -> Result<Response<v1::StatesReply>, Status> {
        answer(self.states_of(request.get_ref()).await)
    }

    async fn items(&self, request: Request<v1::ItemsRequest>) -> Result<Response<v1::ItemsReply>, Status> {
        answer(self.items_of(request.into_inner()).await)
    }

    async fn figures(&self, _: Request<v1::FiguresRequest>) -> Result<Response<v1::FiguresReply>, Status> {
        answer(self.figures_now().await)
    }
}

fn answer<T>(outcome: Result<T, QueryError>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| status::report(&error.problem(), &error))
}

fn item_id(bytes: &Bytes) -> Result<ItemId, QueryError> {
    Ok(ItemId::from_slice(bytes)?)
}

fn submission_id(bytes: &Bytes) -> Result<SubmissionId, QueryError> {
    Ok(SubmissionId::from_slice(bytes)?)
}

fn filter(request: v1::ItemsRequest) -> Result<Filter, QueryError> {
    let batch = match request.batch.len() {
        0 => None,
        _ => Some(Uuid::from_slice(&request.batch).map_err(|_| QueryError::Invalid("batch".into()))?),
    };
    let retention = match request.retention.as_str() {
        "" => String::new(),
        text => Retention::from_source(text)?.code().into(),
    };
    Ok(Filter {
        custody: named(&request.custody, "custody", Custody::from_name)?,
        registration: named(&request.registration, "registration", to_registration)?,
        preservation: named(&request.preservation, "preservation", to_preservation)?,
        unit_uscc: request.unit_uscc,
        matter_code: request.matter_code,
        retention,
        year: request.year,
        pack: request.pack,
        transfer_no: request.transfer_no,
        batch,
        text: request.text.trim().to_owned(),
    })
}

/// Reads a state's name; nothing is asked where it is empty.
fn named<T>(name: &str, what: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>, QueryError> {
    if name.is_empty() {
        return Ok(None);
    }
    read(name).map(Some).ok_or_else(|| QueryError::Invalid(format!("{what} {name}")))
}

fn custody(state: State) -> String {
    custody_name(state.rank.custody(state.is_passed, state.is_accessioned)).into()
}

/// 进馆范围: what the archive takes.
fn is_in_archive_range(retention: &str) -> bool {
    matches!(Retention::from_source(retention), Ok(Retention::Permanent | Retention::ThirtyYears))
}

fn render(s: Summary) -> v1::ItemSummary {
    v1::ItemSummary {
        item: s.item.as_bytes().to_vec().into(),
        data_version: s.data_version,
        custody: custody(s.state),
        registration: registration(s.state.registration).into(),
        preservation: preservation(s.state.preservation).into(),
        access: access(Access::default()).into(),
        matter_code: s.matter_code,
        matter_name: s.matter_name,
        unit_uscc: s.unit_uscc,
        unit_name: s.unit_name,
        archival_code: s.archival_code,
        pack: s.pack,
        changed_at: s.changed_at,
        failed: s.failed,
        submission: s.submission.as_bytes().to_vec().into(),
        source_system: s.source_system,
        in_archive_range: is_in_archive_range(&s.retention),
        retention: s.retention,
        batch: s.batch.map(|id| id.as_bytes().to_vec()).unwrap_or_default().into(),
        registration_no: s.registration_no,
        certificate_no: s.certificate_no,
        transfer_no: s.transfer_no,
        copies: s.sites,
    }
}

fn render_submitted(s: Submitted) -> v1::Attempt {
    v1::Attempt {
        submission: s.submission.as_bytes().to_vec().into(),
        item: s.item.as_bytes().to_vec().into(),
        data_version: s.data_version,
        custody: custody(s.state),
        failed: s.failed,
        changed_at: s.changed_at,
        registration: registration(s.state.registration).into(),
        preservation: preservation(s.state.preservation).into(),
        access: access(Access::default()).into(),
        in_archive_range: is_in_archive_range(&s.retention),
        retention: s.retention,
    }
}

fn render_entry(e: Entry) -> v1::HistoryEvent {
    let summary = Event::read(e.bytes.clone()).map(|event| summary::of(&event)).unwrap_or_default();
    v1::HistoryEvent {
        hash: e.hash.as_bytes().to_vec().into(),
        fact: e.fact,
        recorded_at: e.recorded_at,
        causes: e.causes.iter().map(|c| c.as_bytes().to_vec().into()).collect(),
        event: e.bytes,
        traceparent: e.traceparent,
        subject: e.subject,
        by_membership: e.by_membership,
        summary,
        id: e.id.as_bytes().to_vec().into(),
    }
}
