//! The door before real gRPC peers: who may come in, which status an answer leaves with, what a page escapes.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod answers;
mod desk;
mod entry;
mod items;
#[path = "../peers/mod.rs"]
mod peers;
mod uploads;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use peers::{Roles, TOKEN};
use serde_json::Value;
use tower::ServiceExt as _;

async fn door() -> (Router, Roles) {
    let roles = Roles::default();
    let config = peers::start(&roles).await;
    (dengbei_gateway::router(&config).unwrap(), roles)
}

async fn ask(door: &Router, request: Request<Body>) -> Response<Body> {
    door.clone().oneshot(request).await.unwrap()
}

fn bare(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "door:1")
}

fn with_token(method: &str, path: &str) -> http::request::Builder {
    bare(method, path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
}

fn empty(builder: http::request::Builder) -> Request<Body> {
    builder.body(Body::empty()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

async fn got(door: &Router, path: &str) -> Value {
    let response = ask(door, empty(with_token("GET", path))).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    json(response).await
}
