//! Waits until everything that the log had at start is heard: a database from an old dump must learn what it stated
//! before it states anything, or the same would be stated twice.

use std::time::Duration;

use dengbei_bus::{Consumer, RegisterClient};
use dengbei_chain::FactKind;
use dengbei_kit::Drain;
use dengbei_proto::v1;
use std::sync::Arc;
use tokio::sync::OnceCell;

use crate::consumer::Orders;

/// Between looks.
const TICK: Duration = Duration::from_millis(500);

/// Who waits shares the answer.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) consumer: Consumer<Orders>,
    pub(crate) register: RegisterClient,
    pub(crate) size: Arc<OnceCell<u64>>,
}

impl Heard {
    /// False: the end was asked for first.
    pub(crate) async fn wait(&self, drain: &Drain) -> bool {
        let Some(size) = self.size(drain).await else { return false };
        self.consumer.wait_heard(size, is_own, drain).await
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
            if !drain.pause(TICK).await {
                return None;
            }
        }
    }
}

fn is_own(kind: FactKind) -> bool {
    matches!(kind, FactKind::PackStored | FactKind::PackSecured | FactKind::PackRepaired)
}
