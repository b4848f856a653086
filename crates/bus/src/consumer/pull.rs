//! Pulling: messages from the durable consumer, some in hand at a time, acknowledged by what became of them. What lies
//! ready is handed over together: the more there is to do, the fewer transactions do it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::MessagesError;
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use dengbei_kit::status::chain;
use dengbei_kit::{Drain, faults};
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, warn};

use super::Shared;
use crate::measured::{self, BundleOutcome, Source};
use crate::{Bundle, BusError, Handler, MAX_BUNDLE_BYTES, MAX_BUNDLE_EVENTS, Nats};

/// Messages that the server gives out before it waits for acknowledgements.
const UNACKNOWLEDGED: usize = 256;
/// Messages handed over together at most.
const TOGETHER: usize = 16;
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

/// Pulls until the drain: `handle` gets what lies ready, at most [`TOGETHER`], and gives a verdict for each, in order.
/// The bus may go, come back and come back empty.
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
    F: Fn(Vec<Bytes>) -> W + Clone + Send + 'static,
    W: Future<Output = Vec<Verdict>> + Send + 'static,
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
    F: Fn(Vec<Bytes>) -> W + Clone + Send + 'static,
    W: Future<Output = Vec<Verdict>> + Send + 'static,
{
    let consumer = nats.ensure_consumer(durable, UNACKNOWLEDGED).await?;
    let stream =
        consumer.stream().max_messages_per_batch(at_once * TOGETHER).expires(EXPIRES).heartbeat(HEARTBEAT);
    let mut messages = stream.messages().await.map_err(|e| BusError::nats("pull")(e.into()))?;
    let mut in_hand = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            () = drain.requested() => break Ok(()),
            Some(ended) = in_hand.join_next(), if !in_hand.is_empty() => complain(durable, ended),
            message = messages.next(), if in_hand.len() < at_once => match message {
                Some(Ok(message)) => {
                    let mut ready = vec![message];
                    let ended = gather(&mut messages, &mut ready);
                    in_hand.spawn(together(handle.clone(), ready));
                    if let Some(e) = ended {
                        break Err(e);
                    }
                }
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

/// Takes what lies ready beside the first. Some: the subscription ended.
fn gather<S>(messages: &mut S, ready: &mut Vec<Message>) -> Option<BusError>
where
    S: Stream<Item = Result<Message, MessagesError>> + Unpin,
{
    while ready.len() < TOGETHER {
        match messages.next().now_or_never()? {
            Some(Ok(message)) => ready.push(message),
            Some(Err(e)) => return Some(BusError::nats("pull")(e.into())),
            None => return Some(BusError::nats("pull")("the subscription ended".into())),
        }
    }
    None
}

async fn together<F, W>(handle: F, messages: Vec<Message>)
where
    F: Fn(Vec<Bytes>) -> W,
    W: Future<Output = Vec<Verdict>>,
{
    let verdicts = handle(messages.iter().map(|m| m.payload.clone()).collect()).await;
    faults::reach("bus.consumer.committed");
    for (message, verdict) in messages.iter().zip(verdicts) {
        acknowledge(message, verdict).await;
    }
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
        let handle = move |payloads| {
            let shared = shared.clone();
            async move { shared.messages(payloads).await }
        };
        pull(&self.nats, &self.service, self.at_once, &drain, handle).await
    }

    async fn messages(&self, payloads: Vec<Bytes>) -> Vec<Verdict> {
        let read: Vec<Option<Bundle>> = payloads.into_iter().map(|p| self.read(p)).collect();
        let bundles: Vec<&Bundle> = read.iter().flatten().collect();
        let mut outcomes = self.bundles(&bundles).await.into_iter();
        let verdicts = read.iter().map(|bundle| match bundle {
            None => Verdict::Never,
            Some(_) => match outcomes.next() {
                Some(BundleOutcome::Postponed) | None => Verdict::Later(AGAIN),
                Some(_) => Verdict::Ack,
            },
        });
        verdicts.collect()
    }

    fn read(&self, payload: Bytes) -> Option<Bundle> {
        Bundle::decode(payload)
            .inspect_err(|e| {
                error!(service = self.service, error = %e, "a message that is no bundle");
                measured::bundle(&self.service, Source::Bus, BundleOutcome::Unreadable);
            })
            .ok()
    }

    /// Settles bundles, together where they may be. One outcome each, in order.
    async fn bundles(&self, bundles: &[&Bundle]) -> Vec<BundleOutcome> {
        let mut outcomes = Vec::with_capacity(bundles.len());
        for group in groups(bundles) {
            if group.len() > 1 && self.settled_together(group).await {
                outcomes.extend(group.iter().map(|_| BundleOutcome::Whole));
                continue;
            }
            for bundle in group {
                outcomes.push(self.bundle(bundle).await.unwrap_or_else(|e| self.not_now(&e)));
            }
        }
        outcomes.iter().for_each(|outcome| measured::bundle(&self.service, Source::Bus, *outcome));
        outcomes
    }

    /// False: each goes alone, and finds out for itself what is wrong.
    async fn settled_together(&self, bundles: &[&Bundle]) -> bool {
        self.together(bundles).await.unwrap_or_else(|e| {
            self.not_now(&e);
            false
        })
    }

    fn not_now(&self, error: &BusError) -> BundleOutcome {
        warn!(service = self.service, error = chain(error), "a bundle could not be settled now");
        BundleOutcome::Postponed
    }
}

/// Neighbours that may share a transaction: no more events and bytes together than one bundle may have, and nothing
/// that is traced, so that the span of its work stays in its own trace.
fn groups<'a, 'b>(mut bundles: &'b [&'a Bundle]) -> impl Iterator<Item = &'b [&'a Bundle]> {
    std::iter::from_fn(move || {
        let (mut events, mut bytes) = (0, 0);
        let fits = |bundle: &&&Bundle| {
            events += bundle.events.len();
            bytes += bundle.events.iter().map(Bytes::len).sum::<usize>();
            !bundle.is_traced() && events <= MAX_BUNDLE_EVENTS && bytes <= MAX_BUNDLE_BYTES
        };
        let together = bundles.iter().take_while(fits).count().max(1);
        let (group, rest) = bundles.split_at_checked(together)?;
        bundles = rest;
        Some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(events: usize, of: usize, context: &str) -> Bundle {
        Bundle {
            producer: "a".into(),
            sequence: 1,
            events: vec![Bytes::from(vec![0; of]); events],
            traceparents: vec![context.into()],
        }
    }

    #[test]
    fn what_shares_a_transaction_is_no_more_than_one_bundle_may_be_and_not_traced() {
        let (small, large, long) =
            (bundle(50, 100, "00-a-b-00"), bundle(256, 1, ""), bundle(3, 64 << 10, ""));
        let traced = bundle(1, 1, "00-a-b-01");
        let all = [&small, &small, &small, &large, &long, &small, &long, &traced, &small, &traced];
        let sizes: Vec<usize> = groups(&all).map(<[_]>::len).collect();
        assert_eq!(sizes, [3, 1, 2, 1, 1, 1, 1]);
        assert_eq!(groups(&[]).count(), 0);
    }
}
