//! Five items through registration, backup, certificate and handover.
//!
//! Items 0, 1, 2 lie in pack 12, item 3 in pack 13, item 4 (ten years) in pack 14. An application for pack 13 is
//! declined, then 12 and 13 are registered together, backed up, certified and handed over; item 2 is found unfit and
//! stays with the unit. A copy of 12 is damaged and repaired, one of 13 goes missing. Pack 14 ends at its certificate.

use dengbei_chain::facts::{
    BatchApplied, BatchDeclined, BatchRegistered, CertificateIssued, Damage, ItemAccessioned, PackDamaged,
    PackInspected, PackMissing, PackRepaired, PackSecured, PackStored, PackWritten, Purpose, Side,
    SiteReceipt, TransferAccepted, TransferChecked, TransferPacked, TransferSubmitted, Witness,
};
use dengbei_chain::{DocumentRef, Fact, Subject};
use dengbei_query::Lists;
use dengbei_records::{AreaCode, EventHash, PackNumber, SerialNo, Series, Sha256, Timestamp};
use uuid::Uuid;

use super::{Story, item, list, submission};

pub(crate) const DECLINED: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0b00);
pub(crate) const BATCH: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0b01);
pub(crate) const OTHER: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0b02);

pub(crate) fn number(series: Series, n: u32) -> SerialNo {
    let area: AreaCode = "330382".parse().unwrap();
    SerialNo::new(series, area, 2026, n).unwrap()
}

fn document() -> DocumentRef {
    DocumentRef::to(b"{}", "application/json")
}

fn unit() -> dengbei_records::UnitCode {
    "11511301008778183N".parse().unwrap()
}

fn packs(of: &[u64]) -> Vec<PackNumber> {
    of.iter().map(|n| PackNumber::new(*n)).collect()
}

fn receipt(site: &str, pack: u64, purpose: Purpose) -> SiteReceipt {
    SiteReceipt {
        site: site.into(),
        class: site.into(),
        purpose,
        pack: PackNumber::new(pack),
        generation: 0,
        digest: Sha256::of(b"p"),
        versions_root: Sha256::of(b"v"),
        bytes: 10_240,
        stored_at: Timestamp::from_millis(1_790_000_000_000),
        witness: Witness::Signed { key: [5; 32], signature: [6; 64] },
    }
}

const SITES: [&str; 3] = ["primary", "archive", "remote"];

impl Story {
    pub(crate) fn whole_life() -> Self {
        let mut story = Self {
            events: Vec::new(),
            lists: Lists::new(),
            items: (0..5).map(item).collect(),
            submissions: (0..5).map(submission).collect(),
        };
        story.publish("2026-01", "2026-01-01", "企业投资项目备案");
        let prefiled: Vec<EventHash> = (0..5).map(|n| story.prefile(n, n, 1)).collect();
        let members: Vec<(u8, EventHash)> = (0..5).zip(prefiled.iter().copied()).collect();
        let run = story.pass(&members);
        let pack_of = [12, 12, 12, 13, 14];
        let filed: Vec<EventHash> = (0..5_u8)
            .map(|n| {
                let n_at = usize::from(n);
                story.file((n, n), pack_of[n_at], vec![prefiled[n_at], run])
            })
            .collect();
        let batch12 = story.sign(12, &[(0, filed[0]), (1, filed[1]), (2, filed[2])]);
        let batch13 = story.sign(13, &[(3, filed[3])]);
        let batch14 = story.sign(14, &[(4, filed[4])]);
        story.keep("remote", 12, Purpose::Storage, vec![batch12]);
        story.write_documents();
        story.decline(batch13);
        let certificate = story.register(BATCH, 1, &[(12, batch12), (13, batch13)]);
        story.register(OTHER, 2, &[(14, batch14)]);
        story.hand_over(certificate, &[(0, filed[0]), (1, filed[1]), (3, filed[3])], filed[2]);
        story.damage_and_repair();
        story
    }

    fn keep(&mut self, site: &str, pack: u64, purpose: Purpose, causes: Vec<EventHash>) -> EventHash {
        let fact = PackStored { receipt: receipt(site, pack, purpose) };
        self.state(Subject::Pack(PackNumber::new(pack)), causes, Fact::PackStored(fact))
    }

    fn write_documents(&mut self) {
        let fact = PackWritten {
            pack: PackNumber::new(15),
            generation: 0,
            documents: 3,
            pack_digest: Sha256::of(b"d"),
            pack_bytes: 2_048,
            versions_root: Sha256::of(b"v"),
        };
        self.state(Subject::Pack(PackNumber::new(15)), vec![], Fact::PackWritten(fact));
        self.keep("archive", 15, Purpose::Storage, vec![]);
    }

    fn apply(&mut self, batch: Uuid, of: &[(u64, EventHash)]) -> EventHash {
        let hashes: Vec<EventHash> = of.iter().map(|(_, hash)| *hash).collect();
        let numbers: Vec<u64> = of.iter().map(|(pack, _)| *pack).collect();
        let fact = BatchApplied {
            batch,
            kind: "1".into(),
            unit_uscc: unit(),
            fonds_no: "J019".parse().unwrap(),
            year: 2026,
            packs: packs(&numbers),
            items: 4,
            files: 12,
            bytes: 20_480,
            root: dengbei_chain::root(&hashes),
            application: document(),
            unit_key: [1; 32],
            unit_signature: [2; 64],
        };
        self.state(Subject::Batch(batch), hashes, Fact::BatchApplied(fact))
    }

    fn decline(&mut self, batch13: EventHash) {
        let applied = self.apply(DECLINED, &[(13, batch13)]);
        let fact =
            BatchDeclined { batch: DECLINED, reasons: vec!["desk.wrong".into()], decision: document() };
        self.state(Subject::Batch(DECLINED), vec![applied], Fact::BatchDeclined(fact));
    }

    /// Application to certificate.
    fn register(&mut self, batch: Uuid, n: u32, of: &[(u64, EventHash)]) -> EventHash {
        let applied = self.apply(batch, of);
        let root = dengbei_chain::root(&of.iter().map(|(_, hash)| *hash).collect::<Vec<_>>());
        let fact = BatchRegistered {
            batch,
            registration_no: number(Series::Registration, n),
            unit_uscc: unit(),
            items: 4,
            root,
            decision: document(),
            administration_key: [1; 32],
            administration_signature: [2; 64],
        };
        let registered = self.state(Subject::Batch(batch), vec![applied], Fact::BatchRegistered(fact));
        let secured: Vec<EventHash> =
            of.iter().map(|(pack, filed)| self.secure(batch, *pack, *filed, registered)).collect();
        let fact = CertificateIssued {
            certificate_no: number(Series::Certificate, n),
            registration_no: number(Series::Registration, n),
            batch,
            unit_uscc: unit(),
            items: 4,
            root,
            certificate: document(),
            administration_key: [1; 32],
            administration_signature: [2; 64],
        };
        let subject = Subject::Certificate(fact.certificate_no.clone());
        self.state(subject, secured, Fact::CertificateIssued(fact))
    }

    fn secure(&mut self, batch: Uuid, pack: u64, filed: EventHash, registered: EventHash) -> EventHash {
        let mut causes = vec![registered, filed];
        for site in SITES {
            causes.push(self.keep(site, pack, Purpose::Backup, vec![filed, registered]));
        }
        let fact = PackSecured {
            pack: PackNumber::new(pack),
            generation: 0,
            policy: "default/1".into(),
            receipts: SITES.map(|site| receipt(site, pack, Purpose::Backup)).to_vec(),
            batch,
        };
        self.state(Subject::Pack(PackNumber::new(pack)), causes, Fact::PackSecured(fact))
    }

    /// Packed with item 2 among them, accepted and accessioned without.
    fn hand_over(&mut self, certificate: EventHash, fit: &[(u8, EventHash)], unfit: EventHash) {
        let transfer_no = number(Series::Transfer, 1);
        let subject = Subject::Transfer(transfer_no.clone());
        let mut all = fit.to_vec();
        all.insert(2, (2, unfit));
        let whole = list("transfer.packed", &all);
        let packed = TransferPacked {
            transfer_no: transfer_no.clone(),
            unit_uscc: unit(),
            fonds_no: "J019".parse().unwrap(),
            items: 4,
            bytes: 20_480,
            root: whole.root(),
            members: whole.document().unwrap().1,
            packs: packs(&[12, 13]),
        };
        let packed = self.state(subject.clone(), vec![certificate], Fact::TransferPacked(packed));
        let left = list("transfer.submitted", fit);
        let members = left.document().unwrap().1;
        let by_unit = self.check(Side::Unit, 1, vec![packed]);
        let submitted = TransferSubmitted {
            transfer_no: transfer_no.clone(),
            items: 3,
            bytes: 20_480,
            root: left.root(),
            members: members.clone(),
            digests: document(),
            unit_key: [1; 32],
            unit_signature: [2; 64],
        };
        let causes = vec![packed, by_unit, certificate];
        let submitted = self.state(subject.clone(), causes, Fact::TransferSubmitted(submitted));
        let by_archive = self.check(Side::Archive, 0, vec![submitted]);
        let accepted = TransferAccepted {
            transfer_no: transfer_no.clone(),
            items: 3,
            bytes: 20_480,
            root: left.root(),
            members: members.clone(),
            handover: document(),
            unit_key: [1; 32],
            unit_signature: [2; 64],
            archive_key: [3; 32],
            archive_signature: [4; 64],
            packs: packs(&[12, 13]),
        };
        let causes = vec![submitted, by_archive, certificate];
        let accepted = self.state(subject.clone(), causes, Fact::TransferAccepted(accepted));
        let stored = [12, 13].map(|pack| self.keep("archive", pack, Purpose::Accession, vec![accepted]));
        let storing = self.check(Side::Storing, 0, vec![accepted, stored[0], stored[1]]);
        let moved = ItemAccessioned { transfer_no, items: 3, root: left.root(), members };
        let moved = self.state(subject, vec![accepted, storing], Fact::ItemAccessioned(moved));
        self.lists.insert(moved, left);
    }

    fn check(&mut self, side: Side, unfit: u32, causes: Vec<EventHash>) -> EventHash {
        let fact = TransferChecked {
            transfer_no: number(Series::Transfer, 1),
            side,
            scheme: "default/1".into(),
            engine: "0.1.0".into(),
            checked: 3 + unfit,
            unfit,
            root: Sha256::of(b"fit"),
            report: document(),
        };
        self.state(Subject::Transfer(fact.transfer_no.clone()), causes, Fact::TransferChecked(fact))
    }

    fn damage_and_repair(&mut self) {
        let inspected = PackInspected {
            run: Uuid::from_u128(9),
            site: "primary".into(),
            packs: 3,
            bytes: 30_720,
            first: PackNumber::new(12),
            last: PackNumber::new(14),
            report: document(),
        };
        self.state(Subject::Site("primary".into()), vec![], Fact::PackInspected(inspected));
        let subject = Subject::Pack(PackNumber::new(12));
        let damaged = PackDamaged {
            site: "remote".into(),
            pack: PackNumber::new(12),
            generation: 0,
            kind: Damage::Damaged,
            expected: Sha256::of(b"p"),
            found: Some(Sha256::of(b"x")),
            found_bytes: 10_240,
        };
        let damaged = self.state(subject.clone(), vec![], Fact::PackDamaged(damaged));
        let repaired = PackRepaired {
            from_site: "primary".into(),
            bad_digest: Some(Sha256::of(b"x")),
            receipt: receipt("remote", 12, Purpose::Backup),
        };
        self.state(subject, vec![damaged], Fact::PackRepaired(repaired));
        let missing = PackMissing { site: "remote".into(), pack: PackNumber::new(13), generation: 0 };
        self.state(Subject::Pack(PackNumber::new(13)), vec![], Fact::PackMissing(missing));
    }
}

pub(crate) fn transfer_no() -> String {
    number(Series::Transfer, 1).to_string()
}
