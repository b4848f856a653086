//! Signing in from a browser: the token once, a cookie from then on.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{COOKIE, comes_from_here};
use crate::console::{Language, sign_in as page};
use crate::service::Gateway;

/// Seconds that a browser stays signed in: a working day.
const STAYS: u32 = 10 * 3600;

/// Where to go after signing in, and in which language.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    next: String,
    #[serde(default)]
    lang: String,
}

impl Back {
    /// Only a path of this site: never where a link from outside wants people to end up.
    fn path(&self) -> &str {
        let is_ours = self.next.starts_with('/')
            && !self.next.starts_with("//")
            && !self.next.contains(['\\', '\n', '\r']);
        if is_ours && self.next.is_ascii() { &self.next } else { "/" }
    }
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    token: String,
}

/// The address of the sign-in page that leads back to `here`.
pub(super) fn address(here: &str) -> String {
    let escaped: String = here
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect();
    format!("/sign-in?next={escaped}")
}

/// The page that asks for the token.
pub(crate) async fn show(Query(back): Query<Back>) -> Response {
    page(Language::from_name(&back.lang), back.path(), false).into_response()
}

/// Takes the token and sets the cookie.
pub(crate) async fn sign_in(
    State(gateway): State<Gateway>,
    Query(back): Query<Back>,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Response {
    let is_foreign = headers.contains_key(header::ORIGIN) && !comes_from_here(&headers);
    if is_foreign || !gateway.door.opens_to(given.token.trim()) {
        let again = page(Language::from_name(&back.lang), back.path(), true);
        return (StatusCode::UNAUTHORIZED, again).into_response();
    }
    let cookie = set_cookie(&gateway.door.cookie, STAYS, &headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to(back.path())).into_response()
}

/// Forgets the cookie.
pub(crate) async fn sign_out(headers: HeaderMap) -> Response {
    ([(header::SET_COOKIE, set_cookie("", 0, &headers))], Redirect::to("/sign-in")).into_response()
}

/// `Secure` where a proxy says that the browser came by TLS.
fn set_cookie(value: &str, seconds: u32, headers: &HeaderMap) -> String {
    let is_tls = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_back_into_this_site_alone() {
        let path = |next: &str| Back { next: next.into(), lang: String::new() }.path().to_owned();
        assert_eq!(path("/items?custody=filed"), "/items?custody=filed");
        for outside in ["https://a", "//a", "/\\a", "items", "/a\r\nSet-Cookie: x=y", ""] {
            assert_eq!(path(outside), "/", "{outside}");
        }
    }
}
