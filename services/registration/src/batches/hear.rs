//! What is heard about batches: `pack.secured` from replication, and what registration stated itself, which says nothing
//! new unless this database was restored from an old dump (`replay.rs`): then batches, numbers and certificates come back.

use std::collections::BTreeSet;

use dengbei_bus::{HandleError, Outcome};
use dengbei_chain::Event;
use dengbei_chain::facts::{
    BatchApplied, BatchDeclined, BatchRegistered, CertificateIssued, PackRepaired, PackSecured, Purpose,
};
use dengbei_records::{ErrorClass, EventHash, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::site_keys::SiteKeys;
use crate::store::batches::{self, Batch, BatchState, Certified, Declined, Registered, Step};
use crate::store::filed_packs::{self, FiledPack};
use crate::store::{matters, numbers};
use crate::wake::{self, Topic};

/// Sites that must hold a batch before it is certified, whatever a policy says (domain.md 8c).
const FEWEST_SITES: usize = 2;

/// An application as its event has it.
pub(super) fn applied_batch(
    fact: &BatchApplied,
    unit_name: &str,
    at: Timestamp,
    is_automatic: bool,
) -> Batch {
    Batch {
        id: fact.batch,
        state: BatchState::Applied,
        is_automatic,
        unit: fact.unit_uscc.clone(),
        unit_name: unit_name.to_owned(),
        fonds: fact.fonds_no.clone(),
        year: fact.year,
        packs: fact.packs.clone(),
        items: fact.items,
        files: fact.files,
        bytes: fact.bytes,
        root: fact.root,
        application: fact.application.digest,
        applied: EventHash::from_bytes([0; 32]),
        applied_at: at,
        technical: Vec::new(),
        reasons: Vec::new(),
        trouble: String::new(),
        registration_no: None,
        decision: None,
        registered: None,
        registered_at: None,
        certificate_no: None,
        certificate: None,
        issued: None,
        changed_at: at,
    }
}

/// 登记申请, heard again.
pub(crate) async fn applied(
    tx: &mut PgConnection,
    event: &Event,
    fact: &BatchApplied,
) -> Result<Outcome, HandleError> {
    if let Some(known) = batches::find(tx, fact.batch).await? {
        return same(known.applied == event.hash, "batch.applied");
    }
    let packs = filed_packs::of(tx, &fact.packs).await?;
    let missing = fact.packs.iter().position(|n| !packs.iter().any(|p| p.pack == *n));
    if let Some(at) = missing {
        let cause = event.causes.get(at).copied();
        return cause
            .map(Outcome::WaitFor)
            .ok_or_else(|| HandleError::invalid("申请缺少原因 / a cause is missing"));
    }
    let name = matters::unit(tx, &fact.unit_uscc).await?.map(|(name, _)| name).unwrap_or_default();
    // Whether a rule or a person applied stands in the document alone; an undecided one goes on by the rule in force.
    let batch = Batch { applied: event.hash, ..applied_batch(fact, &name, event.recorded_at, true) };
    batches::insert(tx, &batch).await?;
    batches::note(tx, batch.id, &[Step::new("apply", event.recorded_at, "")]).await?;
    filed_packs::rejoin(tx, &fact.packs, fact.batch).await?;
    wake::on_commit(tx, Topic::Applied).await?;
    Ok(Outcome::Applied)
}

/// 不予登记, heard again.
pub(crate) async fn declined(
    tx: &mut PgConnection,
    event: &Event,
    fact: &BatchDeclined,
) -> Result<Outcome, HandleError> {
    let Some(batch) = batches::hold(tx, fact.batch).await? else { return wait(event) };
    match batch.state {
        BatchState::Declined => Ok(Outcome::Applied),
        state if state.is_undecided() => {
            let (decision, at) = (fact.decision.digest, event.recorded_at);
            let declined = Declined { reasons: &fact.reasons, decision, event: event.hash, at };
            batches::decline(tx, batch.id, &declined).await?;
            batches::note(tx, batch.id, &[Step::new("decline", at, "")]).await?;
            filed_packs::leave(tx, batch.id).await?;
            Ok(Outcome::Applied)
        }
        _ => same(false, "batch.declined"),
    }
}

/// 登记, heard again.
pub(crate) async fn registered(
    tx: &mut PgConnection,
    event: &Event,
    fact: &BatchRegistered,
) -> Result<Outcome, HandleError> {
    let Some(batch) = batches::hold(tx, fact.batch).await? else { return wait(event) };
    if let Some(known) = batch.registered {
        return same(known == event.hash, "batch.registered");
    }
    if !batch.state.is_undecided() {
        return same(false, "batch.registered");
    }
    let (number, at) = (&fact.registration_no, event.recorded_at);
    let (decision, technical) = (fact.decision.digest, batch.technical.as_slice());
    let registered = Registered { number, decision, event: event.hash, technical, at };
    batches::register(tx, batch.id, &registered).await?;
    batches::note(tx, batch.id, &[Step::new("register", at, "")]).await?;
    numbers::raise_serial(tx, number).await?;
    wake::on_commit(tx, Topic::Secured).await?;
    Ok(Outcome::Applied)
}

/// 发证, heard again.
pub(crate) async fn certified(
    tx: &mut PgConnection,
    event: &Event,
    fact: &CertificateIssued,
) -> Result<Outcome, HandleError> {
    let Some(batch) = batches::hold(tx, fact.batch).await? else { return wait(event) };
    if let Some(known) = batch.issued {
        return same(known == event.hash, "certificate.issued");
    }
    if batch.registered.is_none() {
        // Its causes are the packs' pack.secured, which wait for the registration.
        return wait(event);
    }
    let (number, at) = (&fact.certificate_no, event.recorded_at);
    let certified = Certified { number, certificate: fact.certificate.digest, event: event.hash, at };
    batches::certify(tx, batch.id, &certified).await?;
    batches::note(tx, batch.id, &[Step::new("certify", at, "")]).await?;
    numbers::raise_serial(tx, number).await?;
    wake::on_commit(tx, Topic::Certified).await?;
    Ok(Outcome::Applied)
}

fn wait(event: &Event) -> Result<Outcome, HandleError> {
    let cause = event.causes.first().copied();
    cause.map(Outcome::WaitFor).ok_or_else(|| HandleError::invalid("事件没有原因 / the event has no cause"))
}

fn same(is_same: bool, what: &str) -> Result<Outcome, HandleError> {
    if is_same {
        return Ok(Outcome::Applied);
    }
    let text = format!("登记簿与数据库矛盾 / the log contradicts the database: {what}");
    Err(HandleError::new(ErrorClass::Conflict, anyhow::anyhow!(text)))
}

/// Checks who signed for a backup: every receipt by its site's own key, on enough sites. Outside any transaction;
/// blocking, but short.
///
/// # Errors
/// Invalid when a receipt does not count.
pub(crate) fn check_receipts(keys: &SiteKeys, fact: &PackSecured) -> Result<(), HandleError> {
    let mut sites = BTreeSet::new();
    for receipt in &fact.receipts {
        let is_of_this = (receipt.pack, receipt.generation) == (fact.pack, fact.generation);
        if !is_of_this || receipt.purpose != Purpose::Backup {
            return Err(HandleError::invalid(format!(
                "回执不属此备份 / {}: not a receipt for this backup",
                receipt.site
            )));
        }
        keys.verify(receipt)?;
        sites.insert(receipt.site.as_str());
    }
    if sites.len() < FEWEST_SITES || sites.len() != fact.receipts.len() {
        let text = format!("备份点不足 / {} receipts of {} sites", fact.receipts.len(), sites.len());
        return Err(HandleError::invalid(text));
    }
    Ok(())
}

/// 备份达标 of one pack, its receipts checked.
pub(crate) async fn secured(
    tx: &mut PgConnection,
    event: &Event,
    fact: &PackSecured,
) -> Result<Outcome, HandleError> {
    let pack = filed_packs::of(tx, &[fact.pack]).await?.pop();
    let batch = batches::find(tx, fact.batch).await?;
    let cause = |at: usize| event.causes.get(at).copied();
    let Some(pack) = pack else {
        return cause(1).map(Outcome::WaitFor).ok_or_else(|| HandleError::invalid("无归档批 / no cause"));
    };
    if batch.is_none_or(|b| b.registered.is_none()) {
        return wait(event);
    }
    check_copies(&pack, fact.batch, fact)?;
    if pack.secured.is_none() {
        filed_packs::secure(tx, pack.pack, event.hash, &fact.receipts).await?;
        wake::on_commit(tx, Topic::Secured).await?;
    }
    Ok(Outcome::Applied)
}

/// 修复: the batch that waits for this pack is looked at again at once.
pub(crate) async fn repaired(tx: &mut PgConnection, fact: &PackRepaired) -> Result<Outcome, HandleError> {
    if !batches::try_again(tx, fact.receipt.pack).await? {
        return Ok(Outcome::Skipped);
    }
    wake::on_commit(tx, Topic::Applied).await?;
    Ok(Outcome::Applied)
}

/// Every site must hold what was filed.
fn check_copies(pack: &FiledPack, batch: Uuid, fact: &PackSecured) -> Result<(), HandleError> {
    let filed = (pack.digest, pack.bytes, pack.versions_root);
    let other = fact.receipts.iter().find(|r| (r.digest, r.bytes, r.versions_root) != filed);
    if let Some(receipt) = other {
        let text =
            format!("{}: 备份内容与归档不符 / {} holds other bytes than were filed", pack.pack, receipt.site);
        return Err(HandleError::invalid(text));
    }
    if pack.batch != Some(batch) || pack.generation != fact.generation {
        return Err(HandleError::invalid(format!("{}: 不在此登记批次 / not of this batch", pack.pack)));
    }
    Ok(())
}
