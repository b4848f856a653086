//! gRPC inside the mesh: one way to serve and one way to call, with the mesh token and the trace context.
//!
//! Messages up to 16 MiB, but generated clients and servers each have to be told so:
//! `XServer::new(s).max_decoding_message_size(MAX_MESSAGE)`, `XClient::new(channel).max_decoding_message_size(…)`.

use std::sync::Arc;
use std::time::Duration;

use dengbei_records::Invalid;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic_health::ServingStatus;
use tracing::info;

use crate::{Drain, RoleConfig};

mod address;
mod fleet;
mod gate;
mod lent;
mod outgoing;
#[cfg(test)]
mod tests;
mod wire;

use address::{Host, Resolve, SystemDns};
pub use outgoing::Outgoing;
pub use wire::{Replicas, Wire};

/// The largest message, bytes.
pub const MAX_MESSAGE: usize = 16 << 20;
/// HTTP/2 windows: the defaults make a stream five times slower (stack.md 5). What a slow reader lets wait is held
/// here, so they are a bound on memory too.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
const ALIVE_EVERY: Duration = Duration::from_secs(15);
const ALIVE_WITHIN: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
/// How often a peer's host names are resolved again.
const RESOLVE_EVERY: Duration = Duration::from_secs(5);

/// What a call fails with before there is an answer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A channel to a peer that carries the mesh token and the trace context. Clone it freely.
pub type MeshChannel = InterceptedService<Wire, Outgoing>;

/// Serves `routes` where the configuration says, with health and reflection beside them, until the drain.
///
/// # Errors
/// When the address cannot be bound or the server fails.
pub async fn serve(config: &RoleConfig, routes: Routes, drain: Drain) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.grpc).await?;
    info!(role = config.role, address = %listener.local_addr()?, "serving gRPC");
    serve_to(listener, config.mesh_tokens(), routes, drain).await
}

/// As [`serve`], on a listener that is bound already.
///
/// # Errors
/// When the server fails.
pub async fn serve_on(
    listener: TcpListener,
    token: &str,
    routes: Routes,
    drain: Drain,
) -> anyhow::Result<()> {
    serve_to(listener, std::iter::once(token), routes, drain).await
}

async fn serve_to<'a>(
    listener: TcpListener,
    tokens: impl Iterator<Item = &'a str>,
    routes: Routes,
    drain: Drain,
) -> anyhow::Result<()> {
    let layer = gate::Layer::new(tokens);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(dengbei_proto::DESCRIPTORS)
        .build_v1()?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let ending = async move {
        drain.requested().await;
        reporter.set_service_status("", ServingStatus::NotServing).await;
    };
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(ALIVE_EVERY))
        .http2_keepalive_timeout(Some(ALIVE_WITHIN))
        .layer(layer)
        .add_routes(routes.add_service(health).add_service(reflection))
        .serve_with_incoming_shutdown(incoming, ending)
        .await?;
    Ok(())
}

/// A channel to `urls`: one URL or a comma list, connected when it is first used and again whenever it has to be.
///
/// Host names are resolved again every 5 s, and calls go to whichever address answers: a call that was never sent,
/// because nobody listens there, is made on another address; one whose body was begun is not. An address written as
/// such, alone, is one connection and nothing else.
///
/// It has no deadline for a call, because some calls carry gigabytes: set one on the request. A peer that is gone
/// without a word is noticed within 25 s.
///
/// # Errors
/// [`Invalid`] when one of `urls` or `token` is none.
pub fn channel(urls: &str, token: &str) -> Result<MeshChannel, Invalid> {
    resolved_by(urls, token, Arc::new(SystemDns), RESOLVE_EVERY)
}

/// Whether `urls` is one gRPC URL or a comma list of them.
///
/// # Errors
/// [`Invalid`] naming the part that is none.
pub fn check_urls(urls: &str) -> Result<(), Invalid> {
    address::targets(urls).map(drop)
}

fn resolved_by(
    urls: &str,
    token: &str,
    resolver: Arc<dyn Resolve>,
    every: Duration,
) -> Result<MeshChannel, Invalid> {
    let targets = address::targets(urls)?;
    let wire = match targets.as_slice() {
        [only] if matches!(only.host, Host::Literal(_)) => Wire::One(endpoint(urls.trim())?.connect_lazy()),
        _ => Wire::Any(Replicas(fleet::Fleet::new(targets, resolver, every))),
    };
    Ok(InterceptedService::new(wire, Outgoing::new(token)?))
}

fn endpoint(url: &str) -> Result<Endpoint, Invalid> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| Invalid::new("gRPC URL", url))?;
    Ok(endpoint
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(ALIVE_EVERY)
        .keep_alive_timeout(ALIVE_WITHIN)
        .keep_alive_while_idle(true)
        .connect_timeout(CONNECT)
        .tcp_nodelay(true))
}
