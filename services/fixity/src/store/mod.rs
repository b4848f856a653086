//! SQL in, domain out; one file per aggregate. The caller owns the transaction.
//!
//! * [`runs`]: one verdict per `item.prefiled`, never overwritten
//! * [`matters`]: the filing tables that the events name
//! * [`record_numbers`]: which item holds a 电子文件号
//! * [`packs`]: every pack, and the filings inside
//! * [`drills`]: what was restored to quarantine, and a record written and read
//! * [`rechecks`]: what persons say of the reports of items
//! * [`tasks`]: what persons are asked to look at, and what they signed
//! * [`wholes`]: one run over a batch, a carrier, a day of the system
//! * [`copies`]: what every site should hold and how it was found
//! * [`sites`]: keys, the log's reach, packs that nobody stored
//! * [`stands`]: how all of it stands, for metrics
//! * [`transfers`]: one run a side of a transfer

pub(crate) mod copies;
pub(crate) mod drills;
pub(crate) mod matters;
pub(crate) mod packs;
pub(crate) mod rechecks;
pub(crate) mod record_numbers;
pub(crate) mod runs;
pub(crate) mod sites;
pub(crate) mod stands;
pub(crate) mod tasks;
pub(crate) mod transfers;
pub(crate) mod wholes;

/// Fixity's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
