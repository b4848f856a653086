//! gRPC inside the mesh: one way to serve and one way to call, with the mesh token and the trace context.
//!
//! Messages up to 16 MiB, but generated clients and servers each have to be told so:
//! `XServer::new(s).max_decoding_message_size(MAX_MESSAGE)`, `XClient::new(channel).max_decoding_message_size(…)`.

use std::time::Duration;

use dengbei_records::Invalid;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic_health::ServingStatus;
use tracing::info;

use crate::{Drain, RoleConfig};

mod gate;
mod outgoing;

pub use outgoing::Outgoing;

/// The largest message, bytes.
pub const MAX_MESSAGE: usize = 16 << 20;
/// HTTP/2 windows: the defaults make a stream five times slower (stack.md 5).
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const ALIVE_EVERY: Duration = Duration::from_secs(15);
const ALIVE_WITHIN: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);

/// A channel to a peer that carries the mesh token and the trace context. Clone it freely.
pub type MeshChannel = InterceptedService<Channel, Outgoing>;

/// Serves `routes` where the configuration says, with health and reflection beside them, until the drain.
///
/// # Errors
/// When the address cannot be bound or the server fails.
pub async fn serve(config: &RoleConfig, routes: Routes, drain: Drain) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.grpc).await?;
    info!(role = config.role, address = %listener.local_addr()?, "serving gRPC");
    serve_on(listener, &config.mesh_token, routes, drain).await
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
        .layer(gate::Layer::new(token))
        .add_routes(routes.add_service(health).add_service(reflection))
        .serve_with_incoming_shutdown(incoming, ending)
        .await?;
    Ok(())
}

/// A channel to `url`, connected when it is first used and again whenever it has to be.
///
/// It has no deadline for a call, because some calls carry gigabytes: set one on the request. A peer that is gone
/// without a word is noticed within 25 s.
///
/// # Errors
/// [`Invalid`] when `url` or `token` is none.
pub fn channel(url: &str, token: &str) -> Result<MeshChannel, Invalid> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| Invalid::new("gRPC URL", url))?;
    let channel = endpoint
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(ALIVE_EVERY)
        .keep_alive_timeout(ALIVE_WITHIN)
        .keep_alive_while_idle(true)
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .connect_lazy();
    Ok(InterceptedService::new(channel, Outgoing::new(token)?))
}
