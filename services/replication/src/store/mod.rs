//! SQL in, domain out; one file per aggregate. The caller owns the transaction.
//!
//! * [`packs`]: what is to be copied, and why
//! * [`copies`]: signatures wanted and given
//! * [`damages`]: copies that are not as they should be
//! * [`sites`]: the sites with their pinned keys

pub(crate) mod copies;
pub(crate) mod damages;
pub(crate) mod packs;
pub(crate) mod sites;

use dengbei_records::{EventHash, Sha256};

/// Replication's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A stored value that cannot be what it should be.
pub(crate) fn corrupt<E: Into<Box<dyn std::error::Error + Send + Sync>>>(e: E) -> sqlx::Error {
    sqlx::Error::Decode(e.into())
}

pub(crate) fn sha256(bytes: &[u8]) -> Result<Sha256, sqlx::Error> {
    Sha256::from_slice(bytes).map_err(corrupt)
}

pub(crate) fn event(bytes: &[u8]) -> Result<EventHash, sqlx::Error> {
    EventHash::from_slice(bytes).map_err(corrupt)
}

/// Hashes as parameters.
pub(crate) fn raw(hashes: &[EventHash]) -> Vec<&[u8]> {
    hashes.iter().map(|h| h.as_bytes().as_slice()).collect()
}
