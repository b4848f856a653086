//! What fixity hears: `item.prefiled`, a whole bundle at once, the matters that the checks need, and (`hear.rs`) packs,
//! copies and transfers.
//!
//! Outside any transaction the bundle's packages are read from ingest and checked; then rows, documents and events are
//! written in the bundle's transaction. A verdict is reached once per `item.prefiled`: what has one is skipped.

use std::collections::HashMap;
use std::sync::Arc;

use dengbei_bus::{HandleError, Handler, Outcome, traceparent_of};
use dengbei_chain::facts::ItemPrefiled;
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::{EventHash, ItemId, Matter, SubmissionId};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::check::{self, Against, Bench};
use crate::error::VerdictError;
use crate::hear::Hearing;
use crate::metrics;
use crate::staged::{Arrived, Package, Reading, Staging};
use crate::store::matters::{self, Key};
use crate::store::{record_numbers, runs};
use crate::verdict::{Author, Checked};

/// Packages that are checked in one go on a blocking thread, at most this many …
const CHUNK: usize = 32;
/// … and not much more than this many bytes in memory.
const CHUNK_BYTES: usize = 4 << 20;
/// Blocking threads that check, all bundles together.
pub(crate) const CHECKERS: usize = 2;

/// Checks what was prefiled.
#[derive(Clone)]
pub(crate) struct Checks {
    pub(crate) pool: PgPool,
    pub(crate) staging: Staging,
    pub(crate) author: Author,
    pub(crate) bench: Arc<Bench>,
    pub(crate) checkers: Arc<Semaphore>,
    pub(crate) hearing: Hearing,
}

/// An item whose verdict is still to be reached.
#[derive(Clone)]
struct Task {
    prefiled: EventHash,
    fact: ItemPrefiled,
    matter: Matter,
    traceparent: Option<String>,
}

/// What is being checked: chunks on their threads, in order.
type Running = Vec<JoinHandle<std::io::Result<Vec<Checked>>>>;

impl Handler for Checks {
    type Prepared = Vec<Checked>;

    fn wants(&self, kind: FactKind) -> bool {
        matches!(kind, FactKind::ItemPrefiled | FactKind::MatterPublished) || Hearing::wants(kind)
    }

    async fn prepare(&self, events: &[Event]) -> Result<Vec<Checked>, HandleError> {
        let tasks = self.tasks(events).await?;
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        self.scanner_answers().await?;
        let wanted: Vec<_> = tasks.iter().map(|t| (t.fact.submission, t.fact.reception)).collect();
        let reading = self.staging.read(&wanted).await?;
        let running = self.read_and_check(reading, tasks).await?;
        let mut checked = Vec::with_capacity(wanted.len());
        for chunk in running {
            let done = chunk.await.map_err(|e| VerdictError::Internal(e.into()))?;
            checked.extend(done.map_err(VerdictError::of_reading)?);
        }
        Ok(checked)
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        mut prepared: Vec<Checked>,
    ) -> Result<Vec<Outcome>, HandleError> {
        let hashes: Vec<EventHash> = prepared.iter().map(|c| c.prefiled).collect();
        let done = runs::done(&mut *tx, &hashes).await?;
        prepared.retain(|c| !done.contains(&c.prefiled));
        self.claim_numbers(tx, &prepared).await?;
        if !prepared.is_empty() {
            self.author.state(tx, &prepared).await?;
            metrics::checked(&prepared);
        }
        Hearing::filings(tx, events).await?;
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            let is_stated = prepared.iter().any(|c| c.prefiled == event.hash);
            outcomes.push(match &event.fact {
                Some(Fact::MatterPublished(fact)) => {
                    matters::put(tx, &fact.matter).await?;
                    Outcome::Applied
                }
                _ if is_stated => Outcome::Applied,
                _ => self.hearing.hear(tx, event).await?,
            });
        }
        Ok(outcomes)
    }
}

impl Checks {
    /// The items of a bundle that have no verdict yet, each with the filing table that its event names.
    async fn tasks(&self, events: &[Event]) -> Result<Vec<Task>, HandleError> {
        let facts = events.iter().filter_map(|event| match &event.fact {
            Some(Fact::ItemPrefiled(fact)) => Some((event.hash, fact)),
            _ => None,
        });
        let facts: Vec<(EventHash, &ItemPrefiled)> = facts.collect();
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let hashes: Vec<EventHash> = facts.iter().map(|(hash, _)| *hash).collect();
        let done = runs::done(&self.pool, &hashes).await?;
        let key = |f: &ItemPrefiled| -> Key { (f.matter_code.to_string(), f.scope_version.clone()) };
        let keys: Vec<Key> = facts.iter().map(|(_, f)| key(f)).collect();
        let known = matters::get(&self.pool, &keys).await?;
        let mut tasks = Vec::with_capacity(facts.len());
        for (prefiled, fact) in facts.into_iter().filter(|(hash, _)| !done.contains(hash)) {
            let wanted = key(fact);
            let matter = known.get(&wanted).cloned();
            let matter =
                matter.ok_or_else(|| VerdictError::NotYet(format!("matter {} {}", wanted.0, wanted.1)))?;
            let traceparent = traceparent_of(&prefiled);
            tasks.push(Task { prefiled, fact: fact.clone(), matter, traceparent });
        }
        Ok(tasks)
    }

    /// A scanner that is known to be down is asked before packages are fetched, so that what waits for it costs little.
    async fn scanner_answers(&self) -> Result<(), VerdictError> {
        let Some(guard) = self.bench.guard.as_ref().filter(|guard| !guard.standing().is_up) else {
            return Ok(());
        };
        let answer = guard.ask(self.author.clock.now()).await.map_err(VerdictError::Internal)?;
        answer.map(drop).map_err(|e| VerdictError::Scanner(std::io::Error::other(e)))
    }

    /// Receives package after package; full chunks are checked while the next is received.
    async fn read_and_check(&self, mut reading: Reading, tasks: Vec<Task>) -> Result<Running, HandleError> {
        let mut tasks: HashMap<SubmissionId, Task> =
            tasks.into_iter().map(|t| (t.fact.submission, t)).collect();
        let mut running = Running::new();
        let mut taken: HashMap<String, ItemId> = HashMap::new();
        let mut chunk: Vec<(Task, Package)> = Vec::new();
        let mut held = 0;
        while let Some(arrived) = reading.next().await? {
            let (id, package) = match arrived {
                Arrived::Package(id, package) => (id, package),
                Arrived::Gone(id) => {
                    tracing::info!(submission = %id, "not staged any more: decided meanwhile");
                    continue;
                }
            };
            let Some(task) = tasks.remove(&id) else { continue };
            held += package.in_memory();
            chunk.push((task, *package));
            if chunk.len() == CHUNK || held >= CHUNK_BYTES {
                running.push(self.start(std::mem::take(&mut chunk), &mut taken).await?);
                held = 0;
            }
        }
        if !chunk.is_empty() {
            running.push(self.start(chunk, &mut taken).await?);
        }
        Ok(running)
    }

    /// Starts to check a chunk, when a checker is free.
    async fn start(
        &self,
        chunk: Vec<(Task, Package)>,
        taken: &mut HashMap<String, ItemId>,
    ) -> Result<JoinHandle<std::io::Result<Vec<Checked>>>, HandleError> {
        let numbers: Vec<String> = chunk.iter().map(|(_, p)| record_no(p)).collect();
        let holders = record_numbers::holders(&self.pool, &numbers).await?;
        let against: Vec<Against> = chunk
            .iter()
            .zip(&numbers)
            .map(|((task, _), number)| {
                let item = task.fact.item;
                let holder = holders.get(number).copied().or_else(|| earlier(taken, number, item));
                Against {
                    matter: task.matter.clone(),
                    same_record_no: holder.filter(|other| *other != item),
                    prefiled: task.prefiled,
                    reception: task.fact.reception,
                    now: self.author.clock.now(),
                }
            })
            .collect();
        let permit = self.checkers.clone().acquire_owned().await;
        let permit = permit.map_err(|e| VerdictError::Internal(e.into()))?;
        let (bench, span) = (self.bench.clone(), tracing::Span::current());
        Ok(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _in = span.enter();
            let each = chunk.into_iter().zip(against).zip(numbers);
            each.map(|(((task, package), against), record_no)| {
                let report = check::check(&package, against, &bench)?;
                let Task { prefiled, fact, traceparent, .. } = task;
                Ok(Checked { prefiled, fact, record_no, report, traceparent })
            })
            .collect()
        }))
    }

    /// 电子文件号 of what passed now belong to their items; one that another bundle took meanwhile is looked at again.
    async fn claim_numbers(&self, tx: &mut PgConnection, checked: &[Checked]) -> Result<(), VerdictError> {
        let passed = checked.iter().filter(|c| c.is_passed());
        let wanted: Vec<(String, ItemId)> = passed.map(|c| (c.record_no.clone(), c.fact.item)).collect();
        match record_numbers::take(tx, &wanted).await?.first() {
            None => Ok(()),
            Some(number) => {
                Err(VerdictError::NotYet(format!("电子文件号 {number} was taken by another item")))
            }
        }
    }
}

/// The item of this bundle that came first with this number.
fn earlier(taken: &mut HashMap<String, ItemId>, number: &str, item: ItemId) -> Option<ItemId> {
    if number.is_empty() {
        return None;
    }
    Some(*taken.entry(number.to_owned()).or_insert(item))
}

/// 电子文件号, as far as an index can hold it.
fn record_no(package: &Package) -> String {
    package.reception.metadata.record_no.replace('\0', "\u{fffd}").chars().take(128).collect()
}
