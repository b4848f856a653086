//! Waits until everything that the log had at start is heard: a database that was lost, or is from an old dump, must learn
//! what it stated before it states anything, or the same would be stated twice.

use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::FactKind;
use dengbei_kit::Drain;
use dengbei_proto::v1;
use tokio::sync::OnceCell;

use crate::{Consumer, Handler, RegisterClient};

/// Between questions to a register that does not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// Who waits. Clones share the answer: the log's size when the first of them asked.
#[derive(Debug)]
pub struct Heard<H: Handler> {
    consumer: Consumer<H>,
    register: RegisterClient,
    is_own: fn(FactKind) -> bool,
    size: Arc<OnceCell<u64>>,
}

impl<H: Handler> Clone for Heard<H> {
    fn clone(&self) -> Self {
        Self {
            consumer: self.consumer.clone(),
            register: self.register.clone(),
            is_own: self.is_own,
            size: self.size.clone(),
        }
    }
}

impl<H: Handler> Heard<H> {
    /// Nobody waits yet; `is_own` tells the facts that who waits states itself.
    pub fn new(consumer: Consumer<H>, register: RegisterClient, is_own: fn(FactKind) -> bool) -> Self {
        Self { consumer, register, is_own, size: Arc::default() }
    }

    /// False: the end was asked for first.
    pub async fn wait(&self, drain: &Drain) -> bool {
        let Some(size) = self.size(drain).await else { return false };
        self.consumer.wait_heard(size, self.is_own, drain).await
    }

    /// The size of the log when we started, as soon as the register says it.
    async fn size(&self, drain: &Drain) -> Option<u64> {
        loop {
            let asked = self.size.get_or_try_init(|| async {
                let mut register = self.register.clone();
                let request = v1::BundlesRequest { from_index: u64::MAX >> 1, limit: 1 };
                Ok::<_, tonic::Status>(register.bundles(request).await?.into_inner().size)
            });
            match asked.await {
                Ok(size) => return Some(*size),
                Err(e) => tracing::info!(error = %e.message(), "waiting for the register"),
            }
            if !drain.pause(AGAIN).await {
                return None;
            }
        }
    }
}
