//! Receipts become state and facts: `pack.stored` for each, and `pack.secured` when the policy is satisfied, in one
//! transaction for all that came together.
//!
//! Before: `copy.rs`. After: the outbox; registration's `batches/certify.rs`. Idempotent by (pack, site, purpose):
//! a receipt for a copy that is signed already is dropped. If we crash before the commit, the sites have the packs
//! and sign again; after it, everything is in the outbox.

use std::sync::Arc;

use dengbei_chain::facts::{PackSecured, PackStored, SiteReceipt};
use dengbei_chain::{Encoded, Fact};
use dengbei_kit::{db, faults};
use dengbei_records::EventHash;
use sqlx::postgres::{PgConnection, PgPool};

use crate::author::Author;
use crate::error::ReplicationError;
use crate::metrics;
use crate::policy::Policy;
use crate::store::copies::{self, Copy, Order};
use crate::store::packs::{self, Unsecured, signed};

/// Packs looked at in one transaction at start.
const AT_ONCE: i64 = 64;

/// Stores receipts and states what follows.
#[derive(Clone)]
pub(crate) struct Committer {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) policy: Arc<Policy>,
}

/// An order that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) order: Order,
    pub(crate) receipt: SiteReceipt,
}

impl Committer {
    /// Stores these receipts. Durable when it returns; gives how many packs are secured by them.
    ///
    /// # Errors
    /// [`ReplicationError`]; nothing is stored then.
    pub(crate) async fn commit(&self, done: &[Done]) -> Result<usize, ReplicationError> {
        faults::reach("replication.copied");
        let mut tx = db::begin_by_key(&self.pool).await?;
        let numbers: Vec<i64> = done.iter().map(|d| signed(d.order.pack.number)).collect();
        packs::lock(&mut tx, &numbers).await?;
        let origins: Vec<EventHash> = done.iter().map(|d| d.order.pack.origin).collect();
        let traces = dengbei_bus::kept_traces(&mut tx, &origins).await?;
        let (mut events, mut contexts) = (Vec::new(), Vec::new());
        for Done { order, receipt } in done {
            let event = self.stored(order, receipt)?;
            if copies::sign(&mut tx, receipt, event.hash).await? {
                events.push(event);
                contexts.push(traces.get(&order.pack.origin).cloned());
            }
        }
        let secured = self.secure(&mut tx, &numbers).await?;
        let count = secured.len();
        events.extend(secured);
        self.author.outbox.put_traced(&mut tx, &events, &contexts).await?;
        tx.commit().await?;
        if count > 0 {
            faults::reach("replication.secured");
            metrics::secured(count);
        }
        Ok(count)
    }

    fn stored(&self, order: &Order, receipt: &SiteReceipt) -> Result<Encoded, ReplicationError> {
        let origin = order.pack.origin;
        // Custody moves with the transfer: it stands first.
        let causes = match (receipt.purpose, order.grounds) {
            (_, None) => vec![origin],
            (dengbei_chain::facts::Purpose::Accession, Some(accepted)) => vec![accepted, origin],
            (_, Some(registered)) => vec![origin, registered],
        };
        let fact = Fact::PackStored(PackStored { receipt: receipt.clone() });
        Ok(self.author.state(order.pack.number, causes, fact)?)
    }

    /// `pack.secured` of those of these packs, which are locked, that the policy is satisfied with now.
    pub(crate) async fn secure(
        &self,
        tx: &mut PgConnection,
        numbers: &[i64],
    ) -> Result<Vec<Encoded>, ReplicationError> {
        let mut events = Vec::new();
        for unsecured in packs::unsecured(tx, numbers).await? {
            let copies = copies::of_pack(tx, unsecured.pack.number).await?;
            let Some(event) = self.secured(&unsecured, &copies)? else { continue };
            if packs::secure(tx, unsecured.pack.number, event.hash).await? {
                events.push(event);
            }
        }
        Ok(events)
    }

    fn secured(&self, of: &Unsecured, copies: &[Copy]) -> Result<Option<Encoded>, ReplicationError> {
        let Unsecured { pack, batch, registered } = of;
        // A copy that is known to be bad does not count before it is repaired.
        let counting = copies.iter().filter(|c| c.damage.is_none() && c.generation == pack.generation);
        let signed: Vec<(&SiteReceipt, EventHash)> =
            counting.filter_map(|c| Some((c.receipt.as_ref()?, c.stored?))).collect();
        let receipts: Vec<SiteReceipt> = signed.iter().map(|(receipt, _)| (*receipt).clone()).collect();
        let Some(chosen) = self.policy.satisfied_by(&receipts) else { return Ok(None) };
        let event_of =
            |receipt: &&SiteReceipt| signed.iter().find(|(r, _)| r == receipt).map(|(_, hash)| *hash);
        let causes = [*registered, pack.origin].into_iter().chain(chosen.iter().filter_map(event_of));
        let fact = Fact::PackSecured(PackSecured {
            pack: pack.number,
            generation: pack.generation,
            policy: self.policy.name(),
            receipts: chosen.iter().map(|r| (*r).clone()).collect(),
            batch: *batch,
        });
        Ok(Some(self.author.state(pack.number, causes.collect(), fact)?))
    }

    /// Looks at every registered pack that is not secured: at start, when policy or sites may have changed, or
    /// receipts came back with the log.
    ///
    /// # Errors
    /// [`ReplicationError`]; run it again.
    pub(crate) async fn secure_all(&self) -> Result<usize, ReplicationError> {
        let (mut after, mut count) = (0, 0);
        loop {
            let mut tx = self.pool.begin().await?;
            let numbers = packs::unsecured_after(&mut tx, after, AT_ONCE).await?;
            let Some(last) = numbers.last() else { return Ok(count) };
            after = *last;
            packs::lock(&mut tx, &numbers).await?;
            let events = self.secure(&mut tx, &numbers).await?;
            self.author.outbox.put(&mut tx, &events).await?;
            tx.commit().await?;
            count += events.len();
        }
    }
}
