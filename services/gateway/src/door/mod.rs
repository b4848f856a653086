//! Who may come in: the token from the first day, as a bearer or as the cookie that it was signed in with, and people by
//! the session of their account.
//!
//! A cookie never suffices to change something from another site: it is SameSite=Strict, and a change that carries
//! it must say that it comes from this site.

mod account;
mod invited;
mod pages;
mod sign_in;
mod who;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use dengbei_kit::SourceAccess;
use dengbei_records::{ErrorClass, Problem};
use sha2::{Digest as _, Sha256};

pub(crate) use who::{ActorKey, Who};

use crate::problem::Refusal;
use crate::service::Gateway;

const COOKIE: &str = "dengbei";

/// Pages of signing in and of one's own account.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/welcome/{secret}", get(invited::show).post(invited::redeem))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/account/invite", post(account::invite))
        .route("/audit", get(account::audit))
}

/// The door's token, kept as digests: comparing those tells a guesser nothing by its time.
#[derive(Clone)]
pub(crate) struct Door {
    /// The token, and a second one while its users change over.
    tokens: Vec<[u8; 32]>,
    cookie: String,
    cookie_digests: Vec<[u8; 32]>,
    /// Tokens of systems that may send (来源系统).
    sources: Vec<([u8; 32], String)>,
    actors: ActorKey,
}

impl Door {
    /// # Errors
    /// [`Problem`] for an empty token: the door is never open to everybody.
    pub(crate) fn new(token: &str, actors: ActorKey) -> Result<Self, Problem> {
        if token.trim().is_empty() {
            let (zh, en) = ("未配置门户令牌 door_token", "no door_token is configured");
            return Err(Problem::new("door.no_token", ErrorClass::Invalid, zh, en));
        }
        let cookie = cookie_of(token);
        let (tokens, cookie_digests) = (vec![digest(token.as_bytes())], vec![digest(cookie.as_bytes())]);
        Ok(Self { tokens, cookie_digests, cookie, sources: Vec::new(), actors })
    }

    /// Opens to a second token too, unless it is empty; whoever signs in with it gets the first one's cookie.
    #[must_use]
    pub(crate) fn and_also(mut self, token: &str) -> Self {
        if !token.trim().is_empty() {
            self.tokens.push(digest(token.as_bytes()));
            self.cookie_digests.push(digest(cookie_of(token).as_bytes()));
        }
        self
    }

    /// Opens to these systems too, as far as [`is_for_sources`] goes.
    ///
    /// # Errors
    /// [`Problem`] when a system's token is the door's: then it would not be known who sends.
    pub(crate) fn and_sources(mut self, sources: &[SourceAccess]) -> Result<Self, Problem> {
        for source in sources {
            if self.opens_to(&source.token) {
                let system = &source.system;
                let zh = format!("来源系统 {system} 的令牌与门户令牌相同");
                let en = format!("the token of the source {system} is the door's own");
                return Err(Problem::new("door.same_token", ErrorClass::Invalid, zh, en));
            }
            self.sources.push((digest(source.token.as_bytes()), source.system.clone()));
        }
        Ok(self)
    }

    fn source(&self, headers: &HeaderMap) -> Option<&str> {
        let given = digest(bearer(headers)?.as_bytes());
        self.sources.iter().find(|(token, _)| *token == given).map(|(_, system)| system.as_str())
    }

    /// Whether `token` is the door's.
    pub(crate) fn opens_to(&self, token: &str) -> bool {
        self.tokens.contains(&digest(token.as_bytes()))
    }

    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| self.opens_to(token))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        cookies(headers).any(|value| self.cookie_digests.contains(&digest(value.as_bytes())))
    }
}

/// What stands behind `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie_of(token: &str) -> String {
    hex::encode(digest(format!("dengbei/door-cookie/v1\n{token}").as_bytes()))
}

/// What our cookie carries; a browser may send it more than once.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Finds out who asks and lets in who may; a person without token or session is shown where to sign in.
pub(crate) async fn check(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let stranger = Who::stranger(&request);
    let (who, by_cookie) = match identify(&gateway, stranger, request.headers()).await {
        Ok(known) => known,
        Err(refusal) => return refusal.into_response(),
    };
    if !who.source().is_empty() && !is_for_sources(&request) && !is_public(request.uri().path()) {
        return not_for_sources().into_response();
    }
    let is_known = who.is_token() || who.account().is_some() || !who.source().is_empty();
    if !is_known && !is_public(request.uri().path()) && !is_local_metrics(&request) {
        return stranger_at_the_door(&request);
    }
    if by_cookie && changes(request.method()) && !comes_from_here(request.headers()) {
        return from_elsewhere().into_response();
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// Who asks, and whether a cookie says so.
async fn identify(gateway: &Gateway, who: Who, headers: &HeaderMap) -> Result<(Who, bool), Refusal> {
    let door = &gateway.door;
    if door.has_bearer(headers) {
        return Ok((who.by_token(&door.actors), false));
    }
    if let Some(system) = door.source(headers) {
        return Ok((who.by_source(system, &door.actors), false));
    }
    if door.has_cookie(headers) {
        return Ok((who.by_token(&door.actors), true));
    }
    if let Some(accounts) = &gateway.accounts {
        for cookie in cookies(headers).filter(|value| !value.is_empty()).take(4) {
            if let Some(account) = accounts.session(cookie).await? {
                return Ok((who.with_account(account, &door.actors), true));
            }
        }
    }
    Ok((who, false))
}

/// What a sending system may do with its own token: send, and ask what became of what it can name.
fn is_for_sources(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match *request.method() {
        Method::POST => matches!(route, "/v1/packages" | "/v1/batches" | "/v1/items:states"),
        Method::PUT => route == "/v1/expectations",
        Method::GET => matches!(
            route,
            "/v1/items/{id}"
                | "/v1/items/{id}/receipt"
                | "/v1/items/{id}/report"
                | "/v1/items/{id}/report.pdf"
        ),
        _ => false,
    }
}

fn not_for_sources() -> Refusal {
    let (zh, en) =
        ("来源系统的令牌只能用于报送和查询所报送的件", "a source's token is for sending and asking alone");
    let problem = Problem::new("door.not_for_sources", ErrorClass::Invalid, zh, en);
    Refusal::with_status(StatusCode::FORBIDDEN, problem)
}

/// Checkpoints and tiles are for everybody, and so is checking a paper. The entries' own tiles are not: they go to
/// auditors, however their path is spelled.
fn is_public(path: &str) -> bool {
    matches!(path, "/health" | "/sign-in" | "/openapi.json" | "/verify" | "/v1/verify")
        || path.starts_with("/assets/")
        || path.starts_with("/welcome/")
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

/// A form that nobody has signed in for: a browser that names an origin must name ours.
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) && !comes_from_here(headers)
}

fn from_elsewhere() -> Refusal {
    let (zh, en) = ("跨站请求已拒绝", "a change from another site is refused");
    Refusal::with_status(StatusCode::FORBIDDEN, Problem::new("door.cross_site", ErrorClass::Invalid, zh, en))
}

fn stranger_at_the_door(request: &Request) -> Response {
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
    route
        .is_some_and(|route| !route.starts_with("/v1/") && !route.starts_with("/log/") && route != "/metrics")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn door() -> Door {
        Door::new("geheim", ActorKey::default()).unwrap()
    }

    #[test]
    fn the_door_opens_to_its_token_alone() {
        let door = door();
        assert!(door.has_bearer(&headers(&[("authorization", "Bearer geheim")])));
        assert!(door.has_bearer(&headers(&[("authorization", "bearer geheim")])));
        for wrong in ["Bearer geheim2", "Bearer ", "geheim", "Basic geheim", ""] {
            assert!(!door.has_bearer(&headers(&[("authorization", wrong)])), "{wrong}");
        }
        assert!(Door::new(" ", ActorKey::default()).is_err());
    }

    #[test]
    fn while_the_token_is_changed_both_open_and_no_empty_one() {
        let (door, former) = (door().and_also("former"), Door::new("former", ActorKey::default()).unwrap());
        for token in ["geheim", "former"] {
            assert!(door.has_bearer(&headers(&[("authorization", &format!("Bearer {token}"))])), "{token}");
        }
        assert!(door.has_cookie(&headers(&[("cookie", &format!("dengbei={}", former.cookie))])));
        assert!(!Door::new("geheim", ActorKey::default()).unwrap().and_also("").opens_to(""));
    }

    #[test]
    fn a_source_is_known_by_its_own_token_which_is_not_the_doors() {
        let of = |system: &str, token: &str| SourceAccess {
            system: system.into(),
            token: token.into(),
            units: Vec::new(),
        };
        let door = door().and_sources(&[of("ZWFW", "t-1"), of("GTSP", "t-2")]).unwrap();
        let source = |token: &str| {
            door.source(&headers(&[("authorization", &format!("Bearer {token}"))])).map(ToOwned::to_owned)
        };
        assert_eq!((source("t-2").as_deref(), source("geheim"), source("")), (Some("GTSP"), None, None));
        assert!(!door.opens_to("t-1"), "the door's own rights are not a source's");
        assert!(self::door().and_sources(&[of("ZWFW", "geheim")]).is_err());
    }

    #[test]
    fn the_cookie_is_not_the_token() {
        let door = door();
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
        assert!(is_public("/log/checkpoint") && is_public("/log/tile/0/000") && is_public("/verify"));
        for path in [
            "/log/tile/entries/000",
            "/log/tile/%65ntries/000",
            "/log//tile/entries/000",
            "/v1/items",
            "/account",
        ] {
            assert!(!is_public(path), "{path}");
        }
    }
}
