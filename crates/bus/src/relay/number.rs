//! Numbering: woken by a commit's notification, and by a timer because notifications can be lost.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::{Drain, faults};
use sqlx::postgres::{PgConnection, PgListener};

use super::Working;
use crate::BusError;
use crate::store::outbox;

/// Rows numbered in one statement.
const AT_ONCE: i64 = 512;
/// Without a notification.
const POLL: Duration = Duration::from_millis(500);
/// A committed row waits for an older transaction to end.
const SOON: Duration = Duration::from_millis(20);

impl Working {
    /// Numbers rows on the lease's own connection: when that is lost, so is the lease, and this ends.
    pub(super) async fn number(
        self: Arc<Self>,
        mut lease: PgConnection,
        drain: Drain,
    ) -> Result<(), BusError> {
        let mut listener = PgListener::connect_with(&self.relay.pool).await?;
        listener.listen(outbox::CHANNEL).await?;
        while !drain.is_requested() {
            if outbox::number(&mut lease, AT_ONCE).await? > 0 {
                faults::reach("bus.relay.numbered");
                self.numbered.notify_one();
                self.held.notify_one();
                continue;
            }
            if outbox::is_any_unnumbered(&mut lease).await? {
                drain.pause(SOON).await;
                continue;
            }
            tokio::select! {
                woken = listener.recv() => drop(woken?),
                () = tokio::time::sleep(POLL) => {}
                () = drain.requested() => {}
            }
        }
        Ok(())
    }
}
