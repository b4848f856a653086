//! From filing to the archive: applications, registrations, receipts, certificates and transfers, against each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dengbei_chain::facts::{
    BatchApplied, BatchRegistered, CertificateIssued, ItemAccessioned, PackSecured, SiteReceipt,
    TransferAccepted, TransferPacked, TransferSubmitted, Witness,
};
use dengbei_chain::{DocumentRef, Event, Fact, MemberList};
use dengbei_records::{AreaCode, EventHash, SerialNo, Sha256};
use uuid::Uuid;

use super::history::History;
use super::packs::Documents;
use super::{Report, is_signed};

/// How many sites must sign before a pack is secured, beside being different ones.
const ENOUGH: usize = 3;

/// What the log tells of batches, copies and transfers.
#[derive(Debug, Default)]
pub(super) struct Life {
    applied: HashMap<Uuid, (EventHash, BatchApplied)>,
    declined: BTreeSet<Uuid>,
    registered: HashMap<Uuid, (EventHash, BatchRegistered)>,
    secured: BTreeMap<u64, (EventHash, PackSecured)>,
    certified: HashMap<Uuid, (EventHash, CertificateIssued)>,
    packed: BTreeMap<SerialNo, (EventHash, TransferPacked)>,
    submitted: BTreeMap<SerialNo, (EventHash, TransferSubmitted)>,
    accepted: BTreeMap<SerialNo, (EventHash, TransferAccepted)>,
    accessioned: BTreeMap<SerialNo, (EventHash, ItemAccessioned)>,
    /// Newest standing of each copy: (site, pack) → whether it should be there and good.
    pub(super) copies: BTreeMap<(String, u64), bool>,
    /// Every receipt, by the event that carries it.
    receipts: Vec<(EventHash, SiteReceipt)>,
}

impl Life {
    /// Sorts the log and compares. Invariants: `registration.*`, `secured.*`, `certificate.*`, `transfer.*`,
    /// `custody.once`, `receipt.signature`, `serial.gap_free`.
    pub(super) fn of(events: &[Event], history: &History, report: &mut Report) -> Self {
        let mut life = Self::default();
        for event in events {
            life.take(event, report);
        }
        if let Some(area) = events.first().map(|event| &event.area) {
            life.signatures(area, report);
        }
        let causes: HashMap<EventHash, &[EventHash]> =
            events.iter().map(|event| (event.hash, event.causes.as_slice())).collect();
        life.registrations(history, &causes, report);
        life.certificates(&causes, report);
        life.transfers(&causes, report);
        life.serials(report);
        report.count("登记批 registration batches", life.registered.len() as u64);
        report.count("登记证书 certificates", life.certified.len() as u64);
        report.count("进馆移交 transfers accessioned", life.accessioned.len() as u64);
        report.count("备份回执 site receipts", life.receipts.len() as u64);
        life
    }

    fn take(&mut self, event: &Event, report: &mut Report) {
        let hash = event.hash;
        let twice = match &event.fact {
            Some(Fact::BatchApplied(f)) => self.applied.insert(f.batch, (hash, f.clone())).is_some(),
            Some(Fact::BatchDeclined(f)) => !self.declined.insert(f.batch),
            Some(Fact::BatchRegistered(f)) => self.registered.insert(f.batch, (hash, f.clone())).is_some(),
            Some(Fact::PackSecured(f)) => self.secured.insert(f.pack.get(), (hash, f.clone())).is_some(),
            Some(Fact::CertificateIssued(f)) => self.certified.insert(f.batch, (hash, f.clone())).is_some(),
            Some(Fact::TransferPacked(f)) => {
                self.packed.insert(f.transfer_no.clone(), (hash, f.clone())).is_some()
            }
            Some(Fact::TransferSubmitted(f)) => {
                self.submitted.insert(f.transfer_no.clone(), (hash, f.clone())).is_some()
            }
            Some(Fact::TransferAccepted(f)) => {
                self.accepted.insert(f.transfer_no.clone(), (hash, f.clone())).is_some()
            }
            Some(Fact::ItemAccessioned(f)) => {
                self.accessioned.insert(f.transfer_no.clone(), (hash, f.clone())).is_some()
            }
            _ => false,
        };
        if twice {
            report.find("life.once", hash, format!("{} 发生两次 / happened twice", event.fact_name()));
        }
        self.take_copy(event);
    }

    fn take_copy(&mut self, event: &Event) {
        let mut stands = |site: &str, pack: u64, is_good| {
            self.copies.insert((site.to_owned(), pack), is_good);
        };
        match &event.fact {
            Some(Fact::PackStored(f)) => {
                stands(&f.receipt.site, f.receipt.pack.get(), true);
                self.receipts.push((event.hash, f.receipt.clone()));
            }
            Some(Fact::PackRepaired(f)) => {
                stands(&f.receipt.site, f.receipt.pack.get(), true);
                self.receipts.push((event.hash, f.receipt.clone()));
            }
            Some(Fact::PackDamaged(f)) => stands(&f.site, f.pack.get(), false),
            Some(Fact::PackMissing(f)) => stands(&f.site, f.pack.get(), false),
            _ => {}
        }
    }

    fn signatures(&self, area: &AreaCode, report: &mut Report) {
        let mut check = |is_right: bool, what: &str, place: String| {
            if !is_right {
                report.find("life.signature", place, format!("{what} 签名不对 / signature is wrong"));
            }
        };
        for (_, f) in self.applied.values() {
            let text = BatchApplied::signed_text(area, f.batch, &f.root, &f.application.digest);
            check(is_signed(&f.unit_key, &text, &f.unit_signature), "batch.applied", f.batch.to_string());
        }
        for (_, f) in self.registered.values() {
            let text =
                BatchRegistered::signed_text(area, &f.registration_no, f.batch, &f.root, &f.decision.digest);
            let is_right = is_signed(&f.administration_key, &text, &f.administration_signature);
            check(is_right, "batch.registered", f.registration_no.to_string());
        }
        for (_, f) in self.certified.values() {
            let digest = &f.certificate.digest;
            let text = CertificateIssued::signed_text(area, &f.certificate_no, &f.registration_no, digest);
            let is_right = is_signed(&f.administration_key, &text, &f.administration_signature);
            check(is_right, "certificate.issued", f.certificate_no.to_string());
        }
        for (_, f) in self.submitted.values() {
            let (members, digests) = (&f.members.digest, &f.digests.digest);
            let text = TransferSubmitted::signed_text(area, &f.transfer_no, &f.root, members, digests);
            let is_right = is_signed(&f.unit_key, &text, &f.unit_signature);
            check(is_right, "transfer.submitted", f.transfer_no.to_string());
        }
        for (_, f) in self.accepted.values() {
            let text = TransferAccepted::signed_text(area, &f.transfer_no, &f.root, &f.handover.digest);
            let is_right = is_signed(&f.unit_key, &text, &f.unit_signature)
                && is_signed(&f.archive_key, &text, &f.archive_signature);
            check(is_right, "transfer.accepted", f.transfer_no.to_string());
        }
        for (hash, receipt) in &self.receipts {
            if let Witness::Signed { key, signature } = &receipt.witness {
                let text = receipt.signed_text(area);
                check(is_signed(key, &text, signature), "pack.stored", hash.to_string());
            }
        }
    }

    fn registrations(
        &self,
        history: &History,
        causes: &HashMap<EventHash, &[EventHash]>,
        report: &mut Report,
    ) {
        let mut taken: BTreeMap<u64, Uuid> = BTreeMap::new();
        for (batch, (hash, f)) in &self.applied {
            let filed: Vec<EventHash> =
                f.packs.iter().filter_map(|p| Some(history.batches.get(&p.get())?.0)).collect();
            if filed != causes[hash] || dengbei_chain::root(&filed) != f.root {
                report.find("registration.root", batch, "与归档批不符 / not the root of its filing batches");
            }
            let items: u32 =
                f.packs.iter().filter_map(|p| Some(history.batches.get(&p.get())?.1.count)).sum();
            if items != f.items {
                report.find("registration.items", batch, format!("{} / {items}", f.items));
            }
            for pack in f.packs.iter().filter(|_| !self.declined.contains(batch)) {
                if let Some(other) = taken.insert(pack.get(), *batch) {
                    report.find("registration.once", pack, format!("{other}, {batch}"));
                }
            }
        }
        for (batch, (hash, f)) in &self.registered {
            let applied = self.applied.get(batch);
            let is_right = applied.is_some_and(|(cause, a)| causes[hash].contains(cause) && a.root == f.root);
            if !is_right || self.declined.contains(batch) {
                report.find(
                    "registration.applied",
                    &f.registration_no,
                    "与申请不符 / not what was applied for",
                );
            }
        }
        self.secured(history, causes, report);
    }

    fn secured(&self, history: &History, causes: &HashMap<EventHash, &[EventHash]>, report: &mut Report) {
        let stored: HashMap<EventHash, &SiteReceipt> =
            self.receipts.iter().map(|(hash, receipt)| (*hash, receipt)).collect();
        for (hash, receipt) in &self.receipts {
            let stated = history.pack(receipt.pack.get());
            if stated.is_none_or(|(_, digest, bytes)| (digest, bytes) != (receipt.digest, receipt.bytes)) {
                report.find(
                    "receipt.digest",
                    hash,
                    format!("包 {}: 摘要不符 / another digest", receipt.pack),
                );
            }
        }
        for (pack, (hash, f)) in &self.secured {
            let registered = self.registered.get(&f.batch);
            let is_registered = registered.is_some_and(|(cause, _)| causes[hash].contains(cause));
            let sites: BTreeSet<&str> = f
                .receipts
                .iter()
                .filter(|r| r.purpose == dengbei_chain::facts::Purpose::Backup && r.pack.get() == *pack)
                .filter(|r| causes[hash].iter().any(|c| stored.get(c) == Some(r)))
                .map(|r| r.site.as_str())
                .collect();
            if !is_registered || sites.len() < ENOUGH {
                let text = format!("已登记 registered: {is_registered}, 备份点 sites: {sites:?}");
                report.find("secured.enough", pack, text);
            }
        }
    }

    fn certificates(&self, causes: &HashMap<EventHash, &[EventHash]>, report: &mut Report) {
        for (batch, (hash, f)) in &self.certified {
            let Some((_, applied)) = self.applied.get(batch) else {
                report.find("certificate.batch", &f.certificate_no, "没有登记批 / no such batch");
                continue;
            };
            let registered = self.registered.get(batch);
            let is_registered =
                registered.is_some_and(|(_, r)| r.registration_no == f.registration_no && r.root == f.root);
            let is_secured = applied.packs.iter().all(|pack| {
                let secured = self.secured.get(&pack.get());
                secured.is_some_and(|(cause, s)| causes[hash].contains(cause) && s.batch == *batch)
            });
            if !is_registered || !is_secured {
                let text = format!("已登记 registered: {is_registered}, 备份达标 secured: {is_secured}");
                report.find("certificate.grounds", &f.certificate_no, text);
            }
        }
    }

    fn transfers(&self, causes: &HashMap<EventHash, &[EventHash]>, report: &mut Report) {
        for (number, (hash, f)) in &self.submitted {
            let packed = self.packed.get(number);
            if packed.is_none_or(|(cause, p)| !causes[hash].contains(cause) || f.items > p.items) {
                report.find("transfer.order", number, "移交在组包之前 / submitted before it was packed");
            }
        }
        for (number, (hash, f)) in &self.accepted {
            let submitted = self.submitted.get(number);
            if submitted.is_none_or(|(cause, s)| !causes[hash].contains(cause) || f.items > s.items) {
                report.find("transfer.order", number, "交接在移交之前 / accepted before it was submitted");
            }
        }
        for (number, (hash, f)) in &self.accessioned {
            let accepted = self.accepted.get(number);
            let is_right = accepted.is_some_and(|(cause, a)| {
                causes[hash].contains(cause) && (a.root, a.items) == (f.root, f.items)
            });
            if !is_right {
                report.find("transfer.order", number, "进馆与交接不符 / not what was accepted");
            }
        }
    }

    /// Numbers of each series and year run from 1 without gaps.
    fn serials(&self, report: &mut Report) {
        let registrations = self.registered.values().map(|(_, f)| &f.registration_no);
        let certificates = self.certified.values().map(|(_, f)| &f.certificate_no);
        let mut given: BTreeMap<(String, u16), Vec<u32>> = BTreeMap::new();
        for number in registrations.chain(certificates).chain(self.packed.keys()) {
            let series = number.series().prefix().to_owned();
            given.entry((series, number.year())).or_default().push(number.sequence());
        }
        for ((series, year), mut numbers) in given {
            numbers.sort_unstable();
            if !numbers.iter().copied().eq(1..=numbers.len() as u32) {
                report.find("serial.gap_free", format!("{series} {year}"), format!("{numbers:?}"));
            }
        }
    }

    /// Every transfer's member list makes its root, and custody of an item's version moves once.
    pub(super) fn members(&self, documents: &Documents, has_tables: bool, report: &mut Report) {
        let mut moved: HashMap<EventHash, &SerialNo> = HashMap::new();
        for (number, (_, f)) in &self.accessioned {
            let Some(hashes) = list(documents, &f.members) else {
                if has_tables {
                    report.find("transfer.members", number, "成员清单缺失或不符 / no member list that reads");
                }
                continue;
            };
            if hashes.len() != f.items as usize || dengbei_chain::root(&hashes) != f.root {
                report.find("transfer.members", number, "成员清单与根不符 / the list does not make the root");
            }
            for hash in hashes {
                if let Some(other) = moved.insert(hash, number) {
                    report.find("custody.once", hash, format!("{other}, {number}"));
                }
            }
        }
        report.count("已进馆 accessioned", moved.len() as u64);
    }

    /// The public key that each site signs with, as receipts tell it.
    pub(super) fn site_keys(&self) -> BTreeMap<&str, BTreeSet<&PublicKey>> {
        let mut keys: BTreeMap<&str, BTreeSet<&PublicKey>> = BTreeMap::new();
        for (_, receipt) in &self.receipts {
            if let Witness::Signed { key, .. } = &receipt.witness {
                keys.entry(&receipt.site).or_default().insert(key);
            }
        }
        keys
    }
}

/// An Ed25519 public key.
type PublicKey = [u8; 32];

fn list(documents: &Documents, reference: &DocumentRef) -> Option<Vec<EventHash>> {
    let digest: &Sha256 = &reference.digest;
    MemberList::read(documents.get(digest)?, reference).ok().map(|list| list.hashes())
}
