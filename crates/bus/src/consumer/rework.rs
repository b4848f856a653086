//! Rework: events whose cause came, and events whose next try came. Also keeps the inbox small.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_kit::Drain;
use dengbei_records::EventHash;
use tokio::time::Instant;

use super::settle::Claim;
use super::{Held, Shared};
use crate::store::pending::HeldRow;
use crate::store::{dead_letters, inbox, pending};
use crate::{BusError, Handler};

/// Events settled together.
const AT_ONCE: i64 = 256;
const POLL: Duration = Duration::from_millis(500);
const COMPACT: Duration = Duration::from_secs(15);
/// Longer than any statement may take (`kit::db`).
const OLDER: Duration = Duration::from_secs(90);

impl<H: Handler> Shared<H> {
    pub(super) async fn rework(self: Arc<Self>, drain: Drain) -> Result<(), BusError> {
        let mut compacted = Instant::now();
        while !drain.is_requested() {
            let mut some = pending::due(&self.pool, &self.service, AT_ONCE).await?;
            self.again(Claim::Pending, &held(&some)).await?;
            some.extend(self.retry().await?);
            if compacted.elapsed() > COMPACT {
                inbox::compact(&self.pool, &self.service, OLDER).await?;
                compacted = Instant::now();
            }
            if some.is_empty() {
                tokio::select! {
                    () = self.due.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                    () = drain.requested() => {}
                }
            }
        }
        Ok(())
    }

    async fn retry(&self) -> Result<Vec<HeldRow>, BusError> {
        let due = dead_letters::due(&self.pool, &self.service, AT_ONCE).await?;
        self.again(Claim::Failed, &held(&due)).await?;
        for row in &due {
            // Only what an operator sent again although it could not be read.
            if let Err(e) = Event::read(Bytes::copy_from_slice(&row.event)) {
                let reason = format!("{:#}", anyhow::Error::new(e));
                dead_letters::bury(&self.pool, &self.service, &EventHash::of(&row.event), &reason).await?;
            }
        }
        Ok(due)
    }
}

fn held(rows: &[HeldRow]) -> Vec<Held> {
    let read = |row: &HeldRow| {
        Some(Held {
            event: Event::read(Bytes::copy_from_slice(&row.event)).ok()?,
            traceparent: row.traceparent.clone(),
            tries: u32::try_from(row.tries).unwrap_or(0),
            age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        })
    };
    rows.iter().filter_map(read).collect()
}
