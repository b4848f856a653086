//! 解除待配置: what was parked is prefiled once a published filing table covers it.
//!
//! A reconciler: woken by a timer that looks for newly published matters (an index that is empty nearly always) and by
//! the committer, which may park while a matter is being published. Of several processes one looks for published
//! matters, and at everything when it begins to: else two could each take the other for the one that releases. Each
//! releases what its own committer parked. Batches of at most 256, one transaction each; run twice it releases nothing
//! twice. The P checks do not run again: they have
//! passed, and fixity runs the G checks with the new table.
//!
//! Before: `consumer.rs` keeps the table. After: the outbox; from then on as any prefiled item.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::Outbox;
use dengbei_kit::{Drain, Leases};
use dengbei_records::SubmissionId;
use sqlx::postgres::PgPool;
use tokio::sync::{Mutex, mpsc};

use crate::events::Author;
use crate::store::matters;
use crate::store::submissions;

/// Items released in one transaction: one bundle.
const BATCH: i64 = 256;
/// How soon a published matter is noticed.
const LOOK: Duration = Duration::from_millis(500);
/// Matters looked at in one go.
const MATTERS: i64 = 1_000;
/// Who looks for published matters.
const LEASE: &str = "ingest.release";

/// Codes of matters for which something was parked.
pub(crate) type ParkedCodes = Arc<Mutex<mpsc::UnboundedReceiver<String>>>;

/// Releases what was parked.
#[derive(Clone)]
pub(crate) struct Release {
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
    pub(crate) author: Author,
    pub(crate) leases: Leases,
}

impl Release {
    /// Works until the drain.
    pub(crate) async fn run(self, parked: ParkedCodes, drain: Drain) -> anyhow::Result<()> {
        let mut parked = parked.lock().await;
        let mut was_ours = false;
        loop {
            let is_ours = self.leases.hold(LEASE).await?;
            if is_ours {
                self.look(!was_ours).await?;
            }
            was_ours = is_ours;
            let mut codes = BTreeSet::new();
            tokio::select! {
                () = drain.requested() => return Ok(self.leases.give_up(LEASE).await?),
                () = tokio::time::sleep(LOOK) => {}
                Some(code) = parked.recv() => { codes.insert(code); }
            }
            while let Ok(code) = parked.try_recv() {
                codes.insert(code);
            }
            for code in codes {
                self.release(&code).await?;
            }
        }
    }

    /// Releases for what was published; `at_everything`: also what a predecessor may have left half done.
    async fn look(&self, at_everything: bool) -> anyhow::Result<()> {
        if at_everything {
            for code in submissions::releasable(&self.pool).await? {
                self.release(&code).await?;
            }
        }
        self.published().await
    }

    async fn published(&self) -> anyhow::Result<()> {
        if matters::unreleased(&self.pool, 1).await?.is_empty() {
            return Ok(());
        }
        matters::mark_idle(&self.pool).await?;
        for code in matters::unreleased(&self.pool, MATTERS).await? {
            // Noted before the release, so that a version published meanwhile is looked at again.
            let versions = matters::versions(&self.pool, &code).await?;
            self.release(&code).await?;
            matters::mark_released(&self.pool, &code, &versions).await?;
        }
        Ok(())
    }

    /// Prefiles everything that is parked for a matter and covered; how many.
    pub(crate) async fn release(&self, code: &str) -> anyhow::Result<usize> {
        let mut released = 0;
        loop {
            let some = self.release_some(code).await?;
            released += some;
            if some == 0 {
                return Ok(released);
            }
        }
    }

    async fn release_some(&self, code: &str) -> anyhow::Result<usize> {
        let mut tx = self.pool.begin().await?;
        let parked = submissions::take_parked(&mut tx, code, BATCH).await?;
        if parked.is_empty() {
            return Ok(0);
        }
        let asked: Vec<(String, String)> =
            parked.iter().map(|(of, _)| (code.to_owned(), of.closed_on.clone())).collect();
        let tables = matters::in_force(&mut *tx, &asked).await?;
        let mut events = Vec::with_capacity(parked.len());
        let mut ids: Vec<SubmissionId> = Vec::with_capacity(parked.len());
        for ((of, parked_event), table) in parked.iter().zip(&tables) {
            let Some(table) = table else { continue };
            let causes = vec![*parked_event, table.event];
            events.push(self.author.prefiled(of, &table.matter, causes)?);
            ids.push(of.id);
        }
        submissions::mark_prefiled(&mut tx, &ids).await?;
        self.outbox.put(&mut tx, &events).await?;
        tx.commit().await?;
        tracing::info!(matter = code, items = ids.len(), "parked items are prefiled");
        Ok(ids.len())
    }
}
