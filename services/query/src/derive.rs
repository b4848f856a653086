//! Events in, changes of the read model out. Pure, and blind to order: changes merge, so any order of the same events
//! ends in the same rows. Before: `consumer.rs`. After: `store/`, which merges alike in SQL.

use std::collections::BTreeMap;

use dengbei_chain::facts::Verdict;
use dengbei_chain::{Event, Fact};
use dengbei_records::{ItemId, Matter, SubmissionId};

use crate::attempt::Attempt;
use crate::origins::Origin;

/// In whose history an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// One item's own.
    Own(ItemId),
    /// Everything's in a pack, a batch or a transfer, by its key in `query.shared`.
    Shared(String),
    /// Of those that its member list names.
    Members,
    /// The registry of names, nobody's history.
    Names,
    /// Nobody's.
    Nowhere,
}

/// Where the event belongs.
pub(crate) fn place(event: &Event) -> Place {
    let Some(fact) = &event.fact else { return Place::Nowhere };
    let pack = |n: dengbei_records::PackNumber| Place::Shared(pack_key(n.get()));
    let transfer = |n: &dengbei_records::SerialNo| Place::Shared(format!("transfer/{n}"));
    let batch = |id: uuid::Uuid| Place::Shared(format!("batch/{id}"));
    match fact {
        Fact::ItemPrefiled(f) => Place::Own(f.item),
        Fact::ItemParked(f) => Place::Own(f.item),
        Fact::ItemFiled(f) => Place::Own(f.item),
        Fact::ItemReturned(f) => Place::Own(f.item),
        Fact::ItemSuperseded(f) => Place::Own(f.item),
        Fact::CheckRechecked(f) => Place::Own(f.item),
        Fact::SubmissionRefused(f) => f.item.map_or(Place::Nowhere, Place::Own),
        Fact::ItemChecked(f) => match &f.verdict {
            Verdict::Failed { item, .. } => Place::Own(*item),
            Verdict::Passed { .. } => Place::Members,
        },
        Fact::MatterPublished(_) => Place::Names,
        Fact::BatchFiled(f) => pack(f.pack),
        Fact::PackStored(f) => pack(f.receipt.pack),
        Fact::PackSecured(f) => pack(f.pack),
        Fact::PackRepaired(f) => pack(f.receipt.pack),
        Fact::PackDamaged(f) => pack(f.pack),
        Fact::PackMissing(f) => pack(f.pack),
        Fact::BatchApplied(f) => batch(f.batch),
        Fact::BatchDeclined(f) => batch(f.batch),
        Fact::BatchRegistered(f) => batch(f.batch),
        Fact::CertificateIssued(f) => batch(f.batch),
        Fact::TransferPacked(f) => transfer(&f.transfer_no),
        Fact::TransferChecked(f) => transfer(&f.transfer_no),
        Fact::TransferSubmitted(f) => transfer(&f.transfer_no),
        Fact::TransferRejected(f) => transfer(&f.transfer_no),
        Fact::TransferAccepted(f) => transfer(&f.transfer_no),
        Fact::ItemAccessioned(f) => transfer(&f.transfer_no),
        // A pack of documents is no item's; an inspection that found all in order is the site's history.
        // A batch's checks and what persons signed of them stand with fixity.
        Fact::PackWritten(_) | Fact::PackInspected(_) | Fact::WholeChecked(_) | Fact::CheckSigned(_) => {
            Place::Nowhere
        }
    }
}

/// A pack's key in `query.shared`.
pub(crate) fn pack_key(pack: u64) -> String {
    format!("pack/{pack}")
}

/// What the events of one bundle change of submissions and names.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// By submission, so that rows are locked in one order by everybody.
    pub(crate) attempts: BTreeMap<SubmissionId, Attempt>,
    pub(crate) matters: Vec<Matter>,
}

impl Changes {
    /// Adds what one event says.
    pub(crate) fn add(&mut self, event: &Event) {
        let attempt = match &event.fact {
            Some(Fact::ItemPrefiled(f)) => Attempt::prefiled(event, f),
            Some(Fact::ItemParked(f)) => Attempt::parked(event, f),
            Some(Fact::ItemFiled(f)) => Attempt::filed(event, f),
            Some(Fact::ItemReturned(f)) => Attempt::returned(event, f),
            Some(Fact::ItemSuperseded(f)) => Attempt::superseded(event, f),
            Some(Fact::SubmissionRefused(f)) => Attempt::refused(event, f),
            Some(Fact::MatterPublished(f)) => return self.matters.push(f.matter.clone()),
            _ => return,
        };
        self.merge(attempt);
    }

    /// Adds where a submission comes from.
    pub(crate) fn place(&mut self, submission: SubmissionId, origin: &Origin) {
        self.merge(Attempt::placed(submission, origin));
    }

    fn merge(&mut self, attempt: Attempt) {
        match self.attempts.get_mut(&attempt.submission) {
            Some(known) => known.merge(attempt),
            None => {
                self.attempts.insert(attempt.submission, attempt);
            }
        }
    }
}
