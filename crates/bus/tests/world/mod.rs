//! A small world: a real PostgreSQL, a real nats-server, a small register that keeps its log in memory, and services
//! that state and hear facts.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "for tests only")]

mod keeper;
mod register;

use std::time::Duration;

use dengbei_bus::{Bundle, Consumer, Nats, Outbox, RegisterClient, Relay, StreamLimits};
use dengbei_chain::facts::SubmissionRefused;
use dengbei_chain::{Draft, Encoded, Fact, Ids as _, RandomIds, Subject};
use dengbei_kit::{Drain, OnError, Tasks, db, grpc};
use dengbei_records::{AreaCode, EventHash, SubmissionId, Timestamp};
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use sqlx::PgPool;

pub(crate) use keeper::Keeper;
pub(crate) use register::Register;

pub(crate) const TOKEN: &str = "mesh";

pub(crate) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

/// An event of no consequence, caused by these.
pub(crate) fn event(causes: &[EventHash]) -> Encoded {
    let submission = SubmissionId::from_uuid(RandomIds.next());
    let refused = SubmissionRefused { submission, item: None, failed: vec!["A-01".into()], data_version: 1 };
    let draft = Draft {
        id: RandomIds.next(),
        area: area(),
        subject: Subject::Submission(submission),
        causes: causes.to_vec(),
        actor: None,
        recorded_at: Timestamp::from_millis(1_790_000_000_000),
        fact: Fact::SubmissionRefused(refused),
    };
    draft.encode().unwrap()
}

pub(crate) fn events(count: usize) -> Vec<Encoded> {
    (0..count).map(|_| event(&[])).collect()
}

pub(crate) struct World {
    pub(crate) postgres: Postgres,
    pub(crate) bus: dengbei_testkit::Nats,
    pub(crate) register: Register,
}

impl World {
    pub(crate) async fn new() -> Self {
        dengbei_kit::install_tls();
        Self {
            postgres: Postgres::start().await.unwrap(),
            bus: dengbei_testkit::Nats::start().await.unwrap(),
            register: Register::start().await,
        }
    }

    pub(crate) async fn nats(&self) -> Nats {
        let limits = StreamLimits { bytes: 64 << 20, age: Duration::from_secs(3600) };
        Nats::connect(&self.bus.url(), area(), limits).await.unwrap()
    }

    pub(crate) fn client(&self) -> RegisterClient {
        RegisterClient::new(grpc::channel(&self.register.url, TOKEN).unwrap())
    }

    pub(crate) async fn service(&self, name: &'static str) -> Service {
        let url = self.postgres.database().await.unwrap();
        let pool = db::connect(&url, &[&dengbei_bus::MIGRATOR]).await.unwrap();
        sqlx::raw_sql("create table applied (hash bytea not null)").execute(&pool).await.unwrap();
        Service { name, pool, nats: self.nats().await, register: self.client(), keeper: Keeper::default() }
    }

    /// The register hears the bus too.
    pub(crate) async fn register_hears(&self) -> Running {
        let pool = self.service("register").await.pool;
        let consumer =
            dengbei_bus::BundleConsumer::new("register", pool, self.nats().await, self.register.clone());
        Running::start(move |drain| consumer.clone().run(drain))
    }
}

pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) pool: PgPool,
    pub(crate) nats: Nats,
    pub(crate) register: RegisterClient,
    pub(crate) keeper: Keeper,
}

impl Service {
    /// States events in one committed transaction.
    pub(crate) async fn state(&self, events: &[Encoded]) {
        let mut tx = self.pool.begin().await.unwrap();
        Outbox::new(area()).put(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn relay(&self) -> Running {
        let relay = Relay::new(self.name, self.pool.clone(), self.nats.clone(), self.register.clone());
        Running::start(move |drain| relay.clone().run(drain))
    }

    pub(crate) fn consumer(&self) -> Consumer<Keeper> {
        let (pool, nats) = (self.pool.clone(), self.nats.clone());
        Consumer::new(self.name, pool, nats, self.register.clone(), self.keeper.clone())
            .tries(3, Duration::from_millis(10))
    }

    pub(crate) fn hear(&self) -> Running {
        let consumer = self.consumer();
        Running::start(move |drain| consumer.clone().run(drain))
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Every event that was applied, as often as it was.
    pub(crate) async fn applied(&self) -> Vec<Vec<u8>> {
        sqlx::query_scalar("select hash from applied order by hash").fetch_all(&self.pool).await.unwrap()
    }

    /// Waits until exactly these events are applied, each once.
    pub(crate) async fn applies(&self, events: &[Encoded]) {
        let mut wanted: Vec<Vec<u8>> = events.iter().map(|e| e.hash.as_bytes().to_vec()).collect();
        wanted.sort();
        eventually(PATIENCE, "the events are applied, each once", async || {
            let applied = self.applied().await;
            anyhow::ensure!(applied == wanted, "{} of {} are applied", applied.len(), wanted.len());
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Waits until the outbox is empty.
    pub(crate) async fn seals(&self) {
        eventually(PATIENCE, "the outbox is sealed", async || {
            let left = self.count("select count(*) from bus.outbox").await;
            anyhow::ensure!(left == 0, "{left} rows are left");
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Waits until every row is published.
    pub(crate) async fn publishes(&self) {
        eventually(PATIENCE, "everything is published", async || {
            let left = self.count("select count(*) from bus.outbox where published_at is null").await;
            anyhow::ensure!(left == 0, "{left} rows are not published");
            Ok(())
        })
        .await
        .unwrap();
    }

    pub(crate) async fn sequences(&self) -> Vec<i64> {
        let all = "select sequence from bus.outbox where sequence is not null order by sequence";
        sqlx::query_scalar(all).fetch_all(&self.pool).await.unwrap()
    }
}

/// A task that is started again when it fails, as in a service.
pub(crate) struct Running {
    drain: Drain,
    tasks: Option<Tasks>,
}

impl Running {
    fn start<F>(make: impl Fn(Drain) -> F + Send + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let drain = Drain::new();
        let mut tasks = Tasks::new(drain.clone());
        let draining = drain.clone();
        tasks.spawn("under test", OnError::Restart, move || make(draining.clone()));
        Self { drain, tasks: Some(tasks) }
    }

    /// Drains it and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.drain.request();
        self.tasks.take().unwrap().join(Duration::from_secs(10)).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.request();
    }
}

/// The bundle as a message's payload.
pub(crate) fn payload(bundle: &Bundle) -> bytes::Bytes {
    use prost::Message as _;
    let wire = dengbei_proto::v1::Bundle {
        producer: bundle.producer.clone(),
        sequence: bundle.sequence,
        events: bundle.events.clone(),
        traceparents: bundle.traceparents.clone(),
    };
    wire.encode_to_vec().into()
}
