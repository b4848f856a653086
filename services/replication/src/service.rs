//! Wiring only: builds the parts, names every task and what its failure means.

use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::{Consumer, Heard, Nats, Outbox, RegisterClient, Relay};
use dengbei_chain::{FactKind, RandomIds};
use dengbei_kit::admin::Health;
use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::{Drain, Leases, OnError, RoleConfig, Tasks, admin, db, documents, grpc, measure};
use dengbei_proto::v1::replication_server::ReplicationServer;
use dengbei_records::{Clock, SystemClock};
use sqlx::postgres::PgPool;
use tonic::service::Routes;

use crate::author::Author;
use crate::commit::Committer;
use crate::consumer::Orders;
use crate::grpc::Served;
use crate::link::Link;
use crate::order::{self, Places};
use crate::policy::Policy;
use crate::store::{copies, damages, sites};
use crate::tend::{self, Tender};
use crate::wake::Wake;
use crate::{metrics, store};

/// The name of its producer, its consumer and its inbox.
pub(crate) const NAME: &str = "replication";
/// What may still be in hand after the drain.
const LAST: Duration = Duration::from_secs(20);

/// Everything the tasks share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) places: Places,
    pub(crate) links: Arc<[Link]>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) wake: Wake,
    pub(crate) leases: Leases,
}

impl Parts {
    /// Connects to the database and takes the configured sites over.
    pub(crate) async fn open(config: &RoleConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let migrators = [&dengbei_bus::MIGRATOR, &store::MIGRATOR];
        let pool = db::connect_with(&config.database, config.limits.database_connections, &migrators).await?;
        let author = Author {
            area: config.area.clone(),
            clock,
            ids: Arc::new(RandomIds),
            outbox: Outbox::new(config.area.clone()),
        };
        order::configure(&pool, &config.sites, author.now()).await?;
        let policy = Policy::builtin();
        for class in policy.classes().filter(|class| !config.sites.iter().any(|s| s.class == *class)) {
            tracing::error!(class, policy = policy.name(), "no site of this class: nothing can be secured");
        }
        let leases = Leases::new(pool.clone());
        Ok(Self {
            pool,
            author,
            places: Places::of(&config.sites),
            links: Link::all(config)?.into(),
            policy: Arc::new(policy),
            wake: Wake::default(),
            leases,
        })
    }

    pub(crate) fn orders(&self) -> Orders {
        Orders { author: self.author.clone(), places: self.places.clone() }
    }

    pub(crate) fn committer(&self) -> Committer {
        let (pool, author, policy) = (self.pool.clone(), self.author.clone(), self.policy.clone());
        Committer { pool, author, policy }
    }

    pub(crate) fn tenders(&self) -> impl Iterator<Item = Tender> + '_ {
        self.links.iter().map(|site| Tender {
            site: site.clone(),
            links: self.links.clone(),
            committer: self.committer(),
            wake: self.wake.clone(),
            seen: Arc::default(),
            leases: self.leases.clone(),
        })
    }

    pub(crate) fn served(&self) -> Served {
        Served { pool: self.pool.clone(), links: self.links.clone(), policy: self.policy.clone() }
    }

    fn routes(&self) -> Routes {
        Routes::new(ReplicationServer::new(self.served()).max_encoding_message_size(MAX_MESSAGE))
            .add_service(documents::service(self.pool.clone()))
            .add_service(dengbei_bus::operations::service(self.pool.clone(), NAME))
    }
}

/// Runs replication until the drain.
///
/// # Errors
/// When a part that it cannot do without fails; see its log for what was tried again before.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    metrics::describe(config.sites.iter().map(|site| site.name.as_str()));
    let parts = Parts::open(&config, Arc::new(SystemClock)).await?;
    let nats = Nats::of(&config).await?;
    let register = RegisterClient::new(grpc::channel(&config.peers.registration, &config.mesh_token)?);
    let consumer = Consumer::new(NAME, parts.pool.clone(), nats.clone(), register.clone(), parts.orders())
        .at_once(config.limits.bundles_at_once);
    let heard = Heard::new(consumer.clone(), register.clone(), is_own);
    let mut tasks = Tasks::new(drain.clone());
    let relay = Relay::new(NAME, parts.pool.clone(), nats.clone(), register);
    let ending = drain.clone();
    tasks.spawn("relay", OnError::Restart, move || relay.clone().run(ending.clone()));
    let ending = drain.clone();
    tasks.spawn("consumer", OnError::Restart, move || consumer.clone().run(ending.clone()));
    serve(&mut tasks, &config, &parts, &nats, &drain);
    dengbei_bus::measure(&mut tasks, NAME, (&parts.pool, &nats), &drain);
    work(&mut tasks, &parts, &heard, &drain);
    tasks.join(LAST).await
}

fn serve(tasks: &mut Tasks, config: &RoleConfig, parts: &Parts, nats: &Nats, drain: &Drain) {
    let (address, ending, health_of) = (config.admin, drain.clone(), (parts.pool.clone(), nats.clone()));
    tasks.spawn("admin", OnError::Stop, move || {
        let health_of = health_of.clone();
        admin::serve(address, move || health(health_of.clone()), ending.clone())
    });
    let (parts, config, ending) = (parts.clone(), config.clone(), drain.clone());
    tasks.spawn("grpc", OnError::Stop, move || {
        let (config, routes, drain) = (config.clone(), parts.routes(), ending.clone());
        async move { grpc::serve(&config, routes, drain).await }
    });
}

/// What the work states.
fn is_own(kind: FactKind) -> bool {
    matches!(kind, FactKind::PackStored | FactKind::PackSecured | FactKind::PackRepaired)
}

/// What states begins only when everything that was stated before is heard.
fn work(tasks: &mut Tasks, parts: &Parts, heard: &Heard<Orders>, drain: &Drain) {
    let (waking, ending) = (parts.clone(), drain.clone());
    tasks.spawn("wake", OnError::Restart, move || {
        let (parts, drain) = (waking.clone(), ending.clone());
        async move { parts.wake.listen(&parts.pool, &drain).await }
    });
    let (looking, ending) = (parts.clone(), drain.clone());
    tasks.spawn("standing", OnError::Restart, move || {
        let (parts, drain) = (looking.clone(), ending.clone());
        async move { measure::every(&drain, || look(&parts)).await }
    });
    let (ordering, waiting, ending) = (parts.clone(), heard.clone(), drain.clone());
    tasks.spawn("order", OnError::Restart, move || {
        let (parts, heard, drain) = (ordering.clone(), waiting.clone(), ending.clone());
        async move {
            if !heard.wait(&drain).await {
                return Ok(());
            }
            parts.committer().secure_all().await?;
            order::run(&parts.pool, &parts.author, &parts.places, &parts.wake, &drain).await
        }
    });
    for tender in parts.tenders() {
        let (waiting, ending) = (heard.clone(), drain.clone());
        tasks.spawn("tend", tend::ON_ERROR, move || {
            let (tender, heard, drain) = (tender.clone(), waiting.clone(), ending.clone());
            async move { if heard.wait(&drain).await { tender.run(&drain).await } else { Ok(()) } }
        });
    }
}

/// How things stand: in the database, and what every site says of itself.
async fn look(parts: &Parts) -> anyhow::Result<()> {
    let now = parts.author.now().millis();
    let damaged = damages::open_since(&parts.pool).await?;
    let troubled = sites::troubled(&parts.pool).await?;
    for site in copies::standing(&parts.pool).await? {
        let damaged = damaged.get(&site.site).copied().unwrap_or(0);
        let troubled = troubled.iter().find(|(name, ..)| *name == site.site).map_or(0, |(.., since)| *since);
        metrics::standing(&site, (damaged, troubled), now);
    }
    metrics::unsecured(&copies::unsecured(&parts.pool).await?, now);
    let asked = parts.links.iter().map(|link| async move {
        metrics::site(&link.name, link.describe().await.ok().as_ref());
    });
    futures::future::join_all(asked).await;
    Ok(())
}

async fn health((pool, nats): (PgPool, Nats)) -> Health {
    Health::default().with("postgres", admin::postgres(&pool).await).with("nats", nats.health())
}
