//! `/account`: who one is, another password, a link for a colleague; `/audit`: who did and saw what.

use axum::Form;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Who, cookies, pages};
use crate::accounts::{Account, AccountError, Accounts, Entry};
use crate::api::accounts::AuditFilters;
use crate::api::not_a_query;
use crate::console::{Language, Spoken, refused};
use crate::problem::Refusal;
use crate::service::Gateway;

/// The page.
pub(crate) async fn show(State(gateway): State<Gateway>, Query(spoken): Query<Spoken>, who: Who) -> Response {
    page(&gateway, &who, spoken.language(), pages::Told::Nothing).await
}

async fn page(gateway: &Gateway, who: &Who, l: Language, told: pages::Told<'_>) -> Response {
    let colleagues = match &gateway.accounts {
        Some(accounts) => accounts.all().await,
        None => Err(AccountError::NotConfigured),
    };
    match colleagues {
        Ok(colleagues) => pages::account(l, &gateway.area, who, &colleagues, told).into_response(),
        Err(error) => refused(&error.into(), l),
    }
}

/// What the form carries.
#[derive(Deserialize)]
pub(crate) struct Passwords {
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
}

/// Takes another password.
pub(crate) async fn change_password(
    State(gateway): State<Gateway>,
    Query(spoken): Query<Spoken>,
    who: Who,
    headers: HeaderMap,
    Form(given): Form<Passwords>,
) -> Response {
    let l = spoken.language();
    match changed(&gateway, &who, &headers, given).await {
        Ok(()) => page(&gateway, &who, l, pages::Told::Changed).await,
        Err(error) => {
            let refusal = Refusal::from(error);
            let shown = page(&gateway, &who, l, pages::Told::Refused(refusal.problem())).await;
            (refusal.status(), shown).into_response()
        }
    }
}

async fn changed(
    gateway: &Gateway,
    who: &Who,
    headers: &HeaderMap,
    given: Passwords,
) -> Result<(), AccountError> {
    if given.new != given.again {
        return Err(AccountError::Repeated);
    }
    let (accounts, account) = theirs(gateway, who)?;
    let cookie = cookies(headers).next().unwrap_or_default();
    accounts.change_password(account, (given.old, given.new), cookie).await?;
    let object = format!("account/{}", account.name);
    gateway.audit.does(who, Entry { action: "account.change_password", object: &object, detail: "" }).await
}

fn theirs<'a>(gateway: &'a Gateway, who: &'a Who) -> Result<(&'a Accounts, &'a Account), AccountError> {
    let accounts = gateway.accounts.as_ref().ok_or(AccountError::NotConfigured)?;
    Ok((accounts, who.account().ok_or(AccountError::NoAccount)?))
}

/// Makes a link for a colleague and shows it, once.
pub(crate) async fn invite(
    State(gateway): State<Gateway>,
    Query(spoken): Query<Spoken>,
    who: Who,
) -> Response {
    let l = spoken.language();
    match crate::api::accounts::invitation(&gateway, &who).await {
        Ok(path) => page(&gateway, &who, l, pages::Told::Link(&path)).await,
        Err(error) => refused(&error.into(), l),
    }
}

/// The audit, newest first.
pub(crate) async fn audit(
    State(gateway): State<Gateway>,
    who: Who,
    filters: Result<Query<AuditFilters>, QueryRejection>,
) -> Response {
    let filters = match filters {
        Ok(Query(filters)) => filters,
        Err(error) => return refused(&not_a_query(&error), Language::default()),
    };
    let l = Language::from_name(&filters.lang);
    match crate::api::accounts::rows(&gateway, &filters).await {
        Ok((rows, next)) => {
            pages::audit(l, &gateway.area, &who, &filters, (&rows, next.as_deref())).into_response()
        }
        Err(refusal) => refused(&refusal, l),
    }
}
