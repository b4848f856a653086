//! Where event and submission ids come from, so that tests are exact.

use uuid::Uuid;

/// A source of UUIDv7s.
pub trait Ids: Send + Sync {
    /// The next id.
    fn next(&self) -> Uuid;
}

/// The machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[allow(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
