//! Wiring only: builds the parts, names every task and what its failure means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dengbei_bus::{BundleConsumer, Consumer, Nats, Outbox, RegisterClient, Relay};
use dengbei_chain::RandomIds;
use dengbei_kit::admin::{self, Health};
use dengbei_kit::grpc::{self, MAX_MESSAGE, MeshChannel};
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Drain, Leases, OnError, RoleConfig, Tasks, db, status};
use dengbei_proto::v1::register_server::RegisterServer;
use dengbei_proto::v1::registration_server::RegistrationServer;
use dengbei_records::{AreaCode, Clock, SystemClock};
use dengbei_vault::Site;
use sqlx::PgPool;
use tonic::service::Routes;

use crate::author::Author;
use crate::batches::{self, Office, Primary, SiteKeys};
use crate::consumer::Registrar;
use crate::documents::Archivist;
use crate::file::Filer;
use crate::filing;
use crate::grpc::Served;
use crate::metrics;
use crate::plan::Planner;
use crate::policy::Policies;
use crate::publish_matter::Publisher;
use crate::read_filed::Holdings;
use crate::receipt::Receipts;
use crate::register::{self, Appender, Log, Sealer};
use crate::return_item::Stater;
use crate::staged::Staging;
use crate::transfers::Transfers;
use crate::unit_keys::UnitKeys;
use crate::wake::Wake;
use crate::write::Writer;

/// Names the role's producer, its consumer and its inbox.
pub(crate) const NAME: &str = "registration";
/// The durable of the register's own consumer.
const REGISTER: &str = "register";
/// The name of the administration's keys.
const ADMINISTRATION: &str = "administration";
/// What decides and states, and what measures. `file …` finish plans.
const TASKS: [&str; 11] = [
    "plan",
    "state",
    "file 1",
    "file 2",
    "standing",
    "apply",
    "decide",
    "certify",
    "batches standing",
    "transfers",
    "documents",
];
/// Tasks that only look.
const MEASURES: [&str; 2] = ["standing", "batches standing"];
/// How long tasks have to end.
const END: Duration = Duration::from_secs(25);

/// The tables (versions from 1).
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Everything the tasks share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
    pub(crate) site: Site,
    pub(crate) log: Log,
    pub(crate) keys: UnitKeys,
    pub(crate) staging: Staging,
    pub(crate) fixity: MeshChannel,
    pub(crate) wake: Wake,
    pub(crate) linger: Duration,
    pub(crate) transfer_linger: Duration,
    pub(crate) key_folder: PathBuf,
    pub(crate) registration_linger: Duration,
    pub(crate) administration: SealKeys,
    pub(crate) primary: Primary,
    pub(crate) site_keys: SiteKeys,
    pub(crate) log_sites: register::Sites,
    /// Which of the loops are this process's.
    pub(crate) leases: Leases,
}

impl Parts {
    /// Connects to the database and opens site, log and keys.
    pub(crate) async fn open(config: &RoleConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let connections = config.limits.database_connections;
        let migrators = [&dengbei_bus::MIGRATOR, &MIGRATOR];
        let pool = db::connect_with(&config.database, connections, &migrators).await?;
        let site = Site::open(&config.site, config.s3.as_ref()).await;
        let site = site.context("主备份点存储 / the primary site's storage")?;
        let keys = config.keys.clone();
        let administration =
            tokio::task::spawn_blocking(move || SealKeys::open_or_make(&keys, ADMINISTRATION)).await??;
        let site_keys = SiteKeys::new(&config.keys, config.area.clone());
        let channel = |url: &str| grpc::channel(url, &config.mesh_token);
        Ok(Self {
            leases: Leases::new(pool.clone()),
            pool,
            author: Author::new(config.area.clone(), clock, Arc::new(RandomIds)).naming(&config.names),
            log: Log::open(&site, &config.keys, &config.area)?,
            primary: primary(config, &site, &site_keys)?,
            site,
            keys: UnitKeys::new(&config.keys),
            staging: Staging::new(channel(&config.peers.ingest)?),
            fixity: channel(&config.peers.fixity)?,
            wake: Wake::default(),
            linger: config.linger,
            transfer_linger: config.transfer_linger,
            key_folder: config.keys.clone(),
            registration_linger: config.registration_linger,
            administration,
            site_keys,
            log_sites: register::Sites::of(config)?,
        })
    }

    fn area(&self) -> AreaCode {
        self.author.area.clone()
    }

    fn outbox(&self) -> Outbox {
        Outbox::new(self.area())
    }

    pub(crate) fn sealer(&self) -> Sealer {
        let (pool, log, author) = (self.pool.clone(), self.log.clone(), self.author.clone());
        Sealer { pool, log, author, wake: self.wake.clone(), sites: self.log_sites.clone() }
    }

    pub(crate) fn appender(&self) -> Appender {
        Appender { author: self.author.clone() }
    }

    pub(crate) fn registrar(&self) -> Registrar {
        Registrar {
            pool: self.pool.clone(),
            author: self.author.clone(),
            fixity: self.fixity.clone(),
            site: self.site.clone(),
            keys: self.keys.clone(),
            site_keys: self.site_keys.clone(),
        }
    }

    pub(crate) fn office(&self) -> Office {
        Office {
            pool: self.pool.clone(),
            author: self.author.clone(),
            outbox: self.outbox(),
            units: self.keys.clone(),
            administration: self.administration.clone(),
            primary: self.primary.clone(),
            site: self.site.clone(),
            linger: self.registration_linger,
        }
    }

    pub(crate) fn planner(&self) -> Planner {
        Planner {
            pool: self.pool.clone(),
            author: self.author.clone(),
            staging: self.staging.clone(),
            site: self.site.clone(),
            linger: self.linger,
        }
    }

    pub(crate) fn filer(&self) -> Filer {
        let (pool, site, staging) = (self.pool.clone(), self.site.clone(), self.staging.clone());
        Filer {
            pool: self.pool.clone(),
            author: self.author.clone(),
            outbox: self.outbox(),
            keys: self.keys.clone(),
            writer: Writer { pool, area: self.area(), staging, site },
        }
    }

    pub(crate) fn archivist(&self) -> Archivist {
        Archivist {
            pool: self.pool.clone(),
            author: self.author.clone(),
            outbox: self.outbox(),
            site: self.site.clone(),
            linger: self.linger,
        }
    }

    pub(crate) fn stater(&self) -> Stater {
        Stater { pool: self.pool.clone(), author: self.author.clone(), outbox: self.outbox() }
    }

    pub(crate) fn transfers(&self) -> Transfers {
        Transfers {
            pool: self.pool.clone(),
            author: self.author.clone(),
            outbox: self.outbox(),
            site: self.site.clone(),
            keys: self.keys.clone(),
            key_folder: self.key_folder.clone(),
            linger: self.transfer_linger,
        }
    }

    pub(crate) fn publisher(&self) -> Publisher {
        let (pool, author) = (self.pool.clone(), self.author.clone());
        Publisher { pool, outbox: self.outbox(), author, keys: self.keys.clone() }
    }

    pub(crate) fn holdings(&self) -> Holdings {
        Holdings { pool: self.pool.clone(), site: self.site.clone(), area: self.area() }
    }

    pub(crate) fn receipts(&self) -> Receipts {
        Receipts { pool: self.pool.clone(), log: self.log.clone() }
    }

    pub(crate) fn routes(&self) -> Routes {
        let policies = Policies { pool: self.pool.clone(), author: self.author.clone() };
        let served = Served {
            publisher: self.publisher(),
            holdings: self.holdings(),
            policies,
            transfers: self.transfers(),
            office: self.office(),
        };
        let registration = RegistrationServer::new(served)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        let (pool, log, appender) = (self.pool.clone(), self.log.clone(), self.appender());
        let served = register::Served { pool, log, appender, receipts: self.receipts() };
        let register = RegisterServer::new(served)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        Routes::new(registration)
            .add_service(register)
            .add_service(crate::grpc::documents::service(self.pool.clone()))
            .add_service(dengbei_bus::operations::service(self.pool.clone(), NAME))
    }

    async fn health(&self, nats: &Nats) -> Health {
        let site = self.site.free_bytes().await.map(drop).map_err(|e| status::chain(&e));
        Health::default()
            .with("postgres", admin::postgres(&self.pool).await)
            .with("nats", nats.health())
            .with("site", site)
    }
}

/// The primary site: the first of the deployment's sites, or the storage beside this role where none is configured.
fn primary(config: &RoleConfig, site: &Site, keys: &SiteKeys) -> anyhow::Result<Primary> {
    Ok(match config.sites.first() {
        None => Primary::Here(site.clone()),
        Some(first) => Primary::Role {
            name: first.name.clone(),
            channel: grpc::channel(&first.url, &config.mesh_token)?,
            keys: keys.clone(),
        },
    })
}

/// Runs the role until the drain.
///
/// # Errors
/// When the database or the keys are not there, the log is another history than the database, or a task that the role
/// cannot do without fails.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    metrics::describe(config.log_quorum);
    let parts = Parts::open(&config, Arc::new(SystemClock)).await?;
    let nats = Nats::of(&config).await?;
    parts.sealer().start().await?;
    let register = RegisterClient::new(grpc::channel(&config.peers.registration, &config.mesh_token)?);
    let consumer = Consumer::new(NAME, parts.pool.clone(), nats.clone(), register.clone(), parts.registrar())
        .at_once(config.limits.bundles_at_once);
    let to_hear = parts.sealer().size().await?;
    let mut tasks = Tasks::new(drain.clone());
    serve(&mut tasks, &config, &parts, &nats, &drain);
    listen(&mut tasks, &parts, &consumer, &nats, &drain);
    dengbei_bus::measure(&mut tasks, NAME, (&parts.pool, &nats), &drain);
    let relay = Relay::new(NAME, parts.pool.clone(), nats, register);
    let ending = drain.clone();
    tasks.spawn("relay", OnError::Restart, move || relay.clone().run(ending.clone()));
    work(&mut tasks, &parts, &consumer, to_hear, &drain);
    tasks.join(END).await
}

fn serve(tasks: &mut Tasks, config: &RoleConfig, parts: &Parts, nats: &Nats, drain: &Drain) {
    let (keys_of, ending) = (config.clone(), drain.clone());
    tasks.spawn("key backup", OnError::Restart, move || {
        let (config, drain) = (keys_of.clone(), ending.clone());
        async move { crate::key_backup::watch(&config, &drain).await }
    });
    let (served, config, ending) = (parts.clone(), config.clone(), drain.clone());
    let admin = config.admin;
    tasks.spawn("grpc", OnError::Stop, move || {
        let (config, routes, ending) = (config.clone(), served.routes(), ending.clone());
        async move { grpc::serve(&config, routes, ending).await }
    });
    let (parts, nats, ending) = (parts.clone(), nats.clone(), drain.clone());
    tasks.spawn("admin", OnError::Stop, move || {
        let (parts, nats, ending) = (parts.clone(), nats.clone(), ending.clone());
        let health = move || {
            let (parts, nats) = (parts.clone(), nats.clone());
            async move { parts.health(&nats).await }
        };
        admin::serve(admin, health, ending)
    });
}

fn listen(tasks: &mut Tasks, parts: &Parts, consumer: &Consumer<Registrar>, nats: &Nats, drain: &Drain) {
    let (hearing, ending) = (consumer.clone(), drain.clone());
    tasks.spawn("consumer", OnError::Restart, move || hearing.clone().run(ending.clone()));
    let appending = BundleConsumer::new(REGISTER, parts.pool.clone(), nats.clone(), parts.appender());
    let ending = drain.clone();
    tasks.spawn("register", OnError::Restart, move || appending.clone().run(ending.clone()));
    let (waking, ending) = (parts.clone(), drain.clone());
    tasks.spawn("wake", OnError::Restart, move || {
        let (parts, drain) = (waking.clone(), ending.clone());
        async move { parts.wake.listen(&parts.pool, &drain).await }
    });
    let (sealer, ending) = (parts.sealer(), drain.clone());
    tasks.spawn("seal", OnError::Stop, move || {
        let (sealer, drain) = (sealer.clone(), ending.clone());
        async move { sealer.run(&drain).await }
    });
    let following = parts.clone();
    tasks.spawn("log copies", OnError::Stop, move || {
        let parts = following.clone();
        async move { parts.log_sites.keep_up(&parts.log).await }
    });
}

/// What decides and states begins only when everything that was stated before is heard.
fn work(tasks: &mut Tasks, parts: &Parts, consumer: &Consumer<Registrar>, to_hear: u64, drain: &Drain) {
    for name in TASKS {
        let (parts, consumer, ending) = (parts.clone(), consumer.clone(), drain.clone());
        tasks.spawn(name, OnError::Restart, move || {
            let (parts, consumer, drain) = (parts.clone(), consumer.clone(), ending.clone());
            async move {
                let may_begin =
                    MEASURES.contains(&name) || consumer.wait_heard(to_hear, filing::is_own, &drain).await;
                if !may_begin {
                    return Ok(());
                }
                match name {
                    "plan" => filing::plan(&parts, &drain).await,
                    "state" => filing::state(&parts, &drain).await,
                    "transfers" => filing::transfers(&parts, &drain).await,
                    "standing" => filing::standing(&parts, &drain).await,
                    "documents" => crate::documents::run(&parts, &drain).await,
                    "apply" => batches::loops::apply(&parts, &drain).await,
                    "decide" => batches::loops::decide(&parts, &drain).await,
                    "certify" => batches::loops::certify(&parts, &drain).await,
                    "batches standing" => batches::loops::standing(&parts, &drain).await,
                    _ => filing::file(&parts, &drain).await,
                }
            }
        });
    }
}
