//! Making a database ready before any role starts: created if it is missing, its schema expanded. Again is harmless.

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::{ConnectError, migrate, up};

/// SQLSTATE: there is no such database.
const NO_DATABASE: &str = "3D000";
/// SQLSTATE: somebody else was first.
const EXISTS: &str = "42P04";
/// SQLSTATE: the user may not.
const MAY_NOT: &str = "42501";

/// Why a database could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is missing, and the user may not create it.
    #[error("数据库 {0} 不存在，且该用户无权建库 / database {0} is missing and this user may not create it")]
    MayNotCreate(String),
    /// As when a role connects.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The database's name.
    pub database: String,
    /// Whether it was created now.
    pub is_new: bool,
    /// Migrations that were applied now.
    pub applied: i64,
}

/// Creates the database of `url` if it is missing and expands its schema: kit's own tables, then `migrators`, under the
/// lock that roles take at their start too.
///
/// # Errors
/// [`PrepareError`]; a server that is not up yet is waited for, 30 s.
pub async fn prepare(url: &str, migrators: &[&Migrator]) -> Result<Prepared, PrepareError> {
    let options: PgConnectOptions = url.parse().map_err(ConnectError::Url)?;
    let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
    let (mut connection, is_new) = match up(&options).await {
        Ok(connection) => (connection, false),
        Err(ConnectError::Unavailable(e)) if is(&e, NO_DATABASE) => {
            create(&options, &database).await?;
            (up(&options).await?, true)
        }
        Err(e) => return Err(e.into()),
    };
    let before = applied(&mut connection).await?;
    migrate(&mut connection, migrators).await?;
    let applied = applied(&mut connection).await? - before;
    let _ = connection.close().await;
    Ok(Prepared { database, is_new, applied })
}

async fn create(options: &PgConnectOptions, database: &str) -> Result<(), PrepareError> {
    let mut connection = up(&options.clone().database("postgres")).await?;
    let quoted = database.replace('"', "\"\"");
    let created = connection.execute(AssertSqlSafe(format!("create database \"{quoted}\""))).await;
    let _ = connection.close().await;
    match created {
        Ok(_) => Ok(()),
        Err(e) if is(&e, EXISTS) => Ok(()),
        Err(e) if is(&e, MAY_NOT) => Err(PrepareError::MayNotCreate(database.to_owned())),
        Err(e) => Err(ConnectError::Unavailable(e).into()),
    }
}

/// How many migrations the database has.
async fn applied(connection: &mut PgConnection) -> Result<i64, ConnectError> {
    let has_table = "select to_regclass('_sqlx_migrations') is not null";
    let has_table: bool =
        sqlx::query_scalar(has_table).fetch_one(&mut *connection).await.map_err(ConnectError::Unavailable)?;
    if !has_table {
        return Ok(0);
    }
    let count = sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(connection).await;
    count.map_err(ConnectError::Unavailable)
}

fn is(error: &sqlx::Error, state: &str) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.code().as_deref() == Some(state))
}
