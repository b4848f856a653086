//! 备份 (replication): which pack lies where, who signed for it, and what is repaired.
//!
//! The contract:
//! * What was registered is backed up: every site of the policy reads its copy back and signs (备份回执); when those
//!   that the policy asks for have signed, the pack is secured (备份达标), once.
//! * A receipt counts only with the key that was first seen of its site; a site with another key is refused and shown.
//! * Copies made without registration are storage copies (存储副本): of document packs at once, of others when they
//!   were not registered within a minute. They are not called backup.
//! * A copy that is damaged or missing is made again from a good one; the bad bytes are kept as evidence.
//! * Everything is a reconciler: it looks at the tables, does what is missing and can be cut anywhere. A site that
//!   does not answer holds up nobody else.
//!
//! The way of a pack: [`consumer`] hears what is to be copied and orders it → [`tend`] works off one site's orders →
//! [`copy`] has the site take the pack and verifies what it signed → [`commit`] stores receipts and states
//! `pack.stored` and, by [`policy`], `pack.secured`; [`repair`] states `pack.repaired`.

mod author;
mod commit;
mod consumer;
mod copy;
mod error;
mod grpc;
mod link;
mod metrics;
mod order;
mod policy;
mod receipt;
mod repair;
mod service;
mod store;
mod tend;
#[cfg(test)]
mod tests;
mod wake;

pub use service::run;
pub use store::MIGRATOR;
