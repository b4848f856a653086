//! Waits until everything that the log had at start is heard: a database that was lost, or is from an old dump, must learn
//! what it stated before it states anything, or the same would be stated twice.

use std::time::Duration;

use dengbei_bus::{Consumer, RegisterClient};
use dengbei_chain::FactKind;
use dengbei_kit::Drain;
use dengbei_proto::v1;

use crate::consumer::Checks;

/// Between questions to a register that does not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// Who waits.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) consumer: Consumer<Checks>,
    pub(crate) register: RegisterClient,
}

impl Heard {
    /// False: the end was asked for first.
    pub(crate) async fn wait(&self, drain: &Drain) -> bool {
        let Some(size) = self.size(drain).await else { return false };
        self.consumer.wait_heard(size, is_own, drain).await
    }

    /// The size of the log, as soon as the register says it.
    async fn size(&self, drain: &Drain) -> Option<u64> {
        loop {
            let request = v1::BundlesRequest { from_index: u64::MAX >> 1, limit: 1 };
            match self.register.clone().bundles(request).await {
                Ok(reply) => return Some(reply.into_inner().size),
                Err(_) if drain.pause(AGAIN).await => {}
                Err(_) => return None,
            }
        }
    }
}

/// What the worker states.
fn is_own(kind: FactKind) -> bool {
    matches!(kind, FactKind::WholeChecked | FactKind::CheckSigned | FactKind::CheckRechecked)
}
