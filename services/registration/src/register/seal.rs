//! Sealing (封存): indices, tiles, checkpoint, at most a second apart.
//!
//! (A) one transaction gives indices in the order of arrival; (B) the tiles are durable, and with a quorum the log up to
//! the signed checkpoint on other sites too (`log.held`); (C) the checkpoint is
//! published, and after that the tables say sealed. If we crash after A, the same entries are written at the next
//! start; after B, they are written again as they are; after C's publishing, the tables learn it from the checkpoint.
//! One sealer at a time, by an advisory lock that ends with its connection, looked at again before anything is published.
//! If it is lost nevertheless: indices come from one table, so two sealers write the same tiles, and the head of the
//! tables never goes back.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use dengbei_kit::{Drain, db, faults, status};
use dengbei_register::{Checkpoint, LogError, LogWriter, StorageError};
use dengbei_vault::LogTiles;
use sqlx::{Connection as _, PgConnection, PgPool};

use super::sites::Sites;
use super::store::{self, Head};
use super::{Log, StartError, clear, start};
use crate::author::Author;
use crate::metrics;
use crate::wake::{Topic, Wake};

/// Entries that get their indices in one transaction.
const AT_ONCE: i64 = 8192;
/// As many entries are not kept waiting for company.
const ENOUGH: i64 = 256;
/// How long entries wait for company.
const COMPANY: Duration = Duration::from_millis(150);
/// How often it looks without a signal.
const TICK: Duration = Duration::from_millis(200);
/// After a failure, and between attempts to become the sealer.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a start waits for other sites that may be starting too.
const COPIES_ANSWER: Duration = Duration::from_secs(5);
/// Entries read and appended at once.
const CHUNK: u64 = 4096;
/// Unpublished tiles of a lost history that may be set aside for one batch.
const MOST_CLEARED: usize = 64;

/// A sealer at work.
struct Reign {
    /// None in tests: nobody else seals there.
    lease: Option<PgConnection>,
    writer: LogWriter<LogTiles>,
}

impl Reign {
    /// The lease is the connection: without it another process may be sealing.
    async fn is_still_ours(&mut self) -> Result<(), sqlx::Error> {
        match &mut self.lease {
            Some(lease) => lease.ping().await,
            None => Ok(()),
        }
    }
}

/// Seals what came.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    pub(crate) pool: PgPool,
    pub(crate) log: Log,
    pub(crate) author: Author,
    pub(crate) wake: Wake,
    pub(crate) sites: Sites,
}

impl Sealer {
    /// Compares the database with the site's log, unless another process seals already. Before anything else runs.
    ///
    /// # Errors
    /// [`StartError::Forked`] and its like: the role must not start.
    pub(crate) async fn start(&self) -> Result<(), StartError> {
        match self.lease().await? {
            Some(mut lease) => {
                let reconciled = self.reconcile(COPIES_ANSWER).await;
                let released = release(&mut lease).await;
                reconciled?;
                Ok(released?)
            }
            None => Ok(()),
        }
    }

    /// With the primary first, then with every copy that answers.
    async fn reconcile(&self, patience: Duration) -> Result<(), StartError> {
        let Self { pool, log, author, sites, .. } = self;
        start::reconcile(pool, log, author).await?;
        start::reconcile_copies(pool, sites, log, author, patience).await
    }

    /// Seals until the drain. Failures of disk and database are waited out.
    ///
    /// # Errors
    /// When the log is another history than the database: nothing may go on.
    pub(crate) async fn run(&self, drain: &Drain) -> anyhow::Result<()> {
        while !drain.is_requested() {
            match self.reign(drain).await {
                Ok(()) => {}
                Err(e) if e.is_final() => {
                    self.sites.close();
                    return Err(anyhow::Error::new(e).context("the log"));
                }
                Err(e) => {
                    tracing::error!(error = %status::chain(&e), "the log cannot be sealed now; trying again");
                }
            }
            drain.pause(AGAIN).await;
        }
        self.sites.close();
        Ok(())
    }

    /// Seals as long as this process is the sealer.
    async fn reign(&self, drain: &Drain) -> Result<(), StartError> {
        let Some(lease) = self.lease().await? else { return Ok(()) };
        self.sites.begin();
        let ended = self.reign_with(lease, drain).await;
        if ended.is_err() {
            self.sites.stand_down();
        }
        ended
    }

    async fn reign_with(&self, lease: PgConnection, drain: &Drain) -> Result<(), StartError> {
        self.reconcile(Duration::ZERO).await?;
        let writer = LogWriter::open(self.log.tiles.clone(), self.log.signer.verifier()).await?;
        let mut reign = Reign { lease: Some(lease), writer };
        self.finish(&mut reign).await?;
        while self.wake.wait(Topic::Log, TICK, drain).await {
            reign.is_still_ours().await?;
            self.pass(&mut reign, drain).await?;
        }
        // What came before the drain is sealed before the end.
        self.sites.hurry();
        self.seal_all(&mut reign).await?;
        match &mut reign.lease {
            Some(lease) => Ok(release(lease).await?),
            None => Ok(()),
        }
    }

    async fn pass(&self, reign: &mut Reign, drain: &Drain) -> Result<(), StartError> {
        let mut connection = self.pool.acquire().await?;
        let waiting = store::waiting(&mut connection).await?;
        drop(connection);
        if waiting.bundles == 0 {
            return Ok(());
        }
        if waiting.entries < ENOUGH {
            drain.pause(COMPANY).await;
        }
        self.seal_all(reign).await
    }

    async fn seal_all(&self, reign: &mut Reign) -> Result<(), StartError> {
        while self.assign().await? > 0 {
            self.finish(reign).await?;
        }
        Ok(())
    }

    /// (A) Gives indices; how many bundles got theirs.
    pub(crate) async fn assign(&self) -> Result<usize, StartError> {
        let mut tx = db::begin_by_key(&self.pool).await?;
        let (_, bundles) = store::assign(&mut tx, AT_ONCE).await?;
        tx.commit().await?;
        if bundles > 0 {
            faults::reach("log.sealed");
        }
        Ok(bundles)
    }

    /// (B) and (C) for everything that has an index.
    async fn finish(&self, reign: &mut Reign) -> Result<(), StartError> {
        let writer = &mut reign.writer;
        let head = store::head(&mut *self.pool.acquire().await?).await?;
        while writer.size() < head.assigned {
            let (from, to) = (writer.size(), head.assigned.min(writer.size() + CHUNK));
            let entries = store::range(&mut *self.pool.acquire().await?, from, to).await?;
            if entries.len() as u64 != to - from {
                return Err(StartError::Gap { from, to });
            }
            self.append(writer, &entries).await?;
        }
        faults::reach("log.tiles");
        self.sites.hold(writer.size(), &self.signed(writer)?).await?;
        faults::reach("log.held");
        reign.is_still_ours().await?;
        let writer = &mut reign.writer;
        let checkpoint = writer.checkpoint(&self.log.signer).await?;
        self.sites.announce(writer.size(), &checkpoint);
        let mut tx = db::begin_by_key(&self.pool).await?;
        let (size, root, sealed_at) = (writer.size(), writer.root(), self.author.now().millis());
        store::publish(&mut tx, &Head { assigned: head.assigned, size, root, checkpoint, sealed_at }).await?;
        tx.commit().await?;
        metrics::sealed(size.saturating_sub(head.size));
        Ok(())
    }

    /// The checkpoint as it will be published: Ed25519 signs the same text alike.
    fn signed(&self, writer: &LogWriter<LogTiles>) -> Result<Bytes, StartError> {
        let signer = &self.log.signer;
        let checkpoint = Checkpoint::new(signer.name().as_str(), writer.size(), writer.root());
        let signed = checkpoint.and_then(|c| c.sign(signer));
        Ok(signed.map_err(LogError::Checkpoint)?)
    }

    /// Appends; sets aside what an unpublished, lost history left where these tiles belong.
    async fn append(&self, writer: &mut LogWriter<LogTiles>, entries: &[Bytes]) -> Result<(), StartError> {
        for _ in 0..MOST_CLEARED {
            match writer.append(entries).await {
                Ok(_) => return Ok(()),
                Err(LogError::Storage(StorageError::Conflict(tile))) => {
                    clear::set_aside(&self.log, tile, self.author.now()).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Err(StartError::Site(anyhow::anyhow!("too many tiles of another history")))
    }

    /// The right to seal, on a connection of its own; `None` when another has it.
    async fn lease(&self) -> Result<Option<PgConnection>, StartError> {
        let mut connection = self.pool.acquire().await?.detach();
        let is_ours: bool =
            sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended('register.seal', 0))")
                .fetch_one(&mut connection)
                .await?;
        if is_ours {
            return Ok(Some(connection));
        }
        connection.close().await?;
        Ok(None)
    }
}

/// Gives the right up before the connection is gone, so that the next process need not wait for that.
async fn release(lease: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_unlock_all()").execute(lease).await.map(drop)
}

impl Sealer {
    /// The log as published, for health and for whoever waits for it.
    pub(crate) async fn size(&self) -> anyhow::Result<u64> {
        let mut connection = self.pool.acquire().await?;
        Ok(store::head(&mut connection).await.context("log_head")?.size)
    }
}

#[cfg(test)]
impl Sealer {
    /// Everything that waits, sealed now.
    pub(crate) async fn seal_once(&self) -> Result<(), StartError> {
        let writer = LogWriter::open(self.log.tiles.clone(), self.log.signer.verifier()).await?;
        let mut reign = Reign { lease: None, writer };
        self.finish(&mut reign).await?;
        self.seal_all(&mut reign).await
    }
}
