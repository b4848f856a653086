//! Signals: a transaction that makes work says so when it commits, so that whoever waits looks at once. A lost signal
//! costs a tick, nothing else.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::{Drain, db};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::watch;

const CHANNEL: &str = "replication";

/// Says that there is work, when the transaction commits.
pub(crate) async fn on_commit(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    db::notify(tx, CHANNEL, "").await
}

/// What wakes the loops of this process.
#[derive(Debug, Clone)]
pub(crate) struct Wake(Arc<watch::Sender<u64>>);

impl Default for Wake {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

/// One loop's ear.
#[derive(Debug)]
pub(crate) struct Waking(watch::Receiver<u64>);

impl Wake {
    /// An ear that is woken at once the first time.
    pub(crate) fn waking(&self) -> Waking {
        let mut receiver = self.0.subscribe();
        receiver.mark_changed();
        Waking(receiver)
    }

    /// Hears what transactions of any process say.
    pub(crate) async fn listen(&self, pool: &PgPool, drain: &Drain) -> anyhow::Result<()> {
        db::listen(pool, CHANNEL, drain, |_| self.0.send_modify(|count| *count += 1)).await
    }
}

impl Waking {
    /// Waits for a signal, at most `tick`. False: the end is asked for.
    pub(crate) async fn wait(&mut self, tick: Duration, drain: &Drain) -> bool {
        tokio::select! {
            () = drain.requested() => false,
            // Fails only when the sender is gone, which ends with the process.
            _ = self.0.changed() => true,
            () = tokio::time::sleep(tick) => true,
        }
    }
}
