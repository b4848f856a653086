//! Leases (轮值): what one process of a role does at a time, the others standing by.
//!
//! A lease is a PostgreSQL advisory lock, held by one connection of this process for all its leases. It ends with that
//! connection, so with the process, however that ended; whoever asks next has it. It is no fence: a process that lost
//! its connection a moment ago may still be in the middle of something, so what is done under a lease is safe to be
//! done twice, by its transactions; the lease keeps it from being done twice as a rule. Sessions must reach PostgreSQL
//! as they are: no pooler that shares them out by transaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A connection that answered so recently is taken to be there.
const FRESH: Duration = Duration::from_millis(500);

/// The leases of one process. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Leases {
    pool: PgPool,
    held: Arc<Mutex<Option<Held>>>,
}

#[derive(Debug)]
struct Held {
    connection: PgConnection,
    names: BTreeSet<String>,
    answered: Instant,
}

impl Leases {
    /// None yet. Those who are to keep clear of each other use one database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, held: Arc::default() }
    }

    /// Whether this process has the lease now: still, or from now on because nobody has it. To be asked before every
    /// piece of the work.
    ///
    /// # Errors
    /// The database's; then every lease of this process is gone.
    pub async fn hold(&self, name: &str) -> Result<bool, sqlx::Error> {
        let mut held = self.held.lock().await;
        // Taken out: an error leaves none behind.
        if let Some(mut ours) = held.take() {
            let is_ours = ours.hold(name).await?;
            *held = Some(ours);
            return Ok(is_ours);
        }
        let mut connection = self.pool.acquire().await?;
        let is_ours = try_lock(&mut connection, name).await?;
        if is_ours {
            let names = BTreeSet::from([name.to_owned()]);
            *held = Some(Held { connection: connection.detach(), names, answered: Instant::now() });
        }
        Ok(is_ours)
    }

    /// Gives a lease up, so that another need not wait for the end of this process.
    ///
    /// # Errors
    /// The database's; then every lease of this process is gone.
    pub async fn give_up(&self, name: &str) -> Result<(), sqlx::Error> {
        let mut held = self.held.lock().await;
        let Some(mut ours) = held.take() else { return Ok(()) };
        if ours.names.remove(name) {
            let unlock =
                sqlx::query("select pg_advisory_unlock(hashtextextended('dengbei lease ' || $1, 0))");
            unlock.bind(name).execute(&mut ours.connection).await?;
        }
        if ours.names.is_empty() {
            return ours.connection.close().await;
        }
        *held = Some(ours);
        Ok(())
    }
}

impl Held {
    async fn hold(&mut self, name: &str) -> Result<bool, sqlx::Error> {
        if self.names.contains(name) {
            if self.answered.elapsed() > FRESH {
                self.connection.ping().await?;
                self.answered = Instant::now();
            }
            return Ok(true);
        }
        let is_ours = try_lock(&mut self.connection, name).await?;
        self.answered = Instant::now();
        if is_ours {
            self.names.insert(name.to_owned());
        }
        Ok(is_ours)
    }
}

async fn try_lock(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended('dengbei lease ' || $1, 0))")
        .bind(name)
        .fetch_one(connection)
        .await
}

#[cfg(test)]
mod tests {
    use dengbei_testkit::{PATIENCE, Postgres, eventually};

    use super::*;
    use crate::db;

    async fn two() -> (Leases, Leases, PgPool) {
        let url = Postgres::start().await.unwrap().database().await.unwrap();
        let of = async || Leases::new(db::connect(&url, &[]).await.unwrap());
        (of().await, of().await, db::connect(&url, &[]).await.unwrap())
    }

    #[tokio::test]
    async fn one_of_two_has_a_lease_until_it_gives_it_up() {
        let (one, other, _) = two().await;
        assert!(one.hold("plan").await.unwrap());
        assert!(one.hold("plan").await.unwrap(), "still");
        assert!(!other.hold("plan").await.unwrap());
        assert!(other.hold("documents").await.unwrap(), "another lease is another's to have");
        one.give_up("plan").await.unwrap();
        assert!(other.hold("plan").await.unwrap());
        assert!(!one.hold("plan").await.unwrap());
    }

    #[tokio::test]
    async fn a_lease_ends_with_its_process() {
        let (one, other, _) = two().await;
        assert!(one.hold("plan").await.unwrap());
        drop(one);
        eventually(PATIENCE, "the lease is free", async || {
            anyhow::ensure!(other.hold("plan").await?);
            Ok(())
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn who_lost_the_connection_learns_it_and_does_not_have_the_lease_any_more() {
        let (one, other, watch) = two().await;
        assert!(one.hold("plan").await.unwrap() && one.hold("decide").await.unwrap());
        let cut = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted";
        sqlx::query(cut).execute(&watch).await.unwrap();
        eventually(PATIENCE, "the other has it", async || {
            anyhow::ensure!(other.hold("plan").await?);
            Ok(())
        })
        .await
        .unwrap();
        eventually(PATIENCE, "the first has noticed", async || {
            anyhow::ensure!(!one.hold("plan").await.unwrap_or(true));
            Ok(())
        })
        .await
        .unwrap();
        assert!(one.hold("decide").await.unwrap());
    }
}
