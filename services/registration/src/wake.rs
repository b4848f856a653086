//! Signals between tasks and processes: a transaction that makes work says so when it commits, so that whoever waits
//! looks at once. A lost signal costs a tick, nothing else: every loop also looks by its own clock.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::{Drain, db};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Notify;

const CHANNEL: &str = "registration";
const TOPICS: usize = 8;

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Items wait for a pack.
    Ready,
    /// Outcomes wait to be stated.
    Decided,
    /// Plans wait to be finished.
    Planned,
    /// Bundles wait to be sealed.
    Log,
    /// Filed packs wait to be applied for.
    Filed,
    /// Registration batches wait for a decision.
    Applied,
    /// Packs of registered batches are backed up.
    Secured,
    /// Certified batches wait to be handed over, or a transfer waits for its next step.
    Certified,
}

impl Topic {
    const ALL: [(Self, &'static str); TOPICS] = [
        (Self::Ready, "ready"),
        (Self::Decided, "decided"),
        (Self::Planned, "planned"),
        (Self::Log, "log"),
        (Self::Filed, "filed"),
        (Self::Applied, "applied"),
        (Self::Secured, "secured"),
        (Self::Certified, "certified"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0]).1
    }
}

/// Says that there is work of this kind, when the transaction commits.
pub(crate) async fn on_commit(tx: &mut PgConnection, topic: Topic) -> Result<(), sqlx::Error> {
    db::notify(tx, CHANNEL, topic.name()).await
}

/// What wakes the loops of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wake(Arc<[Notify; TOPICS]>);

impl Wake {
    fn of(&self, topic: Topic) -> &Notify {
        let at = Topic::ALL.iter().position(|row| row.0 == topic).unwrap_or(0);
        &self.0[at]
    }

    /// Wakes one loop of this process.
    pub(crate) fn signal(&self, topic: Topic) {
        self.of(topic).notify_one();
    }

    /// Waits for a signal, at most `tick`. False: the end is asked for.
    pub(crate) async fn wait(&self, topic: Topic, tick: Duration, drain: &Drain) -> bool {
        tokio::select! {
            () = drain.requested() => false,
            () = self.of(topic).notified() => true,
            () = tokio::time::sleep(tick) => true,
        }
    }

    /// Hears what transactions of any process say.
    pub(crate) async fn listen(&self, pool: &PgPool, drain: &Drain) -> anyhow::Result<()> {
        db::listen(pool, CHANNEL, drain, |word| {
            if let Some(row) = Topic::ALL.iter().find(|row| row.1 == word) {
                self.signal(row.0);
            }
        })
        .await
    }
}
