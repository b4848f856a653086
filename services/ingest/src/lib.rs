//! 接收 (ingest): submissions until `item.prefiled` commits.
//!
//! The contract:
//! * What is acknowledged is on stable storage: staged, synced, and its row and event committed, in this order.
//! * Every package gets a firm answer: prefiled, parked, refused with check ids and remedies, duplicate, or conflict.
//!   The submission key is (item, data version, package digest).
//! * Secrets (查询密码) are emptied before anything is stored. What is refused leaves no bytes.
//! * A package whose matter has no filing table in force at closing is parked and prefiled once, when one is published.
//! * From `item.prefiled` on only registration decides; ingest keeps the bytes until it hears the decision.
//!
//! The way of a package: [`grpc`] spools the upload ([`spool`]) → [`receive`] opens it, package by package →
//! [`judge`] reads, redacts, checks → [`stage`] makes it durable → [`commit`] writes row and event → the outbox.
//! Beside it: [`consumer`] hears outcomes and matters, [`release`] prefiles what was parked, [`let_go`] frees bytes,
//! [`adopt`] takes over what another process left, [`read_staged`] serves them, [`standing`] closes the door when too
//! much is undecided.

mod admit;
mod adopt;
mod catalogue;
mod closing;
mod commit;
mod config;
mod consumer;
mod error;
mod events;
mod grpc;
mod intake;
mod judge;
mod let_go;
mod metrics;
mod noted;
mod origin;
mod read_staged;
mod receive;
mod release;
mod service;
mod spool;
mod stage;
mod standing;
mod stated;
mod store;
#[cfg(test)]
mod tests;

pub use error::IngestError;
pub use service::run;
pub use store::MIGRATOR;
