//! Pulling: messages from the durable consumer, some in hand at a time, acknowledged by what became of them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use dengbei_kit::status::chain;
use dengbei_kit::{Drain, faults};
use futures::{FutureExt as _, StreamExt as _};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, warn};

use super::Shared;
use crate::measured::{self, BundleOutcome, Source};
use crate::{Bundle, BusError, Handler, Nats};

/// Messages that the server gives out before it waits for acknowledgements.
const UNACKNOWLEDGED: usize = 256;
/// Fetched ahead, for each one in hand.
const AHEAD: usize = 4;
const EXPIRES: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_secs(1);
const COMPLAIN: Duration = Duration::from_secs(30);

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done.
    Ack,
    /// Bring it again after this time.
    Later(Duration),
    /// It can never be done: do not bring it again.
    Never,
}

/// Pulls until the drain. The bus may go, come back and come back empty.
///
/// # Errors
/// Only when the server refuses settings that matter.
pub(crate) async fn pull<F, W>(
    nats: &Nats,
    durable: &str,
    at_once: usize,
    drain: &Drain,
    handle: F,
) -> Result<(), BusError>
where
    F: Fn(Bytes) -> W + Clone + Send + 'static,
    W: Future<Output = Verdict> + Send + 'static,
{
    let mut complained: Option<Instant> = None;
    while !drain.is_requested() {
        if !nats.is_connected() {
            drain.pause(AGAIN / 5).await;
            continue;
        }
        match session(nats, durable, at_once, drain, handle.clone()).await {
            Err(e @ BusError::Ignored { .. }) => return Err(e),
            Err(e) if complained.is_none_or(|at| at.elapsed() > COMPLAIN) => {
                complained = Some(Instant::now());
                warn!(durable, error = chain(&e), "not hearing the bus; what it brought comes from the log");
                drain.pause(AGAIN).await;
            }
            Err(_) => drop(drain.pause(AGAIN).await),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// One standing subscription, until the drain or until the server loses it.
async fn session<F, W>(
    nats: &Nats,
    durable: &str,
    at_once: usize,
    drain: &Drain,
    handle: F,
) -> Result<(), BusError>
where
    F: Fn(Bytes) -> W + Clone + Send + 'static,
    W: Future<Output = Verdict> + Send + 'static,
{
    let consumer = nats.ensure_consumer(durable, UNACKNOWLEDGED).await?;
    let stream =
        consumer.stream().max_messages_per_batch(at_once * AHEAD).expires(EXPIRES).heartbeat(HEARTBEAT);
    let mut messages = stream.messages().await.map_err(|e| BusError::nats("pull")(e.into()))?;
    let mut in_hand = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            () = drain.requested() => break Ok(()),
            Some(ended) = in_hand.join_next(), if !in_hand.is_empty() => complain(durable, ended),
            message = messages.next(), if in_hand.len() < at_once => match message {
                Some(Ok(message)) => drop(in_hand.spawn(one(handle.clone(), message))),
                Some(Err(e)) => break Err(BusError::nats("pull")(e.into())),
                None => break Err(BusError::nats("pull")("the subscription ended".into())),
            },
        }
    };
    // What was fetched ahead would else come again only after the acknowledgement time.
    while let Some(Some(Ok(message))) = messages.next().now_or_never() {
        acknowledge(&message, Verdict::Later(AGAIN)).await;
    }
    while let Some(ended) = in_hand.join_next().await {
        complain(durable, ended);
    }
    outcome
}

fn complain(durable: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        error!(durable, error = %e, "handling a message ended without a result");
    }
}

async fn one<F, W>(handle: F, message: Message)
where
    F: Fn(Bytes) -> W,
    W: Future<Output = Verdict>,
{
    let verdict = handle(message.payload.clone()).await;
    faults::reach("bus.consumer.committed");
    acknowledge(&message, verdict).await;
}

async fn acknowledge(message: &Message, verdict: Verdict) {
    let kind = match verdict {
        Verdict::Ack => AckKind::Ack,
        Verdict::Later(pause) => AckKind::Nak(Some(pause)),
        Verdict::Never => AckKind::Term,
    };
    // Lost: the message comes again and is found done.
    if let Ok(Err(e)) = tokio::time::timeout(crate::nats::ANSWER, message.ack_with(kind)).await {
        warn!(error = %e, "an acknowledgement was not sent");
    }
}

impl<H: Handler> Shared<H> {
    pub(super) async fn pull(self: Arc<Self>, drain: Drain) -> Result<(), BusError> {
        let shared = self.clone();
        let handle = move |payload| {
            let shared = shared.clone();
            async move { shared.message(payload).await }
        };
        pull(&self.nats, &self.service, self.at_once, &drain, handle).await
    }

    async fn message(&self, payload: Bytes) -> Verdict {
        let bundle = match Bundle::decode(payload) {
            Ok(bundle) => bundle,
            Err(e) => {
                error!(service = self.service, error = %e, "a message that is no bundle");
                measured::bundle(&self.service, Source::Bus, BundleOutcome::Unreadable);
                return Verdict::Never;
            }
        };
        let outcome = self.bundle(&bundle).await.unwrap_or_else(|e| {
            warn!(service = self.service, error = chain(&e), "a bundle could not be settled now");
            BundleOutcome::Postponed
        });
        measured::bundle(&self.service, Source::Bus, outcome);
        if outcome == BundleOutcome::Postponed { Verdict::Later(AGAIN) } else { Verdict::Ack }
    }
}
