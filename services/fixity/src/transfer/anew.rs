//! Checks that are run again on what a pack holds, because the transfer's scheme asks for more than the filing run did.
//!
//! Before: `law.rs` says which, of which items. An item's object version is read by range from the side's own site, every
//! digest checked, and put together as the package that was filed. After: `judge/carried.rs`. What is read lies in memory,
//! large ones in unlinked files, one item a checking thread.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_checks::{CheckId, CheckOutcome, Sample};
use dengbei_ocfl::{PackError, VersionReader};
use dengbei_records::{EventHash, ItemId, PackNumber, Reception, Record, Sha256, Sha512, canonical};
use futures::{FutureExt as _, StreamExt as _};

use super::Transfers;
use super::gather::{Filing, Gathered, object_id};
use super::law::{self, Law};
use super::packs::Found;
use super::ranges;
use super::runs::Said;
use crate::check;
use crate::error::TransferError;
use crate::sites::{Name, Site};
use crate::staged::{Keeping, Package};
use crate::store::matters;

/// Items that are read and checked at the same time.
const AT_ONCE: usize = 2;
/// Where an object's own files lie in it.
const RECEPTION: &str = "reception.json";
const RECORD: &str = "record.json";

/// What became of the checks that an item was to pass anew.
#[derive(Debug)]
pub(crate) enum Again {
    /// What they said.
    Checked(Vec<CheckOutcome>),
    /// They could not be run: the package cannot be put together from this version of the object.
    Partial(BTreeSet<CheckId>),
    /// Its bytes, which the site attested, could not be read.
    Unreadable(String),
    /// Not looked at: its bytes are bad or missing, which is a finding of its own.
    Unfit(BTreeSet<CheckId>),
}

/// An item that is filed, as the pack tells it.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) package: Package,
    pub(crate) record: Record,
}

/// What is known of a transfer's members: what was gathered, how the packs are, what the filing runs said.
type Known<'a> = (&'a Gathered, &'a HashMap<PackNumber, Found>, &'a HashMap<EventHash, Said>);

/// One item to be checked anew.
struct Task {
    event: EventHash,
    name: Name,
    range: Option<Range<u64>>,
    inventory: Sha512,
    wanted: BTreeSet<CheckId>,
    is_in_sample: bool,
}

impl Transfers {
    /// Of every member whose filing verdict does not hold under `law`, by its `item.filed`.
    pub(super) async fn again(
        &self,
        site: &Site,
        known: Known<'_>,
        law: &Arc<Law>,
    ) -> Result<HashMap<EventHash, Again>, TransferError> {
        let tasks = self.tasks(known, law);
        let each: Vec<_> = tasks.into_iter().map(|task| self.one_again(site, task, law).boxed()).collect();
        let done: Vec<Result<_, TransferError>> =
            futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        done.into_iter().collect()
    }

    fn tasks(&self, (gathered, found, said): Known<'_>, law: &Law) -> Vec<Task> {
        if !law.is_of_folder {
            return Vec::new();
        }
        let items: Vec<ItemId> = gathered.list.members.iter().map(|m| m.item).collect();
        let seed = gathered.asked.causes.first().map(ToString::to_string).unwrap_or_default();
        let sample = Sample::draw(&seed, &items, law.items.parameters.a02.sample_percent);
        let mut anew = law::Anew::new(law, &self.bench.schemes);
        let mut tasks = Vec::new();
        for member in &gathered.list.members {
            let Some(filing) = gathered.filings.get(&member.event) else { continue };
            let said = filing.prefiled.and_then(|p| said.get(&p));
            let by = said.and_then(|s| s.scheme.as_deref());
            let is_in_sample = sample.holds(&member.item);
            let noted = said.map_or(&[][..], |s| &s.notable);
            let wanted = anew.of(by, noted, is_in_sample);
            let Some(pack) = gathered.packs.get(&filing.fact.pack).filter(|_| !wanted.is_empty()) else {
                continue;
            };
            tasks.push(Task {
                event: member.event,
                name: Name { pack: pack.batch.pack, generation: pack.batch.generation },
                range: found.get(&filing.fact.pack).and_then(|f| place(f, filing, &member.event)),
                inventory: filing.fact.inventory,
                wanted,
                is_in_sample,
            });
        }
        tasks
    }

    async fn one_again(
        &self,
        site: &Site,
        task: Task,
        law: &Arc<Law>,
    ) -> Result<(EventHash, Again), TransferError> {
        let Task { event, name, range, inventory, wanted, is_in_sample } = task;
        let Some(range) = range else { return Ok((event, Again::Unfit(wanted))) };
        let (length, spool) = (range.end - range.start, self.spool.clone());
        let work = move |input| assemble(input, length, inventory, &spool);
        let stored = match ranges::read(site, name, range, work).await? {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok((event, Again::Partial(wanted))),
            Err(why) => return Ok((event, Again::Unreadable(why))),
        };
        let key = (stored.record.metadata.service_code.clone(), stored.record.scope_version.clone());
        let matter = matters::get(&self.pool, std::slice::from_ref(&key)).await?.remove(&key);
        let (bench, law, now) = (self.bench.clone(), law.clone(), self.author.clock.now());
        let checking = tokio::task::spawn_blocking(move || {
            let against = check::Again { matter, wanted: &wanted, is_in_sample, now };
            let checked = check::again(&stored, against, &law.items, &bench)?;
            Ok::<_, std::io::Error>(checked.map_or(Again::Partial(wanted), Again::Checked))
        });
        let checked = checking.await.map_err(|e| TransferError::Fault(e.to_string()))?;
        Ok((event, checked.map_err(TransferError::of_reading)?))
    }
}

/// Where an item's version lies, if its bytes are sound.
fn place(found: &Found, filing: &Filing, event: &EventHash) -> Option<Range<u64>> {
    if found.wrong.is_some() && !matches!(found.members.get(event), Some(Ok(()))) {
        return None;
    }
    let catalogue = found.catalogue.as_ref().ok()?;
    let version = catalogue.find(&object_id(&filing.fact))?;
    let start = found.base + version.offset;
    Some(start..start + version.length)
}

/// The package of an object version; `None`: not all of it lies here, as of a correction that kept older files, or the
/// version does not tell how it was received.
fn assemble(
    input: impl Read,
    length: u64,
    inventory: Sha512,
    spool: &Path,
) -> Result<Option<Stored>, PackError> {
    let reader = VersionReader::open(input, length)?;
    if *reader.inventory_sha512() != inventory {
        return Err(PackError::Damaged("the inventory is not the one that was filed".into()));
    }
    let mut kept = Keeping::new(length, spool)?;
    let mut own: BTreeMap<&str, Bytes> = BTreeMap::new();
    reader.for_each(|content, bytes| {
        let name = content.path.split_once("/content/").map_or("", |(_, name)| name);
        match [RECEPTION, RECORD].into_iter().find(|own| *own == name) {
            Some(name) => {
                let mut body = Vec::new();
                bytes.read_to_end(&mut body)?;
                own.insert(name, body.into());
            }
            None => kept.take(content.sha512, bytes)?,
        }
        Ok(())
    })?;
    let (Some(reception), Some(record)) = (own.get(RECEPTION), own.get(RECORD)) else { return Ok(None) };
    let read = canonical::from_slice::<Reception>(reception).ok();
    let (Some(read), Ok(record)) = (read, canonical::from_slice::<Record>(record)) else { return Ok(None) };
    let package = kept.package((read, Sha256::of(reception)));
    Ok(package.map(|package| Stored { package, record }))
}
