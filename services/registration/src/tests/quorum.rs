//! `log.quorum`: the log on other sites, which are real site roles.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_kit::{Drain, RoleConfig, SiteAddress};
use dengbei_register::{Checkpoint, LogReader, LogWriter, Tiles as _};
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use tokio::task::JoinHandle;

use super::world::{TOKEN, TestItem, World, area};
use crate::register::{Sites, StartError};
use crate::service::Parts;

const COPIES: [&str; 2] = ["archive", "remote"];

/// A registration whose log is copied to two other sites.
struct Copied {
    world: World,
    running: Vec<(Drain, JoinHandle<anyhow::Result<()>>)>,
    pushing: Option<(Sites, JoinHandle<anyhow::Result<()>>)>,
}

fn free() -> SocketAddr {
    dengbei_testkit::free_address().unwrap()
}

impl Copied {
    async fn with(quorum: u8, running: &[&str]) -> Self {
        let mut world = World::new().await;
        let public = world.parts.log.signer.verifier().to_string();
        std::fs::write(world.folder.path().join("keys/register.pub"), public).unwrap();
        world.config.sites = ["primary", "archive", "remote"]
            .map(|n| SiteAddress { name: n.into(), class: n.into(), url: format!("http://{}", free()) })
            .into();
        world.config.log_quorum = quorum;
        let mut copied = Self { world, running: Vec::new(), pushing: None };
        for name in running {
            copied.start_site(name);
        }
        let database = copied.world.database.clone();
        copied.open(&database).await;
        copied
    }

    /// Another process over the same sites; what ran before has ended.
    async fn open(&mut self, database: &str) {
        self.end_pushing().await;
        let mut config = self.world.config.clone();
        config.database = database.into();
        let clock = Arc::new(self.world.clock.clone());
        let mut parts = Parts::open(&config, clock).await.unwrap();
        parts.log_sites = parts.log_sites.waiting(Duration::from_millis(500));
        let pushed = parts.clone();
        let task = tokio::spawn(async move { pushed.log_sites.keep_up(&pushed.log).await });
        self.pushing = Some((parts.log_sites.clone(), task));
        self.world.parts = parts;
    }

    async fn end_pushing(&mut self) {
        if let Some((sites, task)) = self.pushing.take() {
            sites.close();
            let _ = task.await.unwrap();
        }
    }

    fn start_site(&mut self, name: &str) {
        let config = site_config(&self.world, name);
        let drain = Drain::new();
        self.running.push((drain.clone(), tokio::spawn(dengbei_site::run(config, drain))));
    }

    fn log(&self, site: &str) -> LogReader<dengbei_register::LocalTiles> {
        LogReader::new(dengbei_register::LocalTiles::new(self.world.folder.path().join(site).join("log")))
    }

    async fn size(&self, site: &str) -> u64 {
        let verifier = self.world.parts.log.signer.verifier().clone();
        let published = self.log(site).checkpoint(&verifier, &[]).await.unwrap();
        published.map_or(0, |p| p.checkpoint.size())
    }

    async fn append(&self, sequence: u64, range: std::ops::Range<u32>) -> Vec<Event> {
        let events: Vec<Event> = range.map(|n| self.world.stage(&TestItem::new(n))).collect();
        self.world.append("ingest.00000001", sequence, &events).await;
        events
    }

    /// Seals, as soon as the sites that are needed answer.
    async fn seal(&self) {
        eventually(PATIENCE, "the log is sealed", async || Ok(self.world.parts.sealer().seal_once().await?))
            .await
            .unwrap();
    }

    async fn reaches(&self, site: &str, size: u64) {
        eventually(PATIENCE, "the copy is there", async || {
            let found = self.size(site).await;
            anyhow::ensure!(found == size, "{site} has {found}");
            Ok(())
        })
        .await
        .unwrap();
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        for (drain, task) in self.running.drain(..) {
            drain.request();
            task.abort();
        }
        if let Some((_, task)) = self.pushing.take() {
            task.abort();
        }
    }
}

fn site_config(world: &World, name: &str) -> RoleConfig {
    let mut config = RoleConfig::of("site", area());
    config.sites = world.config.sites.clone();
    config.site_name = name.into();
    config.site = world.folder.path().join(name).into();
    config.keys = world.folder.path().join("keys");
    config.mesh_token = TOKEN.into();
    let url = &config.sites.iter().find(|s| s.name == name).unwrap().url;
    config.grpc = url.trim_start_matches("http://").parse().unwrap();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_published_before_it_is_durable_on_the_quorum() {
    let mut copied = Copied::with(2, &["archive"]).await;
    copied.append(1, 0..3).await;
    copied.world.parts.sealer().assign().await.unwrap();
    let refused = eventually(PATIENCE, "one site holds the log", async || {
        match copied.world.parts.sealer().seal_once().await {
            Err(e @ StartError::NoQuorum { size: 3, found: 1, .. }) => Ok(e),
            other => anyhow::bail!("{other:?}"),
        }
    });
    let refused = refused.await.unwrap();
    assert!(!refused.is_final() && refused.to_string().contains("备份点落盘"), "{refused}");
    assert_eq!((copied.size("archive").await, copied.size("site").await), (3, 0));
    let mut tx = copied.world.parts.pool.begin().await.unwrap();
    assert_eq!(crate::register::sealed_up_to(&mut tx, "ingest.00000001", 0).await.unwrap(), (0, 1));
    drop(tx);
    copied.start_site("remote");
    copied.seal().await;
    let published = copied.world.parts.log.tiles.read_checkpoint().await.unwrap().unwrap();
    for site in COPIES {
        let path = copied.world.folder.path().join(site).join("log/checkpoint");
        assert_eq!(Bytes::from(std::fs::read(path).unwrap()), published, "{site}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_beyond_the_quorum_is_caught_up_when_it_answers_again() {
    let mut copied = Copied::with(1, &["archive"]).await;
    let mut sequence = 0;
    let mut all = Vec::new();
    for size in [3_u32, 200, 256, 600] {
        sequence += 1;
        for (at, chunk) in (all.len() as u32..size).collect::<Vec<_>>().chunks(256).enumerate() {
            sequence += u64::from(at > 0);
            all.extend(copied.append(sequence, chunk[0]..chunk[chunk.len() - 1] + 1).await);
        }
        copied.seal().await;
        assert!(copied.size("archive").await == u64::from(size), "{size}");
    }
    assert_eq!(copied.size("remote").await, 0);
    copied.start_site("remote");
    copied.reaches("remote", 600).await;
    let entries = copied.log("remote").entries(0..600, 600).await.unwrap();
    assert_eq!(entries, all.iter().map(|e| e.bytes.clone()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_the_sites_get_the_log_all_the_same() {
    let copied = Copied::with(0, &COPIES).await;
    copied.append(1, 0..5).await;
    copied.world.parts.sealer().seal_once().await.unwrap();
    assert_eq!(copied.size("site").await, 5);
    for site in COPIES {
        copied.reaches(site, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_and_a_primary_that_were_both_rolled_back_take_the_rest_from_a_site() {
    let mut copied = Copied::with(1, &["archive"]).await;
    let mut all = copied.append(1, 0..10).await;
    copied.seal().await;
    let folder = copied.world.folder.path().to_owned();
    copy_folder(&folder.join("site/log"), &folder.join("log.old"));
    all.extend(copied.append(2, 10..20).await);
    copied.seal().await;
    std::fs::remove_dir_all(folder.join("site/log")).unwrap();
    copy_folder(&folder.join("log.old"), &folder.join("site/log"));
    let fresh = Postgres::start().await.unwrap().database().await.unwrap();
    copied.open(&fresh).await;
    copied.world.parts.sealer().start().await.unwrap();
    assert_eq!(copied.world.ask::<i64>("select size from log_head").await, 20);
    copied.seal().await;
    assert_eq!(copied.size("site").await, 20);
    let entries = copied.log("site").entries(0..20, 20).await.unwrap();
    assert_eq!(entries, all.iter().map(|e| e.bytes.clone()).collect::<Vec<_>>());
    // And it goes on from there, with one history.
    copied.append(3, 20..25).await;
    copied.seal().await;
    assert_eq!((copied.size("site").await, copied.size("archive").await), (25, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_quorum_and_publishing_is_taken_up_as_it_stands() {
    let mut copied = Copied::with(1, &["archive"]).await;
    copied.append(1, 0..3).await;
    copied.seal().await;
    copied.append(2, 3..6).await;
    let parts = copied.world.parts.clone();
    parts.sealer().assign().await.unwrap();
    let mut writer = LogWriter::open(parts.log.tiles.clone(), parts.log.signer.verifier()).await.unwrap();
    let mut tx = parts.pool.begin().await.unwrap();
    writer.append(&crate::register::range(&mut tx, 3, 6).await.unwrap()).await.unwrap();
    drop(tx);
    let signer = &parts.log.signer;
    let signed = Checkpoint::new(signer.name().as_str(), 6, writer.root()).unwrap().sign(signer).unwrap();
    parts.log_sites.hold(6, &signed).await.unwrap();
    assert_eq!((copied.size("archive").await, copied.size("site").await), (6, 3));
    let database = copied.world.database.clone();
    copied.open(&database).await;
    copied.world.parts.sealer().start().await.unwrap();
    assert_eq!(copied.world.ask::<i64>("select size from log_head").await, 6);
    assert_eq!(copied.world.ask::<i64>("select count(*) from log_bundles where producer = 'log'").await, 0);
    copied.seal().await;
    assert_eq!(copied.size("site").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_another_history_keeps_the_register_from_starting() {
    let mut copied = Copied::with(1, &["archive"]).await;
    copied.append(1, 0..10).await;
    copied.seal().await;
    let folder = copied.world.folder.path().to_owned();
    std::fs::remove_dir_all(folder.join("site/log")).unwrap();
    let fresh = Postgres::start().await.unwrap().database().await.unwrap();
    copied.world.config.log_quorum = 0;
    copied.open(&fresh).await;
    // Without asking anybody it would begin another history under the same key.
    copied.append(1, 50..54).await;
    copied.world.parts.sealer().seal_once().await.unwrap();
    let refused = copied.world.parts.sealer().start().await.unwrap_err();
    assert!(matches!(refused, StartError::Forked { size: 4, .. }), "{refused}");
    // The pusher, which met the copy first, ended the role.
    let (_, task) = copied.pushing.take().unwrap();
    let ended = task.await.unwrap().unwrap_err();
    assert!(ended.downcast_ref::<StartError>().unwrap().is_final(), "{ended:#}");
    assert_eq!(copied.size("archive").await, 10);
}

#[tokio::test]
async fn a_quorum_of_more_sites_than_there_are_is_refused() {
    let world = World::new().await;
    let mut config = world.config.clone();
    config.log_quorum = 1;
    let refused = Sites::of(&config).unwrap_err();
    assert!(refused.to_string().contains("log_quorum"), "{refused}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
