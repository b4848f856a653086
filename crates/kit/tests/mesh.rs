//! What services stand on, over real sockets and a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests only")]

use dengbei_kit::{Drain, admin, db, documents, grpc, status};
use dengbei_records::{ErrorClass, Sha256};
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::service::Routes;

struct Peer {
    url: String,
    drain: Drain,
    pool: PgPool,
}

async fn peer() -> Peer {
    let url = Postgres::start().await.unwrap().database().await.unwrap();
    let pool = db::connect(&url, &[]).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let drain = Drain::new();
    let routes = Routes::new(documents::service(pool.clone()));
    tokio::spawn(grpc::serve_on(listener, "right", routes, drain.clone()));
    Peer { url, drain, pool }
}

async fn stored(pool: &PgPool, body: &[u8]) -> Sha256 {
    let mut tx = pool.begin().await.unwrap();
    let digest = documents::put(&mut tx, body, "application/json").await.unwrap();
    assert_eq!(documents::put(&mut tx, body, "application/json").await.unwrap(), digest);
    tx.commit().await.unwrap();
    digest
}

#[tokio::test]
async fn a_document_is_fetched_from_the_service_that_cited_it() {
    let peer = peer().await;
    let body = vec![b'x'; 9 << 20];
    let digest = stored(&peer.pool, &body).await;
    let channel = grpc::channel(&peer.url, "right").unwrap();
    let document = documents::fetch(&channel, &digest).await.unwrap();
    assert_eq!((document.body.as_ref(), document.media_type.as_str()), (body.as_slice(), "application/json"));
    let missing = documents::fetch(&channel, &Sha256::of(b"never stored")).await.unwrap_err();
    assert_eq!(missing.class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn nobody_gets_in_without_the_mesh_token() {
    let peer = peer().await;
    let digest = stored(&peer.pool, b"{}").await;
    let channel = grpc::channel(&peer.url, "wrong").unwrap();
    let error = documents::fetch(&channel, &digest).await.unwrap_err();
    let documents::DocumentError::Peer(answer) = error else { panic!("{error:?}") };
    assert_eq!(answer.code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn a_peer_that_is_gone_is_unavailable() {
    let peer = peer().await;
    let channel = grpc::channel(&peer.url, "right").unwrap();
    peer.drain.request();
    eventually(PATIENCE, "the server has stopped", async || {
        let error = documents::fetch(&channel, &Sha256::of(b"x")).await.unwrap_err();
        anyhow::ensure!(error.class() == ErrorClass::Unavailable, "{error:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn services_that_start_together_migrate_one_after_the_other() {
    let url = Postgres::start().await.unwrap().database().await.unwrap();
    let starting = (0..6).map(|_| db::connect_with(&url, 2, &[]));
    for pool in futures::future::join_all(starting).await {
        let count: i64 =
            sqlx::query_scalar("select count(*) from documents").fetch_one(&pool.unwrap()).await.unwrap();
        assert_eq!(count, 0);
    }
}

#[tokio::test]
async fn a_constraint_that_was_violated_has_its_name_and_class() {
    let peer = peer().await;
    let insert = "insert into documents (digest, media_type, body) values ('abc', '', '')";
    let error = sqlx::query(insert).execute(&peer.pool).await.unwrap_err();
    assert_eq!(db::violated(&error), Some("documents_digest_is_sha256"));
    assert_eq!(db::class(&error), ErrorClass::Internal);
    assert_eq!(status::plain(db::class(&error)).code, "service.internal");
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn health_names_the_dependency_that_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let is_up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let seen = is_up.clone();
    let health = move || {
        let nats = if seen.load(std::sync::atomic::Ordering::SeqCst) { Ok(()) } else { Err("no answer") };
        async move { admin::Health::default().with("postgres", Ok::<(), &str>(())).with("nats", nats) }
    };
    tokio::spawn(admin::serve_on(listener, health, Drain::new()));
    let well = get(address, "/health").await;
    assert!(well.starts_with("HTTP/1.0 200") && well.contains(r#""status":"ok""#), "{well}");
    is_up.store(false, std::sync::atomic::Ordering::SeqCst);
    let ill = get(address, "/health").await;
    assert!(ill.starts_with("HTTP/1.0 503"), "{ill}");
    assert!(ill.contains(r#"{"name":"nats","ok":false,"detail":"no answer"}"#), "{ill}");
    assert!(get(address, "/metrics").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn what_is_begun_by_key_is_planned_for_large_tables_and_leaves_nothing_behind() {
    let peer = peer().await;
    let setting = async |tx: &mut sqlx::PgConnection| -> String {
        sqlx::query_scalar("show plan_cache_mode").fetch_one(tx).await.unwrap()
    };
    let mut tx = db::begin_by_key(&peer.pool).await.unwrap();
    assert_eq!(setting(&mut tx).await, "force_generic_plan");
    sqlx::query("create table things (key bigint primary key, thing text)").execute(&mut *tx).await.unwrap();
    let prepare = "prepare by_key (bigint[], text[]) as update things t set thing = n.thing
                   from unnest($1, $2) as n (key, thing) where t.key = n.key";
    sqlx::raw_sql(prepare).execute(&mut *tx).await.unwrap();
    let plan: Vec<String> =
        sqlx::query_scalar("explain execute by_key ('{1}', '{a}')").fetch_all(&mut *tx).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("things_pkey") && !plan.contains("Seq Scan on things"), "{plan}");
    tx.commit().await.unwrap();
    let mut connection = peer.pool.acquire().await.unwrap();
    assert_eq!(setting(&mut connection).await, "force_custom_plan");
    let mut own = db::connect_by_key(&peer.pool).await.unwrap();
    assert_eq!(setting(&mut own).await, "force_generic_plan");
}
