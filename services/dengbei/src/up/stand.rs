//! The databases of a data folder, for checks from outside: those of the running deployment, or PostgreSQL
//! started alone when nothing runs.

use std::collections::BTreeMap;
use std::path::Path;

use super::UpError;
use super::child::Child;
use super::durable;
use super::folder::Folder;
use super::keys::Keys;
use super::nursery::Nursery;
use super::ports::Ports;
use super::process;
use super::stores::Stores;
use crate::roles::Role;

/// Where the databases of a running deployment are, by role; readable by the owner alone.
const PLACES: &str = "run/databases.json";

/// Databases that answer until [`Stand::leave`].
#[derive(Debug)]
pub(crate) struct Stand {
    databases: BTreeMap<String, String>,
    started: Vec<Child>,
    _folder: Option<Folder>,
}

/// Notes where the databases of this run are.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn note(folder: &Folder, stores: &Stores) -> Result<(), UpError> {
    let path = folder.path(PLACES);
    let text = serde_json::to_vec_pretty(&urls(stores)).map_err(|e| UpError::io(&path)(e.into()))?;
    durable::replace(&path, &text, 0o600)
}

/// Finds the databases of the deployment in `data`, or starts them.
///
/// # Errors
/// When there is no deployment in the folder, or its databases do not start.
pub(crate) async fn stand(data: &Path) -> anyhow::Result<Stand> {
    anyhow::ensure!(
        data.join("postgres").is_dir(),
        "这里没有登备的数据 / no deployment here: {}",
        data.display()
    );
    match Folder::open(data) {
        Ok(folder) => alone(folder).await,
        Err(_) => running(data),
    }
}

fn running(data: &Path) -> anyhow::Result<Stand> {
    let databases = serde_json::from_slice(&std::fs::read(data.join(PLACES))?)?;
    Ok(Stand { databases, started: Vec::new(), _folder: None })
}

async fn alone(folder: Folder) -> anyhow::Result<Stand> {
    process::end_left_overs(&folder.run(), folder.root()).await?;
    let keys = Keys::open(&folder, None, false)?;
    let nursery = Nursery::open()?;
    let mut started = Vec::new();
    let stores = Stores::start(&folder, &keys, &nursery, &mut Ports::default(), &mut started).await?;
    Ok(Stand { databases: urls(&stores), started, _folder: Some(folder) })
}

fn urls(stores: &Stores) -> BTreeMap<String, String> {
    let of = |role: &Role| Some((role.name().to_owned(), stores.postgres.url(&role.database()?)));
    Role::ALL.iter().filter_map(of).collect()
}

impl Stand {
    /// Database URLs by role.
    pub(crate) fn databases(&self) -> &BTreeMap<String, String> {
        &self.databases
    }

    /// Stops what was started for this; a running deployment is left alone.
    pub(crate) async fn leave(mut self) {
        while let Some(child) = self.started.pop() {
            child.stop().await;
        }
    }
}
