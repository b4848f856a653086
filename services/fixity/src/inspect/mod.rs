//! 巡检: every copy on every site is read again within the bound (`inspection`), by the site beside it.
//!
//! A reconciler: woken by its clock and by repairs, idempotent, without a plan of its own. What should be where is in
//! `copies` (from `pack.stored`, `pack.repaired`; on the primary also from `batch.filed`, `pack.written`). One pass over
//! a site: [`listing`] compares names and lengths → the copies that waited longest are attested → [`classify`] →
//! [`state`]. Before: `hear.rs`. After: `replication` repairs.
//!
//! Spread evenly: a copy becomes due at half the bound, and as many are read a tick as let all be read within nine
//! tenths of it. A finding is stated once; then the copy rests until it is repaired. A site that does not answer is
//! never a finding.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::facts::Purpose;
use dengbei_kit::{Drain, Leases, status};
use dengbei_records::Timestamp;
use sqlx::postgres::PgPool;
use tokio::sync::Notify;

use crate::error::InspectError;
use crate::metrics;
use crate::sites::{Attested, Expected, Name, Site, SiteFault, Sites};
use crate::store::copies::{self, SiteCopy};
use crate::store::sites::{self as rows, LogStands};
use crate::verdict::Author;

mod classify;
mod listing;
mod state;

use classify::{Finding, Looked};

/// Copies of one run and its event.
const RUN: u32 = 256;
/// Copies of one site that are read at the same time: a site has other work.
const AT_ONCE: usize = 2;
const SHORTEST_TICK: Duration = Duration::from_millis(250);
const LONGEST_TICK: Duration = Duration::from_secs(600);
/// Lets the transaction that woke us commit.
const SETTLE: Duration = Duration::from_millis(500);
const DAY: Duration = Duration::from_secs(86_400);
/// A copy that was just written is stated by its event before this has passed.
const SHORTEST_GRACE: Duration = Duration::from_secs(15);

/// Inspects sites. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inspector {
    pub(crate) pool: PgPool,
    pub(crate) sites: Sites,
    pub(crate) author: Author,
    /// Every copy is read again at least this often.
    pub(crate) bound: Duration,
    /// How long a pack that nobody stored may lie before it is stated.
    pub(crate) grace: Duration,
    /// A copy is to be read soon.
    pub(crate) wake: Arc<Notify>,
}

/// How long a pack that nobody stored may lie: the bound, between 15 s and a day.
pub(crate) fn grace(bound: Duration) -> Duration {
    bound.clamp(SHORTEST_GRACE, DAY)
}

/// Who inspects a site, of several processes: each site is read by one of them.
fn lease_of(site: &Site) -> String {
    format!("fixity.inspect {}", site.name)
}

/// One pass over one site.
struct Pass<'a> {
    site: &'a Site,
    /// Its log is shorter than it once was.
    is_behind: bool,
}

impl Inspector {
    /// Works until the drain.
    ///
    /// # Errors
    /// When the database fails: run it again.
    pub(crate) async fn run(self, leases: Leases, drain: Drain) -> anyhow::Result<()> {
        let tick = (self.bound / 200).clamp(SHORTEST_TICK, LONGEST_TICK);
        while !drain.is_requested() {
            let each: Vec<_> = self.sites.all().iter().map(|site| self.turn(site, &leases, tick)).collect();
            futures::future::join_all(each).await.into_iter().collect::<Result<(), _>>()?;
            tokio::select! {
                () = drain.requested() => {}
                () = tokio::time::sleep(tick) => {}
                () = self.wake.notified() => { drain.pause(SETTLE).await; }
            }
        }
        for site in self.sites.all() {
            leases.give_up(&lease_of(site)).await?;
        }
        Ok(())
    }

    /// One site, if it is this process's to inspect.
    async fn turn(&self, site: &Site, leases: &Leases, tick: Duration) -> Result<(), InspectError> {
        if leases.hold(&lease_of(site)).await? { self.one(site, tick).await } else { Ok(()) }
    }

    /// Looks once at every site, side by side.
    #[cfg(test)]
    pub(crate) async fn pass(&self, tick: Duration) -> Result<(), InspectError> {
        let each: Vec<_> = self.sites.all().iter().map(|site| self.one(site, tick)).collect();
        futures::future::join_all(each).await.into_iter().collect()
    }

    async fn one(&self, site: &Site, tick: Duration) -> Result<(), InspectError> {
        let looked = self.look(site, tick).await;
        match looked {
            Err(InspectError::Site(fault)) => {
                metrics::silent(&site.name);
                tracing::warn!(site = site.name, why = status::chain(&fault), "not inspected");
                Ok(())
            }
            other => other,
        }
    }

    async fn look(&self, site: &Site, tick: Duration) -> Result<(), InspectError> {
        let is_behind = self.log(site).await?;
        let pass = Pass { site, is_behind };
        self.listing(&pass).await?;
        // Each copy once a pass: what its site could not read is not tried again in the same breath.
        let mut seen = HashSet::new();
        let mut fresh = |due: Vec<SiteCopy>| -> Vec<SiteCopy> {
            due.into_iter().filter(|copy| seen.insert((copy.pack, copy.generation))).collect()
        };
        let urgent = copies::due(&self.pool, &site.name, Timestamp::from_millis(i64::MIN), RUN).await?;
        self.inspect(&pass, fresh(urgent)).await?;
        let (before, mut left) = self.share(site, tick).await?;
        while left > 0 {
            let due = fresh(copies::due(&self.pool, &site.name, before, left.min(RUN)).await?);
            if due.is_empty() {
                break;
            }
            left -= u32::try_from(due.len()).unwrap_or(RUN).min(left);
            self.inspect(&pass, due).await?;
        }
        Ok(())
    }

    /// How far the site's log reaches. One that went back tells of a site that was rolled back: everything on it is
    /// read again.
    async fn log(&self, site: &Site) -> Result<bool, InspectError> {
        let size = site.log_size().await?;
        let mut tx = self.pool.begin().await?;
        let stands = rows::log_reaches(&mut tx, &site.name, size).await?;
        if stands == LogStands::WentBack {
            tracing::error!(site = site.name, size, "the site's log went back: it was rolled back");
            copies::urge_all(&mut tx, &site.name).await?;
        }
        tx.commit().await?;
        Ok(stands != LogStands::Forward)
    }

    /// What is due, and how much of it this tick: all of it once something waited too long.
    async fn share(&self, site: &Site, tick: Duration) -> Result<(Timestamp, u32), InspectError> {
        let standing = copies::standing(&self.pool, &site.name).await?;
        let now = self.author.clock.now().millis();
        let ago =
            |part: Duration| Timestamp::from_millis(now - i64::try_from(part.as_millis()).unwrap_or(now));
        let is_late = standing.oldest.is_some_and(|at| at <= ago(self.bound.mul_f64(0.9)));
        let within = self.bound.mul_f64(0.4).as_secs_f64();
        let share = if is_late || within <= 0.0 {
            f64::from(RUN)
        } else {
            (standing.good as f64 * tick.as_secs_f64() / within).ceil()
        };
        Ok((ago(self.bound / 2), share.clamp(1.0, f64::from(RUN * 16)) as u32))
    }

    /// Has copies read, and states what came out.
    async fn inspect(&self, pass: &Pass<'_>, due: Vec<SiteCopy>) -> Result<(), InspectError> {
        let began = self.author.clock.now();
        let mut looked = Vec::with_capacity(due.len());
        let mut fault = None;
        for few in due.chunks(AT_ONCE) {
            let each = few.iter().map(|copy| self.attest(pass, copy));
            for (copy, outcome) in few.iter().zip(futures::future::join_all(each).await) {
                match outcome {
                    Ok(found) => looked.extend(found.map(|found| Looked { copy: copy.clone(), found })),
                    Err(e) => fault = Some(e),
                }
            }
            if fault.is_some() {
                break;
            }
        }
        // What was read before the site fell silent counts.
        self.state(pass.site, began, looked).await?;
        fault.map_or(Ok(()), |e| Err(e.into()))
    }

    /// One copy; `None`: to be looked at again before anything is said.
    async fn attest(&self, pass: &Pass<'_>, copy: &SiteCopy) -> Result<Option<Finding>, SiteFault> {
        let name = Name { pack: copy.pack, generation: copy.generation };
        let expected = Expected { digest: copy.digest, bytes: copy.bytes };
        let attested = pass.site.attest(name, Purpose::Storage, expected).await?;
        if attested == Attested::Unreadable && copy.failures == 0 {
            copies::failed(&self.pool, copy).await?;
            return Ok(None);
        }
        self.classify(pass, copy, attested).await.map(Some)
    }
}
