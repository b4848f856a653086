//! Planning (组卷计划), the first of filing's three steps: which items go into which pack, with which numbers.
//!
//! A pack is for one unit, one year, one retention. It closes at 256 items, at 64 MiB, or when its oldest item has
//! waited `filing.linger`; a larger item is alone. One transaction stores everything that decides the pack's bytes
//! (records, codes, times, the `item.filed` events and their member list) beside the staged bytes.
//!
//! If we crash before that transaction commits, no number was given. After it, any worker finishes the plan.
//! Before: `decide.rs`. After: `write.rs`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::facts::ItemFiled;
use dengbei_chain::{Event, Fact, Member, MemberList, Subject};
use dengbei_kit::{db, documents as own_documents, faults};
use dengbei_ocfl::Inventory;
use dengbei_records::{
    ArchivalCode, ClassCode, FondsNo, ItemId, PackNumber, Reception, Sha256, Sha512, Timestamp,
};
use sqlx::{PgConnection, PgPool};

use crate::author::{Author, Statement};
use crate::draft::{self, RecordParts, VersionParts};
use crate::error::FilingError;
use crate::metrics;
use crate::previous::{self, Previous};
use crate::staged::Staging;
use crate::store::documents::Held;
use crate::store::plans::{Plan, PlanHead, PlannedItem};
use crate::store::ready::{self, Group, Ready};
use crate::store::{documents, matters, numbers, plans};

/// The most items in a pack.
pub(crate) const MOST_ITEMS: usize = 256;
/// The most bytes in a pack, but for an item that is larger alone.
pub(crate) const MOST_BYTES: u64 = 64 << 20;
/// Documents that go along with a pack.
const MOST_DOCUMENTS: i64 = 512;
const MOST_DOCUMENT_BYTES: i64 = 16 << 20;

/// Makes plans.
#[derive(Debug, Clone)]
pub(crate) struct Planner {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) staging: Staging,
    pub(crate) site: dengbei_vault::Site,
    /// How long the oldest item waits for its pack to fill.
    pub(crate) linger: Duration,
}

/// An item with everything that its record needs.
struct Prepared {
    ready: Ready,
    reception: Reception,
    bytes: Bytes,
    previous: Option<Previous>,
}

impl Planner {
    /// Plans everything that is due; gives the number of plans made. Several may do so at once.
    pub(crate) async fn pass(&self) -> Result<usize, FilingError> {
        let mut made = 0;
        let groups = ready::groups(&mut *self.pool.acquire().await?).await?;
        for group in groups {
            while self.close(&group).await?.is_some() {
                made += 1;
            }
        }
        Ok(made)
    }

    /// Closes one pack of a group, if one is due.
    async fn close(&self, group: &Group) -> Result<Option<PackNumber>, FilingError> {
        let now = self.author.now();
        let mut connection = self.pool.acquire().await?;
        // One more than fits shows that a pack is full.
        let waiting = ready::candidates(&mut connection, group, now, MOST_ITEMS + 1).await?;
        let Some(fonds) = matters::fonds(&mut connection, &group.unit).await? else {
            metrics::unit_without_fonds(&group.unit);
            return Ok(None);
        };
        drop(connection);
        let Some(batch) = due(waiting, now, self.linger) else { return Ok(None) };
        let prepared = self.prepare(batch).await?;
        if prepared.is_empty() {
            return Ok(None);
        }
        self.store(group, fonds, prepared).await
    }

    /// Reads what the records need. What cannot be read waits, and holds up nothing else.
    async fn prepare(&self, batch: Vec<Ready>) -> Result<Vec<Prepared>, FilingError> {
        let ids: Vec<ItemId> = batch.iter().map(|r| r.item).collect();
        let mut earlier = previous::of(&self.pool, &self.site, &self.author.area, &ids).await?;
        let asked: Vec<_> = batch.iter().map(|ready| (ready.submission, ready.reception)).collect();
        let reads = self.staging.receptions(&asked).await;
        let mut prepared = Vec::new();
        for (ready, read) in batch.into_iter().zip(reads) {
            let is_same = |r: &Reception| r.item == ready.item && r.submission == ready.submission;
            match read {
                Ok((reception, bytes)) if is_same(&reception) => {
                    let previous = earlier.remove(&ready.item);
                    prepared.push(Prepared { ready, reception, bytes, previous });
                }
                Ok(_) => self.put_off(&ready, "the reception is another item's").await?,
                Err(e) => self.put_off(&ready, &dengbei_kit::status::chain(&e)).await?,
            }
        }
        Ok(prepared)
    }

    async fn put_off(&self, ready: &Ready, why: &str) -> Result<(), FilingError> {
        metrics::unreadable();
        tracing::warn!(item = %ready.item, submission = %ready.submission, why, "item cannot be planned yet");
        let now = self.author.now();
        Ok(ready::put_off(&mut *self.pool.acquire().await?, ready.prefiled, now).await?)
    }

    /// The plan's transaction.
    async fn store(
        &self,
        group: &Group,
        fonds: FondsNo,
        prepared: Vec<Prepared>,
    ) -> Result<Option<PackNumber>, FilingError> {
        let mut tx = db::begin_by_key(&self.pool).await?;
        let prepared = self.hold(&mut tx, prepared).await?;
        if prepared.is_empty() {
            return Ok(None);
        }
        let created = created(self.author.now(), &prepared);
        let codes = give_codes(&mut tx, &fonds, group, &prepared).await?;
        let pack = numbers::next_pack(&mut tx).await?;
        let head = PlanHead { pack, fonds, group: group.clone(), created, members: Sha256::of(&[]) };
        let plan = self.freeze(&mut tx, head, prepared, codes).await?;
        plans::insert(&mut tx, &plan).await?;
        let hashes: Vec<_> = plan.items.iter().map(|i| i.prefiled).collect();
        ready::plan(&mut tx, &hashes, pack).await?;
        documents::take(&mut tx, pack, MOST_DOCUMENTS, MOST_DOCUMENT_BYTES).await?;
        tx.commit().await?;
        faults::reach("filing.planned");
        metrics::planned(plan.items.len());
        tracing::info!(%pack, items = plan.items.len(), "planned");
        Ok(Some(pack))
    }

    /// Keeps those that nobody else took meanwhile, one submission an item.
    async fn hold(
        &self,
        tx: &mut PgConnection,
        prepared: Vec<Prepared>,
    ) -> Result<Vec<Prepared>, FilingError> {
        let wanted: Vec<_> = prepared.iter().map(|p| p.ready.prefiled).collect();
        let held = ready::hold(tx, &wanted).await?;
        let ids: Vec<ItemId> = prepared.iter().map(|p| p.ready.item).collect();
        let newest = previous::newest(tx, &ids).await?;
        let mut seen = HashSet::new();
        let is_unchanged = |p: &Prepared| {
            newest.get(&p.ready.item).copied() == p.previous.as_ref().map(|v| v.object_version)
        };
        let kept = prepared
            .into_iter()
            .filter(|p| held.contains(&p.ready.prefiled) && is_unchanged(p) && seen.insert(p.ready.item));
        Ok(kept.collect())
    }

    /// Freezes records, events and the member list.
    async fn freeze(
        &self,
        tx: &mut PgConnection,
        mut head: PlanHead,
        prepared: Vec<Prepared>,
        codes: Vec<ArchivalCode>,
    ) -> Result<Plan, FilingError> {
        let mut planned = Vec::with_capacity(prepared.len());
        for (prepared, code) in prepared.into_iter().zip(codes) {
            planned.push(self.freeze_one(&head, prepared, code)?);
        }
        let list = MemberList {
            of: "batch.filed".to_owned(),
            salt: hex::encode(random()?),
            members: planned.iter().map(member).collect(),
        };
        let (body, reference) = list.document()?;
        own_documents::put(tx, &body, &reference.media_type).await?;
        let held = Held { digest: reference.digest, media_type: reference.media_type, body: body.into() };
        documents::hold(tx, &held, head.created, Some(head.pack)).await?;
        head.members = reference.digest;
        Ok(Plan { head, items: planned })
    }

    fn freeze_one(
        &self,
        head: &PlanHead,
        prepared: Prepared,
        code: ArchivalCode,
    ) -> Result<PlannedItem, FilingError> {
        let Prepared { ready, reception, bytes, previous } = prepared;
        let parts = RecordParts { ready: &ready, reception, code: code.clone(), salt: random()? };
        let (record, record_bytes) = draft::record(&self.author.area, head, parts)?;
        let reception = (Sha512::of(&bytes), bytes.len() as u64);
        let inventory: Option<&Inventory> = previous.as_ref().map(|p| &p.inventory);
        let parts = VersionParts {
            record: &record,
            record_bytes: record_bytes.clone(),
            reception,
            previous: inventory,
        };
        let version = draft::version(head.created, parts)?;
        let filed = ItemFiled {
            item: ready.item,
            data_version: ready.data_version,
            archival_code: code,
            pack: head.pack,
            object_version: version.version.get(),
            record: Sha256::of(&record_bytes),
            inventory: version.inventory_sha512,
            submission: ready.submission,
        };
        let statement = Statement {
            subject: Subject::Item(ready.item),
            causes: vec![ready.prefiled, ready.checked],
            fact: Fact::ItemFiled(filed.clone()),
        };
        let event = Event::read(self.author.state(statement, head.created)?.bytes)?;
        Ok(PlannedItem { prefiled: ready.prefiled, record: record_bytes, reception, event, filed })
    }
}

fn member(item: &PlannedItem) -> Member {
    Member {
        event: item.event.hash,
        item: item.filed.item,
        data_version: item.filed.data_version,
        detail: serde_json::Value::Null,
    }
}

/// The version time: now, but a second after every version that is carried forward.
fn created(now: Timestamp, prepared: &[Prepared]) -> Timestamp {
    let earlier = prepared.iter().filter_map(|p| p.previous.as_ref()).map(|p| p.created.millis() + 1000);
    Timestamp::from_millis(earlier.max().unwrap_or(0).max(now.millis()))
}

/// A code for each: its own for a correction, else the next of its class. Counters are taken in the classes' order,
/// so that two planners never wait for each other.
async fn give_codes(
    tx: &mut PgConnection,
    fonds: &FondsNo,
    group: &Group,
    prepared: &[Prepared],
) -> Result<Vec<ArchivalCode>, FilingError> {
    let ids: Vec<ItemId> = prepared.iter().map(|p| p.ready.item).collect();
    let mut codes: HashMap<ItemId, ArchivalCode> = numbers::codes_of(tx, &ids).await?;
    let mut wanting: BTreeMap<ClassCode, Vec<ItemId>> = BTreeMap::new();
    for p in prepared.iter().filter(|p| !codes.contains_key(&p.ready.item)) {
        wanting.entry(class_of(fonds, group, &p.ready)).or_default().push(p.ready.item);
    }
    let mut given = Vec::new();
    for (class, members) in wanting {
        let first = numbers::next_codes(tx, &class, members.len() as u32).await?;
        for (number, item) in (first..).zip(members) {
            let number = u32::try_from(number).map_err(|e| FilingError::Internal(e.into()))?;
            given.push((ArchivalCode { class: class.clone(), number }, item));
        }
    }
    numbers::give_codes(tx, &given).await?;
    codes.extend(given.into_iter().map(|(code, item)| (item, code)));
    let of = |p: &Prepared| codes.get(&p.ready.item).cloned();
    let all: Option<Vec<_>> = prepared.iter().map(of).collect();
    all.ok_or_else(|| FilingError::Internal(anyhow::anyhow!("an item was given no code")))
}

fn class_of(fonds: &FondsNo, group: &Group, ready: &Ready) -> ClassCode {
    let (year, retention) = (group.year, group.retention);
    ClassCode { fonds: fonds.clone(), event_type: ready.event_type, year, retention }
}

fn random() -> Result<[u8; 32], FilingError> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|e| FilingError::Internal(anyhow::anyhow!("{e}")))?;
    Ok(salt)
}

/// What goes into the next pack, if one is due: a large item alone; else the oldest items, when they fill a pack or
/// the first has waited long enough.
fn due(waiting: Vec<Ready>, now: Timestamp, linger: Duration) -> Option<Vec<Ready>> {
    if let Some(large) = waiting.iter().find(|r| r.bytes > MOST_BYTES) {
        return Some(vec![large.clone()]);
    }
    let oldest = waiting.first()?.decided_at;
    let total = waiting.len();
    let mut bytes = 0;
    let fits = |ready: &Ready| {
        bytes += ready.bytes;
        bytes <= MOST_BYTES
    };
    let batch: Vec<Ready> = waiting.into_iter().take(MOST_ITEMS).take_while(fits).collect();
    let is_full = batch.len() < total || batch.len() == MOST_ITEMS || bytes >= MOST_BYTES;
    let waited = now.millis().saturating_sub(oldest.millis());
    let is_due = is_full || waited >= i64::try_from(linger.as_millis()).unwrap_or(i64::MAX);
    is_due.then_some(batch)
}

#[cfg(test)]
mod tests {
    use dengbei_records::{EventHash, IdKey, SubmissionId};

    use super::*;

    fn ready(n: u32, bytes: u64, decided_at: i64) -> Ready {
        let source = "ZWFW".parse().unwrap();
        Ready {
            prefiled: EventHash::of(&n.to_be_bytes()),
            checked: EventHash::of(b"checked"),
            item: ItemId::derive(&IdKey::from_bytes([1; 32]), &source, &n.to_string()),
            data_version: dengbei_records::DataVersion::FIRST,
            submission: SubmissionId::from_uuid(uuid::Uuid::from_u128(n.into())),
            source_system: source,
            scope_version: "1".into(),
            event_type: "01".parse().unwrap(),
            reception: Sha256::of(b"r"),
            bytes,
            decided_at: Timestamp::from_millis(decided_at),
        }
    }

    fn many(count: u32, bytes: u64) -> Vec<Ready> {
        (0..count).map(|n| ready(n, bytes, 1000)).collect()
    }

    const LINGER: Duration = Duration::from_secs(60);
    const EARLY: Timestamp = Timestamp::from_millis(2000);

    #[test]
    fn a_pack_closes_at_256_items_or_64_mib_and_not_before() {
        assert!(due(many(255, 1), EARLY, LINGER).is_none());
        assert_eq!(due(many(256, 1), EARLY, LINGER).unwrap().len(), 256);
        assert_eq!(due(many(257, 1), EARLY, LINGER).unwrap().len(), 256);
        assert!(due(many(63, 1 << 20), EARLY, LINGER).is_none());
        assert_eq!(due(many(64, 1 << 20), EARLY, LINGER).unwrap().len(), 64);
        assert_eq!(due(many(100, 1 << 20), EARLY, LINGER).unwrap().len(), 64);
    }

    #[test]
    fn the_oldest_item_waits_no_longer_than_the_linger() {
        let late = Timestamp::from_millis(61_000);
        assert_eq!(due(many(3, 1), late, LINGER).unwrap().len(), 3);
        assert!(due(many(3, 1), Timestamp::from_millis(60_999), LINGER).is_none());
        assert!(due(Vec::new(), late, LINGER).is_none());
    }

    #[test]
    fn a_large_item_is_alone_at_once() {
        let mut waiting = many(3, 1);
        waiting.push(ready(9, MOST_BYTES + 1, 1500));
        let batch = due(waiting, EARLY, LINGER).unwrap();
        assert_eq!(batch.len(), 1);
        assert!(batch[0].bytes > MOST_BYTES);
    }
}
