//! gRPC of transfers: parse, call, render; no decisions.

use dengbei_chain::facts::Side;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Invalid, ItemId, Problem, SerialNo, Timestamp};
use tonic::Status;
use uuid::Uuid;

use super::{actor, unit};
use crate::store::transfers::State;
use crate::store::transfers::lists::Wanted;
use crate::store::transfers::members::Unfit;
use crate::transfers::{Decision, Due, Listed, Propose, Shown, Summary, TransferError, Transfers};

pub(super) fn told(e: &TransferError) -> Status {
    status::report(&e.problem(), e)
}

fn invalid(e: &Invalid) -> Status {
    let problem = Problem::new("transfer.invalid", ErrorClass::Invalid, "请求无效", e.to_string());
    status::from_problem(&problem)
}

fn number(text: &str) -> Result<SerialNo, Status> {
    text.parse().map_err(|e| invalid(&e))
}

pub(super) async fn list(
    transfers: &Transfers,
    request: v1::TransfersRequest,
) -> Result<v1::TransfersReply, Status> {
    let state = match request.state.as_str() {
        "" => None,
        name => Some(State::from_name(name).ok_or_else(|| invalid(&Invalid::new("移交状态 state", name)))?),
    };
    let before = (request.before > 0).then_some((request.before, request.before_no));
    let wanted = Wanted { state, unit: unit(&request.unit_uscc)?, limit: request.limit, before };
    let Listed { transfers, counts, due } = transfers.list(wanted).await.map_err(|e| told(&e))?;
    Ok(v1::TransfersReply {
        transfers: transfers.into_iter().map(summary).collect(),
        counts: counts.into_iter().collect(),
        due: due.into_iter().map(waiting).collect(),
    })
}

pub(super) async fn show(
    transfers: &Transfers,
    request: v1::TransferRequest,
) -> Result<v1::TransferReply, Status> {
    let by_number = (!request.transfer_no.is_empty()).then(|| number(&request.transfer_no)).transpose()?;
    let by_item = match request.item.as_ref() {
        [] => None,
        item => Some(ItemId::from_slice(item).map_err(|e| invalid(&e))?),
    };
    Ok(shown(transfers.show(by_number, by_item).await.map_err(|e| told(&e))?))
}

pub(super) async fn decide(
    transfers: &Transfers,
    request: v1::DecideTransferRequest,
) -> Result<v1::TransferReply, Status> {
    let number = match request.step.as_str() {
        "propose" => transfers.propose(proposed(request)?).await.map_err(|e| told(&e))?,
        _ => {
            let number = number(&request.transfer_no)?;
            transfers.decide(&number, decision(request)?).await.map_err(|e| told(&e))?;
            number
        }
    };
    Ok(shown(transfers.show(Some(number), None).await.map_err(|e| told(&e))?))
}

fn proposed(request: v1::DecideTransferRequest) -> Result<Propose, Status> {
    let batch = |raw: &bytes::Bytes| {
        Uuid::from_slice(raw).map_err(|_| invalid(&Invalid::new("登记批次 batch", hex::encode(raw))))
    };
    let mut batches: Vec<Uuid> = request.batches.iter().map(batch).collect::<Result<_, _>>()?;
    batches.dedup();
    let actor = actor(&request.actor)?;
    Ok(Propose { batches, by: request.filled_by, note: request.note, actor })
}

fn decision(request: v1::DecideTransferRequest) -> Result<Decision, Status> {
    let (filled_by, reviewed_by) = (request.filled_by, request.reviewed_by);
    match request.step.as_str() {
        "sign_unit" => Ok(Decision::Sign { side: Side::Unit, filled_by, reviewed_by }),
        "sign_archive" => Ok(Decision::Sign { side: Side::Archive, filled_by, reviewed_by }),
        "decline" => {
            let actor = actor(&request.actor)?;
            Ok(Decision::Decline { by: filled_by, reasons: request.reasons, note: request.note, actor })
        }
        other => {
            Err(invalid(&Invalid::new("移交步骤 step: propose, sign_unit, sign_archive, decline", other)))
        }
    }
}

fn summary(summary: Summary) -> v1::TransferSummary {
    let Summary { transfer, unit_name, unfit, waits_for } = summary;
    v1::TransferSummary {
        transfer_no: transfer.number.to_string(),
        state: transfer.state.name().into(),
        unit_uscc: transfer.unit.to_string(),
        unit_name,
        fonds_no: transfer.fonds.to_string(),
        items: transfer.items,
        bytes: transfer.bytes,
        unfit,
        packs: transfer.packs.iter().map(|p| p.get()).collect(),
        certificates: transfer.certificates.iter().map(|c| c.number.to_string()).collect(),
        packed_at: transfer.packed_at.millis(),
        changed_at: transfer.changed_at.millis(),
        waits_for,
        reasons: transfer.reasons,
    }
}

fn shown(shown: Shown) -> v1::TransferReply {
    let step = |s: crate::store::transfers::steps::Step| v1::TransferStep {
        step: s.step,
        at: Timestamp::millis(s.at),
        by: s.by,
        note: s.note,
    };
    v1::TransferReply {
        transfer: Some(summary(shown.summary)),
        steps: shown.steps.into_iter().map(step).collect(),
        unfit: shown.unfit.into_iter().map(unfit).collect(),
        archival_codes: shown.codes,
    }
}

fn unfit(unfit: Unfit) -> v1::UnfitItem {
    v1::UnfitItem {
        item: unfit.item.as_bytes().to_vec().into(),
        archival_code: unfit.archival_code.to_string(),
        side: unfit.side,
        failed: unfit.failed,
        remedy: unfit.remedy,
    }
}

fn waiting(due: Due) -> v1::BatchSummary {
    v1::BatchSummary {
        batch: due.batch.as_bytes().to_vec().into(),
        state: "certified".into(),
        certificate_no: due.certificate_no.to_string(),
        unit_uscc: due.unit.to_string(),
        unit_name: due.unit_name,
        fonds_no: due.fonds.to_string(),
        year: due.year.into(),
        packs: due.packs.iter().map(|p| p.get()).collect(),
        items: due.items,
        bytes: due.bytes,
        changed_at: due.certified_at.millis(),
        ..v1::BatchSummary::default()
    }
}
