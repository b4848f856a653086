//! What other services state, as replication hears it.

use dengbei_chain::facts::{
    BatchApplied, BatchFiled, BatchRegistered, Damage, DocumentRef, PackDamaged, PackMissing, PackWritten,
    TransferAccepted,
};
use dengbei_chain::{Draft, Event, Fact, Ids as _, RandomIds, Subject};
use dengbei_ocfl::PackSummary;
use dengbei_records::{EventHash, PackNumber, Retention, SerialNo, Series, Sha256, Timestamp};
use uuid::Uuid;

use super::deployment::area;

pub(super) fn event(subject: Subject, causes: Vec<EventHash>, fact: Fact, at: Timestamp) -> Event {
    let id = RandomIds.next();
    let draft = Draft { id, area: area(), subject, causes, actor: None, recorded_at: at, fact };
    Event::read(draft.encode().unwrap().bytes).unwrap()
}

fn document() -> DocumentRef {
    DocumentRef::to(b"{}", "application/json")
}

fn on_pack(number: u64) -> Subject {
    Subject::Pack(PackNumber::new(number))
}

pub(super) fn filed(number: u64, pack: &PackSummary, at: Timestamp) -> Event {
    let fact = BatchFiled {
        pack: PackNumber::new(number),
        generation: 1,
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        retention: Retention::ThirtyYears,
        count: 1,
        root: Sha256::of(b"root"),
        pack_digest: pack.sha256,
        pack_bytes: pack.len,
        versions_root: pack.versions_root,
        unit_uscc: "11330382002534567A".parse().unwrap(),
        unit_key: [0; 32],
        unit_signature: [0; 64],
        members: document(),
    };
    event(on_pack(number), vec![], Fact::BatchFiled(fact), at)
}

pub(super) fn written(number: u64, pack: &PackSummary, at: Timestamp) -> Event {
    let fact = PackWritten {
        pack: PackNumber::new(number),
        generation: 1,
        documents: 1,
        pack_digest: pack.sha256,
        pack_bytes: pack.len,
        versions_root: pack.versions_root,
    };
    event(on_pack(number), vec![], Fact::PackWritten(fact), at)
}

/// An application for these filing batches.
pub(super) fn applied(batch: Uuid, filed: &[&Event], at: Timestamp) -> Event {
    let packs = filed.iter().map(|e| match &e.fact {
        Some(Fact::BatchFiled(fact)) => fact.pack,
        other => panic!("{other:?}"),
    });
    let fact = BatchApplied {
        batch,
        kind: "1".into(),
        unit_uscc: "11330382002534567A".parse().unwrap(),
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        packs: packs.collect(),
        items: 1,
        files: 1,
        bytes: 1,
        root: Sha256::of(b"root"),
        application: document(),
        unit_key: [0; 32],
        unit_signature: [0; 64],
    };
    let causes = filed.iter().map(|e| e.hash).collect();
    event(Subject::Batch(batch), causes, Fact::BatchApplied(fact), at)
}

pub(super) fn registered(batch: Uuid, applied: &Event, at: Timestamp) -> Event {
    let number = SerialNo::new(Series::Registration, area(), 2026, 1).unwrap();
    let fact = BatchRegistered {
        batch,
        registration_no: number,
        unit_uscc: "11330382002534567A".parse().unwrap(),
        items: 1,
        root: Sha256::of(b"root"),
        decision: document(),
        administration_key: [0; 32],
        administration_signature: [0; 64],
    };
    event(Subject::Batch(batch), vec![applied.hash], Fact::BatchRegistered(fact), at)
}

pub(super) fn accepted(packs: &[u64], at: Timestamp) -> Event {
    let number = SerialNo::new(Series::Transfer, area(), 2026, 1).unwrap();
    let fact = TransferAccepted {
        transfer_no: number.clone(),
        items: 1,
        bytes: 1,
        root: Sha256::of(b"root"),
        members: document(),
        handover: document(),
        unit_key: [0; 32],
        unit_signature: [0; 64],
        archive_key: [0; 32],
        archive_signature: [0; 64],
        packs: packs.iter().copied().map(PackNumber::new).collect(),
    };
    event(Subject::Transfer(number), vec![], Fact::TransferAccepted(fact), at)
}

/// What fixity found of a copy, caused by its `pack.stored`.
pub(super) fn damaged(site: &str, number: u64, found: &[u8], stored: EventHash, at: Timestamp) -> Event {
    let fact = PackDamaged {
        site: site.into(),
        pack: PackNumber::new(number),
        generation: 1,
        kind: Damage::Damaged,
        expected: Sha256::of(b"expected"),
        found: Some(Sha256::of(found)),
        found_bytes: found.len() as u64,
    };
    event(on_pack(number), vec![stored], Fact::PackDamaged(fact), at)
}

pub(super) fn missing(site: &str, number: u64, stored: EventHash, at: Timestamp) -> Event {
    let fact = PackMissing { site: site.into(), pack: PackNumber::new(number), generation: 1 };
    event(on_pack(number), vec![stored], Fact::PackMissing(fact), at)
}
