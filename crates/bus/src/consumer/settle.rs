//! Settling events: all in one transaction, or each in its own; a failing one is set aside with its reason.
//!
//! Every way an event can come claims it in the same transaction as its effect: a bundle by its inbox row, one event of
//! a bundle by its settled row, a waiting or failed event by taking its row away. A claim that finds nothing to claim
//! means that another did it: nothing happens twice.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use dengbei_chain::{Event, ReadError};
use dengbei_kit::{db, faults};
use dengbei_records::{ErrorClass, EventHash};
use futures::FutureExt as _;
use sqlx::postgres::PgConnection;

use super::{Held, Shared};
use crate::backoff::Fate;
use crate::measured::{BundleOutcome, EventOutcome};
use crate::store::inbox::{self, Place};
use crate::store::{dead_letters, pending};
use crate::{Bundle, BusError, HandleError, Handler, Outcome, measured, traces};

/// No preparation takes longer: JetStream would send the bundle again (`ack_wait`).
const PREPARE: Duration = Duration::from_secs(9 * 60);
/// When so many in a row find a part not answering, the rest is set aside without asking it again.
const ABSENT_IN_A_ROW: usize = 3;

/// How events are claimed.
#[derive(Clone, Copy)]
pub(super) enum Claim<'a> {
    /// Bundles of the bus, by their inbox rows: all of them or none.
    Bundles(&'a [Place<'a>]),
    /// A stretch of the log whose bundle is not known: by its cursor alone.
    Nothing,
    /// One event of a bundle.
    Event(Place<'a>, usize),
    /// Events whose cause came.
    Pending,
    /// Events whose next try came.
    Failed,
}

/// What became of an attempt.
pub(super) enum Attempt {
    /// Committed.
    Done,
    /// Another had it, or it was done.
    NotOurs,
    /// Rolled back.
    Failed(HandleError),
}

impl<H: Handler> Shared<H> {
    /// Settles a bundle. `Postponed`: come again later.
    pub(super) async fn bundle(&self, bundle: &Bundle) -> Result<BundleOutcome, BusError> {
        let Some(_in_hand) = self.take(&bundle.producer, bundle.sequence) else {
            return Ok(BundleOutcome::Postponed);
        };
        let began = Instant::now();
        let place = self.place(bundle);
        let read: Vec<Result<Event, ReadError>> = bundle.events.iter().cloned().map(Event::read).collect();
        if read.iter().all(Result::is_ok) {
            let wanted: Vec<Held> = self.wanted(bundle, &read).map(|(_, held)| held).collect();
            let places = [place];
            let claim = if bundle.is_log() { Claim::Nothing } else { Claim::Bundles(&places) };
            match self.attempt(claim, &wanted).await? {
                Attempt::Done => {
                    measured::seconds(&self.service, began);
                    return Ok(BundleOutcome::Whole);
                }
                Attempt::NotOurs if inbox::settled_events(&self.pool, place).await?.is_empty() => {
                    return Ok(BundleOutcome::Duplicate);
                }
                Attempt::NotOurs => {}
                Attempt::Failed(e) => {
                    tracing::warn!(
                        service = self.service,
                        producer = bundle.producer,
                        sequence = bundle.sequence,
                        reason = e.reason(),
                        "a bundle failed; its events go one by one"
                    );
                }
            }
        }
        self.one_by_one(bundle, place, read).await?;
        measured::seconds(&self.service, began);
        Ok(BundleOutcome::Partly)
    }

    /// Settles several bundles in one transaction. False: nothing happened, they must go one by one.
    pub(super) async fn together(&self, bundles: &[&Bundle]) -> Result<bool, BusError> {
        let in_hand: Option<Vec<_>> = bundles.iter().map(|b| self.take(&b.producer, b.sequence)).collect();
        if in_hand.is_none() || bundles.iter().any(|b| b.is_log()) {
            return Ok(false);
        }
        let began = Instant::now();
        let mut wanted = Vec::new();
        for bundle in bundles {
            let read: Vec<_> = bundle.events.iter().cloned().map(Event::read).collect();
            if read.iter().any(Result::is_err) {
                return Ok(false);
            }
            wanted.extend(self.wanted(bundle, &read).map(|(_, held)| held));
        }
        let mut places: Vec<Place<'_>> = bundles.iter().map(|bundle| self.place(bundle)).collect();
        // In one order, so that two that claim some of the same never wait for each other in a circle.
        places.sort_unstable_by_key(|p| (p.producer, p.sequence));
        let is_done = matches!(self.attempt(Claim::Bundles(&places), &wanted).await?, Attempt::Done);
        if is_done {
            measured::seconds(&self.service, began);
        }
        Ok(is_done)
    }

    fn place<'a>(&'a self, bundle: &'a Bundle) -> Place<'a> {
        Place { consumer: &self.service, producer: &bundle.producer, sequence: bundle.sequence }
    }

    /// The events that the handler wants, with their ordinals.
    fn wanted<'a>(
        &'a self,
        bundle: &'a Bundle,
        read: &'a [Result<Event, ReadError>],
    ) -> impl Iterator<Item = (usize, Held)> + 'a {
        read.iter().enumerate().filter_map(|(at, event)| {
            let event = event.as_ref().ok()?;
            let wanted = event.fact.as_ref().is_some_and(|fact| self.handler.wants(fact.kind()));
            let traceparent = bundle.traceparent(at).to_owned();
            wanted.then(|| (at, Held { event: event.clone(), traceparent, tries: 0, age: Duration::ZERO }))
        })
    }

    async fn one_by_one(
        &self,
        bundle: &Bundle,
        place: Place<'_>,
        read: Vec<Result<Event, ReadError>>,
    ) -> Result<(), BusError> {
        let settled = inbox::settled_events(&self.pool, place).await?;
        let mut absent = Absent::default();
        for (at, held) in self.wanted(bundle, &read).filter(|(at, _)| !settled.contains(at)) {
            let claim = Claim::Event(place, at);
            if let Some(e) = absent.or_attempt(self, claim, &held).await? {
                self.set_aside(claim, &held, &e).await?;
            }
        }
        for (at, error) in read.into_iter().enumerate().filter_map(|(at, r)| Some((at, r.err()?))) {
            if !settled.contains(&at) {
                self.set_aside_unreadable(bundle, place, at, error).await?;
            }
        }
        let mut tx = self.pool.begin().await?;
        inbox::finish(&mut tx, place, !bundle.is_log()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Tries these events together, then one by one.
    pub(super) async fn again(&self, claim: Claim<'_>, held: &[Held]) -> Result<(), BusError> {
        if held.len() > 1 {
            match self.attempt(claim, held).await? {
                Attempt::Done | Attempt::NotOurs => return Ok(()),
                Attempt::Failed(_) => {}
            }
        }
        let mut absent = Absent::default();
        for one in held {
            if let Some(e) = absent.or_attempt(self, claim, one).await? {
                self.set_aside(claim, one, &e).await?;
            }
        }
        Ok(())
    }

    /// Prepares outside any transaction, then claims, applies and commits in one.
    async fn attempt(&self, claim: Claim<'_>, held: &[Held]) -> Result<Attempt, BusError> {
        if held.is_empty() {
            // Nothing to apply: one statement, no transaction around it.
            let is_ours = self.claim(&mut *self.pool.acquire().await?, claim, &[]).await?;
            return Ok(if is_ours { Attempt::Done } else { Attempt::NotOurs });
        }
        let contexts = held.iter().map(|h| (h.event.hash, h.traceparent.clone()));
        traces::within(&self.service, contexts, self.attempt_traced(claim, held)).await
    }

    async fn attempt_traced(&self, claim: Claim<'_>, held: &[Held]) -> Result<Attempt, BusError> {
        let events: Vec<Event> = held.iter().map(|h| h.event.clone()).collect();
        let prepared = match caught(within_time(self.handler.prepare(&events))).await {
            Ok(prepared) => prepared,
            Err(e) => return Ok(Attempt::Failed(e)),
        };
        let mut tx = db::begin_by_key(&self.pool).await?;
        if !self.claim(&mut tx, claim, &events).await? {
            return Ok(Attempt::NotOurs);
        }
        let applied = caught(self.handler.apply(&mut tx, &events, prepared)).await;
        let outcomes = match applied.and_then(|outcomes| fitting(outcomes, &events)) {
            Ok(outcomes) => outcomes,
            Err(e) => return Ok(Attempt::Failed(e)),
        };
        let released = self.keep_waiting(&mut tx, held, &outcomes).await?;
        faults::reach("bus.consumer.applied");
        tx.commit().await?;
        if released > 0 {
            self.due.notify_one();
        }
        self.count(&outcomes);
        Ok(Attempt::Done)
    }

    async fn claim(
        &self,
        tx: &mut PgConnection,
        claim: Claim<'_>,
        events: &[Event],
    ) -> Result<bool, sqlx::Error> {
        let hashes: Vec<&[u8]> = events.iter().map(|e| e.hash.as_bytes().as_slice()).collect();
        match claim {
            Claim::Nothing => Ok(true),
            Claim::Bundles(places) => inbox::claim_whole(tx, places).await,
            Claim::Event(place, ordinal) => inbox::claim_event(tx, place, ordinal).await,
            Claim::Pending => pending::take(tx, &self.service, &hashes).await,
            Claim::Failed => dead_letters::take(tx, &self.service, &hashes).await,
        }
    }

    /// Keeps what waits for a cause; marks due what waited for these events. Returns how many became due.
    async fn keep_waiting(
        &self,
        tx: &mut PgConnection,
        held: &[Held],
        outcomes: &[Outcome],
    ) -> Result<u64, sqlx::Error> {
        let mut settled: Vec<EventHash> = Vec::new();
        for (held, outcome) in held.iter().zip(outcomes) {
            match outcome {
                Outcome::WaitFor(cause) => {
                    let mut held = held.clone();
                    let pause = rework_pause(held.tries);
                    held.tries += 1;
                    pending::keep(tx, &self.service, &held, cause, pause).await?;
                }
                Outcome::Applied | Outcome::Skipped => settled.push(held.event.hash),
            }
        }
        if settled.is_empty() { Ok(0) } else { pending::release(tx, &self.service, &settled).await }
    }

    fn count(&self, outcomes: &[Outcome]) {
        let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
        measured::events(&self.service, EventOutcome::Applied, count(|o| *o == Outcome::Applied));
        measured::events(&self.service, EventOutcome::Skipped, count(|o| *o == Outcome::Skipped));
        measured::events(&self.service, EventOutcome::Waiting, count(|o| matches!(o, Outcome::WaitFor(_))));
    }

    /// Writes a failed event down, with when it is tried again, so that it holds up nothing else.
    async fn set_aside(&self, claim: Claim<'_>, held: &Held, error: &HandleError) -> Result<(), BusError> {
        // Looks in vain are no failures.
        let tries = if matches!(claim, Claim::Pending) { 0 } else { held.tries };
        let fate = if error.is_waited_for() {
            self.policy.waiting(tries, held.age)
        } else {
            self.policy.fate(error.class(), tries, held.age)
        };
        let (tries, again) = match fate {
            Fate::Dead { tries } => (tries, None),
            Fate::Again { tries, pause } => (tries, Some(pause)),
        };
        let (event, reason) = (&held.event, error.reason());
        self.note(event.fact_name(), event.hash, &reason, again);
        let subject = event.subject.to_string();
        let letter = dead_letters::Letter {
            consumer: &self.service,
            hash: event.hash,
            fact: event.fact_name(),
            subject: &subject,
            event: &event.bytes,
            traceparent: &held.traceparent,
            reason: &reason,
            tries,
            again,
        };
        let mut tx = self.pool.begin().await?;
        let is_ours = match claim {
            // The row stays and is written over, unless another process settled the event meanwhile.
            Claim::Failed => dead_letters::hold(&mut tx, &self.service, &event.hash).await?,
            _ => self.claim(&mut tx, claim, std::slice::from_ref(event)).await?,
        };
        if is_ours {
            dead_letters::keep(&mut tx, &letter).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn set_aside_unreadable(
        &self,
        bundle: &Bundle,
        place: Place<'_>,
        at: usize,
        error: ReadError,
    ) -> Result<(), BusError> {
        let bytes = &bundle.events[at];
        let reason = format!("{:#}", anyhow::Error::new(error));
        let hash = EventHash::of(bytes);
        self.note("unreadable", hash, &reason, None);
        let letter = dead_letters::Letter {
            consumer: &self.service,
            hash,
            fact: "unreadable",
            subject: "",
            event: bytes,
            traceparent: bundle.traceparent(at),
            reason: &reason,
            tries: 1,
            again: None,
        };
        let mut tx = self.pool.begin().await?;
        if inbox::claim_event(&mut tx, place, at).await? {
            dead_letters::keep(&mut tx, &letter).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn note(&self, fact: &str, hash: EventHash, reason: &str, again: Option<Duration>) {
        let service = &self.service;
        if let Some(pause) = again {
            let pause = pause.as_secs_f32();
            tracing::warn!(service, fact, %hash, reason, pause, "an event failed and will be tried again");
            measured::events(service, EventOutcome::Retrying, 1);
        } else {
            tracing::error!(service, fact, %hash, reason, "滞留消息 / dead letter");
            measured::events(service, EventOutcome::Dead, 1);
        }
    }
}

/// How long until an event that waits for its cause is looked at again without being released: two transactions that
/// run side by side cannot see each other, so the first look comes soon.
fn rework_pause(checks: u32) -> Duration {
    Duration::from_secs(2).saturating_mul(1 << checks.min(5)).min(Duration::from_secs(60))
}

/// Counts how many in a row found a part not answering.
#[derive(Default)]
struct Absent {
    in_a_row: usize,
    last: Option<(ErrorClass, bool, String)>,
}

impl Absent {
    /// Attempts one event, unless too many before it found a part not answering: then it shares their error.
    async fn or_attempt<H: Handler>(
        &mut self,
        shared: &Shared<H>,
        claim: Claim<'_>,
        held: &Held,
    ) -> Result<Option<HandleError>, BusError> {
        if let (true, Some((class, is_waited_for, reason))) = (self.in_a_row >= ABSENT_IN_A_ROW, &self.last) {
            let shared = HandleError::new(*class, anyhow::anyhow!("{reason}"));
            return Ok(Some(if *is_waited_for { shared.waited_for() } else { shared }));
        }
        let Attempt::Failed(e) = shared.attempt(claim, std::slice::from_ref(held)).await? else {
            self.in_a_row = 0;
            return Ok(None);
        };
        let is_absent = matches!(e.class(), ErrorClass::Unavailable | ErrorClass::Exhausted);
        self.in_a_row = if is_absent { self.in_a_row + 1 } else { 0 };
        self.last = Some((e.class(), e.is_waited_for(), e.reason()));
        Ok(Some(e))
    }
}

/// A handler that panics failed; it does not end the consumer.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T, HandleError>>) -> Result<T, HandleError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(HandleError::new(ErrorClass::Internal, anyhow::anyhow!("the handler panicked: {text}")))
    })
}

async fn within_time<T>(work: impl Future<Output = Result<T, HandleError>>) -> Result<T, HandleError> {
    match tokio::time::timeout(PREPARE, work).await {
        Ok(outcome) => outcome,
        Err(late) => Err(HandleError::new(ErrorClass::Unavailable, late)),
    }
}

/// A handler that answers for fewer events than it got would lose the others.
fn fitting(outcomes: Vec<Outcome>, events: &[Event]) -> Result<Vec<Outcome>, HandleError> {
    if outcomes.len() == events.len() {
        return Ok(outcomes);
    }
    let text = format!("the handler gave {} outcomes for {} events", outcomes.len(), events.len());
    Err(HandleError::new(ErrorClass::Internal, anyhow::anyhow!(text)))
}
