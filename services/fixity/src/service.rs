//! Wiring only: opens the store and the clients, and names every task and what its failure means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::{Consumer, Heard, Nats, Outbox, RegisterClient, Relay};
use dengbei_chain::RandomIds;
use dengbei_checks::Schemes;
use dengbei_kit::admin::Health;
use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::{
    Drain, Leases, OnError, RoleConfig, Tasks, admin, config as kit_config, db, documents, grpc, measure,
};
use dengbei_proto::v1::fixity_server::FixityServer;
use dengbei_records::{Clock as _, SystemClock};
use dengbei_scanner::Guard;
use sqlx::postgres::PgPool;
use tokio::sync::{Notify, Semaphore};
use tonic::service::Routes;

use crate::check::Bench;
use crate::consumer::{CHECKERS, Checks};
use crate::desk::Desk;
use crate::grpc::Served;
use crate::hear::{self, Hearing};
use crate::inspect::Inspector;
use crate::metrics;
use crate::sites::Sites;
use crate::staged::Staging;
use crate::store::{stands, tasks as check_tasks};
use crate::transfer::Transfers;
use crate::verdict::Author;
use crate::wholes::Wholes;

/// The name of its producer, its consumer and its inbox.
const SERVICE: &str = "fixity";
/// What may still be in hand after the drain: a bundle that is being checked.
const LAST: Duration = Duration::from_secs(20);

/// Runs fixity until the drain.
///
/// # Errors
/// When a part that it cannot do without fails; see its log for what was tried again before.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    let names: Vec<String> = config.sites.iter().map(|site| site.name.clone()).collect();
    metrics::describe(names.clone(), config.inspection);
    let migrators = [&dengbei_bus::MIGRATOR, &crate::store::MIGRATOR];
    let pool = db::connect_with(&config.database, config.limits.database_connections, &migrators).await?;
    let nats = Nats::of(&config).await?;
    let register = RegisterClient::new(grpc::channel(&config.peers.registration, &config.mesh_token)?);
    let sites = Sites::of(&config, &pool)?;
    let hearing = hearing(&sites);
    let checks = checks(&config, pool.clone(), hearing.clone())?;
    let transfers = Transfers {
        pool: pool.clone(),
        sites: sites.clone(),
        author: checks.author.clone(),
        registration: grpc::channel(&config.peers.registration, &config.mesh_token)?,
        bench: checks.bench.clone(),
        spool: spool(&config),
        wake: hearing.wake,
    };
    let whole = Wholes {
        pool: pool.clone(),
        sites: sites.clone(),
        author: checks.author.clone(),
        registration: transfers.registration.clone(),
        bench: checks.bench.clone(),
        quarantine: spool(&config),
        opened: Arc::default(),
    };
    let (author, registration) = (checks.author.clone(), transfers.registration.clone());
    let desk = Desk { pool: pool.clone(), author, registration };
    let (inspect, leases) = (Arc::<Notify>::default(), Leases::new(pool.clone()));
    let inspector = Inspector {
        pool: pool.clone(),
        sites,
        author: checks.author.clone(),
        bound: config.inspection,
        grace: crate::inspect::grace(config.inspection),
        wake: inspect.clone(),
    };

    let mut tasks = Tasks::new(drain.clone());
    let guard = checks.bench.guard.clone();
    if let Some(guard) = &guard {
        guard.watch(&mut tasks, &checks.author.clock, &drain);
    }
    let relay = Relay::new(SERVICE, pool.clone(), nats.clone(), register.clone());
    let ending = drain.clone();
    tasks.spawn("relay", OnError::Restart, move || relay.clone().run(ending.clone()));
    let consumer = Consumer::new(SERVICE, pool.clone(), nats.clone(), register.clone(), checks)
        .at_once(config.limits.bundles_at_once);
    let heard = Heard::new(consumer.clone(), register, hear::is_own);
    let (all, watching, ending) = (heard.clone(), leases.clone(), drain.clone());
    tasks.spawn("wholes", OnError::Restart, move || {
        whole.clone().run(all.clone(), watching.clone(), ending.clone())
    });
    let ending = drain.clone();
    tasks.spawn("consumer", OnError::Restart, move || consumer.clone().run(ending.clone()));
    let (checking, ending) = (leases.clone(), drain.clone());
    tasks.spawn("transfers", OnError::Restart, move || {
        transfers.clone().run(heard.clone(), checking.clone(), ending.clone())
    });
    let ending = drain.clone();
    tasks
        .spawn("inspection", OnError::Restart, move || inspector.clone().run(leases.clone(), ending.clone()));
    let (waking, ending) = (pool.clone(), drain.clone());
    tasks.spawn("wake", OnError::Restart, move || {
        let (pool, inspect, drain) = (waking.clone(), inspect.clone(), ending.clone());
        async move { crate::wake::listen(&pool, &inspect, &drain).await }
    });
    dengbei_bus::measure(&mut tasks, SERVICE, (&pool, &nats), &drain);
    let (looking, ending) = (pool.clone(), drain.clone());
    tasks.spawn("standing", OnError::Restart, move || {
        let (pool, names, drain) = (looking.clone(), names.clone(), ending.clone());
        async move { measure::every(&drain, || look(&pool, &names)).await }
    });
    let (address, ending, health_of) = (config.admin, drain.clone(), (pool.clone(), nats, guard));
    tasks.spawn("admin", OnError::Stop, move || {
        let health_of = health_of.clone();
        admin::serve(address, move || health(health_of.clone()), ending.clone())
    });
    let routes = Routes::new(documents::service(pool.clone()))
        .add_service(
            FixityServer::new(Served { pool: pool.clone(), desk }).max_encoding_message_size(MAX_MESSAGE),
        )
        .add_service(dengbei_bus::operations::service(pool, SERVICE));
    tasks.spawn("grpc", OnError::Stop, move || {
        let (config, routes, drain) = (config.clone(), routes.clone(), drain.clone());
        async move { grpc::serve(&config, routes, drain).await }
    });
    tasks.join(LAST).await
}

/// How copies and transfers stand.
async fn look(pool: &PgPool, sites: &[String]) -> anyhow::Result<()> {
    let now = SystemClock.now().millis();
    for site in sites {
        metrics::stands(site, &stands::of_site(pool, site).await?, now);
    }
    metrics::open_runs(&stands::open_runs(pool).await?, now);
    metrics::tasks(check_tasks::open_ones(pool).await?, now);
    Ok(())
}

fn hearing(sites: &Sites) -> Hearing {
    Hearing {
        primaries: Arc::new(sites.primaries().map(str::to_owned).collect()),
        clock: Arc::new(SystemClock),
        wake: Arc::default(),
    }
}

fn checks(config: &RoleConfig, pool: PgPool, hearing: Hearing) -> anyhow::Result<Checks> {
    let schemes = Schemes::read(&kit_config::files(&config.schemes, "json")?)?;
    let guard = Guard::of(SERVICE, config.scanner.as_ref());
    let author = Author {
        area: config.area.clone(),
        ids: Arc::new(RandomIds),
        clock: Arc::new(SystemClock),
        outbox: Outbox::new(config.area.clone()),
    };
    let ingest = grpc::channel(&config.peers.ingest, &config.mesh_token)?;
    let checkers = Arc::new(Semaphore::new(CHECKERS));
    Ok(Checks {
        pool,
        staging: Staging::new(ingest, spool(config)),
        author,
        bench: Arc::new(Bench {
            area: config.area.clone(),
            schemes,
            guard,
            readers: dengbei_worker::readers(SERVICE),
        }),
        checkers,
        hearing,
    })
}

/// Where large packages lie while they are checked: beside the staging area where that is on this machine.
fn spool(config: &RoleConfig) -> PathBuf {
    if config.staging.is_dir() { config.staging.clone() } else { std::env::temp_dir() }
}

async fn health((pool, nats, guard): (PgPool, Nats, Option<Guard>)) -> Health {
    let health = Health::default().with("postgres", admin::postgres(&pool).await).with("nats", nats.health());
    dengbei_scanner::health(health, guard.as_ref())
}
