//! Publishing: numbered rows to JetStream, many in flight; a row that is not acknowledged stays and is tried again.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use dengbei_kit::status::chain;
use dengbei_kit::{Drain, faults};
use futures::StreamExt as _;
use tracing::{info, warn};

use super::Working;
use crate::nats::ANSWER;
use crate::store::outbox::{self, Row};
use crate::{BusError, bundle, measured, subjects};

const IN_FLIGHT: usize = 256;
const BYTES_AT_ONCE: i64 = 16 << 20;
/// Without a signal from numbering.
const POLL: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a row is not published.
enum Failure {
    /// The stream is gone: make it again.
    NoStream,
    /// Anything else.
    Other(async_nats::Error),
}

impl Working {
    pub(super) async fn publish(&self, drain: Drain) -> Result<(), BusError> {
        let mut pause = FIRST_PAUSE;
        let mut has_stream = false;
        while !drain.is_requested() {
            if !self.relay.nats.is_connected() {
                has_stream = false;
                drain.pause(FIRST_PAUSE).await;
                continue;
            }
            if !has_stream {
                has_stream = self.make_stream().await;
            }
            let outcome = if has_stream { self.publish_some().await? } else { Round::Failed };
            match outcome {
                Round::Sent => pause = FIRST_PAUSE,
                Round::Nothing => self.wait(&drain).await,
                Round::NoStream => has_stream = false,
                Round::Failed => {
                    drain.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    async fn wait(&self, drain: &Drain) {
        tokio::select! {
            () = self.numbered.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            () = drain.requested() => {}
        }
    }

    async fn make_stream(&self) -> bool {
        match self.relay.nats.ensure_stream().await {
            Ok(()) => {
                info!(stream = subjects::stream(self.relay.nats.area()), "the stream is there");
                true
            }
            Err(e) => {
                warn!(error = chain(&e), "the stream could not be made; events go by the register");
                false
            }
        }
    }

    /// Publishes what is numbered, once over. Fails only with the database.
    async fn publish_some(&self) -> Result<Round, BusError> {
        let rows =
            outbox::unpublished(&self.relay.pool, i64::try_from(IN_FLIGHT).unwrap_or(256), BYTES_AT_ONCE)
                .await?;
        if rows.is_empty() {
            return Ok(Round::Nothing);
        }
        let all = rows.len();
        let results: Vec<(u64, Result<(), Failure>)> = futures::stream::iter(rows)
            .map(|row| async move { (row.sequence(), self.publish_row(&row).await) })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        let done: Vec<u64> =
            results.iter().filter(|(_, r)| r.is_ok()).map(|(sequence, _)| *sequence).collect();
        faults::reach("bus.relay.published");
        outbox::set_published(&self.relay.pool, &self.epoch, &done).await?;
        measured::published(&self.relay.service, done.len(), all - done.len());
        Ok(round(results.into_iter().map(|(_, result)| result)))
    }

    async fn publish_row(&self, row: &Row) -> Result<(), Failure> {
        let sending = async {
            let context = self.relay.nats.context();
            let acknowledged = context.send_publish(row.subject.clone(), self.message(row)).await?;
            acknowledged.await.map(drop)
        };
        match tokio::time::timeout(ANSWER * 2, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) if e.kind() == PublishErrorKind::StreamNotFound => Err(Failure::NoStream),
            Ok(Err(e)) => Err(Failure::Other(e.into())),
            Err(late) => Err(Failure::Other(late.into())),
        }
    }

    /// The row as a message: CloudEvents names and the first trace context in the headers.
    fn message(&self, row: &Row) -> PublishMessage {
        let id = subjects::message_id(&self.producer, row.sequence());
        let area = self.relay.nats.area();
        let fact = subjects::parse(&row.subject).map_or(row.subject.as_str(), |(_, fact)| fact);
        let mut headers = HeaderMap::new();
        headers.insert("ce-specversion", "1.0");
        headers.insert("ce-id", id.as_str());
        headers.insert("ce-source", format!("/dengbei/{area}/{}", self.relay.service));
        headers.insert("ce-type", format!("dengbei.{fact}"));
        headers.insert("content-type", "application/protobuf");
        if let Some(context) = row.traceparents.iter().find(|context| !context.is_empty()) {
            headers.insert("traceparent", context.as_str());
        }
        let payload = bundle::payload(&self.producer, row.sequence(), &row.traceparents, &row.events);
        PublishMessage::build().payload(payload).headers(headers).message_id(id)
    }
}

/// What became of one round.
enum Round {
    Sent,
    Nothing,
    NoStream,
    Failed,
}

/// Logs what failed, each reason once with its count.
fn round(results: impl Iterator<Item = Result<(), Failure>>) -> Round {
    let mut reasons: HashMap<String, usize> = HashMap::new();
    let mut is_stream_gone = false;
    for failure in results.filter_map(Result::err) {
        let reason = match failure {
            Failure::NoStream => {
                is_stream_gone = true;
                "the stream is gone".to_owned()
            }
            Failure::Other(e) => e.to_string(),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, rows) in &reasons {
        warn!(reason, rows, "bundles were not published and will be tried again");
    }
    match (reasons.is_empty(), is_stream_gone) {
        (true, _) => Round::Sent,
        (false, true) => Round::NoStream,
        (false, false) => Round::Failed,
    }
}
