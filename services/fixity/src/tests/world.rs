//! A mesh around fixity's own handler: filed packs on three sites, the events that say so, registration's documents.

use std::sync::Arc;

use dengbei_chain::facts::{
    BatchFiled, ItemFiled, PackStored, Purpose, Side, SiteReceipt, TransferAccepted, TransferChecked,
    TransferPacked, TransferSubmitted,
};
use dengbei_chain::{
    DocumentRef, Draft, Event, Fact, Ids as _, Member, MemberList, RandomIds, Subject, TransferReport, root,
};
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Drain, RoleConfig, documents, grpc};
use dengbei_ocfl::{
    ContentFile, ObjectBuilder, ObjectVersion, PackPlan, PackWriter, Stamp, User, VersionPlace,
};
use dengbei_records::{
    ArchivalCode, ClassCode, Clock as _, EventHash, EventType, IdKey, ItemId, PackNumber, Reception, Record,
    Retention, SerialNo, Series, Sha256, SubmissionId, SystemClock, Timestamp, canonical,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::desk::{Desk, area};
use super::door::Staged;
use super::storage::Storage;
use crate::sites::Sites;
use crate::store::runs::{self, Run};
use crate::transfer::Transfers;

/// A filed pack with everything that speaks of it.
#[derive(Debug, Clone)]
pub(super) struct Filed {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) items: Vec<Event>,
    pub(super) batch: Event,
    pub(super) places: Vec<VersionPlace>,
}

impl Filed {
    pub(super) fn members(&self) -> Vec<Member> {
        self.items.iter().map(member).collect()
    }

    pub(super) fn hash(&self, at: usize) -> EventHash {
        self.items[at].hash
    }
}

fn member(event: &Event) -> Member {
    let Some(Fact::ItemFiled(filed)) = &event.fact else { panic!("{event:?}") };
    Member {
        event: event.hash,
        item: filed.item,
        data_version: filed.data_version,
        detail: serde_json::Value::Null,
    }
}

pub(super) struct World {
    pub(super) desk: Desk,
    pub(super) primary: Storage,
    pub(super) archive: Storage,
    pub(super) remote: Storage,
    pub(super) transfers: Transfers,
    pub(super) sites: Sites,
    unit: SealKeys,
    folder: TempDir,
}

pub(super) fn event(subject: Subject, causes: Vec<EventHash>, fact: Fact) -> Event {
    let (id, recorded_at) = (RandomIds.next(), SystemClock.now());
    let draft = Draft { id, area: area(), subject, causes, actor: None, recorded_at, fact };
    Event::read(draft.encode().unwrap().bytes).unwrap()
}

pub(super) fn transfer_no() -> SerialNo {
    SerialNo::new(Series::Transfer, area(), 2026, 1).unwrap()
}

fn object(item: ItemId, body: &str) -> ObjectVersion {
    let user = User { name: "登记机关".into(), address: "https://dengbei.example/".into() };
    let stamp =
        Stamp { created: Timestamp::from_millis(1_790_000_000_000), message: "归档 filed".into(), user };
    let record =
        ContentFile::bytes("record.json", "record.json", format!("{{\"item\":\"{item}\"}}")).unwrap();
    let file = ContentFile::bytes("申请表.txt", "files/0001.txt", body.repeat(600)).unwrap();
    let id = format!("urn:uuid:{item}");
    ObjectBuilder::first(&id, stamp).unwrap().file(record).file(file).build().unwrap()
}

fn archival_code(n: u32) -> ArchivalCode {
    let class = ClassCode {
        fonds: "J019".parse().unwrap(),
        event_type: EventType::License,
        year: 2026,
        retention: Retention::ThirtyYears,
    };
    ArchivalCode { class, number: n + 1 }
}

/// The object of a package: record, reception, the files at their received names.
fn filed_object(staged: &Staged, n: u32) -> ObjectVersion {
    let reception: Reception = canonical::from_slice(&staged.reception).unwrap();
    let at = Timestamp::from_millis(1_790_000_000_000);
    let record = Record {
        salt: "22".repeat(32),
        item: staged.item,
        data_version: reception.data_version,
        archival_code: archival_code(n),
        area: area(),
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        retention: Retention::ThirtyYears,
        scope_version: "2026-01".into(),
        reception: staged.digest(),
        filed_at: at,
        source_system: reception.source_system,
        metadata: reception.metadata,
        files: reception.files,
        described_by: reception.described_by,
    };
    let user = User { name: "登记机关".into(), address: "https://dengbei.example/".into() };
    let stamp = Stamp { created: at, message: "归档 filed".into(), user };
    let own =
        [("record.json", canonical::to_vec(&record).unwrap()), ("reception.json", staged.reception.to_vec())];
    let mut builder = ObjectBuilder::first(&format!("urn:uuid:{}", staged.item), stamp).unwrap();
    for (name, body) in own {
        builder = builder.file(ContentFile::bytes(name, name, body).unwrap());
    }
    for (file, body) in &staged.files {
        builder = builder.file(ContentFile::bytes(&file.path, &file.content, body.clone()).unwrap());
    }
    builder.build().unwrap()
}

impl World {
    pub(super) async fn open() -> Self {
        let desk = Desk::open().await;
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let storage = |name, class| Storage::new(name, class, &keys, folder.path());
        let (primary, archive) = (storage("primary", "primary"), storage("archive", "archive"));
        let remote = storage("remote", "remote");
        let mut config = RoleConfig::of("fixity", area());
        (config.keys, config.mesh_token) = (keys.clone(), "t".into());
        for site in [&primary, &archive, &remote] {
            config.sites.push(site.serve().await);
        }
        let sites = Sites::of(&config, &desk.pool).unwrap();
        let transfers = Transfers {
            pool: desk.pool.clone(),
            sites: sites.clone(),
            author: desk.checks.author.clone(),
            registration: grpc::channel(&documents_of(&desk).await, "t").unwrap(),
            bench: desk.checks.bench.clone(),
            spool: std::env::temp_dir(),
            wake: Arc::default(),
        };
        let unit = SealKeys::open_or_make(&keys.join("units"), "unit").unwrap();
        Self { desk, primary, archive, remote, transfers, sites, unit, folder }
    }

    /// A pack of so many items, numbered on from the packs before; not on any site, not heard yet.
    pub(super) fn pack(&self, number: u64, items: u32) -> Filed {
        let first = u32::try_from(number).unwrap() * 1000;
        let ids: Vec<ItemId> = (0..items)
            .map(|n| {
                ItemId::derive(
                    &IdKey::from_bytes([1; 32]),
                    &"ZWFW".parse().unwrap(),
                    &(first + n).to_string(),
                )
            })
            .collect();
        let versions: Vec<ObjectVersion> =
            ids.iter().enumerate().map(|(n, item)| object(*item, &format!("件 {number} {n} "))).collect();
        self.pack_of(number, ids.into_iter().zip(versions).collect())
    }

    /// A pack of packages as they came through the door, as registration files them.
    pub(super) fn pack_of_packages(&self, number: u64, staged: &[Staged]) -> Filed {
        let objects = staged.iter().zip(u32::try_from(number).unwrap() * 1000..);
        self.pack_of(number, objects.map(|(one, n)| (one.item, filed_object(one, n))).collect())
    }

    fn pack_of(&self, number: u64, objects: Vec<(ItemId, ObjectVersion)>) -> Filed {
        let items = u32::try_from(objects.len()).unwrap();
        let first = u32::try_from(number).unwrap() * 1000;
        let of =
            |((item, version), n): (&(ItemId, ObjectVersion), u32)| self.filing(number, (*item, version), n);
        let events: Vec<Event> = objects.iter().zip(first..).map(of).collect();
        let versions: Vec<ObjectVersion> = objects.into_iter().map(|(_, version)| version).collect();
        let plan = PackPlan {
            area: area(),
            number: PackNumber::new(number),
            generation: 1,
            created: Timestamp::from_millis(1_790_000_000_000),
            labels: Default::default(),
            versions,
        };
        let mut bytes = Vec::new();
        let summary = PackWriter::new(plan).unwrap().write_in_memory(&mut bytes).unwrap();
        let hashes: Vec<EventHash> = events.iter().map(|e| e.hash).collect();
        let (root, pack) = (root(&hashes), PackNumber::new(number));
        let text = BatchFiled::signed_text(&area(), pack, &root, &summary.sha256);
        let batch = BatchFiled {
            pack,
            generation: 1,
            fonds_no: "J019".parse().unwrap(),
            year: 2026,
            retention: Retention::ThirtyYears,
            count: items,
            root,
            pack_digest: summary.sha256,
            pack_bytes: summary.len,
            versions_root: summary.versions_root,
            unit_uscc: super::door::matter().unit_uscc,
            unit_key: self.unit.public(),
            unit_signature: self.unit.sign(&text),
            members: DocumentRef::to(b"members", "application/json"),
        };
        let batch = event(Subject::Pack(pack), vec![], Fact::BatchFiled(batch));
        Filed { number, bytes, items: events, batch, places: summary.places }
    }

    fn filing(&self, pack: u64, (item, version): (ItemId, &ObjectVersion), n: u32) -> Event {
        let fact = ItemFiled {
            item,
            data_version: 1.try_into().unwrap(),
            archival_code: archival_code(n),
            pack: PackNumber::new(pack),
            object_version: 1,
            record: Sha256::of(b"record"),
            inventory: version.inventory_sha512,
            submission: SubmissionId::from_uuid(Uuid::from_u128(u128::from(n))),
        };
        let causes = vec![EventHash::of(format!("prefiled {n}").as_bytes()), EventHash::of(b"checked")];
        event(Subject::Item(item), causes, Fact::ItemFiled(fact))
    }

    /// Has the pack on every site, and its filing heard.
    pub(super) async fn file(&self, pack: &Filed) {
        for site in [&self.primary, &self.archive, &self.remote] {
            site.put(pack.number, &pack.bytes);
        }
        self.desk.hear(&pack.items).await.unwrap();
        self.desk.hear(std::slice::from_ref(&pack.batch)).await.unwrap();
    }

    /// A filing run over the pack's items, with what it said of each; its report.
    pub(super) async fn ran(&self, pack: &Filed, said: &[serde_json::Value]) -> Sha256 {
        self.ran_by("s/1", pack, said).await
    }

    /// The same, by this scheme.
    pub(super) async fn ran_by(&self, scheme: &str, pack: &Filed, said: &[serde_json::Value]) -> Sha256 {
        let prefiled: Vec<EventHash> = pack.items.iter().map(|e| e.causes[0]).collect();
        let of = |(at, mut member): (usize, Member)| {
            (member.event, member.detail) = (prefiled[at], said[at].clone());
            member
        };
        let members: Vec<Member> = pack.members().into_iter().enumerate().map(of).collect();
        let (document, _) = self.list(members.clone()).await;
        let run = |(member, prefiled): (&Member, &EventHash)| Run {
            prefiled: *prefiled,
            run: Uuid::from_u128(7),
            submission: SubmissionId::from_uuid(Uuid::from_u128(9)),
            item: member.item,
            data_version: member.data_version,
            scheme: scheme.to_owned(),
            engine: "e".into(),
            failed: vec![],
            document: document.digest,
            checked_at: 1,
        };
        let rows: Vec<Run> = members.iter().zip(&prefiled).map(run).collect();
        runs::insert(&mut self.desk.pool.acquire().await.unwrap(), &rows).await.unwrap();
        document.digest
    }

    /// `pack.stored` of what a site holds.
    pub(super) fn stored(&self, site: &Storage, pack: &Filed, purpose: Purpose) -> Event {
        let receipt: SiteReceipt = site.receipt(pack.number, purpose);
        let fact = Fact::PackStored(PackStored { receipt });
        event(Subject::Pack(PackNumber::new(pack.number)), vec![pack.batch.hash], fact)
    }

    /// A member list as registration keeps it.
    pub(super) async fn list(&self, members: Vec<Member>) -> (DocumentRef, Sha256) {
        let list = MemberList { of: "transfer.packed".into(), salt: "11".repeat(32), members };
        let (body, reference) = list.document().unwrap();
        let mut connection = self.desk.pool.acquire().await.unwrap();
        documents::put(&mut connection, &body, &reference.media_type).await.unwrap();
        (reference, list.root())
    }

    pub(super) async fn packed(&self, packs: &[&Filed]) -> TransferPacked {
        let members: Vec<Member> = packs.iter().flat_map(|p| p.members()).collect();
        let items = u32::try_from(members.len()).unwrap();
        let (members, root) = self.list(members).await;
        TransferPacked {
            transfer_no: transfer_no(),
            unit_uscc: super::door::matter().unit_uscc,
            fonds_no: "J019".parse().unwrap(),
            items,
            bytes: packs.iter().map(|p| p.bytes.len() as u64).sum(),
            root,
            members,
            packs: packs.iter().map(|p| PackNumber::new(p.number)).collect(),
        }
    }

    /// Hears a fact about the transfer; its event.
    pub(super) async fn about_transfer(&self, fact: Fact) -> Event {
        let event = event(Subject::Transfer(transfer_no()), vec![], fact);
        self.desk.hear(std::slice::from_ref(&event)).await.unwrap();
        event
    }

    pub(super) fn submitted(packed: &TransferPacked) -> TransferSubmitted {
        TransferSubmitted {
            transfer_no: packed.transfer_no.clone(),
            items: packed.items,
            bytes: packed.bytes,
            root: packed.root,
            members: packed.members.clone(),
            digests: DocumentRef::to(b"digests", "application/json"),
            unit_key: [0; 32],
            unit_signature: [0; 64],
        }
    }

    pub(super) fn accepted(packed: &TransferPacked) -> TransferAccepted {
        TransferAccepted {
            transfer_no: packed.transfer_no.clone(),
            items: packed.items,
            bytes: packed.bytes,
            root: packed.root,
            members: packed.members.clone(),
            handover: DocumentRef::to(b"handover", "application/json"),
            unit_key: [0; 32],
            unit_signature: [0; 64],
            archive_key: [0; 32],
            archive_signature: [0; 64],
            packs: packed.packs.clone(),
        }
    }

    /// Verdicts on transfers stated so far, each with its event and report.
    pub(super) async fn verdicts(&self) -> Vec<(Event, TransferChecked, TransferReport)> {
        let mut verdicts = Vec::new();
        for event in self.desk.events().await {
            if let Some(Fact::TransferChecked(checked)) = event.fact.clone() {
                let body = self.desk.document(&checked.report.digest).await;
                let report = TransferReport::read(&body, &checked.report).unwrap();
                verdicts.push((event, checked, report));
            }
        }
        verdicts
    }

    /// The newest verdict, which must be of `side`.
    pub(super) async fn verdict(&self, side: Side) -> (Event, TransferChecked, TransferReport) {
        let verdict = self.verdicts().await.pop().unwrap();
        assert_eq!(verdict.1.side, side);
        verdict
    }

    /// The deployment's key folder.
    pub(super) fn keys(&self) -> std::path::PathBuf {
        self.folder.path().join("keys")
    }

    /// What keeps a run from being stated.
    pub(super) async fn trouble(&self, side: Side) -> String {
        sqlx::query_scalar("select trouble from transfer_runs where side = $1 and stated is null")
            .bind(side.name())
            .fetch_one(&self.desk.pool)
            .await
            .unwrap()
    }

    /// Everything that was put off is due again.
    pub(super) async fn hurry(&self) {
        sqlx::query("update transfer_runs set due_at = 0").execute(&self.desk.pool).await.unwrap();
    }
}

async fn documents_of(desk: &Desk) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = tonic::service::Routes::new(documents::service(desk.pool.clone()));
    tokio::spawn(async move { grpc::serve_on(listener, "t", routes, Drain::new()).await.unwrap() });
    url
}
