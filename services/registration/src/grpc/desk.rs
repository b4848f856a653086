//! The desk's methods of gRPC `Registration`: parse, call, render; no decisions.

use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Invalid, PackNumber, Problem, SerialNo, Timestamp};
use tonic::Status;
use uuid::Uuid;

use super::{actor, unit};
use crate::batches::{Ask, BatchError, Office, Shown, Verb, Which};
use crate::store::batches::{BatchState, Filter, Step};
use crate::store::filed_packs::FiledPack;

/// Batches of one answer, unless fewer are asked for.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;

fn failed(e: &BatchError) -> Status {
    status::report(&e.problem(), e)
}

fn refused(e: &Invalid) -> Status {
    status::from_problem(&Problem::new("batch.request", ErrorClass::Invalid, "请求内容无效", e.to_string()))
}

fn id(bytes: &[u8]) -> Result<Option<Uuid>, Status> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = Uuid::from_slice(bytes).map_err(|_| refused(&Invalid::new("登记批次 batch", "not 16 bytes")))?;
    Ok(Some(id))
}

/// `Batches`.
pub(super) async fn list(office: &Office, request: v1::BatchesRequest) -> Result<v1::BatchesReply, Status> {
    let state = match request.state.as_str() {
        "" => None,
        name => Some(BatchState::from_name(name).map_err(|e| refused(&e))?),
    };
    let before = (request.before > 0).then(|| Timestamp::from_millis(request.before));
    let before_batch = id(&request.before_batch)?.unwrap_or(Uuid::nil());
    let limit = if request.limit == 0 { PAGE } else { request.limit.min(LARGEST_PAGE) };
    let filter =
        Filter { state, unit: unit(&request.unit_uscc)?, before: before.map(|at| (at, before_batch)), limit };
    let page = office.list(&filter).await.map_err(|e| failed(&e))?;
    Ok(v1::BatchesReply {
        batches: page.batches.into_iter().map(summary).collect(),
        counts: page.counts.into_iter().collect(),
        waiting: page.waiting.into_iter().map(waiting).collect(),
    })
}

/// `Batch`.
pub(super) async fn show(office: &Office, request: v1::BatchRequest) -> Result<v1::BatchReply, Status> {
    let numbered = |text: &str| text.parse::<SerialNo>().map(Which::Number).map_err(|e| refused(&e));
    let which = match id(&request.batch)? {
        Some(id) => Which::Id(id),
        None if !request.registration_no.is_empty() => numbered(&request.registration_no)?,
        None if !request.certificate_no.is_empty() => numbered(&request.certificate_no)?,
        None if request.pack > 0 => Which::Pack(PackNumber::new(request.pack)),
        None => return Err(refused(&Invalid::new("登记批次 batch", "none is named"))),
    };
    reply(office, &which).await
}

/// `DecideBatch`.
pub(super) async fn decide(
    office: &Office,
    request: v1::DecideBatchRequest,
) -> Result<v1::BatchReply, Status> {
    let ask = Ask {
        verb: Verb::from_name(&request.step).map_err(|e| failed(&e))?,
        batch: id(&request.batch)?,
        packs: request.packs.into_iter().map(PackNumber::new).collect(),
        by: request.by,
        note: request.note,
        reasons: request.reasons,
        actor: actor(&request.actor)?,
    };
    let batch = office.take(ask).await.map_err(|e| failed(&e))?;
    reply(office, &Which::Id(batch)).await
}

async fn reply(office: &Office, which: &Which) -> Result<v1::BatchReply, Status> {
    let (shown, steps) = office.show(which).await.map_err(|e| failed(&e))?;
    Ok(v1::BatchReply { batch: Some(summary(shown)), steps: steps.into_iter().map(step).collect() })
}

fn step(step: Step) -> v1::BatchStep {
    v1::BatchStep { step: step.step, at: step.at.millis(), by: step.by, note: step.note }
}

fn summary(shown: Shown) -> v1::BatchSummary {
    let Shown { batch, secured, waits_for } = shown;
    let number = |n: Option<SerialNo>| n.map(|n| n.to_string()).unwrap_or_default();
    v1::BatchSummary {
        batch: batch.id.as_bytes().to_vec().into(),
        state: batch.state.name().to_owned(),
        registration_no: number(batch.registration_no),
        certificate_no: number(batch.certificate_no),
        unit_uscc: batch.unit.to_string(),
        unit_name: batch.unit_name,
        fonds_no: batch.fonds.to_string(),
        year: batch.year.into(),
        packs: batch.packs.iter().map(|n| n.get()).collect(),
        items: batch.items,
        files: batch.files,
        bytes: batch.bytes,
        applied_at: batch.applied_at.millis(),
        changed_at: batch.changed_at.millis(),
        waits_for: waits_for.to_owned(),
        reasons: batch.reasons,
        secured_packs: secured.iter().map(|n| n.get()).collect(),
    }
}

fn waiting((pack, unit_name): (FiledPack, String)) -> v1::WaitingPack {
    v1::WaitingPack {
        pack: pack.pack.get(),
        unit_uscc: pack.unit.to_string(),
        unit_name,
        year: pack.year.into(),
        retention: pack.retention.code().to_owned(),
        items: pack.items,
        bytes: pack.bytes,
        filed_at: pack.committed_at.millis(),
    }
}
