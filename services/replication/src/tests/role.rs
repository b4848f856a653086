//! The whole role, with its bus, relay and loops, on a real nats-server; the register is a small one.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dengbei_bus::{Nats, Outbox, RegisterClient, Relay};
use dengbei_chain::{Encoded, Event, Fact, FactKind, Ids as _, RandomIds};
use dengbei_kit::{Drain, db, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::register_server::{Register, RegisterServer};
use dengbei_proto::v1::replication_client::ReplicationClient;
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use super::deployment::{TOKEN, area};
use super::events;
use super::world::World;

/// A register that takes what it is sent and seals nothing: enough for a role that hears by the bus.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Bytes>>>);

#[tonic::async_trait]
impl Register for Keeper {
    async fn append(&self, request: Request<v1::AppendRequest>) -> Result<Response<v1::AppendReply>, Status> {
        let events = request.into_inner().bundles.into_iter().flat_map(|b| b.events);
        self.0.lock().unwrap().extend(events);
        Ok(Response::new(v1::AppendReply { known: 0 }))
    }

    async fn sealed_up_to(
        &self,
        _: Request<v1::SealedUpToRequest>,
    ) -> Result<Response<v1::SealedUpToReply>, Status> {
        Ok(Response::new(v1::SealedUpToReply { sequence: 0, highest_seen: 0 }))
    }

    async fn bundles(&self, _: Request<v1::BundlesRequest>) -> Result<Response<v1::BundlesReply>, Status> {
        Ok(Response::new(v1::BundlesReply { bundles: Vec::new(), size: 0 }))
    }

    async fn entries(&self, _: Request<v1::EntriesRequest>) -> Result<Response<v1::EntriesReply>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }

    async fn log_file(&self, _: Request<v1::LogFileRequest>) -> Result<Response<v1::LogFileReply>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }

    async fn receipt(&self, _: Request<v1::ReceiptRequest>) -> Result<Response<v1::ReceiptReply>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_packs_are_secured_by_the_running_role() {
    let world = World::new().await;
    let nats = dengbei_testkit::Nats::start().await.unwrap();
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = world.sites.config("replication");
    config.peers.registration = format!("http://{}", listener.local_addr().unwrap());
    let keeper = Keeper::default();
    let routes = tonic::service::Routes::new(RegisterServer::new(keeper.clone()));
    let ending = drain.clone();
    tokio::spawn(async move { grpc::serve_on(listener, TOKEN, routes, ending).await.unwrap() });
    config.nats = nats.url();
    config.database = Postgres::start().await.unwrap().database().await.unwrap().as_str().into();
    config.grpc = dengbei_testkit::free_address().unwrap();
    let role = tokio::spawn(crate::run(config.clone(), drain.clone()));

    let pool =
        db::connect(&Postgres::start().await.unwrap().database().await.unwrap(), &[&dengbei_bus::MIGRATOR])
            .await
            .unwrap();
    let register = RegisterClient::new(grpc::channel(&config.peers.registration, TOKEN).unwrap());
    let relay = Relay::new("registration", pool.clone(), Nats::of(&config).await.unwrap(), register);
    tokio::spawn(relay.run(drain.clone()));
    let filed = [
        events::filed(1, &world.write(1).await, world.now()),
        events::filed(2, &world.write(2).await, world.now()),
    ];
    let batch = RandomIds.next();
    let applied = events::applied(batch, &[&filed[0], &filed[1]], world.now());
    let registered = events::registered(batch, &applied, world.now());
    // In any order: the bus promises none.
    let mut tx = pool.begin().await.unwrap();
    let sent = [registered, applied, filed[0].clone(), filed[1].clone()].map(|e| encoded(&e));
    Outbox::new(area()).put(&mut tx, &sent).await.unwrap();
    tx.commit().await.unwrap();

    let client = ReplicationClient::new(grpc::channel(&format!("http://{}", config.grpc), TOKEN).unwrap());
    eventually(PATIENCE, "both packs are secured", async || {
        for pack in [1, 2] {
            let reply = client.clone().copies(v1::CopiesRequest { pack }).await?.into_inner();
            anyhow::ensure!(reply.secured, "{reply:?}");
        }
        Ok(())
    })
    .await
    .unwrap();
    eventually(PATIENCE, "the facts are at the register", async || {
        let held = keeper.0.lock().unwrap().clone();
        let secured = held
            .into_iter()
            .filter(|bytes| matches!(Event::read(bytes.clone()).unwrap().fact, Some(Fact::PackSecured(_))));
        anyhow::ensure!(secured.count() >= 2);
        Ok(())
    })
    .await
    .unwrap();
    drain.request();
    role.await.unwrap().unwrap();
}

fn encoded(event: &Event) -> Encoded {
    let kind: FactKind = event.fact.as_ref().unwrap().kind();
    Encoded { bytes: event.bytes.clone(), hash: event.hash, kind }
}
