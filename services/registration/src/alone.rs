//! Loops that one process of the role runs at a time, by a lease (轮值), the others standing by.
//!
//! Their transactions are safe side by side; together they would plan packs of one item where one would have planned one
//! of many, read every batch back twice, and put off each other's work.

use std::time::Duration;

use dengbei_kit::Drain;

use crate::service::Parts;
use crate::wake::Topic;

/// A loop, and what wakes it.
pub(crate) struct Alone {
    pub(crate) lease: &'static str,
    pub(crate) topic: Topic,
    /// Without a signal.
    pub(crate) tick: Duration,
}

impl Alone {
    /// Runs `pass` whenever there may be work and this process has the lease, until the drain.
    ///
    /// # Errors
    /// The pass's, or the database's: run it again.
    pub(crate) async fn run<F, W>(self, parts: &Parts, drain: &Drain, pass: F) -> anyhow::Result<()>
    where
        F: Fn() -> W,
        W: Future<Output = anyhow::Result<()>>,
    {
        while parts.wake.wait(self.topic, self.tick, drain).await {
            if parts.leases.hold(self.lease).await? {
                pass().await?;
            }
        }
        Ok(parts.leases.give_up(self.lease).await?)
    }
}
