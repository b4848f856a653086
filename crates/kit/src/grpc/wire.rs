//! What carries a call to a peer: one connection to one address, or whichever replica answers.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::TryFutureExt as _;
use futures::future::{BoxFuture, Either, FutureExt as _, MapErr};
use http::{Request, Response};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

use super::BoxError;
use super::fleet::Fleet;

/// Clone it freely.
#[derive(Debug, Clone)]
pub enum Wire {
    /// To one address, as configured.
    One(Channel),
    /// To any replica.
    Any(Replicas),
}

/// The replicas of a peer.
#[derive(Debug, Clone)]
pub struct Replicas(pub(super) Arc<Fleet>);

type Boxing = fn(tonic::transport::Error) -> BoxError;
type ByOne = MapErr<<Channel as Service<Request<Body>>>::Future, Boxing>;
type ByAny = BoxFuture<'static, Result<Response<Body>, BoxError>>;

impl Service<Request<Body>> for Wire {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Either<ByOne, ByAny>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::One(channel) => channel.poll_ready(context).map_err(Into::into),
            Self::Any(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::One(channel) => Either::Left(channel.call(request).map_err(Into::into as Boxing)),
            Self::Any(replicas) => Either::Right(replicas.0.clone().call(request).boxed()),
        }
    }
}
