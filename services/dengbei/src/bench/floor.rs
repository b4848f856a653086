//! The floor: the same bytes, rows and messages with no logic, durable the same way, on the same disk, database
//! and bus. What filing an item cannot cost less than on this machine, were our code free.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::PgPool;

/// Items that share a sync, a transaction, a pack: as the mesh does under load.
const GROUP: usize = 50;
/// Tables that get a row an item: submission, run, item, plan, place in pack, read model, and four log entries with
/// their history rows.
const TABLES: usize = 6;
/// Events an item: prefiled and filed, and its share of the batch's.
const EVENTS: usize = 2;

/// Where the floor is laid.
pub(super) struct Floor<'a> {
    /// A folder on the same disk.
    pub(super) folder: &'a Path,
    /// The same PostgreSQL.
    pub(super) postgres: &'a str,
    /// The same nats-server.
    pub(super) nats: &'a str,
    /// Bytes an item.
    pub(super) item_bytes: usize,
    /// Sites that each item's bytes are written to and read back from.
    pub(super) copies: usize,
}

impl Floor<'_> {
    /// Lays `items` items; returns how long it took.
    ///
    /// # Errors
    /// When disk, database or bus refuse.
    pub(super) async fn lay(&self, items: usize) -> anyhow::Result<Duration> {
        let pool = PgPool::connect(self.postgres).await?;
        sqlx::raw_sql("create schema if not exists floor").execute(&pool).await?;
        for n in 0..TABLES {
            let table =
                format!("create table if not exists floor.t{n} (id uuid primary key, body bytea not null)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(table)).execute(&pool).await?;
        }
        let bus = async_nats::jetstream::new(connect(self.nats).await?);
        let stream = async_nats::jetstream::stream::Config {
            name: "floor".into(),
            subjects: vec!["floor.>".into()],
            ..Default::default()
        };
        bus.get_or_create_stream(stream).await?;
        let body = vec![0x5a_u8; self.item_bytes];
        let started = Instant::now();
        for group in 0..items.div_ceil(GROUP) {
            self.bytes(group, &body)?;
            rows(&pool).await?;
            let message = vec![0_u8; EVENTS * GROUP * 350];
            let acknowledged = bus.publish("floor.group", message.into()).await?;
            acknowledged.await?;
        }
        let elapsed = started.elapsed();
        sqlx::raw_sql("drop schema floor cascade").execute(&pool).await?;
        bus.delete_stream("floor").await?;
        Ok(elapsed)
    }

    /// Staged and synced, packed and synced, read back.
    fn bytes(&self, group: usize, body: &[u8]) -> anyhow::Result<()> {
        let sites = ["packed", "packed on the second site", "packed on the third"];
        for name in ["staged"].into_iter().chain(sites.into_iter().take(self.copies)) {
            let path = self.folder.join(format!("{name}-{group}"));
            let mut file = File::create(&path).with_context(|| format!("{}", path.display()))?;
            for _ in 0..GROUP {
                file.write_all(body)?;
            }
            file.sync_data()?;
            if name != "staged" {
                let mut back = Vec::with_capacity(body.len() * GROUP);
                File::open(&path)?.read_to_end(&mut back)?;
            }
            std::fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// One transaction a table, `GROUP` rows each, as the services commit theirs.
async fn rows(pool: &PgPool) -> anyhow::Result<()> {
    for n in 0..TABLES {
        let ids: Vec<uuid::Uuid> = (0..GROUP).map(|_| uuid::Uuid::new_v4()).collect();
        let bodies = vec![vec![0_u8; 400]; GROUP];
        let insert = format!("insert into floor.t{n} select * from unnest($1::uuid[], $2::bytea[])");
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(ids).bind(bodies).execute(pool).await?;
    }
    Ok(())
}

/// The token stands before the `@`; the library does not read it there.
async fn connect(url: &str) -> anyhow::Result<async_nats::Client> {
    let (token, address) =
        url.trim_start_matches("nats://").split_once('@').context("no token in the bus's URL")?;
    Ok(async_nats::ConnectOptions::with_token(token.to_owned()).connect(address).await?)
}
