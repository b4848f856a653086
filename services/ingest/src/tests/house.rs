//! A whole ingest without bus and gRPC: real PostgreSQL, real staging folder, the committer running.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dengbei_bus::{Bundle, Handler as _};
use dengbei_chain::facts::{DocumentRef, ItemFiled, ItemReturned, MatterPublished};
use dengbei_chain::{Draft, Event, Fact, Ids as _, RandomIds, Subject};
use dengbei_formats::ReadAt;
use dengbei_kit::{RoleConfig, db};
use dengbei_records::{
    ArchivalCode, Clock as _, Custody, IdKey, ItemId, Matter, PackNumber, Sha256, Sha512, SubmissionId,
    SystemClock,
};
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use dengbei_vault::{DiskSync, Staging, StagingOptions};
use futures::StreamExt as _;
use sqlx::postgres::PgPool;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::made::Package;
use crate::adopt::Adoption;
use crate::config::Settings;
use crate::consumer::Outcomes;
use crate::receive::{Head, Received};
use crate::service::Parts;
use crate::store::submissions;

/// Counts the syncs of the staging disk.
#[derive(Debug, Default)]
pub(super) struct Syncs(pub(super) AtomicUsize);

impl DiskSync for Syncs {
    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        file.sync_data()
    }
}

pub(super) struct House {
    pub(super) pool: PgPool,
    pub(super) parts: Parts,
    pub(super) syncs: Arc<Syncs>,
    pub(super) folder: Arc<TempDir>,
    url: String,
    postgres: Postgres,
    committer: JoinHandle<anyhow::Result<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.committer.abort();
    }
}

impl House {
    pub(super) async fn open() -> Self {
        let postgres = Postgres::start().await.unwrap();
        let url = postgres.database().await.unwrap();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::reopen(&postgres, &url, &folder).await.unwrap()
    }

    async fn reopen(postgres: &Postgres, url: &str, folder: &Arc<TempDir>) -> anyhow::Result<Self> {
        let pool = db::connect(url, &[&dengbei_bus::MIGRATOR, &crate::MIGRATOR]).await.unwrap();
        let settings = Settings::of(&config(folder.path()));
        let syncs = Arc::new(Syncs::default());
        let options = StagingOptions { sync: syncs.clone(), ..StagingOptions::default() };
        let staging = Staging::open_with(&settings.staging, options)?;
        let mut parts =
            Parts::new(&settings, pool.clone(), staging.clone(), IdKey::from_bytes([7; 32])).unwrap();
        parts.let_go.patience = Duration::ZERO;
        let doubts = parts.committer.doubts.clone();
        parts.adoption = Adoption::new(pool.clone(), staging, doubts, Duration::ZERO);
        let committer = tokio::spawn(parts.committer.clone().run(parts.queue.clone()));
        let (postgres, url, folder) = (postgres.clone(), url.to_owned(), folder.clone());
        Ok(Self { pool, parts, syncs, folder, url, postgres, committer })
    }

    /// Another process on the same database, with a staging folder of its own.
    pub(super) async fn neighbour(&self) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::reopen(&self.postgres, &self.url, &folder).await.unwrap()
    }

    /// Another process on the same database and the same staging folder.
    pub(super) async fn beside(&self) -> Self {
        Self::reopen(&self.postgres, &self.url, &self.folder).await.unwrap()
    }

    /// Ends everything and starts again on the same database and folder.
    pub(super) async fn restart(self) -> Self {
        let house = self.beside().await;
        drop(self);
        house.inherit().await;
        house
    }

    /// Adopts until every segment in the folder is this process's.
    pub(super) async fn inherit(&self) {
        // The former owner has ended when its last handle, the aborted committer's, is gone.
        eventually(PATIENCE, "every segment is adopted", async || {
            self.parts.adoption.look().await?;
            let (ours, all) = (self.parts.let_go.stage.owned().len(), self.segments());
            anyhow::ensure!(ours == all, "{ours} of {all}");
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Segments in the folder.
    pub(super) fn segments(&self) -> usize {
        let names = std::fs::read_dir(self.folder.path()).unwrap().flatten().map(|e| e.file_name());
        names.filter(|name| name.to_str().unwrap().starts_with("seg-")).count()
    }

    /// With the table of [`super::made::MATTER`] in force from 2026-01-01.
    pub(super) async fn with_matter() -> Self {
        let house = Self::open().await;
        house.publish(&super::made::matter(super::made::MATTER, "2026-01", "2026-01-01")).await;
        house
    }

    pub(super) async fn submit(&self, package: &Package) -> Received {
        let mut all = self.upload(package.zip(), Head::default()).await;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    pub(super) async fn upload(&self, bytes: Bytes, head: Head) -> Vec<Received> {
        let source: Arc<dyn ReadAt> = Arc::new(bytes);
        self.parts.door.receive(head, source, None).await.unwrap().packages
    }

    pub(super) async fn outcome(&self, package: &Package) -> &'static str {
        self.submit(package).await.answer.outcome()
    }

    /// Everything stated so far, in the order of the transactions.
    pub(super) async fn events(&self) -> Vec<Event> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select events from bus.outbox order by xid, id")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let bundles = rows.into_iter().map(|row| Bundle::decode(row.into()).unwrap());
        bundles.flat_map(|b| b.events).map(|bytes| Event::read(bytes).unwrap()).collect()
    }

    pub(super) async fn facts(&self) -> Vec<&'static str> {
        self.events().await.iter().map(Event::fact_name).collect()
    }

    /// Hears an event as from the bus: in one transaction.
    pub(super) async fn hear(&self, subject: Subject, fact: Fact) {
        let draft = Draft {
            id: RandomIds.next(),
            area: self.parts.door.settings.area.clone(),
            subject,
            causes: vec![],
            actor: None,
            recorded_at: SystemClock.now(),
            fact,
        };
        let event = Event::read(draft.encode().unwrap().bytes).unwrap();
        // Twice: a redelivery must change nothing.
        for _ in 0..2 {
            let mut tx = self.pool.begin().await.unwrap();
            Outcomes.apply(&mut tx, std::slice::from_ref(&event), ()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    pub(super) async fn publish(&self, matter: &Matter) {
        let fact = MatterPublished { matter: matter.clone(), fonds_no: "J019".parse().unwrap() };
        self.hear(Subject::Matter(matter.matter_code.clone()), Fact::MatterPublished(fact)).await;
    }

    pub(super) async fn filed(&self, of: &Received) {
        let item = of.item.unwrap();
        let archival_code: ArchivalCode = "J019-ZY·XK·2026·D30-00001".parse().unwrap();
        let fact = ItemFiled {
            item,
            data_version: of.data_version.try_into().unwrap(),
            archival_code,
            pack: PackNumber::new(1),
            object_version: 1,
            record: Sha256::of(b"r"),
            inventory: Sha512::of(b"i"),
            submission: of.submission,
        };
        self.hear(Subject::Item(item), Fact::ItemFiled(fact)).await;
    }

    pub(super) async fn returned(&self, of: &Received) {
        let item = of.item.unwrap();
        let fact = ItemReturned {
            item,
            data_version: of.data_version.try_into().unwrap(),
            submission: of.submission,
            failed: vec!["A-08".into()],
            report: DocumentRef::to(b"{}", "application/json"),
        };
        self.hear(Subject::Item(item), Fact::ItemReturned(fact)).await;
    }

    pub(super) async fn custody(&self, id: SubmissionId) -> Custody {
        submissions::by_id(&self.pool, id).await.unwrap().unwrap().custody
    }

    pub(super) async fn attempts(&self, item: ItemId) -> usize {
        submissions::attempts(&self.pool, &[item]).await.unwrap().remove(&item).map_or(0, |a| a.len())
    }

    /// What ReadStaged gives for a submission: (content path, bytes), the reception first; none when it is missing.
    pub(super) async fn staged(&self, id: SubmissionId) -> Option<Vec<(String, Vec<u8>)>> {
        use dengbei_proto::v1::staged_part::Part;
        let readers =
            crate::read_staged::Readers { pool: self.pool.clone(), stage: self.parts.let_go.stage.clone() };
        let mut parts = crate::read_staged::parts(
            readers,
            crate::read_staged::Wanted { submissions: vec![id], receptions_only: false },
        );
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        while let Some(part) = parts.next().await {
            match part.unwrap().part.unwrap() {
                Part::Missing(_) => return None,
                Part::Reception(bytes) => files.push(("reception.json".into(), bytes.to_vec())),
                Part::File(chunk) if chunk.offset == 0 => files.push((chunk.content, chunk.data.to_vec())),
                Part::File(chunk) => files.last_mut().unwrap().1.extend_from_slice(&chunk.data),
            }
        }
        Some(files)
    }

    /// Bytes that the staging area holds for somebody.
    pub(super) async fn staged_rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from submissions where segment is not null")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Lets go of what is decided and waits until nothing is left to let go.
    pub(super) async fn let_go(&self) {
        eventually(PATIENCE, "everything decided is let go", async || {
            anyhow::ensure!(self.parts.let_go.let_go().await? == 0);
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Whether these bytes stand anywhere in the staging folder or in the database's own text.
    pub(super) async fn finds(&self, needle: &str) -> bool {
        let mut found = contains(self.folder.path(), needle.as_bytes());
        for table in ["submissions", "refusals", "bus.outbox"] {
            let query = format!("select count(*) from {table} t where t::text like '%' || $1 || '%'");
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .bind(needle)
                .fetch_one(&self.pool)
                .await
                .unwrap();
            found |= rows > 0;
        }
        found
    }
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return contains(&path, needle);
        }
        std::fs::read(path).unwrap().windows(needle.len()).any(|w| w == needle)
    })
}

pub(super) fn config(folder: &Path) -> RoleConfig {
    serde_json::from_value(serde_json::json!({
        "role": "ingest", "area": "330382", "staging": folder, "mesh_token": "t",
    }))
    .unwrap()
}
