//! What every request passes: a span under the caller's trace, headers that protect a browser, a bound on how much
//! is in hand.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use dengbei_kit::telemetry;
use tokio::sync::Semaphore;
use tracing::{Instrument as _, info_span};

use crate::{metrics, problem, trace};

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// Refuses with 503 what is more than the bound, instead of letting it queue without end.
pub(crate) async fn bounded(State(bound): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match bound.try_acquire() {
        Ok(_held) => next.run(request).await,
        Err(_) => {
            metrics::shed();
            problem::busy().into_response()
        }
    }
}

/// Headers that keep a browser from doing more with an answer than showing it.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// A span per request, under the context that the caller names, and its length by route.
pub(crate) async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let name = format!("{method} {route}");
    let span = info_span!(
        "http",
        otel.name = name,
        otel.kind = "server",
        http.response.status_code = tracing::field::Empty
    );
    if let Some(parent) = trace::parent(request.headers()) {
        telemetry::set_parent(&span, &parent);
    }
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    metrics::answered(route, class(status.as_u16()), began);
    response
}

const fn class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
