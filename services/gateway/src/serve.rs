//! The listener's loop: connections with a bound on how long headers may take, and an end that lets answers finish.
//! `axum::serve` has neither bound.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use dengbei_kit::Drain;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::debug;

/// How long a client may take to send a request's headers.
const HEADERS: Duration = Duration::from_secs(10);
/// Connections at once, over which new ones wait in the kernel's queue.
const CONNECTIONS: usize = 4_096;
/// After an error of accept (no file descriptors), before the next.
const PAUSE: Duration = Duration::from_millis(200);
/// What is read of a body at once, bytes. Hyper would grow it to 400 KiB.
const BUFFER: usize = 64 * 1024;

/// Serves `routes` until the drain, then lets every connection finish what it is answering.
///
/// # Errors
/// None: what goes wrong with one connection ends that connection.
pub(crate) async fn until_drained(
    listener: Arc<TcpListener>,
    routes: Router,
    drain: Drain,
) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        tokio::select! {
            () = drain.requested() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(one(stream, ConnectInfo(from), routes.clone(), drain.clone()));
                }
                Err(error) => {
                    debug!(%error, "accept failed");
                    drain.pause(PAUSE).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn one(stream: TcpStream, from: crate::service::Peer, routes: Router, drain: Drain) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(from);
        routes.clone().oneshot(request.map(Body::new))
    });
    // HTTP/1 alone: telling the versions apart would wait for the first bytes without a bound.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(BUFFER);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "connection ended with an error");
    }
}
