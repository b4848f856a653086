//! The system account under which PostgreSQL runs when `up` runs as root.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{Gid, Uid};

use super::UpError;

/// One line of `/etc/passwd`.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account for PostgreSQL: none for an ordinary user, who runs it as himself.
    pub(crate) fn for_postgres() -> Result<Option<Self>, UpError> {
        if !rustix::process::getuid().is_root() {
            return Ok(None);
        }
        let path = Path::new("/etc/passwd");
        let table = std::fs::read_to_string(path).map_err(UpError::io(path))?;
        Self::parse(&table, "postgres").map(Some).ok_or_else(|| {
            UpError::refused(
                "up.no_postgres_account",
                "系统没有 postgres 用户，PostgreSQL 不能以 root 运行",
                "there is no user postgres, and PostgreSQL does not run as root",
            )
            .with_remedy("useradd --system --no-create-home postgres")
        })
    }

    fn parse(table: &str, name: &str) -> Option<Self> {
        let line = table.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self { name: name.to_owned(), uid, gid })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What `setpriv` needs to become it.
    pub(crate) fn setpriv_options(&self) -> [String; 3] {
        [format!("--reuid={}", self.uid), format!("--regid={}", self.gid), "--init-groups".to_owned()]
    }

    /// Gives it a file or folder.
    pub(crate) fn own(&self, path: &Path) -> Result<(), UpError> {
        rustix::fs::chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .map_err(|error| UpError::io(path)(error.into()))
    }

    /// Whether the mode lets it pass through a folder (its further groups are not asked).
    pub(crate) fn may_pass(&self, folder: &Metadata) -> bool {
        let bit = match () {
            () if folder.uid() == self.uid => 0o100,
            () if folder.gid() == self.gid => 0o010,
            () => 0o001,
        };
        folder.mode() & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_its_own_line() {
        let table = "postgresql:x:7:7::/:\npostgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        let account = Account::parse(table, "postgres").unwrap();
        assert_eq!((account.uid, account.gid), (101, 104));
        assert!(Account::parse(table, "nats").is_none());
    }
}
