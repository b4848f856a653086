//! SQL in, domain out; one file per aggregate. The caller owns the transaction.
//!
//! * [`runs`]: one verdict per `item.prefiled`, never overwritten
//! * [`matters`]: the filing tables that the events name
//! * [`record_numbers`]: which item holds a 电子文件号

pub(crate) mod matters;
pub(crate) mod record_numbers;
pub(crate) mod runs;

/// Fixity's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
