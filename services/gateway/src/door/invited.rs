//! `/welcome/{secret}`: who holds a one-time link makes an account with it, once.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Who, is_foreign, pages, sign_in};
use crate::accounts::{AccountError, Entry, NewAccount};
use crate::console::Spoken;
use crate::problem::Refusal;
use crate::service::Gateway;

/// The form, or that the link does not open.
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    Path(secret): Path<String>,
    Query(spoken): Query<Spoken>,
) -> Response {
    let l = spoken.language();
    let opens = match &gateway.accounts {
        Some(accounts) => accounts.opens(&secret).await,
        None => Err(AccountError::NotConfigured),
    };
    match opens {
        Ok(true) => pages::welcome(l, &secret, &NewAccount::default(), None).into_response(),
        Ok(false) => crate::console::refused(&AccountError::Link.into(), l),
        Err(error) => crate::console::refused(&error.into(), l),
    }
}

/// What the form carries.
#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    account: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// Makes the account, signs the person in, uses the link up.
pub(crate) async fn redeem(
    State(gateway): State<Gateway>,
    Path(secret): Path<String>,
    Query(spoken): Query<Spoken>,
    request: (Who, HeaderMap),
    Form(given): Form<Given>,
) -> Response {
    let (l, (who, headers)) = (spoken.language(), request);
    if is_foreign(&headers) {
        return crate::console::refused(&super::from_elsewhere(), l);
    }
    let repeated = given.password == given.again;
    let new = NewAccount { name: given.account, display_name: given.display_name, password: given.password };
    let made =
        if repeated { make(&gateway, &who, &secret, new.clone()).await } else { Err(AccountError::Repeated) };
    match made {
        Ok(session) => sign_in::let_in_new(&session, l.link("/").as_str(), &headers),
        Err(AccountError::Link) => crate::console::refused(&AccountError::Link.into(), l),
        Err(error) => {
            let refusal = Refusal::from(error);
            let page = pages::welcome(l, &secret, &new, Some(refusal.problem()));
            (refusal.status(), page).into_response()
        }
    }
}

async fn make(
    gateway: &Gateway,
    who: &Who,
    secret: &str,
    new: NewAccount,
) -> Result<crate::accounts::Secret, AccountError> {
    let accounts = gateway.accounts.as_ref().ok_or(AccountError::NotConfigured)?;
    let account = accounts.redeem(secret, new).await?;
    let object = format!("account/{}", account.name);
    gateway.audit.does(who, Entry { action: "account.made", object: &object, detail: "" }).await?;
    accounts.begin_session(&account).await
}
