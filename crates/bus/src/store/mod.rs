//! SQL in, the bus's own types out; one file per table. The caller owns the transaction.

pub(crate) mod cursor;
pub(crate) mod dead_letters;
pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod pending;
pub(crate) mod producer;
pub(crate) mod set_aside;
pub(crate) mod traces;
pub(crate) mod waiting;

/// PostgreSQL has no unsigned integers; sequences and indices stay far below 2^63.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Back from [`signed`].
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A length of time as PostgreSQL takes it, in `make_interval(secs => …)`.
pub(crate) fn seconds(period: std::time::Duration) -> f64 {
    period.as_secs_f64()
}
