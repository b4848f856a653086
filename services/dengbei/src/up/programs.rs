//! Where the programs are that `up` runs, and what to do when they are not there.

use std::path::{Path, PathBuf};

use super::UpError;

const POSTGRES: &str = "/usr/lib/postgresql";

/// The programs that `up` runs as children.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder of `postgres` and `initdb`.
    pub(crate) postgres: PathBuf,
    /// nats-server itself.
    pub(crate) nats: PathBuf,
}

impl Programs {
    /// Finds them; `cluster` is the major version of the database that is there already, if one is.
    ///
    /// # Errors
    /// Names everything that is missing and the one command that installs it.
    pub(crate) fn find(cluster: Option<u32>) -> Result<Self, UpError> {
        let nats = on_path("nats-server");
        match (newest(Path::new(POSTGRES), cluster).or_else(|| postgres_on_path(cluster)), nats) {
            (Some(postgres), Some(nats)) => Ok(Self { postgres, nats }),
            (None, nats) => Err(missing(cluster, nats.is_none())),
            (Some(_), None) => Err(missing_packages("nats-server")),
        }
    }
}

/// The newest installed PostgreSQL, or the one that an existing database needs.
fn newest(root: &Path, cluster: Option<u32>) -> Option<PathBuf> {
    let versions = std::fs::read_dir(root).ok()?.flatten();
    versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(version, bin)| cluster.is_none_or(|c| c == *version) && bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin)
}

/// Other systems than Debian have `initdb` on the path; it refuses another version's database itself.
fn postgres_on_path(cluster: Option<u32>) -> Option<PathBuf> {
    let found = on_path("initdb")?.canonicalize().ok()?;
    let bin = found.parent()?.to_owned();
    (cluster.is_none() || !bin.starts_with(POSTGRES)).then_some(bin)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn missing(cluster: Option<u32>, is_nats_missing: bool) -> UpError {
    let postgres = cluster.map_or("postgresql".to_owned(), |version| format!("postgresql-{version}"));
    missing_packages(&if is_nats_missing { format!("nats-server {postgres}") } else { postgres })
}

fn missing_packages(packages: &str) -> UpError {
    let sudo = if rustix::process::getuid().is_root() { "" } else { "sudo " };
    UpError::refused(
        "up.program_missing",
        format!("缺少程序：{packages}"),
        format!("programs are missing: {packages}"),
    )
    .with_remedy(format!("{sudo}apt-get install -y --no-install-recommends {packages}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(versions: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for version in versions {
            let bin = root.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("initdb"), "").unwrap();
        }
        root
    }

    #[test]
    fn the_newest_version_is_taken_by_number() {
        let root = installed(&["9", "15", "not-a-version"]);
        assert_eq!(newest(root.path(), None), Some(root.path().join("15/bin")));
    }

    #[test]
    fn a_database_keeps_the_version_it_was_made_with() {
        let root = installed(&["15", "17"]);
        assert_eq!(newest(root.path(), Some(15)), Some(root.path().join("15/bin")));
        assert_eq!(newest(root.path(), Some(16)), None);
    }

    #[test]
    fn what_is_missing_is_named_with_the_one_command() {
        let UpError::Refused(problem) = missing(Some(16), true) else { panic!("refused") };
        assert!(
            problem.remedy.ends_with("--no-install-recommends nats-server postgresql-16"),
            "{}",
            problem.remedy
        );
    }
}
