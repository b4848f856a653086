//! Takes into the database what the published log has and the database lacks: first everything is read and must come to
//! the signed root, then it is stored.

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_records::EventHash;
use dengbei_register::{Checkpoint, LogReader, NodeHash, Tiles, leaf_hash};
use sqlx::{PgConnection, PgPool};

use super::effects;
use super::start::{self, StartError};
use super::store::{self, Head};
use crate::author::Author;
use crate::store::{raw, signed};

/// What bundles are called whose own name is not known any more.
const LOG: &str = "log";
/// Entries of such a bundle.
const BUNDLE: u64 = 256;
/// Entries read and stored at once.
const CHUNK: u64 = 4096;

/// A database that catches up with a site: its own, or another that has more.
pub(super) struct Replay<'a, S> {
    pub(super) pool: &'a PgPool,
    pub(super) author: &'a Author,
    pub(super) reader: &'a LogReader<S>,
}

impl<S: Tiles> Replay<'_, S> {
    pub(super) async fn run(&self, head: &Head, published: &Checkpoint) -> Result<(), StartError> {
        let is_given = self.verify(head, published).await?;
        if !is_given {
            self.store(head.size, published.size()).await?;
        }
        let checkpoint = self.reader.storage().read_checkpoint().await;
        let checkpoint = checkpoint.map_err(dengbei_register::ReadError::Storage)?.unwrap_or_default();
        let mut tx = self.pool.begin().await?;
        let (size, root, sealed_at) = (published.size(), published.root(), self.author.now().millis());
        store::publish(&mut tx, &Head { assigned: size, size, root, checkpoint, sealed_at }).await?;
        tx.commit().await?;
        tracing::warn!(from = head.size, to = size, "the database has caught up with the published log");
        Ok(())
    }

    /// Reads everything that is to be taken; whether the database has given all of it these indices already, as after
    /// a crash between publishing and the tables.
    async fn verify(&self, head: &Head, published: &Checkpoint) -> Result<bool, StartError> {
        let size = published.size();
        let mut frontier = start::frontier_of(self.pool, head.size).await?;
        start::refuse_fork(head.size, frontier.root(), head.root)?;
        let (mut from, mut is_given) = (head.size, true);
        while from < size {
            let to = size.min(from + CHUNK);
            let entries = self.reader.entries(from..to, size).await?;
            let leaves: Vec<NodeHash> = entries.iter().map(|e| leaf_hash(e)).collect();
            is_given &= store::leaves(&mut *self.pool.acquire().await?, from, to).await? == leaves;
            leaves.into_iter().for_each(|leaf| frontier.push(leaf));
            from = to;
        }
        start::refuse_fork(size, frontier.root(), published.root())?;
        Ok(is_given)
    }

    async fn store(&self, from: u64, size: u64) -> Result<(), StartError> {
        let mut tx = self.pool.begin().await?;
        give_back_unpublished(&mut tx, from).await?;
        retire_own_name(&mut tx).await?;
        tx.commit().await?;
        let mut next = from;
        while next < size {
            let to = size.min(next + CHUNK);
            let entries = self.reader.entries(next..to, size).await?;
            let mut tx = self.pool.begin().await?;
            for (at, chunk) in (next..).step_by(BUNDLE as usize).zip(entries.chunks(BUNDLE as usize)) {
                insert(&mut tx, at, chunk, self.author.now().millis()).await?;
            }
            tx.commit().await?;
            next = to;
        }
        let mut tx = self.pool.begin().await?;
        correct_waiting(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Indices that were given and never published may be other entries' in the published log.
async fn give_back_unpublished(tx: &mut PgConnection, from: u64) -> Result<(), sqlx::Error> {
    for statement in [
        "update log_entries set index = null where index >= $1",
        "update log_bundles set first_index = null where first_index >= $1 and producer <> 'log'",
    ] {
        sqlx::query(statement).bind(signed(from)).execute(&mut *tx).await?;
    }
    sqlx::query("update log_head set assigned = size").execute(tx).await.map(drop)
}

/// This database's own outbox once gave sequences that it does not remember: its name must not be used again.
async fn retire_own_name(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into log_producers (producer, sealed, retired)
         select $1 || '.' || epoch, 0, true from bus.producer on conflict (producer) do update set retired = true",
    )
    .bind(crate::service::NAME)
    .execute(tx)
    .await
    .map(drop)
}

/// Stores entries of the published log. Those that are known and waited for their index get it, and leave the bundle
/// with which they came.
async fn insert(tx: &mut PgConnection, first: u64, entries: &[Bytes], at: i64) -> Result<(), sqlx::Error> {
    let hashes: Vec<EventHash> = entries.iter().map(|e| EventHash::of(e)).collect();
    let bundle: i64 = sqlx::query_scalar(
        "insert into log_bundles (producer, sequence, entries, first_index, received_at) values ($1, $2, $3, $4, $5)
         on conflict on constraint log_bundles_once_per_producer do update set entries = excluded.entries returning id",
    )
    .bind(LOG)
    .bind(signed(first) + 1)
    .bind(entries.len() as i32)
    .bind(signed(first))
    .bind(at)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "insert into log_entries (hash, bytes, bundle, ordinal, index)
         select h, b, $1, o - 1, $2 + o - 1 from unnest($3::bytea[], $4::bytea[]) with ordinality as t (h, b, o)
         on conflict on constraint log_entries_pkey do update
           set bundle = excluded.bundle, ordinal = excluded.ordinal, index = excluded.index",
    )
    .bind(bundle)
    .bind(signed(first))
    .bind(raw(&hashes))
    .bind(entries.iter().map(|e| e.to_vec()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let read: Vec<Event> = entries.iter().filter_map(|e| Event::read(e.clone()).ok()).collect();
    effects::note(tx, &read).await
}

/// Bundles that wait have lost the entries that the log had already.
async fn correct_waiting(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update log_bundles b set entries = (select count(*) from log_entries e where e.bundle = b.id),
           behind = greatest(b.behind, (select max(id) from log_bundles where producer = 'log'))
         where first_index is null and entries <> (select count(*) from log_entries e where e.bundle = b.id)",
    )
    .execute(tx)
    .await
    .map(drop)
}
