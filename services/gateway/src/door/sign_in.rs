//! Signing in from a browser: account and password, or the token once; a cookie from then on. And signing out.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{COOKIE, Who, cookies, is_foreign, pages};
use crate::accounts::{AccountError, Credentials, Entry, Secret};
use crate::console::Language;
use crate::problem::Refusal;
use crate::service::Gateway;

/// Seconds that a browser keeps the cookie; the session behind it may end sooner.
const STAYS: u32 = 7 * 86_400;
/// Seconds that the token's cookie is kept: a working day.
const TOKEN_STAYS: u32 = 10 * 3600;

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

    fn language(&self) -> Language {
        Language::from_name(&self.lang)
    }
}

/// What the form carries: one or the other.
#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    token: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    password: String,
}

/// The address of the sign-in page that leads back to `here`.
pub(super) fn address(here: &str) -> String {
    format!("/sign-in?next={}", escaped(here))
}

/// A value as a query string carries it.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// The page that asks who it is.
pub(crate) async fn show(State(gateway): State<Gateway>, Query(back): Query<Back>) -> Response {
    pages::sign_in(back.language(), back.path(), gateway.accounts.is_some(), None).into_response()
}

/// Takes account and password, or the token, and sets the cookie.
pub(crate) async fn sign_in(
    State(gateway): State<Gateway>,
    Query(back): Query<Back>,
    who: Who,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let error = if is_foreign(&headers) {
        AccountError::Wrong
    } else {
        let admitted = admitted(&gateway, &who, given).await;
        crate::metrics::signed_in(&admitted);
        match admitted {
            Ok((cookie, stays)) => return let_in(&cookie, stays, back.path(), &headers),
            Err(error) => error,
        }
    };
    again(&back, gateway.accounts.is_some(), error)
}

/// The form once more, with what was wrong and the status of it.
fn again(back: &Back, has_accounts: bool, error: AccountError) -> Response {
    let wait = if let AccountError::TooMany(seconds) = &error { Some(*seconds) } else { None };
    let refusal = Refusal::from(error);
    let page = pages::sign_in(back.language(), back.path(), has_accounts, Some(refusal.problem()));
    let mut response = (refusal.status(), page).into_response();
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn admitted(gateway: &Gateway, who: &Who, given: Given) -> Result<(String, u32), AccountError> {
    if given.account.trim().is_empty() {
        return by_token(gateway, who, given.token.trim()).await;
    }
    let accounts = gateway.accounts.as_ref().ok_or(AccountError::NotConfigured)?;
    let credentials = Credentials { name: given.account, password: given.password, address: who.address };
    let object = format!("account/{}", credentials.name.trim());
    let signed_in = accounts.sign_in(credentials).await;
    let action = if signed_in.is_ok() { "account.sign_in" } else { "account.sign_in_failed" };
    gateway.audit.sees(who, Entry { action, object: &object, detail: "" });
    signed_in.map(|(_, secret)| (secret.text().to_owned(), STAYS))
}

async fn by_token(gateway: &Gateway, who: &Who, token: &str) -> Result<(String, u32), AccountError> {
    if let Some(accounts) = &gateway.accounts {
        accounts.may_try(who.address).await?;
    }
    if !gateway.door.opens_to(token) {
        return Err(AccountError::Wrong);
    }
    if let Some(accounts) = &gateway.accounts {
        accounts.forgive(who.address).await?;
    }
    gateway.audit.sees(who, Entry { action: "token.sign_in", object: "", detail: "" });
    Ok((gateway.door.cookie.clone(), TOKEN_STAYS))
}

fn let_in(cookie: &str, stays: u32, to: &str, headers: &HeaderMap) -> Response {
    ([(header::SET_COOKIE, set_cookie(cookie, stays, headers))], Redirect::to(to)).into_response()
}

/// Lets in who has just made an account.
pub(super) fn let_in_new(secret: &Secret, to: &str, headers: &HeaderMap) -> Response {
    let_in(secret.text(), STAYS, to, headers)
}

/// Ends the session and forgets the cookie.
pub(crate) async fn sign_out(State(gateway): State<Gateway>, who: Who, headers: HeaderMap) -> Response {
    if let Some(accounts) = &gateway.accounts {
        for cookie in cookies(&headers).take(4) {
            if let Err(error) = accounts.sign_out(cookie).await {
                return Refusal::from(error).into_response();
            }
        }
        gateway.audit.sees(&who, Entry { action: "account.sign_out", object: "", detail: "" });
    }
    let_in("", 0, "/sign-in", &headers)
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

    #[test]
    fn the_cookie_is_kept_from_scripts_other_sites_and_plain_connections() {
        let mut headers = HeaderMap::new();
        let plain = set_cookie("v", 1, &headers);
        assert!(plain.contains("HttpOnly; SameSite=Strict") && !plain.contains("Secure"));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(set_cookie("v", 1, &headers).ends_with("; Secure"));
    }
}
