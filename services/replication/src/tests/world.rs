//! A replication without a bus: events are handed to its handler as the consumer would, in real transactions, and its
//! reconcilers are run by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dengbei_bus::{Bundle, Handler as _, Outcome};
use dengbei_chain::facts::{PackRepaired, PackSecured, PackStored};
use dengbei_chain::{Event, Fact, Ids as _, RandomIds};
use dengbei_ocfl::{ContentFile, ObjectBuilder, PackPlan, PackSummary, PackWriter, Stamp, User};
use dengbei_records::{Clock, PackNumber, Timestamp};
use dengbei_testkit::Postgres;
use dengbei_vault::{PackName, Site};
use uuid::Uuid;

use super::deployment::{Deployment, area};
use super::events;
use crate::error::SiteFault;
use crate::service::Parts;
use crate::tend::Halt;

/// A clock that a test moves.
#[derive(Clone)]
pub(super) struct HandClock(Arc<AtomicI64>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Everything around one replication.
pub(super) struct World {
    pub(super) parts: Parts,
    pub(super) sites: Deployment,
    clock: HandClock,
}

impl World {
    pub(super) async fn new() -> Self {
        let sites = Deployment::start().await;
        let clock = HandClock(Arc::new(AtomicI64::new(1_790_000_000_000)));
        let parts = parts(&sites, &clock).await;
        Self { parts, sites, clock }
    }

    /// As after the loss of the database: the same sites, nothing known.
    pub(super) async fn forget(&mut self) {
        self.parts = parts(&self.sites, &self.clock).await;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    /// Writes a pack on the primary, as registration does.
    pub(super) async fn write(&self, number: u64) -> PackSummary {
        self.put("primary", number, &format!("第{number}包").repeat(10_000)).await
    }

    /// Puts a pack into a site's folder, without asking the site.
    pub(super) async fn put(&self, site: &str, number: u64, text: &str) -> PackSummary {
        let site = Site::in_folder(self.sites.site(site)).unwrap();
        let writer = writer(number, text);
        let name = PackName::first(area(), PackNumber::new(number));
        site.put_pack(&name, move |out| writer.write_in_memory(out)).await.unwrap().1
    }

    /// Hands events to the handler as one bundle.
    pub(super) async fn hear(&self, events: &[Event]) -> Vec<Outcome> {
        let orders = self.parts.orders();
        orders.prepare(events).await.unwrap();
        let mut tx = self.parts.pool.begin().await.unwrap();
        let outcomes = orders.apply(&mut tx, events, ()).await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }

    /// Writes a pack and has it filed; gives the event.
    pub(super) async fn file(&self, number: u64) -> Event {
        let pack = self.write(number).await;
        let filed = events::filed(number, &pack, self.now());
        assert_eq!(self.hear(std::slice::from_ref(&filed)).await, [Outcome::Applied]);
        filed
    }

    /// Has filed packs registered as one batch; gives `batch.registered`.
    pub(super) async fn register(&self, filed: &[&Event]) -> Event {
        let batch = Uuid::from_u128(RandomIds.next().as_u128());
        let applied = events::applied(batch, filed, self.now());
        let registered = events::registered(batch, &applied, self.now());
        assert_eq!(self.hear(&[applied, registered.clone()]).await, [Outcome::Applied; 2]);
        registered
    }

    /// One round of one site's loop.
    pub(super) async fn tend(&self, site: &str) -> Result<bool, SiteFault> {
        let tender = self.parts.tenders().find(|t| t.site.name == site).unwrap();
        match tender.round().await {
            Ok(did) => Ok(did),
            Err(Halt::Site(fault)) => Err(fault),
            Err(Halt::Ours(e)) => panic!("{e:?}"),
        }
    }

    /// One round of every site's loop, all at once.
    pub(super) async fn tend_all(&self) {
        let all = ["primary", "archive", "remote"].map(|site| self.tend(site));
        for outcome in futures::future::join_all(all).await {
            outcome.unwrap();
        }
    }

    /// Everything in the outbox, in the order in which it was put.
    pub(super) async fn stated(&self) -> Vec<Event> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select events from bus.outbox order by xid, id")
            .fetch_all(&self.parts.pool)
            .await
            .unwrap();
        let bundles = rows.into_iter().map(|row| Bundle::decode(row.into()).unwrap());
        bundles.flat_map(|b| b.events).map(|bytes| Event::read(bytes).unwrap()).collect()
    }

    pub(super) async fn stored(&self) -> Vec<(Event, PackStored)> {
        let stated = self.stated().await.into_iter();
        stated
            .filter_map(|e| match e.fact.clone() {
                Some(Fact::PackStored(fact)) => Some((e, fact)),
                _ => None,
            })
            .collect()
    }

    pub(super) async fn secured(&self) -> Vec<(Event, PackSecured)> {
        let stated = self.stated().await.into_iter();
        stated
            .filter_map(|e| match e.fact.clone() {
                Some(Fact::PackSecured(fact)) => Some((e, fact)),
                _ => None,
            })
            .collect()
    }

    pub(super) async fn repaired(&self) -> Vec<(Event, PackRepaired)> {
        let stated = self.stated().await.into_iter();
        stated
            .filter_map(|e| match e.fact.clone() {
                Some(Fact::PackRepaired(fact)) => Some((e, fact)),
                _ => None,
            })
            .collect()
    }

    /// Registers one pack and has it secured; gives the `pack.stored` of each site by name.
    pub(super) async fn secure(&self, number: u64) -> BTreeMap<String, Event> {
        let filed = self.file(number).await;
        self.register(&[&filed]).await;
        self.tend_all().await;
        let of_pack = |s: &PackStored| s.receipt.pack.get() == number;
        let stored = self.stored().await.into_iter().filter(|(_, s)| of_pack(s));
        let stored: BTreeMap<_, _> = stored.map(|(e, s)| (s.receipt.site, e)).collect();
        assert_eq!(stored.len(), 3);
        stored
    }
}

async fn parts(sites: &Deployment, clock: &HandClock) -> Parts {
    let database = Postgres::start().await.unwrap().database().await.unwrap();
    let mut config = sites.config("replication");
    config.database = database.as_str().into();
    Parts::open(&config, Arc::new(clock.clone())).await.unwrap()
}

fn writer(number: u64, text: &str) -> PackWriter {
    let user = User { name: "登记".into(), address: "https://dengbei.example/".into() };
    let stamp = Stamp { created: Timestamp::from_millis(1_600_000_000_000), message: "归档".into(), user };
    let file = ContentFile::bytes("record.json", "record.json", text.to_owned()).unwrap();
    let id = format!("urn:uuid:{number}");
    let version = ObjectBuilder::first(&id, stamp).unwrap().file(file).build().unwrap();
    PackWriter::new(PackPlan {
        area: area(),
        number: PackNumber::new(number),
        generation: 1,
        created: Timestamp::from_millis(1_700_000_000_000),
        labels: BTreeMap::new(),
        versions: vec![version],
    })
    .unwrap()
}
