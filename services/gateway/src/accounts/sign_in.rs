//! Signing in, staying signed in, leaving, another password.

use std::net::IpAddr;

use super::{Account, AccountError, Accounts, Secret, folded, password, secret};
use crate::store::{accounts, attempts, sessions};

/// How long a session holds without a request: a working day.
const IDLE: i64 = 10 * 3_600_000;
/// How long at most.
const LONGEST: i64 = 7 * 86_400_000;
/// A session is prolonged when it has not been for this long: not with every request.
const PROLONGED_EVERY: i64 = 5 * 60_000;
/// Failures of one account before each further one makes the next wait.
const FREE_OF_ACCOUNT: i32 = 5;
/// Of one address, from which many people may come.
const FREE_OF_ADDRESS: i32 = 20;

/// Who wants to come in, from where.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) address: Option<IpAddr>,
}

impl Accounts {
    /// Takes account and password, begins a session; its secret is the cookie's.
    ///
    /// # Errors
    /// [`AccountError::Wrong`] whatever did not fit, [`AccountError::TooMany`] while attempts have to wait, also right ones.
    pub(crate) async fn sign_in(&self, given: Credentials) -> Result<(Account, Secret), AccountError> {
        let folded = folded(&given.name);
        let account_key = format!("account:{}", folded.chars().take(64).collect::<String>());
        self.may_try(given.address).await?;
        self.count(&account_key, FREE_OF_ACCOUNT).await?;
        let row = accounts::by_name(&self.pool, &folded).await?;
        let hash = row.as_ref().map(|row| row.password.clone());
        let is_right = password::matches(given.password, hash).await?;
        let Some(row) = row.filter(|_| is_right) else { return Err(AccountError::Wrong) };
        attempts::forget(&self.pool, &account_key).await?;
        self.forgive(given.address).await?;
        let account = row.account();
        let secret = self.begin_session(&account).await?;
        Ok((account, secret))
    }

    /// Begins a session of somebody who has just proven who they are.
    pub(crate) async fn begin_session(&self, account: &Account) -> Result<Secret, AccountError> {
        let (secret, now) = (Secret::new()?, self.now());
        sessions::begin(&self.pool, &secret.digest(), account.id, (now, now + IDLE, now + LONGEST)).await?;
        Ok(secret)
    }

    /// Whose session the cookie's secret opens; the session goes on while it is used.
    pub(crate) async fn session(&self, cookie: &str) -> Result<Option<Account>, AccountError> {
        let (digest, now) = (secret::digest_of(cookie), self.now());
        let Some(row) = sessions::holding(&self.pool, &digest, now).await? else { return Ok(None) };
        if row.expires_at < now + IDLE - PROLONGED_EVERY {
            sessions::prolong(&self.pool, &digest, now + IDLE).await?;
        }
        Ok(Some(row.account()))
    }

    /// Ends the session of the cookie's secret.
    pub(crate) async fn sign_out(&self, cookie: &str) -> Result<(), AccountError> {
        Ok(sessions::end(&self.pool, &secret::digest_of(cookie)).await?)
    }

    /// Another password, proven by the old one. Every other session of the account ends.
    pub(crate) async fn change_password(
        &self,
        account: &Account,
        (old, new): (String, String),
        cookie: &str,
    ) -> Result<(), AccountError> {
        let folded = folded(&account.name);
        password::judge(&new, &folded)?;
        let key = format!("account:{folded}");
        self.count(&key, FREE_OF_ACCOUNT).await?;
        let row = accounts::by_name(&self.pool, &folded).await?.ok_or(AccountError::Wrong)?;
        if !password::matches(old, Some(row.password)).await? {
            return Err(AccountError::Wrong);
        }
        attempts::forget(&self.pool, &key).await?;
        let password = password::hash(new).await?;
        let kept = secret::digest_of(cookie);
        Ok(accounts::renew(&self.pool, account.id, &password, self.now(), &kept).await?)
    }

    /// Counts an attempt from `address` before it is looked at.
    ///
    /// # Errors
    /// [`AccountError::TooMany`].
    pub(crate) async fn may_try(&self, address: Option<IpAddr>) -> Result<(), AccountError> {
        self.count(&of_address(address), FREE_OF_ADDRESS).await
    }

    /// The attempt from `address` succeeded.
    pub(crate) async fn forgive(&self, address: Option<IpAddr>) -> Result<(), AccountError> {
        Ok(attempts::take_back(&self.pool, &of_address(address)).await?)
    }

    async fn count(&self, key: &str, free: i32) -> Result<(), AccountError> {
        let now = self.now();
        match attempts::begin(&self.pool, key, free, now).await? {
            None => Ok(()),
            Some(until) => Err(AccountError::TooMany(((until - now) / 1000).max(1))),
        }
    }
}

fn of_address(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "address:".to_owned(), |ip| format!("address:{ip}"))
}
