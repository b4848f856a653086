//! gRPC Query: parse, ask, render. No decisions.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::query_server::Query;
use dengbei_records::{Access, ItemId, Preservation, Registration, SubmissionId};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::derive::Rank;
use crate::error::QueryError;
use crate::history::{Entry, in_causal_order};
use crate::store::read::{self, Filter, Page};
use crate::store::rows::{Submitted, Summary};
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
        let rank = match request.custody.as_str() {
            "" => None,
            name => {
                Some(Rank::from_name(name).ok_or_else(|| QueryError::Invalid(format!("custody {name}")))?)
            }
        };
        let before = read::before(request.before_changed_at, &request.before_item)?;
        let limit = if request.limit == 0 { PAGE } else { request.limit.min(MOST_ON_A_PAGE) };
        let text = request.text.trim().to_owned();
        let filter = Filter { rank, unit_uscc: request.unit_uscc, matter_code: request.matter_code, text };
        let total = read::total(&self.pool, &filter).await?;
        let items = read::page(&self.pool, &filter, &Page { limit, before }).await?;
        Ok(v1::ItemsReply { items: items.into_iter().map(render).collect(), total })
    }

    async fn figures_now(&self) -> Result<v1::FiguresReply, QueryError> {
        let counts = read::by_custody(&self.pool).await?;
        let custody: HashMap<String, u64> =
            counts.into_iter().map(|(rank, n)| (rank.name().into(), n)).collect();
        let events = read::events(&self.pool).await?;
        Ok(v1::FiguresReply { custody, events, log_index: (self.log_index)() })
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

fn render(s: Summary) -> v1::ItemSummary {
    v1::ItemSummary {
        item: s.item.as_bytes().to_vec().into(),
        data_version: s.data_version,
        custody: s.rank.name().into(),
        registration: registration(Registration::default()).into(),
        preservation: preservation(s.rank.preservation()).into(),
        access: access(Access::default()).into(),
        matter_code: s.matter_code,
        matter_name: s.matter_name,
        unit_uscc: s.unit_uscc,
        unit_name: s.unit_name,
        archival_code: s.archival_code,
        pack: s.pack,
        changed_at: s.changed_at,
        failed: s.failed,
        submission: s.submission.map(|id| id.as_bytes().to_vec()).unwrap_or_default().into(),
        source_system: s.source_system,
        retention: s.retention,
    }
}

fn render_submitted(s: Submitted) -> v1::Attempt {
    v1::Attempt {
        submission: s.submission.as_bytes().to_vec().into(),
        item: s.item.as_bytes().to_vec().into(),
        data_version: s.data_version,
        custody: s.rank.name().into(),
        failed: s.failed,
        changed_at: s.changed_at,
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
        by_membership: e.member.is_some(),
        summary,
        id: e.id.as_bytes().to_vec().into(),
    }
}

const fn registration(state: Registration) -> &'static str {
    match state {
        Registration::Unregistered => "unregistered",
        Registration::Applied => "applied",
        Registration::Registered => "registered",
        Registration::BackedUp => "backed_up",
        Registration::Certified => "certified",
    }
}

const fn preservation(state: Preservation) -> &'static str {
    match state {
        Preservation::None => "none",
        Preservation::Stored => "stored",
        Preservation::Secured => "secured",
        Preservation::Suspect => "suspect",
    }
}

const fn access(state: Access) -> &'static str {
    match state {
        Access::Closed => "closed",
        Access::Open => "open",
        Access::Controlled => "controlled",
    }
}
