//! A registration with its database, site, keys, clock and peers; and items as ingest and fixity state them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dengbei_bus::{Bundle, Handler as _, Outcome};
use dengbei_chain::facts::{ItemChecked, ItemPrefiled, Verdict};
use dengbei_chain::{DocumentRef, Draft, Event, Fact, Ids as _, Member, MemberList, RandomIds, Subject};
use dengbei_kit::{Drain, Peers as PeerUrls, RoleConfig};
use dengbei_records::{
    AreaCode, Clock, DataVersion, EventHash, EventType, FileEntry, IdKey, ItemId, Metadata, Reception,
    Retention, Sha256, Sha512, Sm3, StoredFile, SubmissionId, Timestamp, canonical,
};
use dengbei_register::Signer;
use dengbei_testkit::Postgres;
use prost::Message as _;
use tempfile::TempDir;

use super::peers::{Peers, Staged};
use crate::service::Parts;

pub(super) const TOKEN: &str = "mesh";
pub(super) const UNIT: &str = "115113016823646795";
pub(super) const OTHER_UNIT: &str = "11511301008778386B";

pub(super) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

/// A clock that a test moves.
#[derive(Clone)]
pub(super) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Everything around one registration.
pub(super) struct World {
    pub(super) parts: Parts,
    pub(super) peers: Peers,
    pub(super) clock: HandClock,
    pub(super) folder: Arc<TempDir>,
    pub(super) database: String,
    pub(super) drain: Drain,
    pub(super) config: RoleConfig,
}

impl World {
    pub(super) async fn new() -> Self {
        dengbei_kit::install_tls();
        let database = Postgres::start().await.unwrap().database().await.unwrap();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let keys = folder.path().join("keys");
        std::fs::create_dir_all(&keys).unwrap();
        let signer = Signer::generate(format!("dengbei/{}", area()).parse().unwrap()).unwrap();
        std::fs::write(keys.join("register.key"), signer.to_pem().unwrap()).unwrap();
        let clock = HandClock(Arc::new(AtomicI64::new(1_770_000_000_000)));
        let (peers, drain) = (Peers::default(), Drain::new());
        let url = peers.serve(TOKEN, &drain).await;
        let config = config(folder.path(), &database, &url);
        let parts = Parts::open(&config, Arc::new(clock.clone())).await.unwrap();
        Self { parts, peers, clock, folder, database, drain, config }
    }

    /// The same site and peers with another database, or the same database in another process.
    pub(super) async fn with_database(&self, database: &str) -> Self {
        let mut config = self.config.clone();
        config.database = database.into();
        let parts = Parts::open(&config, Arc::new(self.clock.clone())).await.unwrap();
        Self {
            parts,
            peers: self.peers.clone(),
            clock: self.clock.clone(),
            folder: self.folder.clone(),
            database: database.to_owned(),
            drain: self.drain.clone(),
            config,
        }
    }

    pub(super) fn site(&self) -> std::path::PathBuf {
        self.folder.path().join("site")
    }

    /// Publishes one matter of a unit.
    pub(super) async fn publish(&self, unit: &str) {
        self.parts.publisher().publish(matter(unit, "M-1", "备案").as_bytes(), None).await.unwrap();
    }

    /// Hands events to the consumer's handler as one bundle.
    pub(super) async fn hear(&self, events: &[Event]) -> Vec<Outcome> {
        let registrar = self.parts.registrar();
        let prepared = registrar.prepare(events).await.unwrap();
        let mut tx = self.parts.pool.begin().await.unwrap();
        let outcomes = registrar.apply(&mut tx, events, prepared).await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }

    /// Stages an item and has it pre-filed; gives the event.
    pub(super) async fn prefile(&self, item: &TestItem) -> Event {
        let event = self.stage(item);
        assert_eq!(self.hear(std::slice::from_ref(&event)).await, [Outcome::Applied]);
        event
    }

    /// Stages an item; gives the event that ingest would state.
    pub(super) fn stage(&self, item: &TestItem) -> Event {
        let (reception, files) = item.package();
        let reception = canonical::to_vec(&reception).unwrap();
        let digest = Sha256::of(&reception);
        let bytes = files.iter().map(|f| f.2.len() as u64).sum();
        let staged = Staged { reception: reception.into(), files };
        self.peers.staged.lock().unwrap().insert(item.submission, staged);
        item.prefiled(digest, bytes, self.clock.now())
    }

    /// Has these pass the filing checks together; gives the event.
    pub(super) async fn pass(&self, prefiled: &[Event]) -> Event {
        let event = self.passed(prefiled);
        assert_eq!(self.hear(std::slice::from_ref(&event)).await, [Outcome::Applied]);
        event
    }

    /// The verdict that these passed together, with its document at fixity.
    pub(super) fn passed(&self, prefiled: &[Event]) -> Event {
        let members = prefiled.iter().map(|e| {
            let Some(Fact::ItemPrefiled(f)) = &e.fact else { panic!("not prefiled") };
            Member {
                event: e.hash,
                item: f.item,
                data_version: f.data_version,
                detail: serde_json::Value::Null,
            }
        });
        let salt = hex::encode(RandomIds.next().as_bytes());
        let list = MemberList { of: "item.checked".into(), salt, members: members.collect() };
        let (body, report) = list.document().unwrap();
        let verdict = Verdict::Passed { count: prefiled.len() as u32, root: list.root() };
        self.hold(body.into(), &report);
        self.checked(Vec::new(), verdict, report)
    }

    /// The verdict that one failed, with its report at fixity.
    pub(super) fn failed(&self, prefiled: &Event, ids: &[&str]) -> Event {
        let Some(Fact::ItemPrefiled(f)) = &prefiled.fact else { panic!("not prefiled") };
        let failed: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let body =
            canonical::to_vec(&serde_json::json!({ "salt": prefiled.hash, "failed": failed })).unwrap();
        let report = DocumentRef::to(&body, "application/vnd.dengbei.report+json");
        self.hold(body.into(), &report);
        let verdict = Verdict::Failed { item: f.item, data_version: f.data_version, failed };
        self.checked(vec![prefiled.hash], verdict, report)
    }

    pub(super) fn hold(&self, body: Bytes, reference: &DocumentRef) {
        let document = (reference.media_type.clone(), body);
        self.peers.documents.lock().unwrap().insert(reference.digest, document);
    }

    fn checked(&self, causes: Vec<EventHash>, verdict: Verdict, report: DocumentRef) -> Event {
        let (stage, scheme, engine) = ("G".into(), "zj/1".into(), "test".into());
        let fact = Fact::ItemChecked(ItemChecked { stage, scheme, engine, verdict, report });
        state(Subject::Run(RandomIds.next()), causes, fact, self.clock.now())
    }

    /// Plans and finishes everything that is due; gives the number of packs.
    pub(super) async fn file(&self) -> usize {
        self.clock.advance(self.parts.linger);
        self.parts.planner().pass().await.unwrap();
        let mut connection = self.parts.pool.acquire().await.unwrap();
        let open = crate::store::plans::open(&mut connection, self.clock.now(), 100).await.unwrap();
        drop(connection);
        let mut finished = 0;
        for pack in open {
            finished += usize::from(self.parts.filer().finish(pack).await.unwrap());
        }
        finished
    }

    /// Everything in the outbox, in the order in which it was put.
    pub(super) async fn stated(&self) -> Vec<Event> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select events from bus.outbox order by xid, id")
            .fetch_all(&self.parts.pool)
            .await
            .unwrap();
        let bundles = rows.into_iter().map(|row| dengbei_proto::v1::Bundle::decode(row.as_slice()).unwrap());
        bundles.flat_map(|b| b.events).map(|e| Event::read(e).unwrap()).collect()
    }

    /// Stores events with the register as a bundle of `producer`.
    pub(super) async fn append(&self, producer: &str, sequence: u64, events: &[Event]) {
        assert!(self.append_together(&[(producer, sequence, events)]).await);
    }

    /// Stores bundles with the register in one transaction. False: they must go one by one.
    pub(super) async fn append_together(&self, bundles: &[(&str, u64, &[Event])]) -> bool {
        let bundle = |(producer, sequence, events): &(&str, u64, &[Event])| Bundle {
            producer: (*producer).into(),
            sequence: *sequence,
            events: events.iter().map(|e| e.bytes.clone()).collect(),
            traceparents: Vec::new(),
        };
        let bundles: Vec<Bundle> = bundles.iter().map(bundle).collect();
        let mut tx = self.parts.pool.begin().await.unwrap();
        let all: Vec<&Bundle> = bundles.iter().collect();
        let is_stored =
            dengbei_bus::BundleHandler::apply(&self.parts.appender(), &mut tx, &all).await.is_ok();
        if is_stored {
            tx.commit().await.unwrap();
        }
        is_stored
    }

    /// One value from the database.
    pub(super) async fn ask<T>(&self, question: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(question).fetch_one(&self.parts.pool).await.unwrap()
    }

    /// The codes of filed items, sorted.
    pub(super) async fn codes(&self) -> Vec<String> {
        sqlx::query_scalar("select archival_code from codes order by archival_code")
            .fetch_all(&self.parts.pool)
            .await
            .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if Arc::strong_count(&self.folder) == 1 {
            self.drain.request();
        }
    }
}

fn config(folder: &Path, database: &str, peers: &str) -> RoleConfig {
    RoleConfig {
        database: database.into(),
        peers: PeerUrls { ingest: peers.into(), fixity: peers.into(), ..PeerUrls::default() },
        keys: folder.join("keys"),
        site: folder.join("site").into(),
        staging: folder.join("staging"),
        mesh_token: TOKEN.into(),
        linger: Duration::from_secs(60),
        ..RoleConfig::of("registration", area())
    }
}

pub(super) fn matter(unit: &str, code: &str, name: &str) -> String {
    serde_json::json!([{
        "matter_code": code, "matter_name": name, "event_type": "01", "unit_name": "区行政审批局", "unit_uscc": unit,
        "retention": "D30", "scope_version": "2026-01", "in_force_from": "2026-01-01",
        "scope": [{ "phase": "01", "range": "申请材料", "material": "申请表", "necessary": true, "form": "electronic" }],
    }])
    .to_string()
}

pub(super) fn state(subject: Subject, causes: Vec<EventHash>, fact: Fact, at: Timestamp) -> Event {
    let draft =
        Draft { id: RandomIds.next(), area: area(), subject, causes, actor: None, recorded_at: at, fact };
    Event::read(draft.encode().unwrap().bytes).unwrap()
}

/// An item as a sender has it.
#[derive(Clone)]
pub(super) struct TestItem {
    pub(super) number: String,
    pub(super) version: u32,
    pub(super) submission: SubmissionId,
    pub(super) unit: &'static str,
    pub(super) retention: Retention,
    /// Content of its two files.
    pub(super) files: [Vec<u8>; 2],
}

impl TestItem {
    pub(super) fn new(number: u32) -> Self {
        let files =
            [format!("form {number}").repeat(300).into_bytes(), format!("decision {number}").into_bytes()];
        Self {
            number: number.to_string(),
            version: 1,
            submission: SubmissionId::from_uuid(RandomIds.next()),
            unit: UNIT,
            retention: Retention::ThirtyYears,
            files,
        }
    }

    /// The next data version, with another decision.
    pub(super) fn corrected(&self) -> Self {
        let mut next = self.again();
        next.version += 1;
        next.files[1] = format!("decision, corrected {}", next.version).into_bytes();
        next
    }

    /// The same item sent again.
    pub(super) fn again(&self) -> Self {
        Self { submission: SubmissionId::from_uuid(RandomIds.next()), ..self.clone() }
    }

    pub(super) fn id(&self) -> ItemId {
        ItemId::derive(&IdKey::from_bytes([7; 32]), &"ZWFW".parse().unwrap(), &self.number)
    }

    fn data_version(&self) -> DataVersion {
        DataVersion::try_from(self.version).unwrap()
    }

    fn package(&self) -> (Reception, Vec<(String, String, Bytes)>) {
        let names = ["申请材料/申请表.pdf", "结果材料/决定书.pdf"];
        let mut entries = Vec::new();
        let mut files = Vec::new();
        for (n, (name, body)) in names.iter().zip(&self.files).enumerate() {
            let content = format!("files/{:04}.pdf", n + 1);
            let stored = StoredFile {
                path: (*name).to_owned(),
                content: content.clone(),
                bytes: body.len() as u64,
                format: "pdf/1.4".into(),
                sha512: Sha512::of(body),
                sm3: Sm3::from_bytes([n as u8; 32]),
            };
            entries.push(FileEntry {
                order: n as u32 + 1,
                phase: "01".into(),
                range: "申请材料".into(),
                material: "申请表".into(),
                necessary: true,
                filing_form: "1".into(),
                origin: "1".into(),
                main: n == 0,
                file: Some(stored),
            });
            files.push(((*name).to_owned(), content, Bytes::from(body.clone())));
        }
        (self.reception(entries), files)
    }

    fn reception(&self, files: Vec<FileEntry>) -> Reception {
        Reception {
            salt: "ab".repeat(32),
            item: self.id(),
            submission: self.submission,
            source_system: "ZWFW".parse().unwrap(),
            source_number: self.number.clone(),
            data_version: self.data_version(),
            profile: "zj-db33/1".into(),
            received_at: Timestamp::from_millis(1_770_000_000_000),
            package_digest: Sha512::of(self.number.as_bytes()),
            derived: Vec::new(),
            redactions: Vec::new(),
            metadata: Metadata {
                proj_id: self.number.clone(), title: "备案".into(), ..Metadata::default()
            },
            described_by: Vec::new(),
            files,
        }
    }

    fn prefiled(&self, reception: Sha256, bytes: u64, at: Timestamp) -> Event {
        let fact = ItemPrefiled {
            item: self.id(),
            data_version: self.data_version(),
            submission: self.submission,
            source_system: "ZWFW".parse().unwrap(),
            matter_code: "M-1".parse().unwrap(),
            unit_uscc: self.unit.parse().unwrap(),
            retention: self.retention,
            year: 2026,
            scope_version: "2026-01".into(),
            reception,
            files: 2,
            bytes,
            warned: Vec::new(),
            event_type: EventType::License,
        };
        state(Subject::Item(self.id()), Vec::new(), Fact::ItemPrefiled(fact), at)
    }
}
