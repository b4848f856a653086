//! One item's whole life with everything that surrounds it, as large as the rules allow or as small as a test wants.

use dengbei_chain::facts::*;
use dengbei_chain::{Actor, Draft, Encoded, Subject};
use dengbei_evidence::{Parts, Stage};
use dengbei_records::*;
use dengbei_register::{Checkpoint, NodeHash, Signer, Verifier, node_hash};
use ed25519_dalek::{Signer as _, SigningKey};
use uuid::Uuid;

/// How much stands around the item.
pub(crate) struct Sizes {
    pub(crate) run: u32,
    pub(crate) pack: u32,
    pub(crate) packs: u64,
    pub(crate) sites: u8,
    pub(crate) certificates: u8,
    pub(crate) transfer: u32,
    /// The log holds 2 to this power entries.
    pub(crate) log: u32,
}

impl Sizes {
    pub(crate) const SMALL: Self =
        Self { run: 5, pack: 5, packs: 2, sites: 3, certificates: 2, transfer: 7, log: 4 };
    /// What the rules allow at most; the log beyond thirty million entries.
    pub(crate) const LARGEST: Self =
        Self { run: 256, pack: 256, packs: 8, sites: 3, certificates: 5, transfer: 12_000, log: 25 };
}

/// Events that a test may exchange before the receipt is put together.
pub(crate) struct Life {
    pub(crate) run: Vec<EventHash>,
    pub(crate) pack: Vec<EventHash>,
    pub(crate) batch: Vec<EventHash>,
    pub(crate) transfer: Vec<EventHash>,
    pub(crate) prefiled: Encoded,
    pub(crate) checked: Encoded,
    pub(crate) filed: Encoded,
    pub(crate) batch_filed: Encoded,
    pub(crate) applied: Encoded,
    pub(crate) registered: Encoded,
    pub(crate) secured: Encoded,
    pub(crate) certificate: Encoded,
    pub(crate) accepted: Encoded,
    pub(crate) accessioned: Encoded,
    log: u32,
}

/// What a test spoils on the way.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    #[default]
    Nothing,
    UnitOfBatch,
    UnitOfApplication,
    Registration,
    Site,
    SiteOfOtherBytes,
    SiteTwice,
    Certificate,
    CertificateOfOtherBatch,
    HandoverUnit,
    HandoverArchive,
    AccessionOfOtherItems,
    AccessionUncaused,
}

const AT: i64 = 1_790_000_000_000;
const PACK: u64 = 120_003;

pub(crate) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

pub(crate) fn item(n: u8) -> ItemId {
    ItemId::derive(&IdKey::from_bytes([n; 32]), &"ZWFW".parse().unwrap(), "1")
}

pub(crate) fn register() -> Signer {
    Signer::from_seed("dengbei/330382".parse().unwrap(), &[9; 32])
}

pub(crate) fn verifier() -> Verifier {
    register().verifier().clone()
}

fn unit() -> UnitCode {
    "11511301008778183N".parse().unwrap()
}

fn serial(series: Series, n: u32) -> SerialNo {
    SerialNo::new(series, area(), 2026, n).unwrap()
}

fn event(subject: Subject, fact: Fact, causes: Vec<EventHash>) -> Encoded {
    let (id, recorded_at) = (Uuid::from_u128(7), Timestamp::from_millis(AT));
    Draft { id, area: area(), subject, causes, actor: Some(Actor([1; 16])), recorded_at, fact }
        .encode()
        .unwrap()
}

/// Hashes of events that the receipt does not carry.
fn others(count: usize, of: &str) -> Vec<EventHash> {
    (0..count).map(|n| EventHash::of(format!("{of} {n}").as_bytes())).collect()
}

/// `hash` among `count` leaves, where its path is longest.
fn among(hash: EventHash, count: usize, of: &str) -> Vec<EventHash> {
    let mut leaves = others(count, of);
    leaves[count / 3] = hash;
    leaves
}

fn document(media_type: &str) -> DocumentRef {
    DocumentRef { digest: Sha256::of(media_type.as_bytes()), bytes: 4_000_000, media_type: media_type.into() }
}

fn members() -> DocumentRef {
    document(dengbei_chain::MEMBERS)
}

fn paper() -> DocumentRef {
    document(papers::MEDIA_TYPE)
}

fn key(of: &str) -> SigningKey {
    SigningKey::from_bytes(Sha256::of(of.as_bytes()).as_bytes())
}

/// Key and signature of `of` over `text`; over another text when spoilt.
fn signed(of: &str, text: &str, is_spoilt: bool) -> ([u8; 32], [u8; 64]) {
    let text = if is_spoilt { "something else" } else { text };
    (key(of).verifying_key().to_bytes(), key(of).sign(text.as_bytes()).to_bytes())
}

impl Life {
    pub(crate) fn new(sizes: &Sizes, spoil: Spoil) -> Self {
        let prefiled = event(Subject::Item(item(1)), Fact::ItemPrefiled(prefiled(1)), vec![]);
        let run = among(prefiled.hash, sizes.run as usize, "prefiled");
        let checked = event(Subject::Run(Uuid::nil()), Fact::ItemChecked(checked(&run)), vec![]);
        let causes = vec![prefiled.hash, checked.hash];
        let filed = event(Subject::Item(item(1)), Fact::ItemFiled(filed()), causes);
        let pack = among(filed.hash, sizes.pack as usize, "filed");
        let batch = batch_filed(&pack, spoil);
        let subject = Subject::Pack(batch.pack);
        let batch_filed = event(subject.clone(), Fact::BatchFiled(batch.clone()), vec![]);
        let batch_leaves = among(batch_filed.hash, sizes.packs as usize, "batch.filed");
        let application = applied(&batch_leaves, spoil);
        let root = application.root;
        let of_batch = Subject::Batch(application.batch);
        let applied = event(of_batch.clone(), Fact::BatchApplied(application), batch_leaves.clone());
        let registered = event(of_batch, Fact::BatchRegistered(registered(root, spoil)), vec![applied.hash]);
        let mut causes = vec![registered.hash, batch_filed.hash];
        causes.extend(others(usize::from(sizes.sites), "stored"));
        let secured = event(subject, Fact::PackSecured(secured(&batch, sizes.sites, spoil)), causes);
        let causes = among(secured.hash, sizes.packs as usize, "secured");
        let certificate = certificate(root, spoil);
        let subject = Subject::Certificate(certificate.certificate_no.clone());
        let certificate = event(subject, Fact::CertificateIssued(certificate), causes);
        let transfer = among(filed.hash, sizes.transfer as usize, "filed");
        let mut causes = others(2, "submitted, checked");
        causes.extend(among(certificate.hash, usize::from(sizes.certificates), "certificate"));
        let accepted = accepted(&transfer, sizes, spoil);
        let (number, root) = (accepted.transfer_no.clone(), accepted.root);
        let subject = Subject::Transfer(number.clone());
        let accepted = event(subject.clone(), Fact::TransferAccepted(accepted), causes);
        let is_other = spoil == Spoil::AccessionOfOtherItems;
        let root = if is_other { Sha256::of(b"other items") } else { root };
        let moved = ItemAccessioned { transfer_no: number, items: sizes.transfer, root, members: members() };
        let mut causes = vec![accepted.hash, others(1, "storing")[0]];
        if spoil == Spoil::AccessionUncaused {
            causes.remove(0);
        }
        let accessioned = event(subject, Fact::ItemAccessioned(moved), causes);
        Self {
            run,
            pack,
            batch: batch_leaves,
            transfer,
            prefiled,
            checked,
            filed,
            batch_filed,
            applied,
            registered,
            secured,
            certificate,
            accepted,
            accessioned,
            log: sizes.log,
        }
    }

    /// The parts of a receipt at `stage`, as `registration` gathers them.
    pub(crate) fn parts(&self, stage: Stage) -> Parts {
        let mut events = vec![&self.prefiled, &self.checked, &self.filed, &self.batch_filed];
        let mut memberships = vec![(0, 1, self.run.clone()), (2, 3, self.pack.clone())];
        if (Stage::Applied..Stage::Certified).contains(&stage) {
            memberships.push((3, 4, self.batch.clone()));
            events.push(&self.applied);
        }
        for (from, event) in [(Stage::Registered, &self.registered), (Stage::Secured, &self.secured)] {
            if stage >= from {
                events.push(event);
            }
        }
        if stage >= Stage::Certified {
            memberships.push((3, events.len() as u32, self.batch.clone()));
            events.push(&self.certificate);
        }
        if stage >= Stage::Accepted {
            events.push(&self.accepted);
        }
        if stage >= Stage::Accessioned {
            events.push(&self.accessioned);
        }
        let last = events.len() as u32 - 1;
        if stage >= Stage::Accepted {
            memberships.push((2, last, self.transfer.clone()));
        }
        let (index, path, checkpoint) = self.logged(events[last as usize].hash);
        Parts {
            item: item(1),
            data_version: DataVersion::FIRST,
            events: events.iter().map(|e| e.bytes.to_vec()).collect(),
            memberships,
            included: last,
            index,
            path,
            checkpoint,
        }
    }

    /// A log that holds `hash` and whatever else: its siblings on the way to the root are made up.
    fn logged(&self, hash: EventHash) -> (u64, Vec<NodeHash>, String) {
        let size = 1_u64 << self.log;
        let index = size / 3;
        let mut node = NodeHash::from(*hash.as_bytes());
        let mut path = Vec::new();
        for level in 0..self.log {
            let sibling = NodeHash::from(*Sha256::of(&level.to_be_bytes()).as_bytes());
            let is_right = (index >> level) & 1 == 1;
            node = if is_right { node_hash(&sibling, &node) } else { node_hash(&node, &sibling) };
            path.push(sibling);
        }
        let note = Checkpoint::new("dengbei/330382", size, node).unwrap().sign(&register()).unwrap();
        (index, path, String::from_utf8(note.to_vec()).unwrap())
    }
}

pub(crate) fn prefiled(n: u8) -> ItemPrefiled {
    ItemPrefiled {
        item: item(n),
        data_version: DataVersion::FIRST,
        submission: SubmissionId::from_uuid(Uuid::from_u128(n.into())),
        source_system: "ZJZWFWW-TZXM".parse().unwrap(),
        matter_code: "511Z07001006-511602000000".parse().unwrap(),
        unit_uscc: unit(),
        retention: Retention::ThirtyYears,
        year: 2026,
        scope_version: "2026-01".into(),
        reception: Sha256::of(b"reception"),
        files: 300,
        bytes: 4_000_000_000,
        warned: ["A-08", "I-12", "U-03", "S-02"].map(String::from).to_vec(),
        event_type: EventType::Other,
    }
}

/// An event that nothing in the receipt speaks of.
pub(crate) fn stranger() -> Encoded {
    event(Subject::Item(item(9)), Fact::ItemPrefiled(prefiled(9)), vec![])
}

fn checked(run: &[EventHash]) -> ItemChecked {
    ItemChecked {
        stage: "G".into(),
        scheme: "zhejiang-county/12".into(),
        engine: "0.12.0+20261121".into(),
        verdict: Verdict::Passed { count: run.len() as u32, root: dengbei_chain::root(run) },
        report: members(),
    }
}

fn filed() -> ItemFiled {
    ItemFiled {
        item: item(1),
        data_version: DataVersion::FIRST,
        archival_code: "J019-ZY·QT·2026·D30-00001".parse().unwrap(),
        pack: PackNumber::new(PACK),
        object_version: 1,
        record: Sha256::of(b"record"),
        inventory: Sha512::of(b"inventory"),
        submission: SubmissionId::from_uuid(Uuid::from_u128(1)),
    }
}

fn batch_filed(pack: &[EventHash], spoil: Spoil) -> BatchFiled {
    let (number, root, digest) = (PackNumber::new(PACK), dengbei_chain::root(pack), Sha256::of(b"pack"));
    let text = BatchFiled::signed_text(&area(), number, &root, &digest);
    let (unit_key, unit_signature) = signed("unit", &text, spoil == Spoil::UnitOfBatch);
    BatchFiled {
        pack: number,
        generation: 1,
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        retention: Retention::ThirtyYears,
        count: pack.len() as u32,
        root,
        pack_digest: digest,
        pack_bytes: 67_108_864,
        versions_root: Sha256::of(b"versions"),
        unit_uscc: unit(),
        unit_key,
        unit_signature,
        members: members(),
    }
}

fn applied(batch: &[EventHash], spoil: Spoil) -> BatchApplied {
    let (id, root, application) = (Uuid::from_u128(8), dengbei_chain::root(batch), paper());
    let text = BatchApplied::signed_text(&area(), id, &root, &application.digest);
    let (unit_key, unit_signature) = signed("unit", &text, spoil == Spoil::UnitOfApplication);
    BatchApplied {
        batch: id,
        kind: "1".into(),
        unit_uscc: unit(),
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        packs: (0..batch.len() as u64).map(|n| PackNumber::new(PACK + n)).collect(),
        items: 2048,
        files: 9000,
        bytes: 500_000_000,
        root,
        application,
        unit_key,
        unit_signature,
    }
}

fn registered(root: Sha256, spoil: Spoil) -> BatchRegistered {
    let (batch, number, decision) = (Uuid::from_u128(8), serial(Series::Registration, 120_001), paper());
    let text = BatchRegistered::signed_text(&area(), &number, batch, &root, &decision.digest);
    let (key, signature) = signed("administration", &text, spoil == Spoil::Registration);
    BatchRegistered {
        batch,
        registration_no: number,
        unit_uscc: unit(),
        items: 2048,
        root,
        decision,
        administration_key: key,
        administration_signature: signature,
    }
}

fn secured(batch: &BatchFiled, sites: u8, spoil: Spoil) -> PackSecured {
    let receipt = |n: u8| {
        let is_first = n == 0;
        let mut receipt = SiteReceipt {
            site: format!("jiaxing-haiyan-{}", if spoil == Spoil::SiteTwice { 0 } else { n }),
            class: "archive".into(),
            purpose: Purpose::Backup,
            pack: batch.pack,
            generation: batch.generation,
            digest: batch.pack_digest,
            versions_root: batch.versions_root,
            bytes: batch.pack_bytes,
            stored_at: Timestamp::from_millis(AT),
            witness: Witness::ObservedBy(String::new()),
        };
        if is_first && spoil == Spoil::SiteOfOtherBytes {
            receipt.digest = Sha256::of(b"other bytes");
        }
        let (key, signature) =
            signed(&receipt.site, &receipt.signed_text(&area()), is_first && spoil == Spoil::Site);
        receipt.witness = Witness::Signed { key, signature };
        receipt
    };
    PackSecured {
        pack: batch.pack,
        generation: batch.generation,
        policy: "default/1".into(),
        receipts: (0..sites).map(receipt).collect(),
        batch: Uuid::from_u128(8),
    }
}

fn certificate(root: Sha256, spoil: Spoil) -> CertificateIssued {
    let (number, registration) =
        (serial(Series::Certificate, 120_001), serial(Series::Registration, 120_001));
    let certificate = paper();
    let text = CertificateIssued::signed_text(&area(), &number, &registration, &certificate.digest);
    let (key, signature) = signed("administration", &text, spoil == Spoil::Certificate);
    let batch = if spoil == Spoil::CertificateOfOtherBatch { 9 } else { 8 };
    CertificateIssued {
        certificate_no: number,
        registration_no: registration,
        batch: Uuid::from_u128(batch),
        unit_uscc: unit(),
        items: 2048,
        root,
        certificate,
        administration_key: key,
        administration_signature: signature,
    }
}

fn accepted(transfer: &[EventHash], sizes: &Sizes, spoil: Spoil) -> TransferAccepted {
    let (number, root, handover) =
        (serial(Series::Transfer, 120_001), dengbei_chain::root(transfer), paper());
    let text = TransferAccepted::signed_text(&area(), &number, &root, &handover.digest);
    let (unit_key, unit_signature) = signed("unit", &text, spoil == Spoil::HandoverUnit);
    let (archive_key, archive_signature) = signed("archive", &text, spoil == Spoil::HandoverArchive);
    let packs = sizes.packs * u64::from(sizes.certificates);
    TransferAccepted {
        transfer_no: number,
        items: transfer.len() as u32,
        bytes: 3_000_000_000,
        root,
        members: members(),
        handover,
        unit_key,
        unit_signature,
        archive_key,
        archive_signature,
        packs: (0..packs).map(|n| PackNumber::new(PACK + n)).collect(),
    }
}
