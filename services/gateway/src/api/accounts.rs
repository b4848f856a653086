//! Accounts and the audit: an invitation for a colleague, who there is, who did and saw what.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::not_a_query;
use super::problems::Problems;
use crate::accounts::{AccountError, Entry};
use crate::cursor;
use crate::door::Who;
use crate::json;
use crate::problem::Refusal;
use crate::service::Gateway;
use crate::store::audit::{AuditRow, Wanted};

/// A one-time link. It is told this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// Path of the page that makes the account; it opens once, within seven days.
    path: String,
}

/// Makes a link and gives its path.
pub(crate) async fn invitation(gateway: &Gateway, who: &Who) -> Result<String, AccountError> {
    let accounts = gateway.accounts.as_ref().ok_or(AccountError::NotConfigured)?;
    gateway.audit.does(who, Entry { action: "account.invite", object: "", detail: "" }).await?;
    Ok(format!("/welcome/{}", accounts.invite(who.name()).await?.text()))
}

/// Make a one-time link with which a colleague makes an account
#[utoipa::path(post, path = "/v1/accounts:invite", operation_id = "inviteAccount", tag = "accounts",
    responses((status = 200, description = "the link, told this once", body = Invitation), Problems))]
pub(crate) async fn invite(State(gateway): State<Gateway>, who: Who) -> Result<Json<Invitation>, Refusal> {
    Ok(Json(Invitation { path: invitation(&gateway, &who).await? }))
}

/// A person who signs in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountLine {
    /// 账号
    account: String,
    /// 姓名, as papers print it
    display_name: String,
    created_at: Option<String>,
}

/// Everybody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountList {
    accounts: Vec<AccountLine>,
}

/// Who there is
#[utoipa::path(get, path = "/v1/accounts", operation_id = "listAccounts", tag = "accounts",
    responses((status = 200, description = "everybody, oldest first", body = AccountList), Problems))]
pub(crate) async fn list(State(gateway): State<Gateway>) -> Result<Json<AccountList>, Refusal> {
    let accounts = gateway.accounts.as_ref().ok_or(AccountError::NotConfigured)?;
    let line = |a: crate::accounts::Account| AccountLine {
        account: a.name,
        display_name: a.display_name,
        created_at: json::time(a.created_at),
    };
    Ok(Json(AccountList { accounts: accounts.all().await?.into_iter().map(line).collect() }))
}

/// Which rows of the audit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilters {
    /// 姓名 of who did or saw it
    #[serde(default)]
    pub(crate) who: String,
    /// `item.view`, `registration.accept`, …
    #[serde(default)]
    pub(crate) action: String,
    /// `item/<id>`, `registration/<batch>`, …
    #[serde(default)]
    pub(crate) object: String,
    /// The cursor that the page before gave as `next`
    #[serde(default)]
    pub(crate) after: String,
    /// Rows, 1 to 200; 50 when not told
    #[serde(default)]
    pub(crate) limit: Option<u32>,
    #[serde(default)]
    #[param(ignore)]
    pub(crate) lang: String,
}

/// One thing that somebody did or saw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLine {
    at: Option<String>,
    who: String,
    /// Id of the account; null for the token and for strangers
    account: Option<String>,
    action: String,
    object: String,
    detail: String,
    address: String,
}

/// A page of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    audit: Vec<AuditLine>,
    /// Cursor of the next page; null after the last
    next: Option<String>,
}

/// The rows and the cursor after them.
pub(crate) async fn rows(
    gateway: &Gateway,
    filters: &AuditFilters,
) -> Result<(Vec<AuditRow>, Option<String>), Refusal> {
    let before = match filters.after.as_str() {
        "" => 0,
        text => text.parse().map_err(|_| cursor::not_a_cursor())?,
    };
    let limit = cursor::page_size(filters.limit);
    let trimmed = |text: &str| text.trim().to_owned();
    let wanted = Wanted {
        who: trimmed(&filters.who),
        action: trimmed(&filters.action),
        object: trimmed(&filters.object),
        before,
        limit: limit.into(),
    };
    let rows = gateway.audit.list(&wanted).await?;
    let next = cursor::last_of_full(&rows, limit).map(|row| row.id.to_string());
    Ok((rows, next))
}

/// Who did and saw what, newest first
#[utoipa::path(get, path = "/v1/audit", operation_id = "listAudit", tag = "accounts", params(AuditFilters),
    responses((status = 200, description = "a page of the audit", body = AuditPage), Problems))]
pub(crate) async fn audit(
    State(gateway): State<Gateway>,
    filters: Result<Query<AuditFilters>, QueryRejection>,
) -> Result<Json<AuditPage>, Refusal> {
    let Query(filters) = filters.map_err(|e| not_a_query(&e))?;
    let (rows, next) = rows(&gateway, &filters).await?;
    let line = |row: AuditRow| AuditLine {
        at: json::time(row.at),
        who: row.who,
        account: row.account.map(|id| id.to_string()),
        action: row.action,
        object: row.object,
        detail: row.detail,
        address: row.address,
    };
    Ok(Json(AuditPage { audit: rows.into_iter().map(line).collect(), next }))
}
