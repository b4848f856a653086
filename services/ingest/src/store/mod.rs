//! SQL in, domain out; one file per aggregate. The caller owns the transaction.
//!
//! * [`submissions`]: every accepted package and its outcome
//! * [`places`]: where its bytes lie, while it is undecided
//! * [`matters`]: the filing tables in force, from `matter.published`
//! * [`origins`]: where packages come from, refused ones too
//! * [`expectations`]: what sources state they closed
//! * [`refusals`]: what was refused, so that the same package makes one event

pub(crate) mod expectations;
pub(crate) mod matters;
pub(crate) mod origins;
pub(crate) mod places;
pub(crate) mod refusals;
pub(crate) mod submissions;

/// Ingest's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn unsigned(n: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(n).map_err(decode)
}

/// PostgreSQL has no unsigned numbers; nothing of ours comes near 2^63.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
