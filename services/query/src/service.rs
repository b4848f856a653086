//! Wiring: the database, the peers, the tasks and what the failure of each means.

use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::{Consumer, Nats, RegisterClient, operations};
use dengbei_kit::admin::{self, Health};
use dengbei_kit::{Drain, Leases, OnError, RoleConfig, Tasks, db, grpc};
use dengbei_proto::v1::quality_server::QualityServer;
use dengbei_proto::v1::query_server::QueryServer;
use dengbei_records::SystemClock;
use tonic::service::Routes;

use crate::MIGRATOR;
use crate::consumer::ReadModel;
use crate::grpc::QueryService;
use crate::members::Sources;
use crate::metrics;
use crate::origins::Placing;
use crate::quality::QualityService;

const DEADLINE: Duration = Duration::from_secs(20);

/// Runs the role until the drain.
///
/// # Errors
/// When it cannot start, or one of its servers fails.
pub(crate) async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    metrics::describe();
    let connections = config.limits.database_connections;
    let pool = db::connect_with(&config.database, connections, &[&dengbei_bus::MIGRATOR, &MIGRATOR]).await?;
    let fixity = grpc::channel(&config.peers.fixity, &config.mesh_token)?;
    let registration = grpc::channel(&config.peers.registration, &config.mesh_token)?;
    let nats = Nats::of(&config).await?;
    let register = RegisterClient::new(registration.clone());
    let ingest = grpc::channel(&config.peers.ingest, &config.mesh_token)?;
    let handler = ReadModel { sources: Sources { fixity, registration }, ingest: ingest.clone() };
    // One after the other: all of them write the same rows of packs, batches and figures, and would only wait for each
    // other, or in a circle. What lies ready goes together instead.
    let consumer = Consumer::new(&config.role, pool.clone(), nats.clone(), register, handler).at_once(1);
    let seen = consumer.clone();
    let query = QueryService::new(pool.clone()).caught_up(move || seen.caught_up_to());
    let seen = consumer.clone();
    let quality =
        QualityService::new(pool.clone(), Arc::new(SystemClock)).caught_up(move || seen.caught_up_to());
    let routes = Routes::new(QueryServer::new(query).max_encoding_message_size(grpc::MAX_MESSAGE))
        .add_service(QualityServer::new(quality.clone()).max_encoding_message_size(grpc::MAX_MESSAGE))
        .add_service(operations::service(pool.clone(), &config.role));
    let mut tasks = Tasks::new(drain.clone());
    dengbei_bus::measure(&mut tasks, &config.role, (&pool, &nats), &drain);
    let ending = drain.clone();
    tasks.spawn("consumer", OnError::Restart, move || consumer.clone().run(ending.clone()));
    let placing = Placing { pool: pool.clone(), ingest, leases: Leases::new(pool.clone()) };
    let ending = drain.clone();
    tasks.spawn("origins", OnError::Restart, move || placing.clone().run(ending.clone()));
    let ending = drain.clone();
    tasks.spawn("quality", OnError::Restart, move || quality.clone().measure(ending.clone()));
    let (address, ending) = (config.admin, drain.clone());
    tasks.spawn("admin", OnError::Stop, move || {
        let (pool, nats) = (pool.clone(), nats.clone());
        admin::serve(address, move || health(pool.clone(), nats.clone()), ending.clone())
    });
    tasks.spawn("grpc", OnError::Stop, move || {
        let (config, routes, drain) = (config.clone(), routes.clone(), drain.clone());
        async move { grpc::serve(&config, routes, drain).await }
    });
    tasks.join(DEADLINE).await
}

async fn health(pool: sqlx::PgPool, nats: Nats) -> Health {
    Health::default().with("postgres", admin::postgres(&pool).await).with("nats", nats.health())
}
