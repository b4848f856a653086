//! What followed from an item's filing: registered, backed up, certified, handed over, as far as it is under the
//! published checkpoint. Found from the log alone, cause by cause (`register/effects.rs`).
//!
//! Left out for good, so that the longest life fits into 10 KiB: `transfer.packed`, `transfer.submitted` and the transfer's
//! checks, because `transfer.accepted` names the certificate itself; and from the certificate on `batch.applied`, because
//! `pack.secured` names `batch.filed` and the certificate carries the root that was applied for.

use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::EventHash;
use sqlx::PgConnection;

use super::{ReceiptError, event, members};
use crate::register;

/// The steps after `batch.filed`, oldest first; each rests on the one before.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Application and registration come together: an application that is not decided proves nothing.
    registered: Option<(Event, Event)>,
    secured: Option<Event>,
    certificate: Option<Event>,
    accepted: Option<Accepted>,
    accessioned: Option<Event>,
}

#[derive(Debug)]
struct Accepted {
    event: Event,
    members: Vec<EventHash>,
}

impl Life {
    /// Walks from the item's `item.filed` and its `batch.filed` as far as the log goes.
    pub(super) async fn walk(
        tx: &mut PgConnection,
        filed: EventHash,
        batch: EventHash,
    ) -> Result<Self, ReceiptError> {
        let mut life = Self { registered: registered(tx, batch).await?, ..Self::default() };
        let Some((_, registered)) = &life.registered else { return Ok(life) };
        let of_batch = register::effects(tx, batch, FactKind::PackSecured).await?;
        let mut secured = register::effects(tx, registered.hash, FactKind::PackSecured).await?;
        secured.retain(|hash| of_batch.contains(hash));
        let Some(secured) = secured.first() else { return Ok(life) };
        life.secured = Some(event(tx, *secured).await?);
        let certificates = register::effects(tx, *secured, FactKind::CertificateIssued).await?;
        let Some(certificate) = certificates.first() else { return Ok(life) };
        life.certificate = Some(event(tx, *certificate).await?);
        life.accepted = accepted(tx, *certificate, filed).await?;
        if let Some(accepted) = &life.accepted {
            let moved = register::effects(tx, accepted.event.hash, FactKind::ItemAccessioned).await?;
            if let Some(moved) = moved.first() {
                life.accessioned = Some(event(tx, *moved).await?);
            }
        }
        Ok(life)
    }

    /// Takes the newest step away; false when there is none.
    pub(super) fn cut(&mut self) -> bool {
        self.accessioned.take().is_some()
            || self.accepted.take().is_some()
            || self.certificate.take().is_some()
            || self.secured.take().is_some()
            || self.registered.take().is_some()
    }

    /// The events as a receipt has them.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        let (applied, registered) = self.registered.as_ref().map(|(a, r)| (a, r)).unzip();
        applied
            .filter(|_| self.certificate.is_none())
            .into_iter()
            .chain(registered)
            .chain(&self.secured)
            .chain(&self.certificate)
            .chain(self.accepted.as_ref().map(|accepted| &accepted.event))
            .chain(&self.accessioned)
    }

    /// Which of these events speak for the item's `filed` and its `batch`, that stands right before them.
    pub(super) fn memberships(&self, filed: u32, batch: u32) -> Vec<(u32, u32, Vec<EventHash>)> {
        let place = |hash: EventHash| (batch + 1..).zip(self.events()).find(|(_, e)| e.hash == hash);
        let mut memberships = Vec::new();
        if let Some((applied, _)) = &self.registered {
            let covering = self.certificate.as_ref().unwrap_or(applied);
            let of = place(covering.hash).map(|(n, _)| n);
            memberships.extend(of.map(|of| (batch, of, applied.causes.clone())));
        }
        if let Some(accepted) = &self.accepted {
            let covering = self.accessioned.as_ref().unwrap_or(&accepted.event);
            let of = place(covering.hash).map(|(n, _)| n);
            memberships.extend(of.map(|of| (filed, of, accepted.members.clone())));
        }
        memberships
    }
}

/// The application that was registered. One that was declined may have come before.
async fn registered(tx: &mut PgConnection, batch: EventHash) -> Result<Option<(Event, Event)>, ReceiptError> {
    for applied in register::effects(tx, batch, FactKind::BatchApplied).await? {
        let registered = register::effects(tx, applied, FactKind::BatchRegistered).await?;
        if let Some(registered) = registered.first() {
            return Ok(Some((event(tx, applied).await?, event(tx, *registered).await?)));
        }
    }
    Ok(None)
}

/// The transfer that took the item over. Others may have taken the rest of its batch.
async fn accepted(
    tx: &mut PgConnection,
    certificate: EventHash,
    filed: EventHash,
) -> Result<Option<Accepted>, ReceiptError> {
    for hash in register::effects(tx, certificate, FactKind::TransferAccepted).await? {
        let event = event(tx, hash).await?;
        if let Some(Fact::TransferAccepted(fact)) = &event.fact {
            let members = members(tx, &fact.members).await?;
            if members.contains(&filed) {
                return Ok(Some(Accepted { event, members }));
            }
        }
    }
    Ok(None)
}
