//! 移交检测 (stage Y): each side of a transfer is checked once, on that side's own copy.
//!
//! Before: `consumer.rs` opens a run for `transfer.packed` (unit), `transfer.submitted` (archive), `transfer.accepted`
//! (storing). The way of a run: [`law`], by which scheme → [`gather`] what is to be checked → [`packs`] reads it on the side's
//! site → [`runs`], what filing said → [`anew`], what that scheme wants run again → [`judge`] → [`state`] writes report and
//! event. After: `registration/src/transfers/`.
//!
//! What was found unfit on storing is checked again once its copy on the archive's site was repaired: the transfer was
//! accepted, and custody waits for all of it. The other sides are checked once.
//!
//! A database that was rebuilt learns from the log what was stated ([`Heard`]): the worker begins when it has, so nothing is
//! stated twice, and [`restore`] fetches the reports.
//!
//! What is not there yet, or a site that does not answer, puts the run off; it never makes a verdict. One process checks
//! at a time, by a lease; two that check the same side nevertheless are harmless: the first that commits wins.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::Heard;
use dengbei_kit::grpc::MeshChannel;
use dengbei_kit::{Drain, Leases, status};
use dengbei_records::{ErrorClass, PackNumber, Timestamp};
use futures::{FutureExt as _, StreamExt as _};
use sqlx::postgres::PgPool;
use tokio::sync::Notify;

use crate::check::Bench;
use crate::consumer::Checks;
use crate::error::TransferError;
use crate::sites::{Site, Sites};
use crate::store::copies;
use crate::store::transfers::{self, TransferRun};
use crate::verdict::Author;
use crate::wake;

mod anew;
mod gather;
mod judge;
mod law;
mod packs;
mod ranges;
mod restore;
mod runs;
mod state;

pub(crate) use anew::Stored;
use law::Law;

/// Runs that are checked at the same time.
const AT_ONCE: usize = 2;
/// How often due runs are looked for when nobody wakes the worker.
const TICK: Duration = Duration::from_millis(500);
/// Who checks, of several processes.
const LEASE: &str = "fixity.transfers";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Checks transfers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transfers {
    pub(crate) pool: PgPool,
    pub(crate) sites: Sites,
    pub(crate) author: Author,
    /// Whose documents the events of transfers cite.
    pub(crate) registration: MeshChannel,
    /// Schemes, and what items are checked with.
    pub(crate) bench: Arc<Bench>,
    /// Where large items lie while they are checked anew.
    pub(crate) spool: PathBuf,
    /// Something became due.
    pub(crate) wake: Arc<Notify>,
}

impl Transfers {
    /// Works until the drain, once everything that was stated before is heard.
    ///
    /// # Errors
    /// When the database fails: run it again.
    pub(crate) async fn run(self, heard: Heard<Checks>, leases: Leases, drain: Drain) -> anyhow::Result<()> {
        if !heard.wait(&drain).await {
            return Ok(());
        }
        while !drain.is_requested() {
            if leases.hold(LEASE).await? {
                self.pass().await?;
            }
            tokio::select! {
                () = drain.requested() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        Ok(leases.give_up(LEASE).await?)
    }

    /// Looks once at everything that is due, and fetches the reports of what came back.
    pub(crate) async fn pass(&self) -> Result<(), sqlx::Error> {
        self.restore().await?;
        let due = transfers::due(&self.pool, self.author.clock.now(), 16).await?;
        if due.is_empty() {
            return Ok(());
        }
        let each: Vec<_> = due.into_iter().map(|run| self.one(run).boxed()).collect();
        let ended: Vec<Result<(), sqlx::Error>> =
            futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        ended.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }

    async fn one(&self, run: TransferRun) -> Result<(), sqlx::Error> {
        let Err(error) = self.check(&run).await else { return Ok(()) };
        let why = status::chain(&error);
        let waits = matches!(error, TransferError::NotYet(_));
        let tries = if waits { run.tries } else { run.tries + 1 };
        let pause = if waits { FIRST_PAUSE } else { pause(run.tries) };
        let (transfer, side) = (&run.transfer_no, run.side.name());
        match error.class() {
            _ if waits => {}
            ErrorClass::Unavailable | ErrorClass::Exhausted => {
                tracing::warn!(%transfer, side, why, "transfer not checked yet");
            }
            _ => tracing::error!(%transfer, side, why, "transfer cannot be checked"),
        }
        let due = self.author.clock.now().millis() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        transfers::put_off(&self.pool, &run, Timestamp::from_millis(due), tries, &why).await
    }

    async fn check(&self, run: &TransferRun) -> Result<(), TransferError> {
        let law = Law::of(&self.bench.schemes, run.transfer_no.area(), self.author.clock.now());
        let law = Arc::new(law);
        let gathered = self.gather(run).await?;
        let site = self.sites.of_class(gathered.asked.site_class())?.clone();
        let found = self.examine(&site, &gathered).await?;
        self.urge(&site, &gathered, &found).await?;
        let said = self.filing_runs(&gathered).await?;
        let again = self.again(&site, (&gathered, &found, &said), &law).await?;
        let by = judge::By { law: &law, schemes: &self.bench.schemes, said: &said, again: &again };
        let judged = judge::judge(&gathered, &found, by);
        self.state(run, &gathered, (site, &law), judged).await
    }
}

impl Transfers {
    /// Copies that are not as they should be are inspected at once: then replication repairs them.
    async fn urge(
        &self,
        site: &Site,
        gathered: &gather::Gathered,
        found: &HashMap<PackNumber, packs::Found>,
    ) -> Result<(), TransferError> {
        let bad = found.iter().filter(|(_, found)| found.wrong.is_some());
        let bad: Vec<(u64, u32)> = bad
            .filter_map(|(pack, _)| Some((pack.get(), gathered.packs.get(pack)?.batch.generation)))
            .collect();
        if !bad.is_empty() {
            copies::urge(&self.pool, &site.name, &bad).await?;
            wake::on_commit(&mut *self.pool.acquire().await?).await?;
        }
        Ok(())
    }
}

/// The pause after so many failures.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << before.min(10)).min(LONGEST_PAUSE)
}
