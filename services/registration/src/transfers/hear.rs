//! What others found about a transfer: noted, and the loop is woken. Nothing is stated here.
//!
//! Before: `fixity/src/transfer/` states `transfer.checked`; `batches/certify.rs` states `certificate.issued`. After:
//! `pack.rs`, `submit.rs`, `accept.rs`, `accession.rs`.

use std::collections::{HashMap, HashSet};

use dengbei_bus::{HandleError, Outcome};
use dengbei_chain::facts::{CertificateIssued, Side, TransferChecked};
use dengbei_chain::{Event, TRANSFER_REPORT, TransferReport};
use dengbei_records::{EventHash, Timestamp};
use sqlx::PgConnection;

use super::pack::root_of;
use super::step;
use crate::store::batches;
use crate::store::documents::{self, Held};
use crate::store::transfers::members::{self, Member, Unfit};
use crate::store::transfers::{self, Certificate, State, Transfer, certified, checks, moves, steps};
use crate::wake::{self, Topic};

/// The packs of a certificate may be handed over from now on.
pub(crate) async fn certificate_issued(
    tx: &mut PgConnection,
    event: &Event,
    fact: &CertificateIssued,
) -> Result<(), HandleError> {
    let packs = batches::find(tx, fact.batch).await?.map(|batch| batch.packs).unwrap_or_default();
    let certificate =
        Certificate { event: event.hash, number: fact.certificate_no.clone(), batch: fact.batch };
    certified::note(tx, &certificate, &fact.unit_uscc, &packs, event.recorded_at).await?;
    Ok(wake::on_commit(tx, Topic::Certified).await?)
}

/// The report that a `transfer.checked` cites.
pub(crate) fn read_report(fact: &TransferChecked, document: &Held) -> Result<TransferReport, HandleError> {
    let report = TransferReport::read(&document.body, &fact.report)?;
    let is_same = report.transfer_no == fact.transfer_no
        && report.side == fact.side
        && report.root() == fact.root
        && report.checked == fact.checked
        && report.unfit.len() == fact.unfit as usize
        && report.list.members.len() + report.unfit.len() == fact.checked as usize
        && document.media_type == TRANSFER_REPORT;
    if is_same {
        Ok(report)
    } else {
        Err(HandleError::invalid("检测报告与事件不符 / the report is not the event's"))
    }
}

/// 移交检测 of one side.
pub(crate) async fn checked(
    tx: &mut PgConnection,
    event: &Event,
    fact: &TransferChecked,
    (report, document): (&TransferReport, &Held),
    now: Timestamp,
) -> Result<Outcome, HandleError> {
    let Some(transfer) = transfers::hold(tx, &fact.transfer_no).await? else { return wait(event) };
    if is_early(&transfer, fact.side) {
        return wait(event);
    }
    if let Some(known) = checks::of(tx, &transfer.number, fact.side).await?
        && (known.event == event.hash || fact.side != Side::Storing)
    {
        // One run of a side counts; a second one is a story of fixity's restored database.
        return Ok(if known.event == event.hash { Outcome::Applied } else { Outcome::Skipped });
    }
    documents::hold(tx, document, now, None).await?;
    let is_over = matches!(transfer.state, State::Rejected | State::Accessioned);
    if is_over {
        return Ok(Outcome::Applied);
    }
    let held = members::of(tx, &transfer.number).await?;
    let unfit = unfit(&held, fact.side, report)?;
    if fact.side == Side::Storing {
        return stored(tx, event, fact, &unfit).await;
    }
    members::take_out(tx, &transfer.number, &unfit).await?;
    note(tx, event, fact).await?;
    if fact.side == Side::Archive {
        moves::verify(tx, &transfer.number, event.recorded_at).await?;
    }
    wake::on_commit(tx, Topic::Certified).await?;
    Ok(Outcome::Applied)
}

/// The check on storing: the members are as accepted; what is unfit is to be repaired and checked again.
async fn stored(
    tx: &mut PgConnection,
    event: &Event,
    fact: &TransferChecked,
    unfit: &[Unfit],
) -> Result<Outcome, HandleError> {
    let number = &fact.transfer_no;
    members::clear_storing(tx, number).await?;
    members::take_out(tx, number, unfit).await?;
    let mut failed: Vec<String> = unfit.iter().flat_map(|u| u.failed.iter().cloned()).collect();
    failed.sort_unstable();
    failed.dedup();
    moves::give_reasons(tx, number, &failed).await?;
    note(tx, event, fact).await?;
    wake::on_commit(tx, Topic::Certified).await?;
    Ok(Outcome::Applied)
}

async fn note(tx: &mut PgConnection, event: &Event, fact: &TransferChecked) -> Result<(), HandleError> {
    checks::note(tx, fact, event.hash, event.recorded_at).await?;
    let note = format!(
        "检测{}件，不合格{}件 / {} checked, {} unfit ({})",
        fact.checked, fact.unfit, fact.checked, fact.unfit, fact.scheme
    );
    let name = format!("checked.{}", fact.side.name());
    steps::note(tx, &fact.transfer_no, &step(&name, event.recorded_at, fact.side.word(), note)).await?;
    Ok(())
}

/// Whether what this side checked is not in the state yet.
const fn is_early(transfer: &Transfer, side: Side) -> bool {
    match side {
        Side::Unit => false,
        Side::Archive => transfer.submitted.is_none() && transfer.rejected.is_none(),
        Side::Storing => transfer.accepted.is_none(),
    }
}

fn wait(event: &Event) -> Result<Outcome, HandleError> {
    let cause = event.causes.first().copied();
    cause.map(Outcome::WaitFor).ok_or_else(|| HandleError::invalid("事件没有原因 / the event has no cause"))
}

/// Those of the members that the report says are unfit. The report must speak of every member, in order.
fn unfit(held: &[Member], side: Side, report: &TransferReport) -> Result<Vec<Unfit>, HandleError> {
    let wrong = |what: &str| {
        HandleError::invalid(format!("检测报告与移交不符 / the report is not of this transfer: {what}"))
    };
    let found: HashMap<EventHash, _> = report.unfit.iter().map(|u| (u.event, u)).collect();
    let (out, fit): (Vec<&Member>, Vec<&Member>) = held.iter().partition(|m| found.contains_key(&m.filed()));
    if out.len() != report.unfit.len() || held.len() != report.checked as usize {
        return Err(wrong("other members"));
    }
    let known: HashSet<EventHash> = fit.iter().map(|m| m.filed()).collect();
    let fit: Vec<Member> = fit.into_iter().cloned().collect();
    if known.len() != report.list.members.len() || root_of(&fit) != report.root() {
        return Err(wrong("another root"));
    }
    let unfit = |m: &Member| Unfit {
        filed: m.filed(),
        item: m.stored.item,
        archival_code: m.stored.archival_code.clone(),
        side: side.name().into(),
        failed: found.get(&m.filed()).map(|u| u.failed.clone()).unwrap_or_default(),
        remedy: found.get(&m.filed()).map(|u| u.remedy.clone()).unwrap_or_default(),
    };
    Ok(out.into_iter().map(unfit).collect())
}
