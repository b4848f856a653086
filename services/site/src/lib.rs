//! 备份点 (site): the role beside one storage, with that site's own key. It stores, reads back, and signs.
//!
//! The contract:
//! * A receipt (备份回执) is signed only for bytes that were read from this site's disk, from the first to the last,
//!   in this call; what it names is what was read, never what was asked for.
//! * What returns is durable. Everything can be asked for again: the same answer, or a newer reading of the same.
//! * Nothing is ever overwritten. Other bytes under a pack's name stay until somebody has them moved to the quarantine
//!   (隔离区), as evidence.
//! * The copy of the log only grows, and only by what the register's key signed and every entry here leads to.
//! * A crash at any point leaves a whole pack or none, a whole tile or none.
//!
//! It knows no records, no policy and no other service's state; it has no database and hears no events. Neighbours:
//! `vault` (the disk), `replication` (which orders copies), `fixity` (which has packs read again), `registration`
//! (which has its packs attested and keeps the log here).

mod attest;
mod counted;
mod error;
mod grpc;
mod keeper;
mod log;
mod metrics;
mod read;
mod service;
mod take;
#[cfg(test)]
mod tests;

pub use service::run;
