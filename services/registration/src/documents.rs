//! 文档入库: documents that facts cite and that no pack of items took along get packs of their own, out of the same gap-free
//! series. Plan → write → commit, like packs of items: `documents.planned`, `documents.written`, `pack.written`.
//!
//! The pack is a pure function of its plan and the documents that it took; a plan is always finished. If we crash before
//! the plan commits, no number was given; after it, whoever comes next writes the same bytes. Before: whoever holds a
//! document (`store/documents.rs`). After: replication copies the pack.

use std::time::Duration;

use dengbei_bus::Outbox;
use dengbei_chain::facts::PackWritten;
use dengbei_chain::{Fact, Subject};
use dengbei_kit::{Drain, faults, status};
use dengbei_ocfl::{PackError, PackSummary, PackWriter};
use dengbei_records::PackNumber;
use dengbei_vault::{PackName, Site, SiteError, StoredPack};
use sqlx::PgPool;

use crate::author::{Author, Statement};
use crate::draft;
use crate::error::FilingError;
use crate::metrics;
use crate::service::Parts;
use crate::store::document_packs::{self, DocumentPlan, Unpacked};
use crate::store::documents::{self, Held};
use crate::store::numbers;

/// The most documents in a pack.
pub(crate) const MOST_DOCUMENTS: u64 = 512;
/// The most bytes in a pack, but for a document that is larger alone.
const MOST_BYTES: i64 = 64 << 20;
/// The shortest wait: packs of items take most documents along.
const SHORTEST_WAIT: Duration = Duration::from_secs(30);
/// How often the loop looks.
const TICK: Duration = Duration::from_secs(2);
/// Open plans of one pass.
const LOOKED_AT: i64 = 16;
/// Who plans and writes them, of several processes.
const LEASE: &str = "registration.documents";

/// Packs documents.
#[derive(Debug, Clone)]
pub(crate) struct Archivist {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) outbox: Outbox,
    pub(crate) site: Site,
    /// How long the oldest item waits for its pack.
    pub(crate) linger: Duration,
}

/// Plans and finishes what is due, by the clock.
pub(crate) async fn run(parts: &Parts, drain: &Drain) -> anyhow::Result<()> {
    let archivist = parts.archivist();
    while drain.pause(TICK).await {
        if parts.leases.hold(LEASE).await? {
            archivist.pass().await?;
        }
    }
    Ok(parts.leases.give_up(LEASE).await?)
}

impl Archivist {
    /// Plans and finishes everything that is due; gives the number of packs.
    pub(crate) async fn pass(&self) -> Result<usize, FilingError> {
        while self.plan().await?.is_some() {}
        self.finish().await
    }

    /// Plans one pack, if one is due.
    pub(crate) async fn plan(&self) -> Result<Option<PackNumber>, FilingError> {
        let mut tx = self.pool.begin().await?;
        let waiting = document_packs::unpacked(&mut tx, MOST_DOCUMENTS as i64).await?;
        if !waiting.is_some_and(|waiting| self.is_due(waiting)) {
            return Ok(None);
        }
        let pack = numbers::next_pack(&mut tx).await?;
        let taken = documents::take(&mut tx, pack, MOST_DOCUMENTS as i64, MOST_BYTES).await?;
        if taken == 0 {
            // Somebody else took them: the number goes back with the transaction.
            return Ok(None);
        }
        let plan = DocumentPlan { pack, created: self.author.now() };
        document_packs::insert(&mut tx, &plan).await?;
        tx.commit().await?;
        faults::reach("documents.planned");
        tracing::info!(%pack, documents = taken, "documents planned");
        Ok(Some(pack))
    }

    fn is_due(&self, waiting: Unpacked) -> bool {
        let wait = self.linger.max(SHORTEST_WAIT);
        let waited = self.author.now().millis().saturating_sub(waiting.oldest.millis());
        waiting.count >= MOST_DOCUMENTS || waited >= i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    }

    /// Finishes open plans; gives how many.
    pub(crate) async fn finish(&self) -> Result<usize, FilingError> {
        let now = self.author.now();
        let open = document_packs::open(&mut *self.pool.acquire().await?, now, LOOKED_AT).await?;
        let mut finished = 0;
        for plan in open {
            match self.finish_one(&plan).await {
                Ok(done) => finished += usize::from(done),
                Err(e) => {
                    let why = status::chain(&e);
                    metrics::plan_failed(e.class());
                    tracing::error!(pack = %plan.pack, why, "documents cannot be packed yet");
                    document_packs::put_off(&mut *self.pool.acquire().await?, plan.pack, now, &why).await?;
                }
            }
        }
        Ok(finished)
    }

    async fn finish_one(&self, plan: &DocumentPlan) -> Result<bool, FilingError> {
        let held = documents::of_pack(&mut *self.pool.acquire().await?, plan.pack).await?;
        let count = held.len() as u32;
        let (stored, summary) = self.write(plan, &held).await?;
        faults::reach("documents.written");
        let fact = PackWritten {
            pack: plan.pack,
            generation: 1,
            documents: count,
            pack_digest: stored.sha256,
            pack_bytes: stored.len,
            versions_root: summary.versions_root,
        };
        let statement = Statement {
            subject: Subject::Pack(plan.pack),
            causes: Vec::new(),
            fact: Fact::PackWritten(fact.clone()),
        };
        let event = self.author.state(statement, self.author.now())?;
        let mut tx = self.pool.begin().await?;
        if !document_packs::hold(&mut tx, plan.pack).await? {
            return Ok(false);
        }
        document_packs::commit(&mut tx, &fact, event.hash, plan.created).await?;
        self.outbox.put(&mut tx, &[event]).await.map_err(|e| FilingError::Internal(e.into()))?;
        tx.commit().await?;
        faults::reach("pack.written");
        tracing::info!(pack = %plan.pack, documents = count, bytes = stored.len, "documents packed");
        Ok(true)
    }

    /// Writes the pack and reads it back.
    async fn write(
        &self,
        plan: &DocumentPlan,
        held: &[Held],
    ) -> Result<(StoredPack, PackSummary), FilingError> {
        let name = PackName::first(self.author.area.clone(), plan.pack);
        match self.put(&name, plan, held).await {
            Err(FilingError::Site(SiteError::Conflict { existing, offered, .. }))
                if document_packs::hold(&mut *self.pool.acquire().await?, plan.pack).await? =>
            {
                // The plan is open still, so no event ever named these bytes: they are nobody's pack.
                let reason = format!("已有内容 {existing} 未登记,应为 {offered} / not committed in the log");
                tracing::error!(%name, %existing, %offered, "a pack that nobody committed stands in the way: quarantined");
                self.site.quarantine(&name, &reason, self.author.now()).await?;
                self.put(&name, plan, held).await
            }
            other => other,
        }
    }

    async fn put(
        &self,
        name: &PackName,
        plan: &DocumentPlan,
        held: &[Held],
    ) -> Result<(StoredPack, PackSummary), FilingError> {
        let writer = PackWriter::new(draft::document_pack(&self.author.area, plan, held)?)?;
        let write = move |out: &mut dyn std::io::Write| -> Result<PackSummary, PackError> {
            writer.write_in_memory(out)
        };
        Ok(self.site.put_pack(name, write).await?)
    }
}
