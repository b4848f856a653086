//! The copy of the log: grows by what is signed and leads there, refuses everything else.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_register::tile::TileKind;
use dengbei_register::{LogReader, LogWriter, MemoryTiles, Signer, TilePath, Tiles as _};
use tonic::Status;

use super::world::{TestSite, World, code};

/// A log as the register has it.
struct TestLog {
    writer: LogWriter<MemoryTiles>,
}

impl TestLog {
    async fn new() -> Self {
        Self { writer: LogWriter::open_at(MemoryTiles::default(), 0).await.unwrap() }
    }

    async fn grow(&mut self, range: std::ops::Range<u32>) {
        let entries: Vec<Bytes> = range.map(|n| format!("event {n}").into()).collect();
        self.writer.append(&entries).await.unwrap();
    }

    async fn checkpoint(&mut self, signer: &Signer) -> Bytes {
        self.writer.checkpoint(signer).await.unwrap()
    }

    /// The entry bundles that hold what comes from `from` on.
    async fn bundles(&self, from: u64) -> Vec<v1::LogFile> {
        let size = self.writer.size();
        let mut files = Vec::new();
        for index in from / 256..size.div_ceil(256) {
            let path = TilePath::in_tree(TileKind::Entries, index, size).unwrap();
            let body = self.writer.storage().read(path).await.unwrap().unwrap();
            files.push(v1::LogFile { path: path.to_string(), body });
        }
        files
    }

    /// All tiles, of every level.
    fn tiles(&self) -> Vec<v1::LogFile> {
        let tiles = self.writer.storage().tiles();
        tiles.into_iter().map(|(path, body)| v1::LogFile { path: path.to_string(), body }).collect()
    }
}

fn checkpoint(body: Bytes) -> v1::LogFile {
    v1::LogFile { path: "checkpoint".into(), body }
}

impl TestSite {
    async fn put_log(&self, files: Vec<v1::LogFile>) -> Result<(), Status> {
        self.client.clone().put_log(v1::PutLogRequest { files }).await.map(drop)
    }

    async fn get_log(&self, path: &str) -> Result<Bytes, Status> {
        let request = v1::GetLogRequest { path: path.into() };
        Ok(self.client.clone().get_log(request).await?.into_inner().body)
    }

    async fn log_size(&self) -> u64 {
        self.describe().await.log_size
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_grows_with_the_log_and_has_every_tile_of_it() {
    let world = World::new().await;
    let (mut log, mut sent) = (TestLog::new().await, 0);
    for size in [3, 3, 200, 256, 700, 1500] {
        log.grow(log.writer.size() as u32..size).await;
        let mut files = log.bundles(sent).await;
        files.push(checkpoint(log.checkpoint(&world.signer).await));
        world.remote.put_log(files).await.unwrap();
        sent = u64::from(size);
        assert_eq!(world.remote.log_size().await, sent);
    }
    // The hash tiles were never sent: they were computed from the entries, and are the register's byte for byte.
    for (path, body) in log.writer.storage().tiles() {
        let is_needed = TilePath::in_tree(path.kind(), path.index(), 1500) == Some(path);
        if is_needed {
            assert_eq!(world.remote.get_log(&path.to_string()).await.unwrap(), body, "{path}");
        }
    }
    let tiles = dengbei_register::LocalTiles::new(world.folder.path().join("remote/log"));
    let reader = LogReader::new(tiles);
    let published = reader.checkpoint(world.signer.verifier(), &[]).await.unwrap().unwrap().checkpoint;
    assert_eq!((published.size(), published.root()), (1500, log.writer.root()));
    assert_eq!(reader.entries(1498..1500, 1500).await.unwrap()[1], Bytes::from("event 1499"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_may_come_before_the_checkpoint_in_calls_of_their_own_and_come_again() {
    let world = World::new().await;
    let mut log = TestLog::new().await;
    log.grow(0..600).await;
    for file in log.tiles() {
        world.remote.put_log(vec![file]).await.unwrap();
    }
    assert_eq!(world.remote.log_size().await, 0, "nothing is believed before its checkpoint");
    let signed = log.checkpoint(&world.signer).await;
    for _ in 0..2 {
        world.remote.put_log(vec![checkpoint(signed.clone())]).await.unwrap();
    }
    assert_eq!(world.remote.get_log("checkpoint").await.unwrap(), signed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_goes_back_or_is_of_another_history_is_refused() {
    let world = World::new().await;
    let mut log = TestLog::new().await;
    log.grow(0..10).await;
    let early = log.checkpoint(&world.signer).await;
    log.grow(10..300).await;
    let mut files = log.bundles(0).await;
    files.push(checkpoint(log.checkpoint(&world.signer).await));
    world.remote.put_log(files).await.unwrap();
    let refused = world.remote.put_log(vec![checkpoint(early)]).await.unwrap_err();
    assert_eq!(code(&refused), "site.log_back");

    let mut fork = TestLog::new().await;
    fork.grow(1..301).await;
    let same_size = checkpoint(fork.checkpoint(&world.signer).await);
    assert_eq!(code(&world.remote.put_log(vec![same_size]).await.unwrap_err()), "site.log_differs");
    fork.grow(301..400).await;
    let mut files = fork.bundles(0).await;
    assert_eq!(code(&world.remote.put_log(files.clone()).await.unwrap_err()), "site.log_differs");
    // Also when it keeps silent about the part that differs.
    files.remove(0);
    files.push(checkpoint(fork.checkpoint(&world.signer).await));
    assert_eq!(code(&world.remote.put_log(files).await.unwrap_err()), "site.log_differs");
    assert_eq!(world.remote.log_size().await, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_without_its_entries_or_by_another_key_is_not_believed() {
    let world = World::new().await;
    let mut log = TestLog::new().await;
    log.grow(0..300).await;
    let signed = log.checkpoint(&world.signer).await;
    let refused = world.remote.put_log(vec![checkpoint(signed.clone())]).await.unwrap_err();
    assert_eq!(code(&refused), "site.log_incomplete");
    let stranger = Signer::generate(world.signer.name().clone()).unwrap();
    let mut other = TestLog::new().await;
    other.grow(0..300).await;
    let mut files = other.bundles(0).await;
    files.push(checkpoint(other.checkpoint(&stranger).await));
    let refused = world.remote.put_log(files).await.unwrap_err();
    assert_eq!(code(&refused), "site.log_unsigned");
    // Entries that do not lead to the root that is signed.
    let mut files = log.bundles(0).await;
    let mut forged = TestLog::new().await;
    forged.grow(5..305).await;
    files[1] = forged.bundles(256).await.remove(0);
    files.push(checkpoint(signed));
    let fresh = World::new().await;
    std::fs::write(fresh.folder.path().join("keys/register.pub"), world.signer.verifier().to_string())
        .unwrap();
    assert_eq!(code(&fresh.remote.put_log(files).await.unwrap_err()), "site.log_differs");
    assert_eq!(fresh.remote.log_size().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_no_checkpoint_covers_make_room_for_the_history_that_is_published() {
    let world = World::new().await;
    let mut log = TestLog::new().await;
    log.grow(0..100).await;
    let mut files = log.bundles(0).await;
    files.push(checkpoint(log.checkpoint(&world.signer).await));
    world.remote.put_log(files).await.unwrap();
    // A history that was lost with its database before it was published anywhere.
    let mut lost = TestLog::new().await;
    lost.grow(0..100).await;
    lost.grow(900..1100).await;
    let orphans = lost.tiles().into_iter().filter(|f| !f.path.ends_with(".p/100")).collect();
    world.remote.put_log(orphans).await.unwrap();
    log.grow(100..300).await;
    let mut files = log.bundles(0).await;
    files.push(checkpoint(log.checkpoint(&world.signer).await));
    world.remote.put_log(files).await.unwrap();
    assert_eq!(world.remote.log_size().await, 300);
    assert!(world.remote.describe().await.quarantined > 0, "what was there is kept as evidence");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_of_the_log_are_given_and_the_primarys_log_is_the_registers_alone() {
    let world = World::new().await;
    for bad in ["../keys/register.pub", "/etc/passwd", "tile/0/../x", "checkpoint.new", "tile/0/000"] {
        let refused = world.remote.get_log(bad).await.unwrap_err();
        assert_eq!((refused.code(), code(&refused).as_str()), (tonic::Code::NotFound, "site.no_log_file"));
    }
    let file = v1::LogFile { path: "../packs/x".into(), body: Bytes::from("x") };
    assert_eq!(code(&world.remote.put_log(vec![file]).await.unwrap_err()), "site.no_log_file");
    let refused = world.primary.put_log(Vec::new()).await.unwrap_err();
    assert_eq!(code(&refused), "site.log_is_here");
}
