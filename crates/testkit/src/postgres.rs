//! A real PostgreSQL, one a test process, a fresh database a test.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

use crate::process::{self, free_port};
use crate::{Scratch, eventually};

const START: Duration = Duration::from_secs(120);

/// A cluster without fsync and passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postgres(Arc<Server>);

#[derive(Debug)]
struct Server {
    // Before the folder: reaped by then.
    process: Mutex<Option<Child>>,
    scratch: Scratch,
    port: u16,
    databases: AtomicU32,
}

impl Postgres {
    /// The cluster that all tests of this process share. Do not stop it: see [`Postgres::own`].
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::own).await.cloned()
    }

    /// A cluster of one's own, which may be stopped and started again.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn own() -> anyhow::Result<Self> {
        let scratch = Scratch::new("dengbei-pg-")?;
        tokio::task::spawn_blocking({
            let folder = scratch.path().to_owned();
            move || init(&folder)
        })
        .await??;
        let port = free_port()?;
        let server = Server { process: Mutex::new(None), scratch, port, databases: AtomicU32::new(0) };
        let postgres = Self(Arc::new(server));
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// The URL of the superuser's own database.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Makes a fresh, empty database and gives its URL.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.0.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url()).await?;
        sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await?;
        connection.close().await?;
        Ok(self.url_of(&name))
    }

    /// Ends it at once, as a power loss would: connections break, committed data stays.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let child = self.0.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        process::end(child, Signal::QUIT).await
    }

    /// Starts it again on the same port; returns when it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let folder = self.0.scratch.path();
        let mut command = as_postgres(&bin()?.join("postgres"));
        command.arg("-D").arg(folder.join("data"));
        for setting in [
            format!("port={}", self.0.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            "fsync=off".to_owned(),
            "max_connections=200".to_owned(),
            "jit=off".to_owned(),
            "timezone=UTC".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        let child = self.0.scratch.spawn("postgres", "QUIT", &command)?;
        *self.0.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let ready = eventually(START, "PostgreSQL answers", async || {
            Ok(PgConnection::connect(&self.url()).await?.close().await?)
        });
        ready.await.with_context(|| self.0.scratch.log("postgres"))
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://dengbei@127.0.0.1:{}/{database}", self.0.port)
    }
}

fn init(folder: &std::path::Path) -> anyhow::Result<()> {
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    if rustix::process::getuid().is_root() {
        // The socket and its lock lie beside the data.
        let owned = Command::new("chown").arg("postgres:postgres").args([folder, &data]).status()?;
        anyhow::ensure!(owned.success(), "chown to user postgres failed");
    }
    let mut command = as_postgres(&bin()?.join("initdb"));
    command.args(["-U", "dengbei", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
    let output = command.arg(&data).env("LC_ALL", "C").current_dir("/").output()?;
    anyhow::ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// PostgreSQL does not run as root.
fn as_postgres(program: &std::path::Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

/// The newest installed one.
fn bin() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed: apt-get install postgresql")?;
    let newest = versions.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        bin.join("initdb").exists().then_some((version, bin))
    });
    newest.max().map(|(_, bin)| bin).context("PostgreSQL is not installed: apt-get install postgresql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_fresh_and_what_was_committed_survives_a_stop() {
        let postgres = Postgres::own().await.unwrap();
        let (one, two) = (postgres.database().await.unwrap(), postgres.database().await.unwrap());
        assert_ne!(one, two);
        let mut connection = PgConnection::connect(&one).await.unwrap();
        sqlx::query("create table kept(n int)").execute(&mut connection).await.unwrap();
        postgres.stop().await.unwrap();
        assert!(PgConnection::connect(&one).await.is_err());
        postgres.start_again().await.unwrap();
        let mut connection = PgConnection::connect(&one).await.unwrap();
        sqlx::query("select n from kept").execute(&mut connection).await.unwrap();
    }
}
