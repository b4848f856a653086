//! 重放: what registration stated itself, heard again. Nothing to do when it is in the state already, which is always so
//! unless this database was restored from an old dump: then the facts are applied as they stand, counters rise to what
//! was given, and plans of the old dump end as the log says they ended. So no code and no pack number comes twice.

use std::collections::HashSet;
use std::ops::Range;

use dengbei_bus::{HandleError, Outcome};
use dengbei_chain::facts::{BatchFiled, ItemFiled, ItemReturned, MatterPublished, PackWritten};
use dengbei_chain::{Event, Fact, MEMBERS, MemberList};
use dengbei_kit::documents as own_documents;
use dengbei_records::papers::MEDIA_TYPE;
use dengbei_records::{AreaCode, ErrorClass, EventHash, PackNumber, Sha256, Timestamp, canonical};
use dengbei_vault::{PackName, Site, SiteError};
use sqlx::PgConnection;

use crate::draft;
use crate::metrics;
use crate::store::documents::Held;
use crate::store::items::{Rival, Standing};
use crate::store::packs::{Contents, Filed, Place};
use crate::store::plans::{End, Plan};
use crate::store::{document_packs, documents, filed_packs, items, matters, numbers, packs, plans, ready};
use crate::unit_keys::UnitKeys;

/// The most that a document in a pack may weigh.
const MOST_DOCUMENT: u64 = 64 << 20;

/// Which `item.filed` events among these are in the state already: nearly always all of them.
pub(crate) async fn known(
    tx: &mut PgConnection,
    events: &[Event],
) -> Result<HashSet<EventHash>, HandleError> {
    let filed = events.iter().filter(|e| matches!(e.fact, Some(Fact::ItemFiled(_))));
    let hashes: Vec<EventHash> = filed.map(|e| e.hash).collect();
    if hashes.is_empty() { Ok(HashSet::new()) } else { Ok(packs::known(tx, &hashes).await?) }
}

/// 事项发布, heard again.
pub(crate) async fn matter_published(
    tx: &mut PgConnection,
    event: &Event,
    fact: &MatterPublished,
    keys: &UnitKeys,
) -> Result<Outcome, HandleError> {
    let matter = &fact.matter;
    matters::lock(tx).await?;
    if let Some(stored) = matters::content(tx, &matter.matter_code, &matter.scope_version).await? {
        let is_same = stored == canonical::to_vec(matter)?;
        return if is_same { Ok(Outcome::Applied) } else { Err(contradiction("matter.published")) };
    }
    if let Some(known) = matters::fonds(tx, &matter.unit_uscc).await?
        && known != fact.fonds_no
    {
        return Err(contradiction("fonds of the unit"));
    }
    matters::give_fonds(tx, &fact.fonds_no, matter, event.recorded_at).await?;
    numbers::raise_fonds(tx, &fact.fonds_no).await?;
    matters::insert(tx, matter, event.hash, event.recorded_at).await?;
    if !keys.has(&matter.unit_uscc) {
        tracing::error!(unit = %matter.unit_uscc, "a unit that has a fonds lacks its signing key: restore it from the key backup");
    }
    Ok(Outcome::Applied)
}

/// 正式归档, heard again, and not in the state yet.
pub(crate) async fn item_filed(
    tx: &mut PgConnection,
    event: &Event,
    fact: &ItemFiled,
) -> Result<Outcome, HandleError> {
    let rival = match concerned(tx, event).await? {
        Ok(rival) => rival,
        Err(wait) => return Ok(wait),
    };
    cancel_contradicted(tx, &rival, fact).await?;
    let checked = event.causes.get(1).copied();
    items::note_filed(tx, rival.prefiled, event.hash, checked).await?;
    numbers::give_codes(tx, &[(fact.archival_code.clone(), fact.item)]).await?;
    numbers::raise_code(tx, &fact.archival_code).await?;
    numbers::raise_pack(tx, fact.pack).await?;
    let (prefiled, created) = (rival.prefiled, event.recorded_at);
    let filed = Filed { prefiled, event: event.hash, fact, ordinal: 0, created, range: None };
    packs::insert_items(tx, &[filed]).await?;
    Ok(Outcome::Applied)
}

/// Ends plans of an old dump that want to file this item otherwise, or to give its code to another.
async fn cancel_contradicted(
    tx: &mut PgConnection,
    rival: &Rival,
    fact: &ItemFiled,
) -> Result<(), HandleError> {
    if let Some(pack) = plans::holding(tx, rival.prefiled).await?
        && pack != fact.pack
    {
        cancel(tx, pack).await?;
    }
    if let Some(holder) = items::holder_of(tx, &fact.archival_code).await?
        && holder.item != fact.item
        && let Some(pack) = plans::holding(tx, holder.prefiled).await?
    {
        cancel(tx, pack).await?;
    }
    Ok(())
}

async fn cancel(tx: &mut PgConnection, pack: PackNumber) -> Result<(), HandleError> {
    let Some(plan) = plans::load(tx, pack).await? else { return Ok(()) };
    tracing::warn!(%pack, "a plan of an old dump is cancelled: its items were filed otherwise");
    // What the log says was filed keeps its code; only what is still planned gives it back.
    let planned = ready::planned_in(tx, pack).await?;
    let given = plan.items.iter().filter(|i| i.filed.object_version == 1 && planned.contains(&i.prefiled));
    let codes: Vec<_> = given.map(|i| i.filed.archival_code.clone()).collect();
    ready::unplan(tx, pack).await?;
    numbers::take_back(tx, &codes).await?;
    documents::release(tx, pack).await?;
    plans::end(tx, pack, End::Cancelled).await?;
    Ok(())
}

/// 退回, heard again.
pub(crate) async fn item_returned(
    tx: &mut PgConnection,
    event: &Event,
    fact: &ItemReturned,
) -> Result<Outcome, HandleError> {
    match concerned(tx, event).await? {
        Err(wait) => Ok(wait),
        Ok(rival) if rival.standing.is_ended() => Ok(Outcome::Applied),
        Ok(rival) => {
            items::note_returned(tx, rival.prefiled, &fact.failed, &fact.report.digest).await?;
            items::end(tx, rival.prefiled, Standing::Returned, event.hash).await?;
            if let Some(report) = documents::find(tx, &fact.report.digest).await? {
                own_documents::put(tx, &report.body, &report.media_type).await?;
            }
            Ok(Outcome::Applied)
        }
    }
}

/// 被替代, heard again.
pub(crate) async fn item_superseded(tx: &mut PgConnection, event: &Event) -> Result<Outcome, HandleError> {
    match concerned(tx, event).await? {
        Err(wait) => Ok(wait),
        Ok(rival) if rival.standing.is_ended() => Ok(Outcome::Applied),
        Ok(rival) => {
            items::end(tx, rival.prefiled, Standing::Superseded, event.hash).await?;
            Ok(Outcome::Applied)
        }
    }
}

/// The submission that an own fact is about: its first cause.
async fn concerned(tx: &mut PgConnection, event: &Event) -> Result<Result<Rival, Outcome>, HandleError> {
    let cause = event.causes.first().copied();
    let cause = cause.ok_or_else(|| HandleError::invalid("事件没有原因 / the event has no cause"))?;
    Ok(items::find(tx, cause).await?.ok_or(Outcome::WaitFor(cause)))
}

fn contradiction(what: &str) -> HandleError {
    let text = format!("登记簿与数据库矛盾 / the log contradicts the database: {what}");
    HandleError::new(ErrorClass::Conflict, anyhow::anyhow!(text))
}

/// A committed pack as it lies on the site.
#[derive(Debug, Default)]
pub(crate) struct ReplayedPack {
    /// Version time and place of each object, in the pack's order.
    places: Vec<(String, Timestamp, Range<u64>)>,
    documents: Vec<Held>,
    members: Option<MemberList>,
}

/// Reads what the log says is on the site. A pack that is missing or damaged is an alarm, not a hindrance: what the
/// events say is known without it.
pub(crate) async fn read_pack(
    site: &Site,
    area: &AreaCode,
    batch: &BatchFiled,
) -> Result<ReplayedPack, HandleError> {
    let name = PackName { area: area.clone(), number: batch.pack, generation: batch.generation };
    let mut read = read_named(site, name).await?;
    let cited = read.documents.iter().find(|d| d.digest == batch.members.digest);
    read.members = cited.and_then(|d| MemberList::read(&d.body, &batch.members).ok());
    Ok(read)
}

/// Reads a pack of documents that the log says is on the site.
pub(crate) async fn read_documents(
    site: &Site,
    area: &AreaCode,
    fact: &PackWritten,
) -> Result<ReplayedPack, HandleError> {
    read_named(site, PackName { area: area.clone(), number: fact.pack, generation: fact.generation }).await
}

async fn read_named(site: &Site, name: PackName) -> Result<ReplayedPack, HandleError> {
    let (site, pack) = (site.clone(), name.clone());
    let read = tokio::task::spawn_blocking(move || read_places(&site, &pack)).await;
    match read.map_err(|e| HandleError::new(ErrorClass::Internal, e))? {
        Ok(read) => Ok(read),
        Err(e @ (SiteError::NotFound(_) | SiteError::Pack(_))) => {
            metrics::pack_missing();
            tracing::error!(%name, error = %dengbei_kit::status::chain(&e), "the log names a pack that the primary site does not have whole");
            Ok(ReplayedPack::default())
        }
        Err(e) => Err(HandleError::new(e.class(), e)),
    }
}

fn read_places(site: &Site, name: &PackName) -> Result<ReplayedPack, SiteError> {
    let mut pack = site.open_pack(name)?;
    let times: Vec<Timestamp> = pack.catalogue().versions.iter().map(|v| v.created).collect();
    let listed: Vec<_> = pack.places().collect();
    let mut read = ReplayedPack::default();
    for (place, created) in listed.into_iter().zip(times) {
        let object = place.object.as_str().to_owned();
        if let Some(digest) = draft::document_of(&object) {
            read.documents.push(read_document(&mut pack, &object, digest)?);
        }
        read.places.push((object, created, place.range));
    }
    Ok(read)
}

fn read_document<R: std::io::Read + std::io::Seek>(
    pack: &mut dengbei_ocfl::PackReader<R>,
    object: &str,
    digest: Sha256,
) -> Result<Held, SiteError> {
    let version = pack.version(object)?.read_all(MOST_DOCUMENT)?;
    let newest = version.inventory.versions.get(&version.inventory.head);
    let media_type = newest.map(|v| v.message.clone()).unwrap_or_default();
    let body = version.content.into_values().next().unwrap_or_default();
    Ok(Held { digest, media_type, body })
}

/// 归档批, heard again, and not in the state yet.
pub(crate) async fn batch_filed(
    tx: &mut PgConnection,
    event: &Event,
    fact: &BatchFiled,
    pack: &ReplayedPack,
) -> Result<Outcome, HandleError> {
    if let Some(digest) = packs::digest(tx, fact.pack).await? {
        let is_same = digest == fact.pack_digest;
        return if is_same { Ok(Outcome::Applied) } else { Err(contradiction("batch.filed")) };
    }
    if let Some(members) = &pack.members {
        let known = packs::known(tx, &members.hashes()).await?;
        if let Some(unknown) = members.hashes().into_iter().find(|h| !known.contains(h)) {
            return Ok(Outcome::WaitFor(unknown));
        }
    }
    match plans::load(tx, fact.pack).await? {
        Some(plan) if is_other(&plan, pack) => cancel(tx, fact.pack).await?,
        _ => drop(plans::end(tx, fact.pack, End::Committed).await?),
    }
    if document_packs::cancel(tx, fact.pack).await? {
        documents::release(tx, fact.pack).await?;
    }
    packs::insert(tx, fact, &Contents::default(), event.hash, event.recorded_at).await?;
    numbers::raise_pack(tx, fact.pack).await?;
    keep_documents(tx, fact.pack, pack, event.recorded_at).await?;
    let found = places(tx, fact.pack, pack).await?;
    packs::locate(tx, &found).await?;
    filed_packs::note_checks(tx, fact.pack).await?;
    Ok(Outcome::Applied)
}

/// 文档入库, heard again, and not in the state yet.
pub(crate) async fn pack_written(
    tx: &mut PgConnection,
    event: &Event,
    fact: &PackWritten,
    pack: &ReplayedPack,
) -> Result<Outcome, HandleError> {
    if let Some(digest) = document_packs::digest(tx, fact.pack).await? {
        let is_same = digest == fact.pack_digest;
        return if is_same { Ok(Outcome::Applied) } else { Err(contradiction("pack.written")) };
    }
    if plans::load(tx, fact.pack).await?.is_some() {
        cancel(tx, fact.pack).await?;
    }
    // An open plan of the dump may have taken other documents under this number: they wait for another pack.
    documents::release(tx, fact.pack).await?;
    document_packs::commit(tx, fact, event.hash, event.recorded_at).await?;
    numbers::raise_pack(tx, fact.pack).await?;
    keep_documents(tx, fact.pack, pack, event.recorded_at).await?;
    Ok(Outcome::Applied)
}

/// Whether an open plan of the old dump is not the one that the log says was finished.
fn is_other(plan: &Plan, pack: &ReplayedPack) -> bool {
    pack.members.as_ref().is_some_and(|members| members.hashes() != plan.hashes())
}

async fn keep_documents(
    tx: &mut PgConnection,
    number: PackNumber,
    pack: &ReplayedPack,
    at: Timestamp,
) -> Result<(), HandleError> {
    for document in &pack.documents {
        documents::hold(tx, document, at, Some(number)).await?;
        // Ours: whoever reads of it in the log asks here.
        if [MEMBERS, MEDIA_TYPE].contains(&document.media_type.as_str()) {
            own_documents::put(tx, &document.body, &document.media_type).await?;
        }
    }
    Ok(())
}

async fn places(
    tx: &mut PgConnection,
    number: PackNumber,
    pack: &ReplayedPack,
) -> Result<Vec<Place>, HandleError> {
    let filed = packs::of_pack(tx, number).await?;
    let mut found = Vec::with_capacity(filed.len());
    for stored in filed {
        let object = draft::object_of(stored.item);
        let place = pack.places.iter().enumerate().find(|(_, (name, _, _))| *name == object);
        if let Some((ordinal, (_, created, range))) = place {
            found.push(Place { event: stored.filed, ordinal, created: *created, range: range.clone() });
        }
    }
    Ok(found)
}
