//! The connection to the bus, and the area's stream and consumers on it, made again whenever they are gone.
//!
//! nats-server drops settings that it does not know without a word (2.9: several filters, compression, …), so what it
//! echoes is compared with what was asked. Only settings of 2.9 are asked for.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::consumer::pull::Config as PullConfig;
use async_nats::jetstream::consumer::{AckPolicy, Config as ConsumerConfig, DeliverPolicy, PullConsumer};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config as StreamConfig, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::{Client, ConnectOptions, Event, jetstream};
use dengbei_kit::RoleConfig;
use dengbei_records::AreaCode;
use tracing::{error, info, warn};

use crate::{BusError, subjects};

/// Every request and every acknowledgement is there within this time, or failed.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
const LONGEST_RECONNECT_PAUSE: Duration = Duration::from_secs(2);
const DUPLICATES: Duration = Duration::from_secs(120);
const ACK_WAIT: Duration = Duration::from_secs(600);

/// How much the area's stream keeps. Older bundles are discarded; who missed them reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes on the server's disk.
    pub bytes: u64,
    /// Age.
    pub age: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { bytes: 1 << 30, age: Duration::from_secs(7 * 86_400) }
    }
}

/// A connection to the area's stream. Clone it freely: clones share one connection.
#[derive(Debug, Clone)]
pub struct Nats {
    client: Client,
    context: jetstream::Context,
    area: AreaCode,
    limits: StreamLimits,
}

impl Nats {
    /// Connects to `url`, now or when the server is there, and again whenever it is lost, for ever. A token
    /// (`nats://token@host`) or a user and a password stand before the `@` as they are, with no escapes.
    ///
    /// # Errors
    /// [`BusError::Nats`] when `url` is none.
    pub async fn connect(url: &str, area: AreaCode, limits: StreamLimits) -> Result<Self, BusError> {
        let (address, login) = split(url);
        let options = match login.map(|login| login.split_once(':').ok_or(login)) {
            None => ConnectOptions::new(),
            Some(Err(token)) => ConnectOptions::with_token(token.to_owned()),
            Some(Ok((user, password))) => {
                ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
        };
        let client = options
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempt| {
                Duration::from_millis(50).saturating_mul(1 << attempt.min(10)).min(LONGEST_RECONNECT_PAUSE)
            })
            .event_callback(|event| async move { note(&event) })
            .name("dengbei")
            .connect(address)
            .await
            .map_err(|e| BusError::Nats { doing: "connect", source: e.into() })?;
        let context = ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client.clone());
        Ok(Self { client, context, area, limits })
    }

    /// As [`Self::connect`], with what a role is told.
    ///
    /// # Errors
    /// [`BusError::Nats`] when the configured URL is none.
    pub async fn of(config: &RoleConfig) -> Result<Self, BusError> {
        let limits = StreamLimits { bytes: config.limits.stream_bytes, age: config.limits.stream_age };
        Self::connect(&config.nats, config.area.clone(), limits).await
    }

    /// Whether the server answers, for a role's health.
    ///
    /// # Errors
    /// [`BusError::Nats`] while it does not.
    pub fn health(&self) -> Result<(), BusError> {
        if self.is_connected() {
            return Ok(());
        }
        Err(BusError::Nats { doing: "connection", source: "not connected".into() })
    }

    /// The deployment's area.
    pub const fn area(&self) -> &AreaCode {
        &self.area
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub(crate) const fn context(&self) -> &jetstream::Context {
        &self.context
    }

    /// Makes the area's stream, or brings it to what is asked.
    pub(crate) async fn ensure_stream(&self) -> Result<(), BusError> {
        let asked = self.stream_config();
        let echoed = tokio::time::timeout(ANSWER * 2, self.context.create_or_update_stream(asked.clone()))
            .await
            .map_err(|e| BusError::Nats { doing: "create the stream", source: e.into() })?
            .map_err(|e| BusError::Nats { doing: "create the stream", source: e.into() })?
            .config;
        refuse(&asked.name, &stream_differences(&asked, &echoed))
    }

    /// Makes the durable consumer, and the stream under it, or finds them as they are.
    pub(crate) async fn ensure_consumer(
        &self,
        durable: &str,
        pending: usize,
    ) -> Result<PullConsumer, BusError> {
        self.ensure_stream().await?;
        let asked = self.consumer_config(durable, pending);
        let making = self.context.create_consumer_on_stream(asked.clone(), subjects::stream(&self.area));
        let consumer: PullConsumer = tokio::time::timeout(ANSWER * 2, making)
            .await
            .map_err(|e| BusError::Nats { doing: "create the consumer", source: e.into() })?
            .map_err(|e| BusError::Nats { doing: "create the consumer", source: e.into() })?;
        refuse(durable, &consumer_differences(&asked, &consumer.cached_info().config))?;
        Ok(consumer)
    }

    fn stream_config(&self) -> StreamConfig {
        StreamConfig {
            name: subjects::stream(&self.area),
            subjects: vec![subjects::all(&self.area)],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_bytes: i64::try_from(self.limits.bytes).unwrap_or(i64::MAX),
            max_age: self.limits.age,
            duplicate_window: DUPLICATES.min(self.limits.age),
            num_replicas: 1,
            ..StreamConfig::default()
        }
    }

    fn consumer_config(&self, durable: &str, pending: usize) -> PullConfig {
        PullConfig {
            durable_name: Some(subjects::durable(durable).to_owned()),
            filter_subject: subjects::all(&self.area),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: i64::try_from(pending).unwrap_or(i64::MAX),
            ..PullConfig::default()
        }
    }
}

/// The address, and what stands before its `@`: the client does not read a token from there.
fn split(url: &str) -> (String, Option<&str>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
    match rest.rsplit_once('@') {
        Some((login, host)) => (format!("{scheme}://{host}"), Some(login)),
        None => (format!("{scheme}://{rest}"), None),
    }
}

fn note(event: &Event) {
    if matches!(event, Event::Disconnected | Event::SlowConsumer(_)) {
        warn!(%event, "the bus; events go by the register while it is away");
    } else {
        info!(%event, "the bus");
    }
}

fn refuse(what: &str, differences: &[String]) -> Result<(), BusError> {
    if differences.is_empty() {
        return Ok(());
    }
    let settings = differences.join(", ");
    error!(what, settings, "the bus ignored settings that matter");
    Err(BusError::Ignored { what: what.to_owned(), settings })
}

/// Adds to the list when the setting came back otherwise.
fn compare<T: PartialEq + std::fmt::Debug>(list: &mut Vec<String>, name: &str, asked: &T, echoed: &T) {
    if asked != echoed {
        list.push(format!("{name} {asked:?} -> {echoed:?}"));
    }
}

fn stream_differences(asked: &StreamConfig, echoed: &StreamConfig) -> Vec<String> {
    let mut list = Vec::new();
    compare(&mut list, "subjects", &asked.subjects, &echoed.subjects);
    compare(&mut list, "retention", &asked.retention, &echoed.retention);
    compare(&mut list, "storage", &asked.storage, &echoed.storage);
    compare(&mut list, "discard", &asked.discard, &echoed.discard);
    compare(&mut list, "max_bytes", &asked.max_bytes, &echoed.max_bytes);
    compare(&mut list, "max_age", &asked.max_age, &echoed.max_age);
    // The duplicate window is harmless: the inbox knows every bundle for ever.
    list
}

fn consumer_differences(asked: &PullConfig, echoed: &ConsumerConfig) -> Vec<String> {
    let mut list = Vec::new();
    compare(&mut list, "durable", &asked.durable_name, &echoed.durable_name);
    compare(&mut list, "filter", &asked.filter_subject, &echoed.filter_subject);
    compare(&mut list, "deliver_policy", &asked.deliver_policy, &echoed.deliver_policy);
    compare(&mut list, "ack_policy", &asked.ack_policy, &echoed.ack_policy);
    compare(&mut list, "ack_wait", &asked.ack_wait, &echoed.ack_wait);
    compare(&mut list, "max_ack_pending", &asked.max_ack_pending, &echoed.max_ack_pending);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_taken_off_the_address() {
        assert_eq!(split("nats://secret@127.0.0.1:4222"), ("nats://127.0.0.1:4222".into(), Some("secret")));
        assert_eq!(split("tls://u:p@h:1"), ("tls://h:1".into(), Some("u:p")));
        assert_eq!(split("h:4222"), ("nats://h:4222".into(), None));
    }

    #[test]
    fn a_dropped_filter_is_noticed() {
        let asked = PullConfig { filter_subject: "dengbei.330382.>".into(), ..PullConfig::default() };
        let differences = consumer_differences(&asked, &ConsumerConfig::default());
        assert!(differences.iter().any(|d| d.starts_with("filter ")), "{differences:?}");
        assert!(refuse("registration", &differences).is_err());
    }
}
