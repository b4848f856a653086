//! SQL in, domain out: accounts, sessions, links, attempts at signing in, the audit. The database is the door's own and
//! holds nothing of any archive.

pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod links;
pub(crate) mod sessions;

/// The door's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
