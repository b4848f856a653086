//! Compares the database with the site's log before anything is written (design 6.2).
//!
//! Behind: the database was restored from an old dump, or a crash came between publishing and the tables; it takes the
//! rest from the tiles. Ahead: the site lost its newest tiles; they are written again. Different at the common size:
//! two histories; the role refuses to start, because going on would fork the log.

use dengbei_register::{Checkpoint, LogError, LogReader, NodeHash, ReadError};
use sqlx::PgPool;

use super::frontier::Frontier;
use super::store::{self, Head};
use super::{Log, replay};
use crate::author::Author;

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
        matches!(self, Self::Forked { .. } | Self::Unsound(_) | Self::Gap { .. })
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
    let catch_up = replay::Replay { pool, log, author, reader: &reader };
    catch_up.run(&head, &published).await
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
