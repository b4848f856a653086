//! PostgreSQL and nats-server together: started side by side, ready together, stopped last.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::UpError;
use super::account::Account;
use super::child::{Child, Program};
use super::folder::Folder;
use super::keys::Keys;
use super::nats::Nats;
use super::nursery::Nursery;
use super::ports::Ports;
use super::postgres::{Cluster, Postgres, cluster_version};
use super::programs::Programs;

/// Recovery of a large database after a power loss takes its time.
const PATIENCE: Duration = Duration::from_secs(120);
/// A child that died this often before it was ready will not come.
const DEATHS_BEFORE_READY: u32 = 5;

/// Where the two stores are.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    /// The databases.
    pub(crate) postgres: Postgres,
    /// The bus.
    pub(crate) nats: Nats,
}

impl Stores {
    /// Starts both and waits until they answer. What was started is in `children`, also after a failure.
    ///
    /// # Errors
    /// When a program is missing, or a store does not become ready; the end of its log is named.
    pub(crate) async fn start(
        folder: &Folder,
        keys: &Keys,
        nursery: &Nursery,
        ports: &mut Ports,
        children: &mut Vec<Child>,
    ) -> Result<Self, UpError> {
        let programs = Programs::find(cluster_version(folder))?;
        let account = Account::for_postgres()?;
        if let Some(account) = &account {
            folder.let_through(account)?;
        }
        let nats = Nats { port: ports.free()?, monitor: ports.free()?, token: keys.nats.clone() };
        let cluster = Cluster { folder, bin: &programs.postgres, account, password: &keys.postgres };
        cluster.init(nursery).await?;
        let (database, postgres) = cluster.server(ports.free()?)?;
        let mut keep = |program: Program| Child::keep(program, folder, nursery).map(|c| children.push(c));
        keep(database)?;
        keep(nats.server(folder, &programs)?)?;
        let stores = Self { postgres, nats };
        stores.ready(folder, children).await.map(|()| stores)
    }

    async fn ready(&self, folder: &Folder, children: &[Child]) -> Result<(), UpError> {
        let http = reqwest::Client::new();
        let deadline = Instant::now() + PATIENCE;
        while !(self.postgres.is_ready().await && self.nats.is_ready(&http).await) {
            let failing = children.iter().find(|child| child.deaths() >= DEATHS_BEFORE_READY);
            if let Some(child) = failing {
                return Err(not_ready(child.name(), &folder.log(child.name())));
            }
            if Instant::now() > deadline {
                return Err(not_ready("postgres / nats", &folder.path("logs")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

fn not_ready(name: &str, log: &Path) -> UpError {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let end = text.lines().rev().take(3).collect::<Vec<_>>();
    let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
    UpError::refused(
        "up.store_not_ready",
        format!("{name} 未能启动，详见 {}：\n{end}\n", log.display()),
        format!("{name} does not start, see {}", log.display()),
    )
}
