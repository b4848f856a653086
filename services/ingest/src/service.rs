//! Wiring only: opens the store, the staging disk and the bus, and names every task and what its failure means.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dengbei_bus::{Consumer, Nats, Outbox, RegisterClient, Relay};
use dengbei_chain::{Ids, RandomIds};
use dengbei_checks::Schemes;
use dengbei_kit::admin::Health;
use dengbei_kit::{
    Drain, Leases, OnError, RoleConfig, Tasks, admin, config as kit_config, db, documents, grpc, measure,
};
use dengbei_proto::v1::ingest_server::IngestServer;
use dengbei_proto::v1::intake_server::IntakeServer;
use dengbei_records::{Clock, SystemClock};
use dengbei_scanner::Guard;
use dengbei_vault::{Staging, StagingError};
use sqlx::postgres::PgPool;
use tokio::sync::{Mutex, mpsc};
use tonic::service::Routes;

use crate::adopt::{self, Adoption, Doubts};
use crate::commit::{self, Committer};
use crate::config::{Settings, id_key};
use crate::consumer::Outcomes;
use crate::events::Author;
use crate::grpc::Served;
use crate::intake::Intaken;
use crate::judge::Bench;
use crate::let_go::LetGo;
use crate::read_staged::Readers;
use crate::receive::Door;
use crate::release::Release;
use crate::stage::{Stage, ranges};
use crate::standing::Standing;
use crate::store::places;

/// The name of its producer, its consumer and its inbox.
pub(crate) const SERVICE: &str = "ingest";
/// What may still be in hand after the drain: uploads that are being read.
const LAST: Duration = Duration::from_secs(20);
/// How long a start waits for a process that has the staging folder alone.
const ENDING: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(250);

/// Runs ingest until the drain.
///
/// # Errors
/// When a part that it cannot do without fails; see its log for what was tried again before.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    let key = id_key(&config.keys)?;
    let settings = Settings::of(&config);
    crate::metrics::describe(&settings);
    let migrators = [&dengbei_bus::MIGRATOR, &crate::store::MIGRATOR];
    let pool = db::connect_with(&config.database, config.limits.database_connections, &migrators).await?;
    let staging = open_stage(&pool, &settings).await?;
    let nats = Nats::of(&config).await?;
    let register = RegisterClient::new(grpc::channel(&config.peers.registration, &config.mesh_token)?);
    let parts = Parts::new(&settings, pool.clone(), staging, key)?;

    let mut tasks = Tasks::new(drain.clone());
    let relay = Relay::new(SERVICE, pool.clone(), nats.clone(), register.clone());
    let ending = drain.clone();
    tasks.spawn("relay", OnError::Restart, move || relay.clone().run(ending.clone()));
    let consumer = Consumer::new(SERVICE, pool.clone(), nats.clone(), register, Outcomes)
        .at_once(config.limits.bundles_at_once);
    let ending = drain.clone();
    tasks.spawn("consumer", OnError::Restart, move || consumer.clone().run(ending.clone()));
    parts.spawn(&mut tasks, &drain);
    dengbei_bus::measure(&mut tasks, SERVICE, (&pool, &nats), &drain);
    let served = parts.serve();
    let (address, ending) = (config.admin, drain.clone());
    let health = (pool.clone(), nats, served.standing.clone(), served.guard.clone());
    tasks.spawn("admin", OnError::Stop, move || {
        let health = health.clone();
        admin::serve(address, move || self::health(health.clone()), ending.clone())
    });
    let served = Mutex::new(Some(routes(served, pool)));
    let served = Arc::new(served);
    tasks.spawn("grpc", OnError::Stop, move || serve(served.clone(), config.clone(), drain.clone()));
    tasks.join(LAST).await
}

/// The routes go when the server ends, and with them the last way into the committer, which then ends too.
async fn serve(routes: Arc<Mutex<Option<Routes>>>, config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    let routes = routes.lock().await.take().context("gRPC is served once")?;
    grpc::serve(&config, routes, drain).await
}

/// Opens the staging folder, which other ingests may share, and says what of the undecided is not in it.
async fn open_stage(pool: &PgPool, settings: &Settings) -> anyhow::Result<Staging> {
    let staging = shared(&settings.staging).await?;
    let live = places::live(pool).await?;
    for (segment, range) in staging.lost(live.into_iter().map(ranges)).await? {
        tracing::error!(%segment, ?range, "暂存内容丢失 / staged bytes of an undecided submission are lost");
        crate::metrics::staged_lost();
    }
    Ok(staging)
}

/// Waits for a process that shares with nobody: one of the version before, which is about to end.
async fn shared(folder: &Path) -> anyhow::Result<Staging> {
    let until = tokio::time::Instant::now() + ENDING;
    loop {
        let opening = folder.to_owned();
        match tokio::task::spawn_blocking(move || Staging::open(opening)).await? {
            Err(StagingError::InUse(_)) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(AGAIN).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// Everything of ingest but the bus: what tests build too.
pub(crate) struct Parts {
    pub(crate) door: Door,
    pub(crate) committer: Committer,
    pub(crate) queue: commit::Queue,
    pub(crate) release: Release,
    pub(crate) parked: crate::release::ParkedCodes,
    pub(crate) let_go: LetGo,
    pub(crate) adoption: Adoption,
    pub(crate) guard: Option<Guard>,
}

impl Parts {
    pub(crate) fn new(
        settings: &Settings,
        pool: PgPool,
        staging: Staging,
        key: dengbei_records::IdKey,
    ) -> anyhow::Result<Self> {
        let stage = Stage::new(staging.clone());
        let (leases, doubts) = (Leases::new(pool.clone()), Doubts::default());
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let outbox = Outbox::new(settings.area.clone());
        let author = Author { area: settings.area.clone(), ids: ids.clone(), clock: clock.clone() };
        let standing = Arc::new(Standing::new(settings));
        let (handle, queue) = commit::channel();
        let (parked, codes) = mpsc::unbounded_channel();
        let schemes = Schemes::read(&kit_config::files(&settings.schemes, "json")?)?;
        let guard = Guard::of(SERVICE, settings.scanner.as_ref());
        let area = settings.area.clone();
        let readers = dengbei_worker::readers(SERVICE);
        let bench = Arc::new(Bench { key, area, schemes, guard: guard.clone(), readers });
        Ok(Self {
            door: Door {
                settings: settings.clone(),
                pool: pool.clone(),
                stage: stage.clone(),
                committer: handle,
                bench,
                ids,
                clock: clock.clone(),
                readers: Door::readers(),
            },
            committer: Committer {
                pool: pool.clone(),
                stage: stage.clone(),
                outbox: outbox.clone(),
                author: author.clone(),
                standing: standing.clone(),
                doubts: doubts.clone(),
                parked,
            },
            queue,
            release: Release { pool: pool.clone(), outbox, author, leases },
            adoption: Adoption::new(pool.clone(), staging, doubts, adopt::GRACE),
            parked: Arc::new(Mutex::new(codes)),
            let_go: LetGo { pool, stage, standing, clock, patience: crate::let_go::PATIENCE },
            guard,
        })
    }

    /// Starts the committer and the reconcilers.
    pub(crate) fn spawn(&self, tasks: &mut Tasks, drain: &Drain) {
        let (committer, queue) = (self.committer.clone(), self.queue.clone());
        tasks.spawn("committer", OnError::Stop, move || committer.clone().run(queue.clone()));
        let (release, parked, ending) = (self.release.clone(), self.parked.clone(), drain.clone());
        tasks.spawn("release", OnError::Restart, move || release.clone().run(parked.clone(), ending.clone()));
        let (adoption, ending) = (self.adoption.clone(), drain.clone());
        tasks.spawn("adopt", OnError::Restart, move || adoption.clone().run(ending.clone()));
        if let Some(guard) = &self.guard {
            guard.watch(tasks, &self.door.clock, drain);
        }
        let (let_go, ending) = (self.let_go.clone(), drain.clone());
        tasks.spawn("let_go", OnError::Restart, move || let_go.clone().run(ending.clone()));
        let (looking, ending) = (self.let_go.clone(), drain.clone());
        tasks.spawn("standing", OnError::Restart, move || {
            let (of, drain) = (looking.clone(), ending.clone());
            async move {
                let look = || async { Ok(of.standing.measure(&of.pool, of.clock.now().millis()).await?) };
                measure::every(&drain, look).await
            }
        });
    }

    /// The gRPC service. The committer lives as long as it.
    pub(crate) fn serve(self) -> Served {
        let readers = Readers { pool: self.let_go.pool.clone(), stage: self.let_go.stage.clone() };
        Served {
            pool: self.let_go.pool.clone(),
            standing: self.let_go.standing.clone(),
            uploads: Served::uploads(),
            readers,
            guard: self.guard,
            door: self.door,
        }
    }
}

fn routes(served: Served, pool: PgPool) -> Routes {
    let intake = Intaken { pool: pool.clone(), clock: served.door.clock.clone() };
    let ingest = IngestServer::new(served)
        .max_decoding_message_size(grpc::MAX_MESSAGE)
        .max_encoding_message_size(grpc::MAX_MESSAGE);
    Routes::new(ingest)
        .add_service(IntakeServer::new(intake))
        .add_service(documents::service(pool.clone()))
        .add_service(dengbei_bus::operations::service(pool, SERVICE))
}

async fn health((pool, nats, standing, guard): (PgPool, Nats, Arc<Standing>, Option<Guard>)) -> Health {
    let staging = if standing.free_bytes() > 0 {
        Ok(())
    } else {
        Err("暂存盘不可用 / the staging disk does not answer")
    };
    let health = Health::default()
        .with("postgres", admin::postgres(&pool).await)
        .with("nats", nats.health())
        .with("staging", staging);
    dengbei_scanner::health(health, guard.as_ref())
}
