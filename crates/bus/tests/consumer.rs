//! The consumer: each event once, whatever comes twice, early, late or broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests only")]

mod world;

use std::time::Duration;

use dengbei_bus::{Bundle, operations};
use dengbei_chain::Encoded;
use dengbei_kit::grpc;
use dengbei_proto::v1;
use dengbei_proto::v1::operations_client::OperationsClient;
use dengbei_records::ErrorClass;
use dengbei_testkit::{PATIENCE, eventually};
use tokio::net::TcpListener;
use tonic::service::Routes;
use world::{Service, TOKEN, World, area, event, events, payload};

fn bundle(sequence: u64, events: &[Encoded]) -> Bundle {
    let events = events.iter().map(|e| e.bytes.clone()).collect();
    Bundle { producer: "ingest.00000001".into(), sequence, events, traceparents: Vec::new() }
}

/// Publishes as it is, with no message id: nothing but the inbox keeps it from being applied twice.
async fn publish(world: &World, payload: bytes::Bytes) {
    let jetstream = async_nats::jetstream::new(world.bus.client().await.unwrap());
    let subject = format!("dengbei.{}.submission.refused", area());
    eventually(PATIENCE, "the stream takes the message", async || {
        Ok(jetstream.publish(subject.clone(), payload.clone()).await?.await?)
    })
    .await
    .unwrap();
}

/// Waits until the durable has nothing left to bring and nothing unacknowledged.
async fn all_acknowledged(world: &World, durable: &str) {
    let jetstream = async_nats::jetstream::new(world.bus.client().await.unwrap());
    eventually(PATIENCE, "everything is acknowledged", async || {
        let stream = jetstream.get_stream(dengbei_bus::subjects::stream(&area())).await?;
        let info = stream.consumer_info(durable).await?;
        let left = info.num_pending + info.num_ack_pending as u64;
        anyhow::ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await
    .unwrap();
}

async fn dead(service: &Service, wanted: i64) {
    eventually(PATIENCE, "dead letters", async || {
        let dead = service.count("select count(*) from bus.dead_letters where is_dead").await;
        anyhow::ensure!(dead == wanted, "{dead}, not {wanted}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_bundle_that_comes_again_applies_once() {
    let world = World::new().await;
    let query = world.service("query").await;
    let _hearing = query.hear();
    let stated = events(3);
    for _ in 0..4 {
        publish(&world, payload(&bundle(1, &stated))).await;
    }
    all_acknowledged(&world, "query").await;
    query.applies(&stated).await;
}

/// So many bundles of one event, all on the bus before anybody hears it.
async fn ready(world: &World, bundles: usize) -> Vec<Encoded> {
    let ingest = world.service("ingest").await;
    let stated = events(bundles);
    for event in &stated {
        ingest.state(std::slice::from_ref(event)).await;
    }
    let _relay = ingest.relay();
    ingest.publishes().await;
    stated
}

#[tokio::test]
async fn what_lies_ready_is_applied_in_fewer_transactions_than_there_are_bundles() {
    let world = World::new().await;
    let stated = ready(&world, 60).await;
    let query = world.service("query").await;
    let _hearing = query.hear();
    query.applies(&stated).await;
    all_acknowledged(&world, "query").await;
    assert_eq!(query.count("select count(*) from bus.inbox").await, 60, "each bundle is known to be done");
    let transactions = query.count("select count(distinct xmin::text) from applied").await;
    assert!(transactions < 60, "{transactions} transactions");
}

#[tokio::test]
async fn a_poisonous_event_among_bundles_that_lie_ready_keeps_none_of_them_back() {
    let world = World::new().await;
    let stated = ready(&world, 30).await;
    let query = world.service("query").await;
    query.keeper.mood(|mood| {
        mood.poison.insert(stated[12].hash);
        mood.class = Some(ErrorClass::Invalid);
    });
    let _hearing = query.hear();
    query.applies(&[&stated[..12], &stated[13..]].concat()).await;
    dead(&query, 1).await;
    all_acknowledged(&world, "query").await;
}

#[tokio::test]
async fn an_event_waits_for_its_cause_and_is_released_by_it() {
    let world = World::new().await;
    let query = world.service("query").await;
    let _hearing = query.hear();
    let cause = event(&[]);
    let effect = event(&[cause.hash]);
    let last = event(&[effect.hash, cause.hash]);
    publish(&world, payload(&bundle(1, std::slice::from_ref(&last)))).await;
    publish(&world, payload(&bundle(2, std::slice::from_ref(&effect)))).await;
    all_acknowledged(&world, "query").await;
    assert_eq!(query.count("select count(*) from bus.pending").await, 2);
    publish(&world, payload(&bundle(3, std::slice::from_ref(&cause)))).await;
    query.applies(&[cause, effect, last]).await;
    assert_eq!(query.count("select count(*) from bus.pending").await, 0);
}

#[tokio::test]
async fn a_poisonous_event_becomes_a_dead_letter_and_its_bundle_goes_on() {
    let world = World::new().await;
    let query = world.service("query").await;
    let stated = events(5);
    query.keeper.mood(|mood| {
        mood.poison.insert(stated[2].hash);
        mood.class = Some(ErrorClass::Internal);
    });
    let _hearing = query.hear();
    publish(&world, payload(&bundle(1, &stated))).await;
    let healthy = [&stated[..2], &stated[3..]].concat();
    query.applies(&healthy).await;
    dead(&query, 1).await;
    // Redelivered, it changes nothing.
    publish(&world, payload(&bundle(1, &stated))).await;
    all_acknowledged(&world, "query").await;
    query.applies(&healthy).await;
    assert_eq!(query.count("select count(*) from bus.settled").await, 0);
}

#[tokio::test]
async fn a_bundle_that_was_half_done_goes_on_where_it_was() {
    let world = World::new().await;
    let query = world.service("query").await;
    let stated = events(3);
    // As a crash leaves it while the events of a failing bundle go one by one.
    let half = "insert into bus.settled values ('query', 'ingest.00000001', 1, 0)";
    sqlx::query(half).execute(&query.pool).await.unwrap();
    let _hearing = query.hear();
    publish(&world, payload(&bundle(1, &stated))).await;
    all_acknowledged(&world, "query").await;
    query.applies(&stated[1..]).await;
    assert_eq!(query.count("select count(*) from bus.settled").await, 0);
    assert_eq!(query.count("select count(*) from bus.inbox").await, 1);
}

#[tokio::test]
async fn each_event_brings_its_own_trace_context() {
    let world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, _hearing) = (ingest.relay(), query.hear());
    let stated = events(2);
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let mut tx = ingest.pool.begin().await.unwrap();
    let outbox = dengbei_bus::Outbox::new(area());
    outbox.put_traced(&mut tx, &stated, &[None, Some(context.clone())]).await.unwrap();
    tx.commit().await.unwrap();
    query.applies(&stated).await;
    query.keeper.mood(|mood| assert_eq!(mood.contexts, [None, Some(context)]));
}

#[tokio::test]
async fn what_is_invalid_is_a_dead_letter_at_once_and_what_panics_after_its_tries() {
    let world = World::new().await;
    let query = world.service("query").await;
    let stated = events(3);
    query.keeper.mood(|mood| {
        mood.poison.insert(stated[0].hash);
        mood.class = Some(ErrorClass::Invalid);
        mood.explosive.insert(stated[1].hash);
    });
    let _hearing = query.hear();
    publish(&world, payload(&bundle(1, &stated))).await;
    dead(&query, 2).await;
    query.applies(&stated[2..]).await;
    let tries: Vec<(i32, String)> =
        sqlx::query_as("select tries, reason from bus.dead_letters order by tries")
            .fetch_all(&query.pool)
            .await
            .unwrap();
    assert_eq!(tries[0], (1, "a poisonous event".to_owned()));
    assert_eq!(tries[1].0, 3);
    assert!(tries[1].1.contains("an explosive event"), "{tries:?}");
}

#[tokio::test]
async fn bytes_that_are_no_event_are_a_dead_letter_and_a_message_that_is_no_bundle_is_dropped() {
    let world = World::new().await;
    let query = world.service("query").await;
    let _hearing = query.hear();
    let good = event(&[]);
    let mut mixed = bundle(1, std::slice::from_ref(&good));
    mixed.events.push(bytes::Bytes::from_static(b"\xff\xff no event"));
    publish(&world, bytes::Bytes::from_static(b"\xff\xff no bundle")).await;
    publish(&world, payload(&mixed)).await;
    dead(&query, 1).await;
    query.applies(&[good]).await;
    all_acknowledged(&world, "query").await;
}

#[tokio::test]
async fn while_a_part_does_not_answer_events_wait_and_none_is_given_up() {
    let world = World::new().await;
    let query = world.service("query").await;
    query.keeper.mood(|mood| mood.is_absent = true);
    let _hearing = query.hear();
    let stated = events(40);
    publish(&world, payload(&bundle(1, &stated))).await;
    // Many more times than an event has tries.
    eventually(PATIENCE, "it is tried again and again", async || {
        anyhow::ensure!(query.keeper.prepared() > 20, "only {}", query.keeper.prepared());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(query.count("select count(*) from bus.dead_letters where is_dead").await, 0);
    query.keeper.mood(|mood| mood.is_absent = false);
    query.applies(&stated).await;
    assert_eq!(query.count("select count(*) from bus.dead_letters").await, 0);
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_and_can_be_sent_again() {
    let world = World::new().await;
    let query = world.service("query").await;
    let poison = event(&[]);
    query.keeper.mood(|mood| {
        mood.poison.insert(poison.hash);
    });
    let _hearing = query.hear();
    publish(&world, payload(&bundle(1, std::slice::from_ref(&poison)))).await;
    dead(&query, 1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = grpc::channel(&format!("http://{}", listener.local_addr().unwrap()), TOKEN).unwrap();
    let routes = Routes::new(operations::service(query.pool.clone(), "query"));
    tokio::spawn(grpc::serve_on(listener, TOKEN, routes, dengbei_kit::Drain::new()));
    let mut client = OperationsClient::new(channel);
    let letters = client.dead_letters(v1::DeadLettersRequest::default()).await.unwrap().into_inner().letters;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].fact.as_str(), letters[0].tries), ("submission.refused", 3));
    assert_eq!(letters[0].hash.as_ref(), poison.hash.as_bytes());
    assert_eq!(letters[0].event, poison.bytes);
    assert_eq!(letters[0].reason, "a poisonous event");
    assert_eq!(client.queues(v1::QueuesRequest {}).await.unwrap().into_inner().dead_letters, 1);
    query.keeper.mood(|mood| mood.poison.clear());
    let hashes = vec![poison.hash.as_bytes().to_vec().into()];
    let retry = v1::RetryDeadLettersRequest { hashes, all: false };
    assert_eq!(client.retry_dead_letters(retry).await.unwrap().into_inner().retried, 1);
    query.applies(&[poison]).await;
    assert_eq!(client.queues(v1::QueuesRequest {}).await.unwrap().into_inner().dead_letters, 0);
}

#[tokio::test]
async fn what_the_wiped_stream_held_comes_from_the_log() {
    let mut world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, register) = (ingest.relay(), world.register_hears().await);
    // Sealed and gone from the outbox before anybody else heard it.
    let missed = events(300);
    ingest.state(&missed).await;
    ingest.seals().await;
    world.bus.wipe_store().await.unwrap();
    let hearing = query.hear();
    query.applies(&missed).await;
    // And once more, with everything running.
    world.bus.wipe_store().await.unwrap();
    let later = events(20);
    for event in &later {
        ingest.state(std::slice::from_ref(event)).await;
    }
    query.applies(&[missed, later].concat()).await;
    ingest.seals().await;
    hearing.stop().await;
    register.stop().await;
}

#[tokio::test]
async fn entries_whose_bundle_is_forgotten_are_read_too() {
    let world = World::new().await;
    let query = world.service("query").await;
    let stated = events(130);
    let bytes: Vec<_> = stated.iter().map(|e| e.bytes.clone()).collect();
    world.register.take("ingest.00000001", 1, &bytes);
    world.register.forget_bundles();
    let consumer = query.consumer();
    let drain = dengbei_kit::Drain::new();
    let running = tokio::spawn(consumer.clone().run(drain.clone()));
    tokio::time::timeout(PATIENCE, consumer.wait_caught_up(130)).await.unwrap();
    assert_eq!(consumer.caught_up_to(), 130);
    query.applies(&stated).await;
    drain.request();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_cursor_follows_and_is_kept() {
    let world = World::new().await;
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, _register) = (ingest.relay(), world.register_hears().await);
    let hearing = query.hear();
    ingest.state(&events(4)).await;
    eventually(PATIENCE, "the cursor follows", async || {
        let index = query.count("select coalesce(max(log_index), 0) from bus.consumer").await;
        anyhow::ensure!(index == 4, "it stands at {index}");
        Ok(())
    })
    .await
    .unwrap();
    hearing.stop().await;
    let again = query.consumer();
    let running = tokio::spawn(again.clone().run(dengbei_kit::Drain::new()));
    tokio::time::timeout(Duration::from_secs(30), again.wait_caught_up(4)).await.unwrap();
    running.abort();
}

#[tokio::test]
async fn a_restarted_database_loses_nothing() {
    let mut world = World::new().await;
    world.postgres = dengbei_testkit::Postgres::own().await.unwrap();
    let (ingest, query) = (world.service("ingest").await, world.service("query").await);
    let (_relay, _register, _hearing) = (ingest.relay(), world.register_hears().await, query.hear());
    let before = events(10);
    for event in &before {
        ingest.state(std::slice::from_ref(event)).await;
    }
    world.postgres.stop().await.unwrap();
    world.postgres.start_again().await.unwrap();
    let after = event(&[before[9].hash]);
    eventually(PATIENCE, "the database takes statements again", async || {
        Ok(sqlx::query("select 1").execute(&ingest.pool).await.map(drop)?)
    })
    .await
    .unwrap();
    ingest.state(std::slice::from_ref(&after)).await;
    query.applies(&[before, vec![after]].concat()).await;
    ingest.seals().await;
}
