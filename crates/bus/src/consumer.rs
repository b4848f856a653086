//! A consumer: hears every fact of the area and applies what its handler wants, each once.
//!
//! Before: `relay` of another service, or the log. After: the service's [`Handler`]. Three loops:
//! * `pull`: bundles from JetStream, acknowledged after their commit;
//! * `rework`: events that waited for a cause, or for their next try;
//! * `catch_up`: sealed bundles that the bus did not bring, read from the register.
//!
//! All three settle events the same way (`settle`): whole bundle in one transaction, else event by event.
//!
//! Several processes of a service share its durable and its inbox: the bus gives each bundle to one of them, claims keep
//! each from being applied twice (`store/inbox`), what is due again is left to who took it (`store/pending`), and one of
//! them reads the log (`catch_up`).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dengbei_chain::Event;
use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::{Drain, Leases};
use sqlx::postgres::PgPool;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::backoff::Policy;
use crate::store::cursor;
use crate::{Handler, Nats, RegisterClient, measured};

mod catch_up;
mod heard;
pub(crate) mod pull;
mod rework;
pub(crate) mod settle;

/// Bundles handled side by side unless told otherwise.
const AT_ONCE: usize = 4;

/// Applies facts to a service's own database. Cheap to clone; a clone can be run again after a failure.
#[derive(Debug)]
pub struct Consumer<H: Handler> {
    shared: Arc<Shared<H>>,
}

#[derive(Debug)]
struct Shared<H> {
    service: String,
    pool: PgPool,
    nats: Nats,
    register: RegisterClient,
    handler: H,
    at_once: usize,
    policy: Policy,
    /// Bundles in hand, so that bus and log do not prepare the same one side by side.
    in_hand: Mutex<HashSet<(String, u64)>>,
    /// Something in `pending` became due.
    due: Notify,
    /// Who catches up.
    leases: Leases,
    /// The cursor into the log; it only grows.
    log_index: watch::Sender<u64>,
}

/// An event that a consumer has in hand, with what is known beside it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) event: Event,
    pub(crate) traceparent: String,
    /// How often it failed, or was looked at in vain.
    pub(crate) tries: u32,
    /// Since when it is held.
    pub(crate) age: Duration,
}

impl<H: Handler> Clone for Consumer<H> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<H: Handler> Consumer<H> {
    /// For the service's database; `service` names the durable and the inbox.
    pub fn new(service: &str, pool: PgPool, nats: Nats, register: RegisterClient, handler: H) -> Self {
        measured::describe();
        let register = register.max_decoding_message_size(MAX_MESSAGE);
        let leases = Leases::new(pool.clone());
        let shared = Shared {
            service: service.to_owned(),
            pool,
            nats,
            register,
            handler,
            at_once: AT_ONCE,
            policy: Policy::default(),
            in_hand: Mutex::default(),
            due: Notify::new(),
            leases,
            log_index: watch::Sender::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Handles so many bundles side by side. To be said before the first clone; later it changes nothing.
    #[must_use]
    pub fn at_once(mut self, bundles: usize) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.at_once = bundles.max(1);
        }
        self
    }

    /// Gives an event up after so many failures, the pauses between them beginning with `first`. To be said before the
    /// first clone; later it changes nothing.
    #[must_use]
    pub fn tries(mut self, tries: u32, first: Duration) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.policy = Policy { tries: tries.max(1), first, ..shared.policy };
        }
        self
    }

    /// Works until the drain; what is in hand is finished.
    ///
    /// # Errors
    /// When the database fails, or the bus refuses the consumer's settings: run it again.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let shared = &self.shared;
        let index = cursor::read(&shared.pool, &shared.service).await?;
        shared.reached(index);
        let mut loops = JoinSet::new();
        loops.spawn(shared.clone().pull(drain.clone()));
        loops.spawn(shared.clone().rework(drain.clone()));
        loops.spawn(shared.clone().catch_up(drain.clone()));
        // The first that fails ends the others: dropping the set cuts them.
        while let Some(ended) = loops.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// The log index below which everything is settled: applied, skipped, waiting or a dead letter.
    pub fn caught_up_to(&self) -> u64 {
        *self.shared.log_index.borrow()
    }

    /// Returns when everything below `index` is settled. Cancel-safe; needs [`Self::run`] to be running.
    pub async fn wait_caught_up(&self, index: u64) {
        let mut watching = self.shared.log_index.subscribe();
        // Fails only when the sender is gone, which `self` holds.
        let _ = watching.wait_for(|reached| *reached >= index).await;
    }
}

/// A bundle in hand; given back when it is dropped.
struct InHand<'a> {
    all: &'a Mutex<HashSet<(String, u64)>>,
    key: (String, u64),
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl<H: Handler> Shared<H> {
    /// Takes a bundle in hand; none when another task has it.
    fn take(&self, producer: &str, sequence: u64) -> Option<InHand<'_>> {
        let key = (producer.to_owned(), sequence);
        let fresh = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        fresh.then_some(InHand { all: &self.in_hand, key })
    }

    fn reached(&self, index: u64) {
        self.log_index.send_if_modified(|reached| {
            let is_further = index > *reached;
            *reached = index.max(*reached);
            is_further
        });
        measured::log_index(&self.service, index);
    }
}
