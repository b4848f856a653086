//! A peer with several replicas: real servers in this process, killed and added while calls go on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::post;
use dengbei_testkit::{PATIENCE, eventually};
use http::Request;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Service as _, ServiceExt as _};

use super::*;

const PATH: &str = "http://peer/test.Who/Am";
const QUICK: Duration = Duration::from_millis(50);

/// Names as the test says.
#[derive(Debug, Default)]
struct Listed(Mutex<Option<Vec<SocketAddr>>>);

impl Listed {
    fn of(addresses: impl IntoIterator<Item = SocketAddr>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(addresses.into_iter().collect()))))
    }

    fn say(&self, addresses: Option<Vec<SocketAddr>>) {
        *self.0.lock().unwrap() = addresses;
    }
}

#[tonic::async_trait]
impl Resolve for Listed {
    async fn addresses(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
        self.0.lock().unwrap().clone().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}

/// A replica that answers with its name and how many bytes it was sent.
struct Replica {
    address: SocketAddr,
    drain: Drain,
    ended: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Replica {
    async fn start(name: &'static str) -> Self {
        Self::on(name, TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(name: &'static str, listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let who = move |body: axum::body::Bytes| async move { format!("{name} {}", body.len()) };
        let routes = Routes::from(axum::Router::new().route("/test.Who/Am", post(who)));
        let drain = Drain::new();
        let ended = tokio::spawn({
            let drain = drain.clone();
            async move { serve_on(listener, "t", routes, drain).await }
        });
        Self { address, drain, ended }
    }

    async fn stop(self) -> SocketAddr {
        self.drain.request();
        self.ended.await.unwrap().unwrap();
        self.address
    }
}

fn by_name(listed: &Arc<Listed>) -> MeshChannel {
    resolved_by("http://peer:1", "t", listed.clone(), QUICK).unwrap()
}

async fn send(channel: &MeshChannel, body: &[u8]) -> Result<String, tonic::Status> {
    let body = Body::new(axum::body::Body::from(body.to_vec()));
    let mut wire = channel.clone();
    let answer = async {
        let ready = wire.ready().await?;
        ready.call(Request::post(PATH).body(body).unwrap()).await
    };
    let answer = answer.await.map_err(tonic::Status::from_error)?;
    assert_eq!(answer.headers().get("grpc-status"), None, "{answer:?}");
    let bytes = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), 1 << 20).await.unwrap();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

async fn ask(channel: &MeshChannel) -> Result<String, tonic::Status> {
    let answer = send(channel, b"hello").await?;
    Ok(answer.split_once(' ').unwrap().0.to_owned())
}

/// Who answered how often; every call has to be answered.
async fn answers(channel: &MeshChannel, calls: usize) -> BTreeMap<String, usize> {
    let mut who = BTreeMap::new();
    for _ in 0..calls {
        *who.entry(ask(channel).await.unwrap()).or_insert(0) += 1;
    }
    who
}

async fn until(channel: &MeshChannel, names: &[&str]) {
    eventually(PATIENCE, "exactly these replicas answer", async || {
        let who = answers(channel, 12).await;
        anyhow::ensure!(who.keys().eq(names), "{who:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn calls_go_to_every_replica_in_turn() {
    let (a, b) = (Replica::start("a").await, Replica::start("b").await);
    let channel = by_name(&Listed::of([a.address, b.address]));
    assert_eq!(answers(&channel, 20).await, BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), 10)]));
}

#[tokio::test]
async fn a_list_of_urls_is_balanced_like_a_name() {
    let (a, b) = (Replica::start("a").await, Replica::start("b").await);
    let urls = format!("http://{}, http://{}", a.address, b.address);
    let channel = channel(&urls, "t").unwrap();
    assert_eq!(answers(&channel, 10).await.len(), 2);
}

#[tokio::test]
async fn a_replica_that_dies_swallows_no_call_and_one_that_comes_back_gets_its_share() {
    let (a, b) = (Replica::start("a").await, Replica::start("b").await);
    let channel = by_name(&Listed::of([a.address, b.address]));
    until(&channel, &["a", "b"]).await;
    let address = b.stop().await;
    assert_eq!(answers(&channel, 40).await, BTreeMap::from([("a".to_owned(), 40)]));
    let _again = Replica::on("b", TcpListener::bind(address).await.unwrap());
    until(&channel, &["a", "b"]).await;
}

#[tokio::test]
async fn an_upload_that_was_never_begun_goes_to_another_replica_whole() {
    let (a, b) = (Replica::start("a").await, Replica::start("b").await);
    let dead = b.stop().await;
    let channel = by_name(&Listed::of([dead, a.address]));
    for _ in 0..4 {
        assert_eq!(send(&channel, &[7; 100_000]).await.unwrap(), "a 100000");
    }
}

#[tokio::test]
async fn a_replica_that_is_added_or_removed_in_the_name_is_noticed() {
    let (a, b) = (Replica::start("a").await, Replica::start("b").await);
    let listed = Listed::of([a.address]);
    let channel = by_name(&listed);
    assert_eq!(ask(&channel).await.unwrap(), "a");
    listed.say(Some(vec![a.address, b.address]));
    until(&channel, &["a", "b"]).await;
    listed.say(Some(vec![b.address]));
    until(&channel, &["b"]).await;
    // A name that cannot be resolved for a while keeps what was known.
    listed.say(None);
    until(&channel, &["b"]).await;
    listed.say(Some(Vec::new()));
    until(&channel, &["b"]).await;
}

#[tokio::test]
async fn a_call_that_was_begun_is_not_made_again_elsewhere() {
    // Somebody who accepts connections, reads the call and dies in the middle of it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let murderer = listener.local_addr().unwrap();
    let (seen, begun) = tokio::sync::oneshot::channel::<()>();
    let routes = {
        let seen = Arc::new(Mutex::new(Some(seen)));
        let who = move |_: axum::body::Bytes| {
            let seen = seen.clone();
            async move {
                let _ = seen.lock().unwrap().take().map(|s| s.send(()));
                std::future::pending::<String>().await
            }
        };
        Routes::from(axum::Router::new().route("/test.Who/Am", post(who)))
    };
    // On a runtime of its own, so that its connections can be torn.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let socket = listener.into_std().unwrap();
    runtime.spawn(async move {
        serve_on(TcpListener::from_std(socket).unwrap(), "t", routes, Drain::new()).await
    });
    let other = Replica::start("other").await;
    let channel = by_name(&Listed::of([murderer, other.address]));
    // The first call goes to the first address.
    let call = tokio::spawn({
        let channel = channel.clone();
        async move { ask(&channel).await }
    });
    begun.await.unwrap();
    // Who is busy gets no more while another is not.
    assert_eq!(answers(&channel, 10).await, BTreeMap::from([("other".to_owned(), 10)]));
    runtime.shutdown_background();
    let error = call.await.unwrap().unwrap_err();
    assert_ne!(error.code(), tonic::Code::Ok, "{error:?}");
}

#[tokio::test]
async fn nobody_anywhere_is_unavailable() {
    let channel = by_name(&Arc::new(Listed(Mutex::new(None))));
    assert_eq!(ask(&channel).await.unwrap_err().code(), tonic::Code::Unavailable);
    let dead = Replica::start("a").await.stop().await;
    let channel = by_name(&Listed::of([dead]));
    assert_eq!(ask(&channel).await.unwrap_err().code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn an_address_alone_is_one_connection_and_nothing_else() {
    let wire = |url: &str| resolved_by(url, "t", Arc::new(SystemDns), QUICK).unwrap();
    assert!(format!("{:?}", wire("http://127.0.0.1:1")).contains("One"));
    assert!(format!("{:?}", wire("http://localhost:1")).contains("Any"));
    assert!(check_urls("http://a:1,b").is_err());
}

#[tokio::test]
async fn everybody_who_rests_is_found_again() {
    let a = Replica::start("a").await;
    let channel = by_name(&Listed::of([a.address]));
    assert_eq!(ask(&channel).await.unwrap(), "a");
    let address = a.stop().await;
    assert!(ask(&channel).await.is_err());
    let _again = Replica::on("a", TcpListener::bind(address).await.unwrap());
    eventually(PATIENCE, "it answers again", async || ask(&channel).await.map(drop).map_err(Into::into))
        .await
        .unwrap();
}
