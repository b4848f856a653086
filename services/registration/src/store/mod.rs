//! SQL in, domain out; one file per aggregate. The caller owns the transaction.

pub(crate) mod batches;
pub(crate) mod document_packs;
pub(crate) mod documents;
pub(crate) mod filed_packs;
pub(crate) mod history;
pub(crate) mod items;
pub(crate) mod matters;
pub(crate) mod numbers;
pub(crate) mod packs;
pub(crate) mod people;
pub(crate) mod plans;
pub(crate) mod policies;
pub(crate) mod ready;
pub(crate) mod transfers;

use dengbei_records::{EventHash, Invalid};

/// A stored value that does not read back: a fault of ours, never the caller's.
pub(crate) fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// Reads a column as a domain value.
pub(crate) fn read<T>(value: Result<T, Invalid>) -> Result<T, sqlx::Error> {
    value.map_err(corrupt)
}

/// Hashes as PostgreSQL takes them.
pub(crate) fn raw(hashes: &[EventHash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|h| h.as_bytes().to_vec()).collect()
}

/// An unsigned number as PostgreSQL takes it; what is larger than that cannot exist.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number that PostgreSQL holds and is never negative.
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
