//! What fixity keeps of facts that are not checked at once: packs and their filings, copies, and which sides of which
//! transfers are to be checked, and which were.
//!
//! Before: `consumer.rs`, in the bundle's transaction. After: `transfer/` and `inspect/`, which are woken and also look
//! by their own clocks. Everything is idempotent: keyed by what the fact is about.

use std::sync::Arc;

use dengbei_bus::Outcome;
use dengbei_chain::facts::{BatchFiled, PackWritten, Purpose, Side, SiteReceipt};
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::{Clock, PackNumber, SerialNo};
use sqlx::postgres::PgConnection;
use tokio::sync::Notify;

use crate::store::copies::{self, Known, SiteCopy};
use crate::store::packs::{self, Pack};
use crate::store::transfers::{self, TransferRun};
use crate::wake;
use crate::wholes;

/// What fixity states itself and hears again: workers begin when they know what was stated.
pub(crate) fn is_own(kind: FactKind) -> bool {
    kind == FactKind::TransferChecked || wholes::is_own(kind)
}

/// Keeps facts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hearing {
    /// Names of the primary sites: what is filed lies there before any receipt.
    pub(crate) primaries: Arc<Vec<String>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Wakes who checks transfers.
    pub(crate) wake: Arc<Notify>,
}

impl Hearing {
    /// What is kept.
    pub(crate) fn wants(kind: FactKind) -> bool {
        matches!(
            kind,
            FactKind::ItemFiled
                | FactKind::BatchFiled
                | FactKind::PackWritten
                | FactKind::PackStored
                | FactKind::PackRepaired
                | FactKind::TransferPacked
                | FactKind::TransferSubmitted
                | FactKind::TransferAccepted
                | FactKind::TransferChecked
        ) || wholes::hear::wants(kind)
    }

    /// Filings of a whole bundle at once.
    pub(crate) async fn filings(tx: &mut PgConnection, events: &[Event]) -> Result<(), sqlx::Error> {
        let filed: Vec<&Event> =
            events.iter().filter(|e| matches!(e.fact, Some(Fact::ItemFiled(_)))).collect();
        if filed.is_empty() { Ok(()) } else { packs::put_filings(tx, &filed).await }
    }

    /// Keeps one fact.
    pub(crate) async fn hear(&self, tx: &mut PgConnection, event: &Event) -> Result<Outcome, sqlx::Error> {
        wholes::hear::hear(tx, event, self.clock.now()).await?;
        match &event.fact {
            // With its bundle: see `filings`.
            Some(Fact::ItemFiled(_)) => {}
            Some(Fact::BatchFiled(fact)) => self.pack(tx, event, &of_batch(event, fact)).await?,
            Some(Fact::PackWritten(fact)) => self.pack(tx, event, &of_documents(event, fact)).await?,
            Some(Fact::PackStored(fact)) => self.stored(tx, event, &fact.receipt).await?,
            Some(Fact::PackRepaired(fact)) => {
                copies::signed(tx, &fact.receipt, (event.hash, &event.bytes), Known::Repaired).await?;
                wake::on_commit(tx).await?;
                if fact.receipt.class == "archive"
                    && transfers::reopen_storing(tx, fact.receipt.pack, self.clock.now()).await?
                {
                    self.wake.notify_one();
                }
            }
            Some(Fact::TransferPacked(fact)) => {
                self.open(tx, event, (&fact.transfer_no, Side::Unit, &fact.packs)).await?;
            }
            Some(Fact::TransferSubmitted(fact)) => {
                self.open(tx, event, (&fact.transfer_no, Side::Archive, &[])).await?;
            }
            Some(Fact::TransferAccepted(fact)) => {
                self.open(tx, event, (&fact.transfer_no, Side::Storing, &fact.packs)).await?;
            }
            Some(Fact::TransferChecked(fact)) => {
                transfers::heard(tx, (fact, event), self.clock.now()).await?;
            }
            Some(fact) if wholes::hear::wants(fact.kind()) => {}
            _ => return Ok(Outcome::Skipped),
        }
        Ok(Outcome::Applied)
    }

    async fn pack(&self, tx: &mut PgConnection, event: &Event, pack: &Pack) -> Result<(), sqlx::Error> {
        packs::put(tx, pack).await?;
        for site in self.primaries.iter() {
            let copy = SiteCopy {
                site: site.clone(),
                pack: pack.pack,
                generation: pack.generation,
                digest: pack.digest,
                bytes: pack.bytes,
                stated: event.hash,
                failures: 0,
            };
            copies::filed(tx, &copy, event.recorded_at).await?;
        }
        Ok(())
    }

    async fn stored(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        receipt: &SiteReceipt,
    ) -> Result<(), sqlx::Error> {
        copies::signed(tx, receipt, (event.hash, &event.bytes), Known::Stored).await?;
        if receipt.purpose == Purpose::Accession {
            transfers::wake_storing(tx, self.clock.now()).await?;
            self.wake.notify_one();
        }
        Ok(())
    }

    async fn open(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        (number, side, packs): (&SerialNo, Side, &[PackNumber]),
    ) -> Result<(), sqlx::Error> {
        let run = TransferRun {
            transfer_no: number.clone(),
            side,
            asked: event.hash,
            event: event.bytes.clone(),
            tries: 0,
            packs: packs.to_vec(),
        };
        if transfers::open(tx, &run, self.clock.now()).await? {
            self.wake.notify_one();
        }
        Ok(())
    }
}

fn of_batch(event: &Event, fact: &BatchFiled) -> Pack {
    Pack {
        pack: fact.pack,
        generation: fact.generation,
        digest: fact.pack_digest,
        bytes: fact.pack_bytes,
        versions_root: fact.versions_root,
        stated: event.hash,
        event: event.bytes.clone(),
    }
}

fn of_documents(event: &Event, fact: &PackWritten) -> Pack {
    Pack {
        pack: fact.pack,
        generation: fact.generation,
        digest: fact.pack_digest,
        bytes: fact.pack_bytes,
        versions_root: fact.versions_root,
        stated: event.hash,
        event: event.bytes.clone(),
    }
}
