//! What replication hears: what is to be copied, what asks for it, what is bad; and its own facts, which change nothing
//! unless this database is an old dump.
//!
//! Before: the bus or the log. After: rows, which `order.rs` and `tend.rs` work off. Idempotent by event hash and by
//! key; an event whose cause is not applied waits for it.

use std::time::Duration;

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::facts::{
    BatchApplied, BatchFiled, BatchRegistered, PackDamaged, PackMissing, PackRepaired, PackSecured,
    PackStored, PackWritten, TransferAccepted,
};
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::Timestamp;
use sqlx::postgres::PgConnection;

use crate::author::Author;
use crate::order::{Places, STORAGE_AFTER};
use crate::store::damages::NewDamage;
use crate::store::packs::{NewPack, Pack, signed};
use crate::store::{copies, damages, packs, sites};
use crate::wake;

/// Orders what events ask for.
#[derive(Clone)]
pub(crate) struct Orders {
    pub(crate) author: Author,
    pub(crate) places: Places,
}

impl Handler for Orders {
    type Prepared = ();

    fn wants(&self, kind: FactKind) -> bool {
        matches!(
            kind,
            FactKind::BatchFiled
                | FactKind::PackWritten
                | FactKind::BatchApplied
                | FactKind::BatchRegistered
                | FactKind::TransferAccepted
                | FactKind::PackStored
                | FactKind::PackSecured
                | FactKind::PackRepaired
                | FactKind::PackDamaged
                | FactKind::PackMissing
                | FactKind::PackInspected
        )
    }

    async fn prepare(&self, _: &[Event]) -> Result<(), HandleError> {
        Ok(())
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<Vec<Outcome>, HandleError> {
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(self.hear(tx, event).await?);
        }
        Ok(outcomes)
    }
}

impl Orders {
    async fn hear(&self, tx: &mut PgConnection, event: &Event) -> Result<Outcome, HandleError> {
        match &event.fact {
            Some(Fact::BatchFiled(fact)) => self.new_pack(tx, event, filed(event, fact)).await,
            Some(Fact::PackWritten(fact)) => self.new_pack(tx, event, written(event, fact)).await,
            Some(Fact::BatchApplied(fact)) => applied(tx, event, fact).await,
            Some(Fact::BatchRegistered(fact)) => self.registered(tx, event, fact).await,
            Some(Fact::TransferAccepted(fact)) => self.accepted(tx, event, fact).await,
            Some(Fact::PackStored(fact)) => stored(tx, event, fact).await,
            Some(Fact::PackSecured(fact)) => secured(tx, event, fact).await,
            Some(Fact::PackRepaired(fact)) => repaired(tx, event, fact).await,
            Some(Fact::PackDamaged(fact)) => damaged(tx, event, of_damaged(event, fact)).await,
            Some(Fact::PackMissing(fact)) => damaged(tx, event, of_missing(event, fact)).await,
            Some(Fact::PackInspected(fact)) => {
                sites::inspected(tx, &fact.site, event.recorded_at).await?;
                Ok(Outcome::Applied)
            }
            _ => Ok(Outcome::Skipped),
        }
    }

    async fn new_pack(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        new: NewPack,
    ) -> Result<Outcome, HandleError> {
        if !packs::put(tx, &new).await? {
            let text = format!("存储包号重复 / pack {} is stated twice: {}", new.pack.number, event.hash);
            return Err(HandleError::invalid(text));
        }
        dengbei_bus::keep_traces(tx, std::iter::once(event.hash)).await?;
        self.places.accession(tx, &[signed(new.pack.number)], self.author.now()).await?;
        wake::on_commit(tx).await?;
        Ok(Outcome::Applied)
    }

    async fn registered(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        fact: &BatchRegistered,
    ) -> Result<Outcome, HandleError> {
        let Some(fresh) = packs::register(tx, fact.batch, event.hash).await? else {
            return wait_for(event, 0);
        };
        self.places.back_up(tx, &fresh, self.author.now()).await?;
        Ok(Outcome::Applied)
    }

    async fn accepted(
        &self,
        tx: &mut PgConnection,
        event: &Event,
        fact: &TransferAccepted,
    ) -> Result<Outcome, HandleError> {
        packs::put_accessions(tx, event.hash, &fact.packs).await?;
        let numbers: Vec<i64> = fact.packs.iter().copied().map(signed).collect();
        self.places.accession(tx, &numbers, self.author.now()).await?;
        Ok(Outcome::Applied)
    }
}

/// Waits for the cause at this place.
fn wait_for(event: &Event, place: usize) -> Result<Outcome, HandleError> {
    let cause = event.causes.get(place).copied();
    let none = || HandleError::invalid("事件没有原因 / the event lacks a cause");
    Ok(Outcome::WaitFor(cause.ok_or_else(none)?))
}

fn after(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}

fn filed(event: &Event, fact: &BatchFiled) -> NewPack {
    let pack = Pack {
        number: fact.pack,
        generation: fact.generation,
        digest: fact.pack_digest,
        versions_root: fact.versions_root,
        bytes: fact.pack_bytes,
        origin: event.hash,
    };
    NewPack { pack, is_documents: false, storage_due_at: after(event.recorded_at, STORAGE_AFTER) }
}

fn written(event: &Event, fact: &PackWritten) -> NewPack {
    let pack = Pack {
        number: fact.pack,
        generation: fact.generation,
        digest: fact.pack_digest,
        versions_root: fact.versions_root,
        bytes: fact.pack_bytes,
        origin: event.hash,
    };
    NewPack { pack, is_documents: true, storage_due_at: event.recorded_at }
}

async fn applied(tx: &mut PgConnection, event: &Event, fact: &BatchApplied) -> Result<Outcome, HandleError> {
    let known = packs::known(tx, &event.causes).await?;
    if let Some(unknown) = event.causes.iter().find(|cause| !known.contains(cause)) {
        return Ok(Outcome::WaitFor(*unknown));
    }
    packs::put_batch(tx, fact.batch, event.hash, &fact.packs).await?;
    Ok(Outcome::Applied)
}

async fn stored(tx: &mut PgConnection, event: &Event, fact: &PackStored) -> Result<Outcome, HandleError> {
    let receipt = &fact.receipt;
    if !packs::is_known(tx, receipt.pack).await? {
        // The pack's origin stands first, but for an accession.
        let place = usize::from(receipt.purpose == dengbei_chain::facts::Purpose::Accession);
        return wait_for(event, place);
    }
    copies::replay(tx, receipt, event.hash, event.recorded_at).await?;
    Ok(Outcome::Applied)
}

async fn secured(tx: &mut PgConnection, event: &Event, fact: &PackSecured) -> Result<Outcome, HandleError> {
    if !packs::is_known(tx, fact.pack).await? {
        return wait_for(event, 1);
    }
    packs::secure(tx, fact.pack, event.hash).await?;
    Ok(Outcome::Applied)
}

async fn repaired(tx: &mut PgConnection, event: &Event, _: &PackRepaired) -> Result<Outcome, HandleError> {
    if let Some(unknown) = damages::unknown(tx, &event.causes).await? {
        return Ok(Outcome::WaitFor(unknown));
    }
    damages::replay(tx, &event.causes, event.hash, event.recorded_at).await?;
    Ok(Outcome::Applied)
}

fn of_damaged<'a>(event: &Event, fact: &'a PackDamaged) -> NewDamage<'a> {
    NewDamage {
        pack: fact.pack,
        generation: fact.generation,
        site: &fact.site,
        kind: fact.kind.name(),
        found: fact.found,
        cause: event.hash,
        since: event.recorded_at,
    }
}

fn of_missing<'a>(event: &Event, fact: &'a PackMissing) -> NewDamage<'a> {
    NewDamage {
        pack: fact.pack,
        generation: fact.generation,
        site: &fact.site,
        kind: "missing",
        found: None,
        cause: event.hash,
        since: event.recorded_at,
    }
}

async fn damaged(
    tx: &mut PgConnection,
    event: &Event,
    damage: NewDamage<'_>,
) -> Result<Outcome, HandleError> {
    if !packs::is_known(tx, damage.pack).await? {
        // A pack that nobody stored is told by the inspection, names no copy, and is nothing to be repaired.
        return Ok(event.causes.first().map_or(Outcome::Skipped, |cause| Outcome::WaitFor(*cause)));
    }
    damages::open(tx, &damage).await?;
    wake::on_commit(tx).await?;
    Ok(Outcome::Applied)
}
