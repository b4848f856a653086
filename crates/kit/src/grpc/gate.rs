//! What every call from the mesh passes: the token is checked, and a span opens under the caller's.
//!
//! Health and reflection need no token: probes and tools have none, and they tell nothing of any record.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{Request, Response};
use sha2::{Digest as _, Sha256};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span, info_span};

use crate::telemetry;

const CALLS: &str = "dengbei_grpc_request_seconds";
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// Puts a [`Gate`] before every service.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Of whole header values: comparing digests tells a guesser nothing by its time.
    expected: Arc<[[u8; 32]]>,
}

impl Layer {
    /// Lets in whoever carries one of `tokens`: two, while a token is changed.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        Self { expected: tokens.map(|token| digest(format!("Bearer {token}").as_bytes())).collect() }
    }
}

impl<S> tower::Layer<S> for Layer {
    type Service = Gate<S>;
    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, expected: self.expected.clone() }
    }
}

/// Lets in who carries a token.
#[derive(Debug, Clone)]
pub(super) struct Gate<S> {
    inner: S,
    expected: Arc<[[u8; 32]]>,
}

impl<S> Gate<S> {
    fn admits(&self, request: &Request<Body>) -> bool {
        let given = request.headers().get(http::header::AUTHORIZATION);
        OPEN.iter().any(|prefix| request.uri().path().starts_with(prefix))
            || given.is_some_and(|value| self.expected.contains(&digest(value.as_bytes())))
    }
}

impl<S> tower::Service<Request<Body>> for Gate<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !self.admits(&request) {
            let status = Status::unauthenticated("缺少或错误的内部令牌 / missing or wrong mesh token");
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let (span, method) = (span(&request), method(&request));
        let (answering, began) = (self.inner.call(request).instrument(span), Instant::now());
        Box::pin(async move {
            let answer = answering.await;
            if let (Some(method), Ok(answer)) = (method, &answer) {
                measure(method, answer, began);
            }
            answer
        })
    }
}

/// `Register/Append`; none for probes and tools.
fn method(request: &Request<Body>) -> Option<String> {
    request.uri().path().strip_prefix("/dengbei.v1.").map(str::to_owned)
}

/// A refusal has its status in the first headers; what fails later, within a stream, is counted as begun well.
fn measure(method: String, answer: &Response<Body>, began: Instant) {
    let code =
        answer.headers().get("grpc-status").map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()));
    // A method that nobody serves may have any name.
    let method = if code == Code::Unimplemented { "unmatched".to_owned() } else { method };
    metrics::histogram!(CALLS, "method" => method, "status" => name(code)).record(began.elapsed());
}

const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::InvalidArgument | Code::OutOfRange => "invalid",
        Code::NotFound => "not_found",
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => "conflict",
        Code::PermissionDenied | Code::Unauthenticated => "denied",
        Code::ResourceExhausted => "exhausted",
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => "unavailable",
        Code::Internal | Code::Unknown | Code::DataLoss | Code::Unimplemented => "internal",
    }
}

fn span(request: &Request<Body>) -> Span {
    let path = request.uri().path();
    if OPEN.iter().any(|prefix| path.starts_with(prefix)) {
        return Span::none();
    }
    let name = path.trim_start_matches("/dengbei.v1.");
    let span = info_span!("grpc", otel.name = name, otel.kind = "server");
    if let Some(parent) = request.headers().get("traceparent").and_then(|v| v.to_str().ok()) {
        telemetry::set_parent(&span, parent);
    }
    span
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use tower::Layer as _;

    use super::*;

    #[test]
    fn while_a_token_is_changed_both_are_let_in_and_nothing_else() {
        let gate = Layer::new(["next", "former"].into_iter()).layer(());
        let admits = |value: &str| {
            let request = Request::builder().uri("/dengbei.v1.Site/Take").header("authorization", value);
            gate.admits(&request.body(Body::empty()).unwrap())
        };
        assert!(admits("Bearer next") && admits("Bearer former"));
        for wrong in ["Bearer ", "Bearer", "next", "Bearer older", "Bearer next former"] {
            assert!(!admits(wrong), "{wrong}");
        }
    }
}
