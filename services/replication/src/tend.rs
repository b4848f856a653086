//! Tends one site: works off what is ordered there and what is bad there, several packs at a time, until nothing is
//! due. Woken by signal and timer, without input; what it finds to do it does.
//!
//! Before: `order.rs`, `consumer.rs` (rows). After: `copy.rs` (the site), `commit.rs` and `repair.rs` (the tables). A
//! fault of the site itself makes this loop wait, longer each time; the loops of other sites go on.

use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_kit::{Drain, Leases, OnError, telemetry};
use dengbei_records::{EventHash, Timestamp};
use futures::StreamExt as _;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::commit::{Committer, Done};
use crate::copy::{Taken, Wish};
use crate::error::{ReplicationError, SiteFault};
use crate::link::Link;
use crate::metrics;
use crate::receipt::{self, Known};
use crate::store::copies::{self, Order};
use crate::store::damages::{self, Repair};
use crate::store::packs::Pack;
use crate::store::sites;
use crate::wake::Wake;

/// What the failure of a site's loop means.
pub(crate) const ON_ERROR: OnError = OnError::Restart;
/// Packs that one site takes at once.
const AT_ONCE: usize = 4;
/// Receipts committed together, at most.
const TOGETHER: usize = 16;
/// Orders looked at together.
const LOOKED_AT: i64 = 64;
/// Without a signal: what was put off becomes due by the clock.
const TICK: Duration = Duration::from_secs(1);
/// Pauses after a fault of the site.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Pauses of one order: at first and at most.
const PUT_OFF: Duration = Duration::from_secs(5);
const LONGEST_PUT_OFF: Duration = Duration::from_secs(600);

/// Tends one site.
#[derive(Clone)]
pub(crate) struct Tender {
    pub(crate) site: Link,
    /// All sites: where packs may come from.
    pub(crate) links: Arc<[Link]>,
    pub(crate) committer: Committer,
    pub(crate) wake: Wake,
    /// What was seen of the site; looked at again after every fault of it.
    pub(crate) seen: Seen,
    /// Of several processes one tends this site.
    pub(crate) leases: Leases,
}

/// The site as it was last seen.
pub(crate) type Seen = Arc<tokio::sync::Mutex<Option<Arc<Known>>>>;

/// Why a round ended before everything due was done.
pub(crate) enum Halt {
    Site(SiteFault),
    Ours(ReplicationError),
}

impl From<ReplicationError> for Halt {
    fn from(e: ReplicationError) -> Self {
        Self::Ours(e)
    }
}

impl From<sqlx::Error> for Halt {
    fn from(e: sqlx::Error) -> Self {
        Self::Ours(e.into())
    }
}

impl Tender {
    /// Works until the drain.
    ///
    /// # Errors
    /// The database's: run it again.
    pub(crate) async fn run(&self, drain: &Drain) -> anyhow::Result<()> {
        let mut waking = self.wake.waking();
        let (mut pause, mut may_be_troubled) = (FIRST_PAUSE, true);
        let lease = format!("replication.tend {}", self.site.name);
        while waking.wait(TICK, drain).await {
            if !self.leases.hold(&lease).await? {
                may_be_troubled = true;
                continue;
            }
            let outcome = tokio::select! {
                () = drain.requested() => break,
                outcome = self.round() => outcome,
            };
            match outcome {
                Ok(false) => {}
                Ok(true) => {
                    pause = FIRST_PAUSE;
                    if std::mem::take(&mut may_be_troubled) {
                        self.note(None).await?;
                    }
                }
                Err(Halt::Ours(e)) => return Err(e.into()),
                Err(Halt::Site(fault)) => {
                    may_be_troubled = true;
                    self.note(Some(&fault)).await?;
                    drain.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(self.leases.give_up(&lease).await?)
    }

    async fn note(&self, fault: Option<&SiteFault>) -> Result<(), ReplicationError> {
        let text = fault.map(ToString::to_string).unwrap_or_default();
        if !text.is_empty() {
            tracing::warn!(site = self.site.name, trouble = text, "the site is put off");
        }
        let pool = &self.committer.pool;
        Ok(sites::note(pool, &self.site.name, &text, self.committer.author.now()).await?)
    }

    /// Does everything that is due; whether there was anything.
    pub(crate) async fn round(&self) -> Result<bool, Halt> {
        let mut did = false;
        loop {
            let (pool, now) = (&self.committer.pool, self.committer.author.now());
            let repairs = damages::due(pool, &self.site.name, now, LOOKED_AT).await?;
            let orders = copies::due(pool, &self.site.name, now, LOOKED_AT).await?;
            if repairs.is_empty() && orders.is_empty() {
                return Ok(did);
            }
            did = true;
            let done = self.work(repairs, orders).await;
            if let Err(Halt::Site(_)) = done {
                *self.seen.lock().await = None;
            }
            done?;
        }
    }

    async fn work(&self, repairs: Vec<Repair>, orders: Vec<Order>) -> Result<(), Halt> {
        let known = self.known().await?;
        self.repair(repairs, &known).await?;
        self.copy(orders, &known).await
    }

    /// The site's key, pinned at first sight; another one now is a fault of the site, unless it was changed on purpose.
    async fn known(&self) -> Result<Arc<Known>, Halt> {
        let mut seen = self.seen.lock().await;
        if let Some(known) = seen.as_ref() {
            return Ok(known.clone());
        }
        let key = self.site.key().await.map_err(Halt::Site)?;
        let pinned = sites::pin(&self.committer.pool, &self.site.name, &key).await?;
        if pinned != key {
            if !self.site.follows(&key, &pinned).await {
                return Err(Halt::Site(receipt::key_changed(&self.site.name)));
            }
            tracing::warn!(site = self.site.name, "the site's key was changed");
            sites::pin_anew(&self.committer.pool, &self.site.name, &key).await?;
        }
        let known = Known { name: self.site.name.clone(), class: self.site.class.clone(), key };
        Ok(seen.insert(Arc::new(known)).clone())
    }

    /// Carries orders out side by side; receipts that come together are committed together.
    async fn copy(&self, orders: Vec<Order>, known: &Arc<Known>) -> Result<(), Halt> {
        let origins: Vec<EventHash> = orders.iter().map(|order| order.pack.origin).collect();
        let traces = dengbei_bus::kept_traces(&mut *self.committer.pool.acquire().await?, &origins).await?;
        let started = orders.into_iter().map(|order| {
            let (tender, known) = (self.clone(), known.clone());
            let context = traces.get(&order.pack.origin).map(String::as_str);
            let span = telemetry::span_among(context.into_iter(), "copy pack");
            let copying = async move {
                let taken = tender.fulfil(&known, (&order.pack, order.purpose), &order.holders, false).await;
                (order, taken)
            };
            // On its own task: it goes on while receipts are committed.
            AbortOnDropHandle::new(tokio::spawn(copying.instrument(span)))
        });
        let mut finished = futures::stream::iter(started).buffer_unordered(AT_ONCE).ready_chunks(TOGETHER);
        while let Some(chunk) = finished.next().await {
            let (mut done, mut halt) = (Vec::new(), None);
            for (order, taken) in chunk.into_iter().flatten() {
                match taken {
                    Ok(taken) => done.push(self.done(order, taken.receipt)),
                    Err(fault) if fault.is_of_site() => halt = Some(Halt::Site(fault)),
                    Err(fault) => self.put_order_off(&order, &fault).await?,
                }
            }
            if !done.is_empty() {
                self.committer.commit(&done).await?;
            }
            if let Some(halt) = halt {
                return Err(halt);
            }
        }
        Ok(())
    }

    fn done(&self, order: Order, receipt: SiteReceipt) -> Done {
        metrics::signed(&self.site.name, receipt.bytes);
        Done { order, receipt }
    }

    async fn repair(&self, repairs: Vec<Repair>, known: &Known) -> Result<(), Halt> {
        let started = repairs.into_iter().map(|repair| async move {
            let what = (&repair.pack, repair.purpose);
            let taken = self.fulfil(known, what, &repair.holders, true).await;
            (repair, taken)
        });
        let mut finished = futures::stream::iter(started).buffer_unordered(AT_ONCE);
        while let Some((repair, taken)) = finished.next().await {
            match taken {
                Ok(taken) => self.committer.repaired(&self.site.name, &repair, &taken).await?,
                Err(fault) if fault.is_of_site() => return Err(Halt::Site(fault)),
                Err(fault) => self.put_repair_off(&repair, &fault).await?,
            }
        }
        Ok(())
    }

    async fn fulfil(
        &self,
        known: &Known,
        (pack, purpose): (&Pack, Purpose),
        holders: &[String],
        is_repair: bool,
    ) -> Result<Taken, SiteFault> {
        let area = &self.committer.author.area;
        let wish = Wish { area, target: &self.site, known, pack, purpose, is_repair };
        wish.fulfil(&self.sources(holders)).await
    }

    /// Where a pack may come from: the primary first, then whoever signed for a good copy.
    fn sources(&self, holders: &[String]) -> Vec<&Link> {
        let others = self.links.iter().filter(|l| l.name != self.site.name);
        let (primary, rest): (Vec<_>, Vec<_>) = others.partition(|l| l.is_primary());
        let rest = rest.into_iter().filter(|l| holders.contains(&l.name));
        primary.into_iter().chain(rest).collect()
    }

    /// One order did not go well: it waits.
    async fn put_order_off(&self, order: &Order, fault: &SiteFault) -> Result<(), sqlx::Error> {
        let (pool, site) = (&self.committer.pool, &self.site.name);
        tracing::warn!(pack = %order.pack.number, site, %fault, "a copy is put off");
        metrics::put_off(site);
        copies::put_off(pool, site, order, self.until(order.tries), &fault.to_string()).await
    }

    async fn put_repair_off(&self, repair: &Repair, fault: &SiteFault) -> Result<(), sqlx::Error> {
        let (pool, site) = (&self.committer.pool, &self.site.name);
        tracing::error!(pack = %repair.pack.number, site, %fault, "a bad copy cannot be repaired now");
        damages::put_off(pool, site, repair, self.until(repair.tries), &fault.to_string()).await
    }

    fn until(&self, tries: u32) -> Timestamp {
        let pause = PUT_OFF.saturating_mul(1 << tries.min(10)).min(LONGEST_PUT_OFF);
        let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.committer.author.now().millis().saturating_add(millis))
    }
}
