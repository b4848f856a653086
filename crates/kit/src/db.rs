//! The service's own PostgreSQL database: connecting, migrating, and what a database error means.

use std::sync::LazyLock;
use std::time::Duration;

use dengbei_records::ErrorClass;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Transaction};
use tracing::warn;

mod prepare;
mod signals;

pub use prepare::{PrepareError, Prepared, prepare};
pub use signals::{listen, notify};

/// Kit's own tables (versions from 2001; bus has 1001 and up, services 1 and up).
pub static MIGRATOR: Migrator = sqlx::migrate!();

const CONNECTIONS: u32 = 12;
/// How long a start waits for PostgreSQL to come up.
const START: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(250);
/// "dengbeim": all roles that share a database migrate one after the other.
const MIGRATION_LOCK: i64 = 0x6465_6e67_6265_696d;
/// No statement, no lock and no silent transaction of ours may last longer.
const LONGEST: &str = "60s";
/// Tables grow after a plan is made: only ways whose cost does not grow with them. Compiling a plan pays for questions
/// over many rows.
const BY_KEY: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Why a service has no database.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none.
    #[error("数据库地址无效 / the database URL is not valid")]
    Url(#[source] sqlx::Error),
    /// It did not answer within 30 s.
    #[error("数据库无法连接 / the database does not answer")]
    Unavailable(#[source] sqlx::Error),
    /// A migration failed, or one that was applied has changed.
    #[error("数据库结构升级失败 / the database could not be migrated")]
    Migration(#[from] MigrateError),
}

impl ConnectError {
    /// What can be done about it.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Url(_) => ErrorClass::Invalid,
            Self::Unavailable(_) => ErrorClass::Unavailable,
            Self::Migration(_) => ErrorClass::Internal,
        }
    }
}

/// Connects, with 12 connections at most, and brings the schema up to date: kit's own tables, then `migrators`.
///
/// # Errors
/// [`ConnectError`]; a database that is not up yet is waited for, 30 s.
pub async fn connect(url: &str, migrators: &[&Migrator]) -> Result<PgPool, ConnectError> {
    connect_with(url, CONNECTIONS, migrators).await
}

/// As [`connect`], with another number of connections.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect_with(
    url: &str,
    connections: u32,
    migrators: &[&Migrator],
) -> Result<PgPool, ConnectError> {
    let options: PgConnectOptions = url.parse().map_err(ConnectError::Url)?;
    let mut first = up(&options).await?;
    migrate(&mut first, migrators).await?;
    let _ = first.close().await;
    let bounded = options.options([
        ("statement_timeout", LONGEST),
        ("lock_timeout", LONGEST),
        ("idle_in_transaction_session_timeout", LONGEST),
        // A machine that is gone without a word lets go of its leases and locks within a minute.
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
        // A plan made while a table was empty reads it whole for ever after: what is asked is planned anew, which
        // keeps its cost flat in the size of the tables. For what is done by key, see `begin_by_key`.
        ("plan_cache_mode", "force_custom_plan"),
    ]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(15))
        .max_lifetime(Duration::from_secs(30 * 60))
        .connect_with(bounded)
        .await
        .map_err(ConnectError::Unavailable)
}

/// Begins a transaction whose statements find every row by a key. Each is planned once a connection, and never for
/// reading a table whole, however few rows it has then: planning anew for every bundle was more than a fifth of the
/// database's time (decision 0027). Not for questions whose best way depends on what is asked.
///
/// # Errors
/// When no connection is to be had, or the transaction cannot begin.
pub async fn begin_by_key(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    static BEGIN: LazyLock<String> = LazyLock::new(|| {
        let local = BY_KEY.map(|(name, value)| format!("; set local {name} = {value}"));
        format!("begin{}", local.concat())
    });
    // Of constants alone.
    pool.begin_with(AssertSqlSafe(BEGIN.as_str())).await
}

/// A connection of its own, beside the pool, on which everything is done as in [`begin_by_key`].
///
/// # Errors
/// When the database does not take it.
pub async fn connect_by_key(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(&PgConnectOptions::clone(&pool.connect_options()).options(BY_KEY)).await
}

async fn up(options: &PgConnectOptions) -> Result<PgConnection, ConnectError> {
    let deadline = tokio::time::Instant::now() + START;
    loop {
        match PgConnection::connect_with(options).await {
            Ok(connection) => return Ok(connection),
            Err(e) if class(&e) != ErrorClass::Unavailable || tokio::time::Instant::now() > deadline => {
                return Err(ConnectError::Unavailable(e));
            }
            Err(e) => {
                warn!(error = %e, "waiting for PostgreSQL");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Under one advisory lock, which ends with the connection at the latest.
async fn migrate(connection: &mut PgConnection, migrators: &[&Migrator]) -> Result<(), ConnectError> {
    let lock = sqlx::query("select pg_advisory_lock($1)").bind(MIGRATION_LOCK);
    connection.execute(lock).await.map_err(ConnectError::Unavailable)?;
    for migrator in std::iter::once(&&MIGRATOR).chain(migrators) {
        let mut each = Migrator::with_migrations(migrator.iter().cloned().collect());
        // One table of versions serves kit, bus and the service; each knows its own alone.
        each.set_ignore_missing(true).set_locking(false);
        each.run_direct(None, &mut *connection, false).await?;
    }
    let unlock = sqlx::query("select pg_advisory_unlock($1)").bind(MIGRATION_LOCK);
    connection.execute(unlock).await.map_err(ConnectError::Unavailable)?;
    Ok(())
}

/// What can be done about a database error: SQLSTATE classes in one place.
pub fn class(error: &sqlx::Error) -> ErrorClass {
    match error {
        sqlx::Error::RowNotFound => ErrorClass::NotFound,
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_) => ErrorClass::Unavailable,
        sqlx::Error::Database(e) => e.code().as_deref().map_or(ErrorClass::Internal, class_of_sqlstate),
        _ => ErrorClass::Internal,
    }
}

/// 23505 unique, 23P01 exclusion: a Conflict. 08, 40, 53, 55P03, 57: the same again later can succeed.
fn class_of_sqlstate(code: &str) -> ErrorClass {
    match code {
        "23505" | "23P01" => ErrorClass::Conflict,
        "55P03" => ErrorClass::Unavailable,
        _ => match code.get(..2) {
            Some("08" | "40" | "53" | "57") => ErrorClass::Unavailable,
            _ => ErrorClass::Internal,
        },
    }
}

/// The constraint that a statement ran into: `error.rs` of a service maps its name to a variant.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|e| e.constraint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_tried_again_is_unavailable() {
        for code in ["08006", "40001", "40P01", "53100", "53300", "55P03", "57P01", "57014"] {
            assert_eq!(class_of_sqlstate(code), ErrorClass::Unavailable, "{code}");
        }
        assert_eq!(class_of_sqlstate("23505"), ErrorClass::Conflict);
        assert_eq!(class_of_sqlstate("42601"), ErrorClass::Internal);
        assert_eq!(class(&sqlx::Error::PoolTimedOut), ErrorClass::Unavailable);
    }
}
