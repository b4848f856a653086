//! Waiting until a service has heard what it stated itself: a database from an old dump must learn that before it states
//! anything, or the same would be stated twice.

use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::{Event, FactKind};
use dengbei_kit::Drain;

use super::Consumer;
use crate::Handler;
use crate::store::set_aside;

/// Between looks.
const TICK: Duration = Duration::from_millis(500);

impl<H: Handler> Consumer<H> {
    /// Returns when everything below `index` is settled and nothing that the service states itself is pending or a dead
    /// letter. False: the end was asked for first. Needs [`Self::run`] to be running.
    pub async fn wait_heard(&self, index: u64, is_own: fn(FactKind) -> bool, drain: &Drain) -> bool {
        tokio::select! {
            () = drain.requested() => return false,
            () = self.wait_caught_up(index) => {}
        }
        let service = &self.shared.service;
        let mut waited = 0_u32;
        loop {
            match set_aside::events(&self.shared.pool, service).await {
                Ok(events) => match events.iter().filter(|bytes| is_of(bytes, is_own)).count() {
                    0 => return true,
                    count if waited % 60 == 20 => tracing::warn!(
                        service,
                        count,
                        "work waits: facts of our own are not in the state yet (pending or 滞留消息)"
                    ),
                    _ => {}
                },
                Err(e) => tracing::warn!(service, error = %e, "work waits for the database"),
            }
            waited += 1;
            if !drain.pause(TICK).await {
                return false;
            }
        }
    }
}

fn is_of(bytes: &[u8], is_own: fn(FactKind) -> bool) -> bool {
    let event = Event::read(Bytes::copy_from_slice(bytes));
    event.ok().and_then(|e| e.fact).is_some_and(|fact| is_own(fact.kind()))
}
