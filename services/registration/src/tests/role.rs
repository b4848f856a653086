//! The whole role, with its bus, relay, sealer and loops, on a real nats-server.

use std::time::Duration;

use dengbei_bus::{Nats, RegisterClient, Relay};
use dengbei_chain::{Encoded, Event, Fact, FactKind};
use dengbei_kit::{Drain, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::registration_client::RegistrationClient;
use dengbei_testkit::{PATIENCE, Postgres, eventually};

use super::world::{TOKEN, TestItem, UNIT, World, area, matter};

/// Another service: an outbox and its relay.
struct Sender {
    pool: sqlx::PgPool,
}

impl Sender {
    async fn start(name: &'static str, world: &World, drain: &Drain) -> Self {
        let database = Postgres::start().await.unwrap().database().await.unwrap();
        let pool = dengbei_kit::db::connect(&database, &[&dengbei_bus::MIGRATOR]).await.unwrap();
        let nats = Nats::of(&world.config).await.unwrap();
        let register = RegisterClient::new(grpc::channel(&world.config.peers.registration, TOKEN).unwrap());
        let relay = Relay::new(name, pool.clone(), nats, register);
        tokio::spawn(relay.run(drain.clone()));
        Self { pool }
    }

    async fn send(&self, events: &[Event], kind: FactKind) {
        let encoded: Vec<Encoded> =
            events.iter().map(|e| Encoded { bytes: e.bytes.clone(), hash: e.hash, kind }).collect();
        let mut tx = self.pool.begin().await.unwrap();
        dengbei_bus::Outbox::new(area()).put(&mut tx, &encoded).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn holds(&self) -> i64 {
        sqlx::query_scalar("select count(*) from bus.outbox").fetch_one(&self.pool).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pre_filed_item_is_filed_sealed_and_proven_by_the_running_role() {
    let mut world = World::new().await;
    let nats = dengbei_testkit::Nats::start().await.unwrap();
    let free = dengbei_testkit::free_address().unwrap();
    world.config.nats = nats.url();
    world.config.grpc = free;
    world.config.peers.registration = format!("http://{free}");
    world.config.linger = Duration::from_millis(50);
    world.config.registration_linger = Duration::from_millis(50);
    let drain = Drain::new();
    let role = tokio::spawn(crate::run(world.config.clone(), drain.clone()));
    let channel = grpc::channel(&world.config.peers.registration, TOKEN).unwrap();
    let mut client = RegistrationClient::new(channel.clone());
    let body: bytes::Bytes = matter(UNIT, "M-1", "备案").into();
    eventually(PATIENCE, "the role publishes", async || {
        let request = v1::PublishMattersRequest { body: body.clone(), actor: bytes::Bytes::new() };
        Ok(client.publish_matters(request).await?)
    })
    .await
    .unwrap();

    let ingest = Sender::start("ingest", &world, &drain).await;
    let fixity = Sender::start("fixity", &world, &drain).await;
    let items: Vec<TestItem> = (0..5).map(TestItem::new).collect();
    let prefiled: Vec<Event> = items.iter().map(|i| world.stage(i)).collect();
    // The verdict may overtake the items: it waits for them.
    fixity.send(&[world.passed(&prefiled[..4])], FactKind::ItemChecked).await;
    fixity.send(&[world.failed(&prefiled[4], &["A-08"])], FactKind::ItemChecked).await;
    ingest.send(&prefiled, FactKind::ItemPrefiled).await;

    let filing = eventually(PATIENCE, "four are filed and one is returned", async || {
        let filing = client.filing(v1::FilingRequest {}).await?.into_inner();
        anyhow::ensure!(filing.filed == 4 && filing.returned == 1, "{filing:?}");
        Ok(filing)
    });
    assert_eq!(filing.await.unwrap().open_plans, 0);
    let listed = eventually(PATIENCE, "the pack is registered by rule", async || {
        let listed = client.batches(v1::BatchesRequest::default()).await?.into_inner();
        anyhow::ensure!(listed.batches.len() == 1 && listed.batches[0].state == "registered", "{listed:?}");
        Ok(listed)
    });
    let batch = listed.await.unwrap().batches.remove(0);
    let asked =
        v1::BatchRequest { registration_no: batch.registration_no.clone(), ..v1::BatchRequest::default() };
    let shown = client.batch(asked).await.unwrap().into_inner();
    assert_eq!(shown.steps.iter().map(|s| s.step.as_str()).collect::<Vec<_>>(), DECIDED);
    let late = v1::DecideBatchRequest {
        batch: batch.batch,
        step: "decline".into(),
        by: "登记丙".into(),
        ..v1::DecideBatchRequest::default()
    };
    let refused = client.decide_batch(late).await.unwrap_err();
    assert_eq!(dengbei_kit::status::to_problem(&refused).code, "batch.step_order");
    let mut register = RegisterClient::new(channel);
    let item = items[2].id().as_bytes().to_vec();
    let receipt = eventually(PATIENCE, "the receipt is there", async || {
        let request = v1::ReceiptRequest { item: item.clone().into(), data_version: 0 };
        Ok(register.receipt(request).await?.into_inner().receipt)
    })
    .await
    .unwrap();
    let proven = dengbei_evidence::verify(&receipt, world.parts.log.signer.verifier(), false).unwrap();
    assert_eq!(proven.filed.item, items[2].id());
    eventually(PATIENCE, "what is sealed leaves the outboxes", async || {
        anyhow::ensure!(ingest.holds().await + fixity.holds().await == 0);
        anyhow::ensure!(world.ask::<i64>("select count(*) from bus.outbox").await == 0);
        Ok(())
    })
    .await
    .unwrap();
    sealed_events(&mut register).await;
    drain.request();
    role.await.unwrap().unwrap();
}

const DECIDED: [&str; 5] = ["apply", "accept", "receive", "check", "register"];

/// Every fact once: one matter, five pre-filed, two verdicts, four filed, one returned, one batch, applied for and registered.
async fn sealed_events(register: &mut RegisterClient) {
    let places = register.bundles(v1::BundlesRequest { from_index: 0, limit: 0 }).await.unwrap().into_inner();
    let count: u32 = places.bundles.iter().map(|b| b.count).sum();
    assert_eq!((u64::from(count), places.size), (places.size, 16));
    let request = v1::EntriesRequest { from: 0, to: places.size };
    let entries = register.entries(request).await.unwrap().into_inner().entries;
    let facts: Vec<Fact> = entries.into_iter().map(|e| Event::read(e).unwrap().fact.unwrap()).collect();
    assert_eq!(facts.iter().filter(|f| matches!(f, Fact::ItemFiled(_))).count(), 4);
    let checkpoint =
        register.log_file(v1::LogFileRequest { path: "checkpoint".into() }).await.unwrap().into_inner();
    assert!(!checkpoint.immutable);
    for bad in ["../keys/register.key", "tile/0/../../x", "/etc/passwd", "tile/8/999"] {
        let refused = register.log_file(v1::LogFileRequest { path: bad.into() }).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::NotFound, "{bad}");
    }
}
