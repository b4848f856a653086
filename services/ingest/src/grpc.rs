//! gRPC `Ingest`: parse, call, render. No decisions.

use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::Actor;
use dengbei_checks::facts::NamedDigest;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_server::Ingest;
use dengbei_proto::v1::submit_part::Part;
use dengbei_records::{Custody, DataVersion, ErrorClass, Invalid, ItemId, Problem, SubmissionId, Timestamp};
use dengbei_scanner::Guard;
use sqlx::postgres::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use crate::commit::Answer;
use crate::config::UPLOADS;
use crate::error::IngestError;
use crate::noted::{self, Noted};
use crate::read_staged::{self, Readers};
use crate::receive::{Door, Head, Received, Reply};
use crate::spool::{Spool, too_large};
use crate::standing::Standing;
use crate::stated;
use crate::store::{refusals, submissions};

/// How long an upload waits for its turn before it is told to come again.
const TURN: Duration = Duration::from_secs(60);

/// The service.
pub(crate) struct Served {
    pub(crate) door: Door,
    pub(crate) pool: PgPool,
    pub(crate) standing: Arc<Standing>,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) readers: Readers,
    pub(crate) guard: Option<Guard>,
}

impl Served {
    /// The semaphore for [`Served::uploads`].
    pub(crate) fn uploads() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(UPLOADS))
    }

    async fn take_in(&self, mut parts: Streaming<v1::SubmitPart>) -> Result<Reply, IngestError> {
        let head = head(first(&mut parts).await?)?;
        // Before a byte of the body: a full house says so at once.
        self.standing.admit(head.length)?;
        let most = self.door.settings.package_bytes;
        if head.length > most {
            return Err(too_large(most).into());
        }
        let turn = self.turn().await?;
        let mut spool = Spool::new(head.length, most, &self.door.settings.staging)?;
        while let Some(part) = parts.message().await.map_err(broken)? {
            let Some(Part::Chunk(chunk)) = part.part else {
                return Err(protocol("a chunk was expected").into());
            };
            spool = self.push(spool, chunk).await?;
        }
        if head.length != 0 && head.length != spool.length() {
            return Err(protocol("the upload's length is not what was announced").into());
        }
        // On its own: a sender that goes away must not leave a package staged and undecided.
        let door = self.door.clone();
        let receiving = async move { door.receive(head, spool.finish(), Some(turn)).await };
        tokio::spawn(receiving.in_current_span()).await.map_err(|e| IngestError::Internal(e.into()))?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, IngestError> {
        let turn = tokio::time::timeout(TURN, self.uploads.clone().acquire_owned()).await;
        turn.map_err(|_| busy())?.map_err(|_| crate::commit::stopped())
    }

    async fn push(&self, mut spool: Spool, chunk: bytes::Bytes) -> Result<Spool, IngestError> {
        let folder = self.door.settings.staging.clone();
        if spool.stays_in_memory(chunk.len()) {
            spool.push(&chunk, &folder)?;
            return Ok(spool);
        }
        let written = tokio::task::spawn_blocking(move || spool.push(&chunk, &folder).map(|()| spool));
        written.await.map_err(|e| IngestError::Internal(e.into()))?
    }

    async fn find(&self, request: &v1::SubmissionRequest) -> Result<v1::SubmissionReply, IngestError> {
        let invalid =
            |e: Invalid| Problem::new("submission.id", ErrorClass::Invalid, "标识无效", e.to_string());
        let missing =
            || Problem::new("submission.unknown", ErrorClass::NotFound, "没有这份提交", "no such submission");
        if !request.submission.is_empty() {
            let id = SubmissionId::from_slice(&request.submission).map_err(invalid)?;
            if let Some(known) = submissions::by_id(&self.pool, id).await? {
                return Ok(render_known(known));
            }
            return Ok(refusals::by_id(&self.pool, id).await?.map(render_refusal).ok_or_else(missing)?);
        }
        let item = ItemId::from_slice(&request.item).map_err(invalid)?;
        if let Some(known) = submissions::newest(&self.pool, item).await? {
            return Ok(render_known(known));
        }
        Ok(refusals::newest(&self.pool, item).await?.map(render_refusal).ok_or_else(missing)?)
    }
}

#[tonic::async_trait]
impl Ingest for Served {
    async fn submit(
        &self,
        request: Request<Streaming<v1::SubmitPart>>,
    ) -> Result<Response<v1::SubmitReply>, Status> {
        let reply = self.take_in(request.into_inner()).await.map_err(|e| refuse(&e))?;
        Ok(Response::new(v1::SubmitReply {
            packages: reply.packages.into_iter().map(render).collect(),
            batch_checks: reply.batch.iter().map(render_check).collect(),
        }))
    }

    type ReadStagedStream = ReceiverStream<Result<v1::StagedPart, Status>>;

    async fn read_staged(
        &self,
        request: Request<v1::ReadStagedRequest>,
    ) -> Result<Response<Self::ReadStagedStream>, Status> {
        let v1::ReadStagedRequest { submissions, receptions_only } = request.into_inner();
        let ids: Result<Vec<SubmissionId>, Invalid> =
            submissions.iter().map(|s| SubmissionId::from_slice(s)).collect();
        let submissions = ids.map_err(|e| {
            status::from_problem(&Problem::new(
                "submission.id",
                ErrorClass::Invalid,
                "提交标识无效",
                e.to_string(),
            ))
        })?;
        Ok(Response::new(read_staged::parts(
            self.readers.clone(),
            read_staged::Wanted { submissions, receptions_only },
        )))
    }

    async fn submission(
        &self,
        request: Request<v1::SubmissionRequest>,
    ) -> Result<Response<v1::SubmissionReply>, Status> {
        Ok(Response::new(self.find(request.get_ref()).await.map_err(|e| refuse(&e))?))
    }

    async fn has_matters(
        &self,
        request: Request<v1::HasMattersRequest>,
    ) -> Result<Response<v1::HasMattersReply>, Status> {
        let versions = request.into_inner().versions;
        let versions: Vec<_> = versions.into_iter().map(|v| (v.matter_code, v.scope_version)).collect();
        let missing =
            crate::store::matters::missing(&self.pool, &versions).await.map_err(|e| refuse(&e.into()))?;
        Ok(Response::new(v1::HasMattersReply { missing: u32::try_from(missing).unwrap_or(u32::MAX) }))
    }

    async fn standing(&self, _: Request<v1::StandingRequest>) -> Result<Response<v1::StandingReply>, Status> {
        let now = self.standing.now();
        Ok(Response::new(v1::StandingReply {
            undecided: now.items,
            undecided_bytes: now.bytes,
            parked: now.parked,
            free_bytes: self.standing.free_bytes(),
            scanner: Some(render_scanner(self.guard.as_ref())),
            knows_senders: !self.door.settings.sources.is_empty(),
        }))
    }
}

fn render_scanner(guard: Option<&Guard>) -> v1::ScannerStanding {
    let Some(standing) = guard.map(Guard::standing) else { return v1::ScannerStanding::default() };
    let duty = standing.duty.as_ref();
    let millis = |at: Option<Timestamp>| at.map_or(0, Timestamp::millis);
    v1::ScannerStanding {
        configured: true,
        up: standing.is_up,
        engine: duty.map(|d| d.engine.clone()).unwrap_or_default(),
        signatures: duty.and_then(|d| d.signatures).unwrap_or_default(),
        signatures_at: millis(duty.and_then(|d| d.built)),
        answered_at: millis(standing.answered_at),
    }
}

/// The edge: logs the chain once, tells the sender what can be done.
fn refuse(error: &IngestError) -> Status {
    status::report(&error.problem(), error)
}

async fn first(parts: &mut Streaming<v1::SubmitPart>) -> Result<v1::SubmitHead, IngestError> {
    match parts.message().await.map_err(broken)?.and_then(|p| p.part) {
        Some(Part::Head(head)) => Ok(head),
        _ => Err(protocol("the head must come first").into()),
    }
}

fn head(head: v1::SubmitHead) -> Result<Head, IngestError> {
    let actor = match head.actor.len() {
        0 => None,
        _ => Some(Actor(head.actor.as_ref().try_into().map_err(|_| protocol("actor must be 16 bytes"))?)),
    };
    let data_version = match head.data_version {
        0 => None,
        n => Some(DataVersion::try_from(n).map_err(|_| {
            Problem::new(
                "submission.data_version",
                ErrorClass::Invalid,
                "数据版本无效",
                "the data version is not valid",
            )
            .with_remedy("把数据版本写成 1 到 999999 的整数")
        })?),
    };
    Ok(Head {
        is_batch: head.batch,
        source_system: head.source_system,
        name: head.name,
        length: head.length,
        actor,
        data_version,
        sender: head.sender,
        digests: head.digests.iter().map(stated).collect::<Result<_, _>>()?,
    })
}

/// A digest that the sender states, by an algorithm that can be computed here.
fn stated(digest: &v1::StatedDigest) -> Result<NamedDigest, Problem> {
    if !stated::is_known(&digest.algorithm) {
        return Err(protocol("a digest by an algorithm that is not sha-256, sha-512 or sm3"));
    }
    Ok(NamedDigest { algorithm: digest.algorithm.clone(), hex: hex::encode(&digest.digest) })
}

/// The sender's stream broke off: nothing is kept of it.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(status: Status) -> IngestError {
    Problem::new(
        "submission.broken",
        ErrorClass::Unavailable,
        "上传中断",
        format!("the upload broke off: {}", status.code()),
    )
    .with_remedy("请重新上传，内容相同不会重复受理")
    .into()
}

fn protocol(what: &str) -> Problem {
    Problem::new("submission.protocol", ErrorClass::Invalid, "上传格式不符合约定", what)
}

fn busy() -> IngestError {
    Problem::new("ingest.busy", ErrorClass::Exhausted, "接收繁忙", "too many uploads at once")
        .with_remedy("请 30 秒后重试 / try again in 30 s")
        .into()
}

fn render(received: Received) -> v1::PackageReply {
    let custody = match &received.answer {
        Answer::Taken(_, custody) | Answer::Duplicate(_, custody) | Answer::Conflict(custody, _) => {
            custody.name()
        }
        Answer::Refused(_) => "",
    };
    v1::PackageReply {
        name: received.name,
        submission: received.submission.as_bytes().to_vec().into(),
        item: received.item.map(|i| i.as_bytes().to_vec()).unwrap_or_default().into(),
        outcome: received.answer.outcome().to_owned(),
        checks: received.noted.iter().map(render_check).collect(),
        data_version: received.data_version,
        custody: custody.to_owned(),
        problem: received.problem.map(render_problem),
    }
}

fn render_check(noted: &Noted) -> v1::CheckResult {
    v1::CheckResult {
        id: noted.id.clone(),
        severity: noted.severity.clone(),
        result: noted.result.clone(),
        message: noted.message.clone(),
        message_en: noted.message_en.clone(),
        place: noted.place.clone(),
        remedy: noted.remedy.clone(),
    }
}

fn render_problem(problem: Problem) -> v1::Trouble {
    let Problem { code, message, message_en, remedy, .. } = problem;
    v1::Trouble { code, message, message_en, remedy }
}

fn render_known(known: submissions::Known) -> v1::SubmissionReply {
    let outcome = match known.custody {
        Custody::Parked | Custody::Returned | Custody::Superseded => known.custody.name(),
        _ => "prefiled",
    };
    v1::SubmissionReply {
        item: known.item.as_bytes().to_vec().into(),
        submission: known.submission.as_bytes().to_vec().into(),
        outcome: outcome.to_owned(),
        data_version: known.data_version.get(),
        received_at: known.received_at,
        checks: noted::from_value(known.checks).iter().map(render_check).collect(),
        matter_code: known.matter_code,
    }
}

fn render_refusal(known: refusals::Known) -> v1::SubmissionReply {
    v1::SubmissionReply {
        item: known.item.map(|i| i.as_bytes().to_vec()).unwrap_or_default().into(),
        submission: known.submission.as_bytes().to_vec().into(),
        outcome: "refused".to_owned(),
        data_version: known.data_version,
        received_at: known.refused_at,
        checks: noted::from_value(known.checks).iter().map(render_check).collect(),
        matter_code: String::new(),
    }
}
