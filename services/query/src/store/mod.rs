//! The read model's tables: SQL in, domain out. The caller owns the transaction.
//!
//! Every transaction takes its locks in one order: events by hash, matters by code, attempts by submission, items by id,
//! packs by number, registration batches and transfers, packs again under those, what is to be
//! placed, the counters of quality, tallies last.

pub(crate) mod attempts;
pub(crate) mod events;
pub(crate) mod figures;
pub(crate) mod filter;
pub(crate) mod life;
pub(crate) mod names;
mod packs;
pub(crate) mod quality;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod tallies;
