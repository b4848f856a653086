//! The data folder (数据目录): where everything of one deployment lies, locked while it is in use.
//!
//! `keys/` `token` `postgres/` `nats/` `sites/primary/{packs,log,quarantine}/` `staging/` `run/` `logs/`.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::account::Account;
use super::{UpError, durable};

const PRIVATE: [&str; 5] = ["keys", "nats", "staging", "run", "logs"];
const SITE: [&str; 3] = ["sites/primary/packs", "sites/primary/log", "sites/primary/quarantine"];

/// A data folder that belongs to this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes what is missing and takes the lock.
    ///
    /// # Errors
    /// Refuses a folder that another process uses, naming it, and one that cannot be written.
    pub(crate) fn open(asked: &Path) -> Result<Self, UpError> {
        durable::folder(asked, 0o711)?;
        let root = asked.canonicalize().map_err(UpError::io(asked))?;
        for name in PRIVATE {
            durable::folder(&root.join(name), 0o700)?;
        }
        for name in SITE {
            durable::folder(&root.join(name), 0o755)?;
        }
        let lock = lock(&root)?;
        Ok(Self { root, _lock: lock })
    }

    /// The folder itself, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// Pid files and what lives only as long as this run.
    pub(crate) fn run(&self) -> PathBuf {
        self.path("run")
    }

    /// The log of a child.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path("logs").join(name).with_extension("log")
    }

    /// Makes sure that `account` can walk down to the folder: PostgreSQL does not run as root.
    ///
    /// The folder itself and folders of ours below the system's temporary folder (`mktemp -d` makes
    /// them 0700) are opened for passing through; any other is left alone and named.
    pub(crate) fn let_through(&self, account: &Account) -> Result<(), UpError> {
        let temporary = std::env::temp_dir().canonicalize().unwrap_or_default();
        let mut path = self.root.as_path();
        let mut parents = vec![path];
        while let Some(parent) = path.parent() {
            parents.push(parent);
            path = parent;
        }
        for folder in parents.into_iter().rev() {
            let ours = folder == self.root || (folder.starts_with(&temporary) && folder != temporary);
            pass_through(folder, account, ours)?;
        }
        Ok(())
    }
}

/// The default data folder: `/var/lib/dengbei` as root, else below the home folder.
pub(crate) fn default_root() -> Result<PathBuf, UpError> {
    if rustix::process::getuid().is_root() {
        return Ok("/var/lib/dengbei".into());
    }
    std::env::home_dir().map(|home| home.join(".local/share/dengbei")).ok_or_else(|| {
        UpError::refused("up.no_home", "找不到用户主目录", "there is no home folder")
            .with_remedy("用 --data 指定数据目录 / name a data folder with --data")
    })
}

fn pass_through(folder: &Path, account: &Account, ours: bool) -> Result<(), UpError> {
    let metadata = folder.metadata().map_err(UpError::io(folder))?;
    if account.may_pass(&metadata) {
        return Ok(());
    }
    if ours && metadata.uid() == rustix::process::getuid().as_raw() {
        let mode = (metadata.mode() & 0o7777) | 0o011;
        let opened = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode));
        return opened.map_err(UpError::io(folder));
    }
    Err(UpError::refused(
        "up.folder_not_traversable",
        format!("用户 {} 无法进入上级目录 {}，PostgreSQL 不能以 root 运行", account.name(), folder.display()),
        format!(
            "user {} cannot pass through {}; PostgreSQL does not run as root",
            account.name(),
            folder.display()
        ),
    )
    .with_remedy(format!(
        "换一个数据目录，或执行 / choose another folder, or: chmod o+x {}",
        folder.display()
    )))
}

/// The lock file holds the number of the process that has the lock, for the message only.
fn lock(root: &Path) -> Result<File, UpError> {
    let path = root.join("run/lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(UpError::io(&path))?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        file.read_to_string(&mut holder).map_err(UpError::io(&path))?;
        return Err(in_use(root, holder.trim()));
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(UpError::io(&path)).map(|()| file)
}

fn in_use(root: &Path, holder: &str) -> UpError {
    UpError::refused(
        "up.folder_in_use",
        format!("数据目录 {} 正被进程 {holder} 使用", root.display()),
        format!("data folder {} is in use by process {holder}", root.display()),
    )
    .with_remedy(format!(
        "先停止它，或换一个 --data / stop it first, or choose another --data: kill {holder}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused_and_names_the_process() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Folder::open(temporary.path()).unwrap();
        let error = Folder::open(temporary.path()).unwrap_err().to_string();
        assert!(error.contains("up.folder_in_use"), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        Folder::open(temporary.path()).unwrap();
    }

    #[test]
    fn secrets_lie_in_folders_that_only_the_owner_enters() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temporary.path().join("new/data")).unwrap();
        let mode = |path: PathBuf| path.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode(folder.root().to_owned()), 0o711);
        assert_eq!(mode(folder.path("keys")), 0o700);
        assert_eq!(mode(folder.run()), 0o700);
    }
}
