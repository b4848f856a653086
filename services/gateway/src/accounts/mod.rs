//! Accounts of people: making one by a one-time link, signing in, changing the password; and the audit of who did and
//! saw what. There is no default password: the first link is made when the door first starts without an account.
//!
//! Neighbours: `store` keeps, `door` asks and sets cookies. What an account may do is the same for all: it may decide
//! for the office whose machine this is.

mod audit;
mod error;
mod password;
mod secret;
mod sign_in;
mod welcome;

use std::sync::Arc;

use dengbei_records::Clock;
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) use audit::{Audit, Entry};
pub(crate) use error::AccountError;
pub(crate) use secret::Secret;
pub(crate) use sign_in::Credentials;

use crate::store;
use crate::store::accounts::AccountRow;
use crate::store::links::{self, NewLink};

/// How long a one-time link opens, milliseconds.
const LINK_LASTS: i64 = 7 * 86_400_000;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    /// 账号
    pub(crate) name: String,
    /// 姓名, as papers print it.
    pub(crate) display_name: String,
    pub(crate) created_at: i64,
}

/// What a new account is made of.
#[derive(Clone, Default)]
pub(crate) struct NewAccount {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) password: String,
}

/// Accounts and sessions over the door's database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Accounts {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl Accounts {
    /// Over a database that is migrated.
    pub(crate) fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock }
    }

    /// The database, for those who only look.
    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Everybody, oldest first.
    pub(crate) async fn all(&self) -> Result<Vec<Account>, AccountError> {
        Ok(store::accounts::all(&self.pool).await?.into_iter().map(AccountRow::account).collect())
    }

    /// Makes a one-time link for a colleague; its secret is told this once.
    pub(crate) async fn invite(&self, made_by: &str) -> Result<Secret, AccountError> {
        let (secret, now) = (Secret::new()?, self.now());
        let link = NewLink {
            digest: secret.digest(),
            purpose: "invite",
            made_by,
            made_at: now,
            expires_at: now + LINK_LASTS,
        };
        links::insert(&mut *self.pool.acquire().await?, &link).await?;
        Ok(secret)
    }

    /// Whether the link of this secret still opens.
    pub(crate) async fn opens(&self, secret: &str) -> Result<bool, AccountError> {
        Ok(links::opens(&self.pool, &secret::digest_of(secret), self.now()).await?)
    }

    /// Makes the account that a link is for and uses the link up, both or none.
    ///
    /// # Errors
    /// [`AccountError::Link`], `Name`, `WeakPassword`, `Taken`; the link then still opens.
    pub(crate) async fn redeem(&self, secret: &str, new: NewAccount) -> Result<Account, AccountError> {
        let (name, display_name) = (named(&new.name, 2)?, named(&new.display_name, 1)?);
        let (folded, digest) = (folded(&name), secret::digest_of(secret));
        password::judge(&new.password, &folded)?;
        if !links::opens(&self.pool, &digest, self.now()).await? {
            return Err(AccountError::Link);
        }
        let password = password::hash(new.password).await?;
        let row = AccountRow { id: Uuid::new_v4(), name, display_name, password, created_at: self.now() };
        let mut tx = self.pool.begin().await?;
        if !links::use_up(&mut tx, &digest, row.created_at).await? {
            return Err(AccountError::Link);
        }
        store::accounts::insert(&mut tx, &row, &folded).await.map_err(taken)?;
        links::note_account(&mut tx, &digest, row.id).await?;
        tx.commit().await?;
        Ok(row.account())
    }
}

fn taken(error: sqlx::Error) -> AccountError {
    match dengbei_kit::db::violated(&error) {
        Some("accounts_name_taken") => AccountError::Taken,
        _ => error.into(),
    }
}

/// A name without its margins, of `shortest` to 64 characters, none of them a control.
fn named(text: &str, shortest: usize) -> Result<String, AccountError> {
    let text = text.trim();
    let is_name = (shortest..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_name { Ok(text.to_owned()) } else { Err(AccountError::Name) }
}

/// A name as it is compared.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
