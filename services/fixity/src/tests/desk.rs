//! A fixity without a bus: bundles are handed to its handler as the consumer would, in real transactions.

use std::sync::Arc;

use dengbei_bus::{Bundle, HandleError, Handler as _, Outbox, Outcome};
use dengbei_chain::facts::{ItemChecked, ItemPrefiled, MatterPublished};
use dengbei_chain::{Draft, Event, Fact, Ids as _, RandomIds, Subject};
use dengbei_checks::Schemes;
use dengbei_kit::{db, documents, grpc};
use dengbei_records::{AreaCode, Clock as _, EventType, Retention, Sha256, SystemClock};
use dengbei_testkit::Postgres;
use sqlx::postgres::PgPool;
use tokio::sync::Semaphore;

use super::door::{Door, MATTER, Staged, matter};
use crate::check::Bench;
use crate::consumer::Checks;
use crate::hear::Hearing;
use crate::staged::Staging;
use crate::verdict::Author;

pub(super) struct Desk {
    pub(super) pool: PgPool,
    pub(super) checks: Checks,
    pub(super) door: Door,
    _postgres: Postgres,
}

pub(super) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

fn event(subject: Subject, fact: Fact) -> Event {
    let (id, recorded_at) = (RandomIds.next(), SystemClock.now());
    let draft = Draft { id, area: area(), subject, causes: vec![], actor: None, recorded_at, fact };
    Event::read(draft.encode().unwrap().bytes).unwrap()
}

/// The event with which ingest handed a package over.
pub(super) fn prefiled(of: &Staged) -> Event {
    let fact = ItemPrefiled {
        item: of.item,
        data_version: 1.try_into().unwrap(),
        submission: of.submission,
        source_system: "ZWFW".parse().unwrap(),
        matter_code: MATTER.parse().unwrap(),
        unit_uscc: matter().unit_uscc,
        retention: Retention::ThirtyYears,
        year: 2026,
        scope_version: "2026-01".into(),
        reception: of.digest(),
        files: 4,
        bytes: 1,
        warned: vec![],
        event_type: EventType::License,
    };
    event(Subject::Item(of.item), Fact::ItemPrefiled(fact))
}

/// The publication of the filing table that the packages are filed by.
pub(super) fn published() -> Event {
    let fact = MatterPublished { matter: matter(), fonds_no: "J019".parse().unwrap() };
    event(Subject::Matter(MATTER.parse().unwrap()), Fact::MatterPublished(fact))
}

impl Desk {
    pub(super) async fn open() -> Self {
        let postgres = Postgres::start().await.unwrap();
        let url = postgres.database().await.unwrap();
        let pool = db::connect(&url, &[&dengbei_bus::MIGRATOR, &crate::MIGRATOR]).await.unwrap();
        let door = Door::default();
        let ingest = grpc::channel(&door.serve().await, "t").unwrap();
        let author = Author {
            area: area(),
            ids: Arc::new(RandomIds),
            clock: Arc::new(SystemClock),
            outbox: Outbox::new(area()),
        };
        let checks = Checks {
            pool: pool.clone(),
            staging: Staging::new(ingest, std::env::temp_dir()),
            author,
            bench: Arc::new(Bench {
                area: area(),
                schemes: Schemes::default(),
                guard: None,
                readers: Arc::new(dengbei_formats::content::Here),
            }),
            checkers: Arc::new(Semaphore::new(2)),
            hearing: Hearing {
                primaries: Arc::new(vec!["primary".to_owned()]),
                clock: Arc::new(SystemClock),
                wake: Arc::default(),
            },
        };
        Self { pool, checks, door, _postgres: postgres }
    }

    /// With the filing table known.
    pub(super) async fn with_matter() -> Self {
        let desk = Self::open().await;
        desk.hear(&[published()]).await.unwrap();
        desk
    }

    /// Handles a bundle in one transaction.
    pub(super) async fn hear(&self, events: &[Event]) -> Result<Vec<Outcome>, HandleError> {
        let prepared = self.checks.prepare(events).await?;
        let mut tx = self.pool.begin().await.unwrap();
        let outcomes = self.checks.apply(&mut tx, events, prepared).await?;
        tx.commit().await.unwrap();
        Ok(outcomes)
    }

    /// Verdicts on items stated so far.
    pub(super) async fn stated(&self) -> Vec<(Event, ItemChecked)> {
        let verdict = |event: Event| match event.fact.clone() {
            Some(Fact::ItemChecked(checked)) => Some((event, checked)),
            _ => None,
        };
        self.events().await.into_iter().filter_map(verdict).collect()
    }

    /// Everything stated so far.
    pub(super) async fn events(&self) -> Vec<Event> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select events from bus.outbox order by xid, id")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let bundles = rows.into_iter().map(|row| Bundle::decode(row.into()).unwrap());
        bundles.flat_map(|b| b.events).map(|bytes| Event::read(bytes).unwrap()).collect()
    }

    pub(super) async fn document(&self, digest: &Sha256) -> Vec<u8> {
        documents::get(&self.pool, digest).await.unwrap().unwrap().body.to_vec()
    }

    pub(super) async fn runs(&self) -> i64 {
        sqlx::query_scalar("select count(*) from runs").fetch_one(&self.pool).await.unwrap()
    }
}
