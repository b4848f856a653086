//! Who may come in: the token from the first day, as a bearer or as the cookie that signing in sets.
//!
//! A cookie never suffices to change something from another site: it is SameSite=Strict, and a change that carries
//! it must say that it comes from this site.

mod sign_in;

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use dengbei_records::{ErrorClass, Problem};
use sha2::{Digest as _, Sha256};

pub(crate) use sign_in::{show, sign_in, sign_out};

use crate::problem::Refusal;
use crate::service::Gateway;

const COOKIE: &str = "dengbei";

/// The door's token, kept as digests: comparing those tells a guesser nothing by its time.
#[derive(Clone)]
pub(crate) struct Door {
    token: [u8; 32],
    cookie: String,
    cookie_digest: [u8; 32],
}

impl Door {
    /// # Errors
    /// [`Problem`] for an empty token: the door is never open to everybody.
    pub(crate) fn new(token: &str) -> Result<Self, Problem> {
        if token.trim().is_empty() {
            let (zh, en) = ("未配置门户令牌 door_token", "no door_token is configured");
            return Err(Problem::new("door.no_token", ErrorClass::Invalid, zh, en));
        }
        let cookie = hex::encode(digest(format!("dengbei/door-cookie/v1\n{token}").as_bytes()));
        Ok(Self { token: digest(token.as_bytes()), cookie_digest: digest(cookie.as_bytes()), cookie })
    }

    /// Whether `token` is the door's.
    pub(crate) fn opens_to(&self, token: &str) -> bool {
        digest(token.as_bytes()) == self.token
    }

    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let given =
            given.and_then(|v| v.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        given.is_some_and(|(_, token)| self.opens_to(token.trim()))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == COOKIE && digest(value.as_bytes()) == self.cookie_digest)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lets in who carries the token; a person without it is shown where to sign in.
pub(crate) async fn check(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    if is_public(path) || is_local_metrics(&request) || gateway.door.has_bearer(headers) {
        return next.run(request).await;
    }
    if !gateway.door.has_cookie(headers) {
        return stranger(&request);
    }
    if changes(request.method()) && !comes_from_here(headers) {
        let (zh, en) = ("跨站请求已拒绝", "a change from another site is refused");
        let problem = Problem::new("door.cross_site", ErrorClass::Invalid, zh, en);
        return Refusal::with_status(StatusCode::FORBIDDEN, problem).into_response();
    }
    next.run(request).await
}

/// Checkpoints and tiles are for everybody. The entries' own tiles are not: they go to auditors, however their path is
/// spelled.
fn is_public(path: &str) -> bool {
    matches!(path, "/health" | "/sign-in" | "/openapi.json")
        || path.starts_with("/assets/")
        || (path.starts_with("/log/") && !path.contains("entries") && !path.contains('%'))
}

fn is_local_metrics(request: &Request) -> bool {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    request.uri().path() == "/metrics" && from.is_some_and(|ConnectInfo(address)| address.ip().is_loopback())
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A browser names the origin of every change; without a name it is not believed.
pub(crate) fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let host = text(header::HOST);
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == host
}

fn stranger(request: &Request) -> Response {
    if is_page(request) && request.method() == Method::GET {
        let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
        return Redirect::to(&sign_in::address(here)).into_response();
    }
    let (zh, en) = ("缺少令牌或令牌错误", "the token is missing or wrong");
    let problem = Problem::new("door.token", ErrorClass::Invalid, zh, en)
        .with_remedy("在 Authorization: Bearer 中携带令牌 / send the token as Authorization: Bearer");
    Refusal::with_status(StatusCode::UNAUTHORIZED, problem).into_response()
}

/// Whether a person looks at it: every route that is neither the interface nor the log.
fn is_page(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    route.is_some_and(|route| !route.starts_with("/v1/") && !route.starts_with("/log/") && route != "/metrics")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_door_opens_to_its_token_alone() {
        let door = Door::new("geheim").unwrap();
        assert!(door.has_bearer(&headers(&[("authorization", "Bearer geheim")])));
        assert!(door.has_bearer(&headers(&[("authorization", "bearer geheim")])));
        for wrong in ["Bearer geheim2", "Bearer ", "geheim", "Basic geheim", ""] {
            assert!(!door.has_bearer(&headers(&[("authorization", wrong)])), "{wrong}");
        }
        assert!(Door::new(" ").is_err());
    }

    #[test]
    fn the_cookie_is_not_the_token() {
        let door = Door::new("geheim").unwrap();
        assert!(door.has_cookie(&headers(&[("cookie", &format!("a=b; dengbei={}", door.cookie))])));
        assert!(!door.has_cookie(&headers(&[("cookie", "dengbei=geheim")])));
    }

    #[test]
    fn a_change_is_believed_only_from_this_site() {
        assert!(comes_from_here(&headers(&[("host", "a:1"), ("origin", "http://a:1")])));
        assert!(!comes_from_here(&headers(&[("host", "a:1"), ("origin", "http://b")])));
        assert!(!comes_from_here(&headers(&[("host", "a:1"), ("origin", "null")])));
        assert!(!comes_from_here(&headers(&[("host", "a:1")])));
    }

    #[test]
    fn entries_of_the_log_are_not_public() {
        assert!(is_public("/log/checkpoint") && is_public("/log/tile/0/000"));
        for path in
            ["/log/tile/entries/000", "/log/tile/%65ntries/000", "/log//tile/entries/000", "/v1/items"]
        {
            assert!(!is_public(path), "{path}");
        }
    }
}
