//! 登记: custody of items from `item.prefiled` on, and the register (the log).
//!
//! * **Decides** alone about every submission that was pre-filed: filed, returned or superseded. Never gives one up.
//! * **Files** in three steps, plan → write → commit. Archival codes (档号) and pack numbers are gap-free and given once;
//!   a plan is always finished, by any worker, to the same bytes.
//! * **Publishes** matters (事项), gives units their fonds number and their key.
//! * **Seals** every event of the area into one append-only log on the primary site, and answers what is sealed.
//! * A database restored from an old dump is replayed from the log and the packs before anything is decided; two
//!   histories are refused.
//!
//! One item's way through the files: `consumer` → `receive` → `decide` → `plan` → `write` → `file`; or `return_item`, when it is
//! returned or superseded. `register/` is the log's side. Services meet only in `proto`.

mod alone;
mod author;
mod batches;
mod bodies;
mod consumer;
mod decide;
mod documents;
mod draft;
mod error;
mod file;
mod filed_version;
mod filing;
mod grpc;
mod key_backup;
mod metrics;
mod paper;
mod plan;
mod policy;
mod previous;
mod publish_matter;
mod read_filed;
mod receipt;
mod receive;
mod register;
mod replay;
mod return_item;
mod scanned;
mod service;
mod staged;
mod store;
#[cfg(test)]
mod tests;
mod transfers;
mod unit_keys;
mod wake;
mod write;

pub use service::{MIGRATOR, run};
