//! 重放 of transfers: what was stated about them, heard again. Nothing to do when it is in the state already, which is
//! always so unless this database was restored from an old dump: then the facts are applied as they stand, so that no
//! number is given twice and custody never moves twice. Its neighbour `crate::replay` does the same for filing.

use std::collections::{BTreeSet, HashSet};

use dengbei_bus::{HandleError, Outcome};
use dengbei_chain::facts::{
    ItemAccessioned, TransferAccepted, TransferPacked, TransferRejected, TransferSubmitted,
};
use dengbei_chain::{DocumentRef, Event, Fact, MemberList};
use dengbei_kit::documents as own_documents;
use dengbei_records::papers::{Handover, Sealed};
use dengbei_records::policy::TransferRule;
use dengbei_records::{ErrorClass, EventHash, PackNumber, SerialNo, Sha256, canonical};
use sqlx::PgConnection;

use super::pack::{elsewhere, new_transfer, root_of};
use super::step;
use crate::store::transfers::members::{self, Member};
use crate::store::transfers::moves::{self, Made};
use crate::store::transfers::{self, Certificate, Signatories, State, certified, steps};
use crate::store::{documents, numbers, policies};

/// What registration stated about a transfer, heard again; anything else says nothing here.
pub(crate) async fn apply(tx: &mut PgConnection, event: &Event, fact: &Fact) -> Result<Outcome, HandleError> {
    match fact {
        Fact::TransferPacked(fact) => packed(tx, event, fact).await,
        Fact::TransferSubmitted(fact) => submitted(tx, event, fact).await,
        Fact::TransferAccepted(fact) => accepted(tx, event, fact).await,
        Fact::TransferRejected(fact) => rejected(tx, event, fact).await,
        Fact::ItemAccessioned(fact) => accessioned(tx, event, fact).await,
        _ => Ok(Outcome::Skipped),
    }
}

/// 移交组包, heard again.
async fn packed(tx: &mut PgConnection, event: &Event, fact: &TransferPacked) -> Result<Outcome, HandleError> {
    if let Some(known) = transfers::hold(tx, &fact.transfer_no).await? {
        return agree(known.packed == event.hash, "transfer.packed");
    }
    let mut certificates: Vec<Certificate> = Vec::with_capacity(event.causes.len());
    for cause in &event.causes {
        match certified::by_event(tx, *cause).await? {
            Some(certificate) => certificates.push(certificate),
            None => return Ok(Outcome::WaitFor(*cause)),
        }
    }
    let members = members::of_packs(tx, &fact.packs).await?;
    let (held, others) = split(tx, fact, members).await?;
    let policy = policies::of(tx, &fact.unit_uscc).await?;
    let is_by_hand = policy.transfer == TransferRule::ByHand;
    let transfer = new_transfer(fact, certificates, (event.hash, is_by_hand), event.recorded_at);
    transfers::insert(tx, &transfer).await?;
    members::take_out(tx, &fact.transfer_no, &elsewhere(&others, &held)).await?;
    certified::take(tx, &fact.packs).await?;
    numbers::raise_serial(tx, &fact.transfer_no).await?;
    keep(tx, &fact.members).await?;
    note(tx, event, &fact.transfer_no, State::Packed).await
}

/// Which items of its packs it held, and which were elsewhere. Without its member list, which may not have come back
/// from its pack yet, only a transfer of whole packs can be told.
async fn split(
    tx: &mut PgConnection,
    fact: &TransferPacked,
    members: Vec<Member>,
) -> Result<(BTreeSet<PackNumber>, Vec<Member>), HandleError> {
    let held: BTreeSet<PackNumber> = fact.packs.iter().copied().collect();
    if members.len() == fact.items as usize && root_of(&members) == fact.root {
        return Ok((held, Vec::new()));
    }
    let Some(body) = documents::body(tx, &fact.members.digest).await? else {
        let text = "移交成员清单尚未恢复 / the transfer's member list is not back from its pack yet";
        return Err(HandleError::new(ErrorClass::Unavailable, anyhow::anyhow!(text)));
    };
    let listed: HashSet<EventHash> = MemberList::read(&body, &fact.members)?.hashes().into_iter().collect();
    let (inside, others): (Vec<Member>, Vec<Member>) =
        members.into_iter().partition(|m| listed.contains(&m.filed()));
    if inside.len() != fact.items as usize || root_of(&inside) != fact.root {
        return Err(contradiction("members of transfer.packed"));
    }
    Ok((held, others))
}

/// 移交, heard again.
async fn submitted(
    tx: &mut PgConnection,
    event: &Event,
    fact: &TransferSubmitted,
) -> Result<Outcome, HandleError> {
    let Some(known) = transfers::hold(tx, &fact.transfer_no).await? else { return wait(event, 0) };
    if let Some(submitted) = known.submitted {
        return agree(submitted == event.hash, "transfer.submitted");
    }
    if !is_checked(tx, event).await? {
        return wait(event, 1);
    }
    let made = Made {
        items: fact.items,
        bytes: fact.bytes,
        root: fact.root,
        members: fact.members.digest,
        digests: Some(fact.digests.digest),
        catalogue: None,
        handover: None,
    };
    moves::submit(tx, &fact.transfer_no, &made, event.hash, event.recorded_at).await?;
    for reference in [&fact.members, &fact.digests] {
        keep(tx, reference).await?;
    }
    note(tx, event, &fact.transfer_no, State::Submitted).await
}

/// 交接, heard again. Who signed is in the handover, if that is back from its pack.
async fn accepted(
    tx: &mut PgConnection,
    event: &Event,
    fact: &TransferAccepted,
) -> Result<Outcome, HandleError> {
    let Some(known) = transfers::hold(tx, &fact.transfer_no).await? else { return wait(event, 0) };
    if let Some(accepted) = known.accepted {
        return agree(accepted == event.hash, "transfer.accepted");
    }
    if known.submitted.is_none() {
        return wait(event, 0);
    }
    if !is_checked(tx, event).await? {
        return wait(event, 1);
    }
    let handover: Option<Sealed<Handover>> =
        documents::body(tx, &fact.handover.digest).await?.and_then(|body| canonical::from_slice(&body).ok());
    let catalogue = handover.as_ref().and_then(|h| h.body.catalogue.parse::<Sha256>().ok());
    let made = Made {
        items: fact.items,
        bytes: fact.bytes,
        root: fact.root,
        members: fact.members.digest,
        digests: None,
        catalogue,
        handover: Some(fact.handover.digest),
    };
    moves::accept(tx, &fact.transfer_no, &made, event.hash, event.recorded_at).await?;
    if let Some(Sealed { body, .. }) = handover {
        for (is_unit, side) in [(true, body.unit), (false, body.archive)] {
            let (filled_by, reviewed_by) = (side.filled_by, side.reviewed_by);
            let who = Signatories { filled_by, reviewed_by, at: event.recorded_at };
            moves::sign(tx, &fact.transfer_no, is_unit, &who).await?;
        }
    }
    for reference in [&fact.members, &fact.handover] {
        keep(tx, reference).await?;
    }
    note(tx, event, &fact.transfer_no, State::Accepted).await
}

/// 进馆, heard again.
async fn accessioned(
    tx: &mut PgConnection,
    event: &Event,
    fact: &ItemAccessioned,
) -> Result<Outcome, HandleError> {
    let Some(known) = transfers::hold(tx, &fact.transfer_no).await? else { return wait(event, 0) };
    if let Some(accessioned) = known.accessioned {
        return agree(accessioned == event.hash, "item.accessioned");
    }
    if known.accepted.is_none() {
        return wait(event, 0);
    }
    if fact.root != known.root || fact.items != known.items {
        return Err(contradiction("members of item.accessioned"));
    }
    moves::accession(tx, &fact.transfer_no, event.hash, event.recorded_at).await?;
    keep(tx, &fact.members).await?;
    note(tx, event, &fact.transfer_no, State::Accessioned).await
}

/// 退回移交, heard again.
async fn rejected(
    tx: &mut PgConnection,
    event: &Event,
    fact: &TransferRejected,
) -> Result<Outcome, HandleError> {
    let Some(known) = transfers::hold(tx, &fact.transfer_no).await? else { return wait(event, 0) };
    if let Some(rejected) = known.rejected {
        return agree(rejected == event.hash, "transfer.rejected");
    }
    if !is_cause_known(tx, event, &known).await? {
        return wait(event, 0);
    }
    if !moves::reject(tx, &fact.transfer_no, &fact.reasons, event.hash, event.recorded_at).await? {
        return Err(contradiction("transfer.rejected"));
    }
    keep(tx, &fact.decision).await?;
    note(tx, event, &fact.transfer_no, State::Rejected).await
}

/// Whether the checks that the event names second are in the state.
async fn is_checked(tx: &mut PgConnection, event: &Event) -> Result<bool, HandleError> {
    match event.causes.get(1) {
        Some(check) => Ok(transfers::checks::is_known(tx, *check).await?),
        None => Err(HandleError::invalid("事件没有检测原因 / the event names no checks")),
    }
}

async fn is_cause_known(
    tx: &mut PgConnection,
    event: &Event,
    known: &transfers::Transfer,
) -> Result<bool, HandleError> {
    let cause = event.causes.first().copied();
    let own = [Some(known.packed), known.submitted];
    match cause {
        Some(cause) if own.contains(&Some(cause)) => Ok(true),
        Some(cause) => Ok(transfers::checks::is_known(tx, cause).await?),
        None => Ok(true),
    }
}

fn agree(is_same: bool, what: &str) -> Result<Outcome, HandleError> {
    if is_same { Ok(Outcome::Applied) } else { Err(contradiction(what)) }
}

fn contradiction(what: &str) -> HandleError {
    let text = format!("登记簿与数据库矛盾 / the log contradicts the database: {what}");
    HandleError::new(ErrorClass::Conflict, anyhow::anyhow!(text))
}

fn wait(event: &Event, at: usize) -> Result<Outcome, HandleError> {
    let cause = event.causes.get(at).copied();
    cause.map(Outcome::WaitFor).ok_or_else(|| HandleError::invalid("事件没有原因 / the event has no cause"))
}

/// What came back in a pack is served again.
async fn keep(tx: &mut PgConnection, reference: &DocumentRef) -> Result<(), HandleError> {
    if let Some(held) = documents::find(tx, &reference.digest).await? {
        own_documents::put(tx, &held.body, &held.media_type).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut PgConnection,
    event: &Event,
    number: &SerialNo,
    reached: State,
) -> Result<Outcome, HandleError> {
    let step = step(reached.name(), event.recorded_at, "登记簿重放 replayed", "");
    steps::note(tx, number, &step).await?;
    Ok(Outcome::Applied)
}
