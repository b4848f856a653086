//! gRPC `Registration`: parse, call, render; no decisions.

mod desk;
pub(crate) mod documents;
mod transfers;

use dengbei_chain::Actor;
use dengbei_kit::{db, status};
use dengbei_proto::v1;
use dengbei_proto::v1::registration_server::Registration;
use dengbei_records::{ErrorClass, Invalid, ItemId, Problem, UnitCode, canonical};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::batches::Office;
use crate::paper::Papers;
use crate::policy::Policies;
use crate::publish_matter::Publisher;
use crate::read_filed::{Holdings, Piece};
use crate::store::history;
use crate::store::policies::Standing;
use crate::transfers::Transfers;

/// Serves registration.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) publisher: Publisher,
    pub(crate) holdings: Holdings,
    pub(crate) policies: Policies,
    pub(crate) transfers: Transfers,
    pub(crate) office: Office,
}

fn invalid(e: &Invalid) -> Status {
    status::from_problem(&Problem::new("item.invalid", ErrorClass::Invalid, "对象标识无效", e.to_string()))
}

fn actor(bytes: &[u8]) -> Result<Option<Actor>, Status> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let bytes = bytes.try_into().map_err(|_| invalid(&Invalid::new("actor", "not 16 bytes")))?;
    Ok(Some(Actor(bytes)))
}

#[tonic::async_trait]
impl Registration for Served {
    async fn publish_matters(
        &self,
        request: Request<v1::PublishMattersRequest>,
    ) -> Result<Response<v1::PublishMattersReply>, Status> {
        let request = request.into_inner();
        let actor = actor(&request.actor)?;
        let done = self.publisher.publish(&request.body, actor).await;
        let done = done.map_err(|e| status::report(&e.problem(), &e))?;
        Ok(Response::new(v1::PublishMattersReply { published: done.published, unchanged: done.unchanged }))
    }

    async fn holding(
        &self,
        request: Request<v1::HoldingRequest>,
    ) -> Result<Response<v1::HoldingReply>, Status> {
        let item = ItemId::from_slice(&request.into_inner().item).map_err(|e| invalid(&e))?;
        let held = self.holdings.holding(item).await.map_err(|e| status::report(&e.problem(), &e))?;
        Ok(Response::new(v1::HoldingReply {
            item: item.as_bytes().to_vec().into(),
            custody: held.custody.name().to_owned(),
            data_version: held.data_version,
            archival_code: held.filed.as_ref().map(|f| f.archival_code.to_string()).unwrap_or_default(),
            pack: held.filed.as_ref().map_or(0, |f| f.pack.get()),
            failed: held.failed,
            record: held.record,
            report: held.report,
        }))
    }

    type ReadFiledStream = BoxStream<'static, Result<v1::FiledChunk, Status>>;

    async fn read_filed(
        &self,
        request: Request<v1::ReadFiledRequest>,
    ) -> Result<Response<Self::ReadFiledStream>, Status> {
        let request = request.into_inner();
        let item = ItemId::from_slice(&request.item).map_err(|e| invalid(&e))?;
        let pieces = self.holdings.read(item, request.data_version, request.path).await;
        let pieces = pieces.map_err(|e| status::report(&e.problem(), &e))?;
        let chunks = ReceiverStream::new(pieces)
            .map(|piece| piece.map(chunk).map_err(|e| status::report(&e.problem(), &e)));
        Ok(Response::new(chunks.boxed()))
    }

    async fn filing(&self, _: Request<v1::FilingRequest>) -> Result<Response<v1::FilingReply>, Status> {
        let failed = |e: sqlx::Error| status::report(&status::plain(db::class(&e)), &e);
        let mut connection = self.publisher.pool.acquire().await.map_err(failed)?;
        let counts = history::counts(&mut connection).await.map_err(failed)?;
        let totals = history::totals(&mut connection).await.map_err(failed)?;
        let unsigned = i64::unsigned_abs;
        Ok(Response::new(v1::FilingReply {
            undecided: unsigned(counts.undecided),
            ready: unsigned(counts.ready),
            open_plans: unsigned(counts.open_plans),
            filed: unsigned(totals.filed),
            returned: unsigned(totals.returned),
            packs: unsigned(totals.packs),
            oldest_ready: counts.oldest_ready,
            matters: unsigned(totals.matters),
        }))
    }

    async fn batches(
        &self,
        request: Request<v1::BatchesRequest>,
    ) -> Result<Response<v1::BatchesReply>, Status> {
        desk::list(&self.office, request.into_inner()).await.map(Response::new)
    }

    async fn batch(&self, request: Request<v1::BatchRequest>) -> Result<Response<v1::BatchReply>, Status> {
        desk::show(&self.office, request.into_inner()).await.map(Response::new)
    }

    async fn decide_batch(
        &self,
        request: Request<v1::DecideBatchRequest>,
    ) -> Result<Response<v1::BatchReply>, Status> {
        desk::decide(&self.office, request.into_inner()).await.map(Response::new)
    }

    async fn transfers(
        &self,
        request: Request<v1::TransfersRequest>,
    ) -> Result<Response<v1::TransfersReply>, Status> {
        transfers::list(&self.transfers, request.into_inner()).await.map(Response::new)
    }

    async fn transfer(
        &self,
        request: Request<v1::TransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        transfers::show(&self.transfers, request.into_inner()).await.map(Response::new)
    }

    async fn decide_transfer(
        &self,
        request: Request<v1::DecideTransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        transfers::decide(&self.transfers, request.into_inner()).await.map(Response::new)
    }

    async fn policy(
        &self,
        request: Request<v1::UnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        let unit = unit(&request.into_inner().unit_uscc)?;
        let standing = self.policies.of(unit.as_ref()).await.map_err(|e| status::report(&e.problem(), &e))?;
        rule(&standing)
    }

    async fn set_policy(
        &self,
        request: Request<v1::SetUnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        let request = request.into_inner();
        let (unit, actor) = (unit(&request.unit_uscc)?, actor(&request.actor)?);
        let set = self.policies.set(unit.as_ref(), &request.policy, actor).await;
        rule(&set.map_err(|e| status::report(&e.problem(), &e))?)
    }

    async fn paper(&self, request: Request<v1::PaperRequest>) -> Result<Response<v1::PaperReply>, Status> {
        let v1::PaperRequest { kind, id, format } = request.into_inner();
        let papers = Papers { transfers: self.transfers.clone() };
        let paper = papers.get(&kind, &id, &format).await.map_err(|e| status::report(&e.problem(), &e))?;
        let (body, media_type, file_name) = (paper.body, paper.media_type.into(), paper.file_name);
        Ok(Response::new(v1::PaperReply { body, media_type, file_name }))
    }
}

/// The unit that is meant; empty: none, the area.
fn unit(text: &str) -> Result<Option<UnitCode>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|e: Invalid| {
        let problem =
            Problem::new("unit.invalid", ErrorClass::Invalid, "统一社会信用代码无效", e.to_string());
        status::from_problem(&problem)
    })
}

fn rule(standing: &Standing) -> Result<Response<v1::UnitPolicyReply>, Status> {
    let policy = canonical::to_vec(&standing.policy)
        .map_err(|e| status::report(&status::plain(ErrorClass::Internal), &e))?;
    Ok(Response::new(v1::UnitPolicyReply { policy: policy.into(), is_default: standing.is_default }))
}

fn chunk(piece: Piece) -> v1::FiledChunk {
    v1::FiledChunk {
        path: piece.content,
        offset: piece.offset,
        data: piece.data,
        last: piece.is_last,
        logical: piece.logical,
    }
}
