//! Waits until everything that the log had at start is heard: a database from an old dump must learn what it stated
//! before it states anything, or the same would be stated twice.

use std::time::Duration;

use bytes::Bytes;
use dengbei_bus::{Consumer, RegisterClient};
use dengbei_chain::{Event, FactKind};
use dengbei_kit::Drain;
use dengbei_proto::v1;
use sqlx::postgres::PgPool;
use std::sync::Arc;
use tokio::sync::OnceCell;

use crate::consumer::Orders;
use crate::service::NAME;

/// Between looks.
const TICK: Duration = Duration::from_millis(500);

/// Who waits shares the answer.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) consumer: Consumer<Orders>,
    pub(crate) register: RegisterClient,
    pub(crate) pool: PgPool,
    pub(crate) size: Arc<OnceCell<u64>>,
}

impl Heard {
    /// False: the end was asked for first.
    pub(crate) async fn wait(&self, drain: &Drain) -> bool {
        let Some(size) = self.size(drain).await else { return false };
        tokio::select! {
            () = drain.requested() => return false,
            () = self.consumer.wait_caught_up(size) => {}
        }
        let mut waited = 0_u32;
        loop {
            match self.set_aside().await {
                Ok(0) => return true,
                Ok(count) if waited % 60 == 20 => {
                    tracing::warn!(
                        count,
                        "copies wait: facts of our own are not in the state yet (pending or 滞留消息)"
                    );
                }
                Ok(_) => {}
                Err(e) => tracing::warn!(error = %e, "copies wait for the database"),
            }
            waited += 1;
            if !drain.pause(TICK).await {
                return false;
            }
        }
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

    /// Facts of our own that are set aside.
    async fn set_aside(&self) -> Result<usize, sqlx::Error> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "select event from bus.pending where consumer = $1
             union all select event from bus.dead_letters where consumer = $1",
        )
        .bind(NAME)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter(|bytes| is_own(bytes)).count())
    }
}

fn is_own(bytes: &[u8]) -> bool {
    let event = Event::read(Bytes::copy_from_slice(bytes));
    let kind = event.ok().and_then(|e| e.fact).map(|fact| fact.kind());
    matches!(kind, Some(FactKind::PackStored | FactKind::PackSecured | FactKind::PackRepaired))
}
