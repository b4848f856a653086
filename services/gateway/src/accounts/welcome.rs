//! The first account. Where there is none, the door makes a one-time link and writes its path to a file that only the
//! machine's owner can read; `dengbei up` shows it. There is no other way in for people, and no default password.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{AccountError, Accounts, LINK_LASTS, Secret, secret};
use crate::store::accounts;
use crate::store::links::{self, NewLink};

/// "welcome": two doors that start side by side make one link.
const LOCK: i64 = 0x0077_656c_636f_6d65;
const PREFIX: &str = "/welcome/";

impl Accounts {
    /// Writes the first link's path to `file` while there is no account; removes the file once there is one. A link that
    /// is there already and still opens stays.
    ///
    /// # Errors
    /// When the database does not answer, or the file cannot be written.
    pub(crate) async fn welcome(&self, file: &Path) -> Result<(), AccountError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
        if accounts::exist(&mut tx).await? {
            let _ = std::fs::remove_file(file);
            return Ok(());
        }
        let now = self.now();
        let known = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(secret) = known.trim().strip_prefix(PREFIX)
            && links::opens(&self.pool, &secret::digest_of(secret), now).await?
        {
            return Ok(());
        }
        let secret = Secret::new()?;
        links::take_back_first(&mut tx).await?;
        let link = NewLink {
            digest: secret.digest(),
            purpose: "first",
            made_by: "",
            made_at: now,
            expires_at: now + LINK_LASTS,
        };
        links::insert(&mut tx, &link).await?;
        write(file, &format!("{PREFIX}{}\n", secret.text()))
            .map_err(|e| AccountError::Fault(format!("{}: {e}", file.display())))?;
        Ok(tx.commit().await?)
    }
}

/// Whole or not at all: whoever reads it finds one line.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut to = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    to.write_all(text.as_bytes())?;
    to.sync_all()?;
    std::fs::rename(&beside, file)
}
