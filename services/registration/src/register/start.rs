//! Compares the database with the site's log before anything is written (design 6.2).
//!
//! Behind: the database was restored from an old dump, or a crash came between publishing and the tables; it takes the
//! rest from the tiles. The copies on other sites are compared alike: one of them may have more than the primary, when
//! that was rolled back too, or a crash came between the quorum and publishing. Ahead: the site lost its newest tiles; they are written again. Different at the common size:
//! two histories; the role refuses to start, because going on would fork the log.

use std::time::{Duration, Instant};

use dengbei_register::{Checkpoint, LogError, LogReader, NodeHash, ReadError};
use sqlx::PgPool;

use super::frontier::Frontier;
use super::sites::{SiteTiles, Sites};
use super::store::{self, Head};
use super::{Log, replay};
use crate::author::Author;

/// Between two attempts to reach a site.
const AGAIN: Duration = Duration::from_millis(200);
/// Leaves read at once.
const CHUNK: u64 = 16_384;

/// Why the log cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Two histories.
    #[error(
        "登记簿分叉,拒绝启动:在规模{size}处,数据库的根{database}与备份点的根{site}不同。请用正确的数据库备份恢复 / the log is \
         forked, refusing to start: at size {size} the database has root {database}, the site has {site}. Restore the \
         database that belongs to this site"
    )]
    Forked {
        /// The common size.
        size: u64,
        /// The database's root.
        database: NodeHash,
        /// The site's root.
        site: NodeHash,
    },
    /// The checkpoint or the tiles are not this log's, or damaged.
    #[error("备份点上的登记簿无法采信,拒绝启动 / the log on the site cannot be believed, refusing to start")]
    Unsound(#[source] ReadError),
    /// The database lacks entries that it has given indices.
    #[error(
        "数据库缺少序号{from}至{to}的条目,拒绝启动 / the database lacks entries {from} to {to}, refusing to start"
    )]
    Gap {
        /// The first.
        from: u64,
        /// After the last.
        to: u64,
    },
    /// Not enough other sites hold the log up to here: nothing is published.
    #[error(
        "登记簿尚未在足够的备份点落盘：规模{size}需{wanted}个，现有{found}个 / the log is not durable on enough other \
         sites: size {size} needs {wanted}, {found} have it"
    )]
    NoQuorum {
        /// The size that waits.
        size: u64,
        /// `log.quorum`.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Another site has more than this register ever signed: the database is an old dump.
    #[error(
        "备份点{site}的登记簿规模{size}超出本库已签的{ours}，须重新启动以补齐 / site {site} holds {size} entries of the log, this \
         register signed {ours}: start it again, it takes the rest from there"
    )]
    Ahead {
        /// The site.
        site: String,
        /// Its size.
        size: u64,
        /// The largest size signed here.
        ours: u64,
    },
    /// The log was not written.
    #[error("登记簿未能写入 / the log was not written")]
    Log(#[source] LogError),
    /// The site did not do it.
    #[error("备份点不可用 / the site did not do it")]
    Site(#[source] anyhow::Error),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl StartError {
    /// Whether going on would be wrong however long one waits.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Forked { .. } | Self::Unsound(_) | Self::Gap { .. } | Self::Ahead { .. })
            || matches!(self, Self::Log(LogError::Forked { .. }))
    }
}

impl From<LogError> for StartError {
    fn from(e: LogError) -> Self {
        match e {
            LogError::Read(e) => e.into(),
            other => Self::Log(other),
        }
    }
}

impl From<ReadError> for StartError {
    fn from(e: ReadError) -> Self {
        match e {
            ReadError::Storage(e) => Self::Log(LogError::Storage(e)),
            other => Self::Unsound(other),
        }
    }
}

/// Makes the database agree with the site's published log, or refuses. What the site lacks is left to the sealer.
pub(super) async fn reconcile(pool: &PgPool, log: &Log, author: &Author) -> Result<(), StartError> {
    let reader = LogReader::new(log.tiles.clone());
    let head = store::head(&mut *pool.acquire().await?).await?;
    let Some(published) = reader.checkpoint(log.signer.verifier(), &[]).await? else {
        if head.size > 0 {
            tracing::error!(
                size = head.size,
                "the site has no checkpoint: the log is written again from the database"
            );
        }
        return Ok(());
    };
    let published = published.checkpoint;
    if published.size() <= head.size {
        return agree_on_prefix(pool, &head, &published).await;
    }
    let common = reader.root_of_prefix(head.size, published.size()).await?;
    refuse_fork(head.size, head.root, common)?;
    tracing::warn!(database = head.size, site = published.size(), "the database is behind the published log");
    let catch_up = replay::Replay { pool, author, reader: &reader };
    catch_up.run(&head, &published).await
}

/// Makes the database agree with the copies on the other sites too, as far as they answer within `patience`.
pub(super) async fn reconcile_copies(
    pool: &PgPool,
    sites: &Sites,
    log: &Log,
    author: &Author,
    patience: Duration,
) -> Result<(), StartError> {
    let asked = sites.others().iter().map(|site| async move {
        let reader = LogReader::new(SiteTiles::of(site));
        let newest = newest_of(&reader, &site.name, log, patience).await?;
        Some((site, reader, newest))
    });
    let answers = futures::future::join_all(asked).await;
    for (site, reader, newest) in answers.into_iter().flatten() {
        agree_with_copy(pool, author, &site.name, &reader, &newest).await?;
    }
    Ok(())
}

/// A copy's newest checkpoint. One that nobody can believe is an alarm, not a hindrance: it proves nothing.
async fn newest_of(
    reader: &LogReader<SiteTiles>,
    site: &str,
    log: &Log,
    patience: Duration,
) -> Option<Checkpoint> {
    let until = Instant::now() + patience;
    loop {
        match reader.checkpoint(log.signer.verifier(), &[]).await {
            Ok(newest) => return newest.map(|opened| opened.checkpoint),
            Err(ReadError::Storage(_)) if Instant::now() < until => tokio::time::sleep(AGAIN).await,
            Err(e) => {
                let error = dengbei_kit::status::chain(&e);
                tracing::warn!(site, error, "the log is not compared with this site's copy");
                return None;
            }
        }
    }
}

async fn agree_with_copy(
    pool: &PgPool,
    author: &Author,
    site: &str,
    reader: &LogReader<SiteTiles>,
    newest: &Checkpoint,
) -> Result<(), StartError> {
    let head = store::head(&mut *pool.acquire().await?).await?;
    if newest.size() <= head.size {
        let ours = if newest.size() == head.size { head.root } else { root_of(pool, newest.size()).await? };
        return refuse_fork(newest.size(), ours, newest.root());
    }
    refuse_fork(head.size, head.root, reader.root_of_prefix(head.size, newest.size()).await?)?;
    tracing::warn!(database = head.size, site, copy = newest.size(), "another site has more of the log");
    replay::Replay { pool, author, reader }.run(&head, newest).await
}

/// The site is behind, or equal: what it published must be the beginning of what the database has.
async fn agree_on_prefix(pool: &PgPool, head: &Head, published: &Checkpoint) -> Result<(), StartError> {
    let (size, root) = (published.size(), published.root());
    if size == head.size {
        return refuse_fork(size, head.root, root);
    }
    tracing::error!(
        database = head.size,
        site = size,
        "the site is behind the database: its log is completed"
    );
    refuse_fork(size, root_of(pool, size).await?, root)
}

/// The root over the first `size` entries of the database.
pub(super) async fn root_of(pool: &PgPool, size: u64) -> Result<NodeHash, StartError> {
    Ok(frontier_of(pool, size).await?.root())
}

/// The tree over the first `size` entries of the database.
pub(super) async fn frontier_of(pool: &PgPool, size: u64) -> Result<Frontier, StartError> {
    let (mut frontier, mut from) = (Frontier::default(), 0);
    while from < size {
        let to = size.min(from + CHUNK);
        let leaves = store::leaves(&mut *pool.acquire().await?, from, to).await?;
        if leaves.len() as u64 != to - from {
            return Err(StartError::Gap { from, to });
        }
        leaves.into_iter().for_each(|leaf| frontier.push(leaf));
        from = to;
    }
    Ok(frontier)
}

pub(super) fn refuse_fork(size: u64, database: NodeHash, site: NodeHash) -> Result<(), StartError> {
    if database == site { Ok(()) } else { Err(StartError::Forked { size, database, site }) }
}
