//! PostgreSQL as a child: one cluster in `postgres/data`, one database a role, password over TCP.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;

use super::account::Account;
use super::child::Program;
use super::folder::Folder;
use super::nursery::Nursery;
use super::process::ProcessId;
use super::{UpError, durable};

/// The superuser's name.
const USER: &str = "dengbei";
/// How the name of a cluster begins that is still being made.
const UNFINISHED: &str = "unfinished-";
/// `sun_path` holds 108 bytes with its closing zero.
const LONGEST_SOCKET: usize = 107;

/// From here on recovery can make the file system durable at once instead of some 2,000 files one by one.
const FIRST_WITH_SYNCFS: u32 = 14;

/// Where the server listens and how to enter.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    port: u16,
    password: String,
    /// The folder of the Unix socket where that is not the cluster's own; removed when dropped.
    _socket: Option<Arc<TempDir>>,
}

/// What is needed to make and run a cluster.
pub(crate) struct Cluster<'a> {
    /// The data folder.
    pub(crate) folder: &'a Folder,
    /// Where `postgres` and `initdb` are.
    pub(crate) bin: &'a Path,
    /// Who runs it.
    pub(crate) account: Option<Account>,
    /// The superuser's password.
    pub(crate) password: &'a str,
}

/// The major version of the cluster in `folder`, if there is one.
pub(crate) fn cluster_version(folder: &Folder) -> Option<u32> {
    std::fs::read_to_string(folder.path("postgres/data/PG_VERSION")).ok()?.trim().parse().ok()
}

impl Cluster<'_> {
    /// Makes the cluster if there is none. A making that was interrupted starts afresh.
    pub(crate) async fn init(&self, nursery: &Nursery) -> Result<(), UpError> {
        let home = self.folder.path("postgres");
        durable::folder(&home, 0o700)?;
        self.give(&home)?;
        remove_unfinished(&home);
        let data = home.join("data");
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        // Its own name each time: what a killed making left may write on for a moment.
        let unfinished = home.join(format!("{UNFINISHED}{}", hex::encode(rand::random::<[u8; 4]>())));
        let password = home.join("password");
        durable::replace(&password, self.password.as_bytes(), 0o600)?;
        self.give(&password)?;
        let made = self.initdb(&unfinished, &password, nursery).await;
        std::fs::remove_file(&password).map_err(UpError::io(&password))?;
        made?;
        std::fs::rename(&unfinished, &data).map_err(UpError::io(&data))?;
        durable::sync_parent(&data)
    }

    async fn initdb(&self, data: &Path, password: &Path, nursery: &Nursery) -> Result<(), UpError> {
        let log = self.folder.log("initdb");
        let output = std::fs::File::create(&log).map_err(UpError::io(&log))?;
        let errors = output.try_clone().map_err(UpError::io(&log))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        command.args(self.account.iter().flat_map(Account::setpriv_options));
        command.arg("--").arg(self.bin.join("initdb"));
        command.args([
            "--username",
            USER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ]);
        command.arg("--pgdata").arg(data).arg("--pwfile").arg(password);
        command.env("LC_ALL", "C").current_dir("/").stdin(std::process::Stdio::null());
        command.stdout(output).stderr(errors).kill_on_drop(true);
        let mut child = nursery.spawn(command).await.map_err(UpError::io("setpriv".as_ref()))?;
        let status = child.wait().await.map_err(UpError::io(&log))?;
        if status.success() { Ok(()) } else { Err(init_failed(&log)) }
    }

    /// The server on `port` and where to reach it.
    pub(crate) fn server(&self, port: u16) -> Result<(Program, Postgres), UpError> {
        let data = self.folder.path("postgres/data");
        let own = self.folder.path("postgres");
        let short = self.short_socket_folder(&own, port)?;
        let socket = short.as_ref().map_or(own.as_path(), |short| short.path());
        let mut args: Vec<OsString> = vec!["-D".into(), data.clone().into_os_string()];
        let fast_sync = cluster_version(self.folder) >= Some(FIRST_WITH_SYNCFS);
        let fast_sync = fast_sync.then(|| "recovery_init_sync_method=syncfs".to_owned());
        for setting in settings(port, socket).into_iter().chain(fast_sync) {
            args.extend(["-c".into(), setting.into()]);
        }
        let program = Program {
            name: "postgres",
            command: self.bin.join("postgres"),
            args,
            account: self.account.clone(),
            on_our_death: "QUIT",
            stop: Signal::INT,
            patience: Duration::from_secs(8),
            before: Arc::new(move || remove_stale_pid(&data)),
        };
        let password = self.password.to_owned();
        Ok((program, Postgres { port, password, _socket: short.map(Arc::new) }))
    }

    /// A short folder for the Unix socket, where the path in the cluster's own would be too long.
    fn short_socket_folder(&self, own: &Path, port: u16) -> Result<Option<TempDir>, UpError> {
        if own.as_os_str().len() + format!("/.s.PGSQL.{port}").len() < LONGEST_SOCKET {
            return Ok(None);
        }
        let short = tempfile::Builder::new().prefix("dengbei-").tempdir_in("/tmp");
        let short = short.map_err(UpError::io("/tmp".as_ref()))?;
        self.give(short.path())?;
        Ok(Some(short))
    }

    fn give(&self, path: &Path) -> Result<(), UpError> {
        self.account.as_ref().map_or(Ok(()), |account| account.own(path))
    }
}

impl Postgres {
    /// The address of a database, with the password.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Whether it answers a query.
    pub(crate) async fn is_ready(&self) -> bool {
        let asked = async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            sqlx::query("select 1").execute(&mut connection).await?;
            connection.close().await
        };
        tokio::time::timeout(Duration::from_secs(5), asked).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Makes the databases that are missing.
    pub(crate) async fn create_databases(&self, names: &[String]) -> Result<(), UpError> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        for name in names {
            let found = sqlx::query("select 1 from pg_database where datname = $1").bind(name);
            if found.fetch_optional(&mut connection).await?.is_none() {
                let create = AssertSqlSafe(format!("create database \"{name}\""));
                sqlx::query(create).execute(&mut connection).await?;
            }
        }
        Ok(connection.close().await?)
    }
}

/// What cannot be removed now is removed at a later start.
fn remove_unfinished(home: &Path) {
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

fn settings(port: u16, socket: &Path) -> Vec<String> {
    vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // A list: quoted as one, so that a comma in the path is no separator.
        format!("unix_socket_directories=\"{}\"", socket.display().to_string().replace('"', "\"\"")),
        "shared_buffers=128MB".to_owned(),
        "max_connections=200".to_owned(),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "full_page_writes=on".to_owned(),
        // A page is written whole into the log once a checkpoint: fewer checkpoints, and smaller pages.
        "max_wal_size=4GB".to_owned(),
        "checkpoint_timeout=15min".to_owned(),
        "wal_compression=lz4".to_owned(),
        "default_toast_compression=lz4".to_owned(),
        // What lies scattered is as near as what lies in a row: these are no turning disks.
        "random_page_cost=1.1".to_owned(),
        "jit=off".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "logging_collector=off".to_owned(),
        "log_line_prefix=%m [%p] %d ".to_owned(),
    ]
}

/// PostgreSQL refuses to start when the number in its lock file belongs to any live process of its user,
/// which after a reboot or in a new container may be a stranger: a file that names no server of ours goes.
fn remove_stale_pid(data: &Path) -> Result<(), UpError> {
    let path = data.join("postmaster.pid");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    let holder = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(ProcessId::of);
    let is_server = holder.is_some_and(|holder| {
        std::fs::read_link(format!("/proc/{}/cwd", holder.pid)).is_ok_and(|folder| folder == data)
    });
    if is_server {
        return Err(UpError::refused(
            "up.postgres_running",
            format!("数据库目录 {} 正被另一个 PostgreSQL 使用", data.display()),
            format!("another PostgreSQL runs in {}", data.display()),
        ));
    }
    std::fs::remove_file(&path).map_err(UpError::io(&path))
}

fn init_failed(log: &Path) -> UpError {
    UpError::refused(
        "up.initdb_failed",
        format!("无法建立数据库，详见 {}", log.display()),
        format!("initdb failed, see {}", log.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_that_names_a_stranger_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("postmaster.pid");
        std::fs::write(&path, format!("{}\n/data\n", std::process::id())).unwrap();
        remove_stale_pid(data.path()).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_file_of_a_running_server_stays() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("postmaster.pid");
        let mut server =
            std::process::Command::new("sleep").arg("60").current_dir(data.path()).spawn().unwrap();
        std::fs::write(&path, format!("{}\n", server.id())).unwrap();
        let refused = remove_stale_pid(data.path());
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(refused.unwrap_err().to_string().contains("up.postgres_running"));
        assert!(path.exists());
    }
}
