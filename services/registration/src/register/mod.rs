//! 登记簿: the one append-only log of every event, written by this role.
//!
//! Life of an entry: `append` stores a bundle as it came (durable, deduplicated by event hash) → `seal` gives its
//! entries consecutive indices (A), writes the tiles durably (B), publishes the checkpoint and only then says sealed
//! (C) → `grpc` answers for it. Each step can be cut anywhere and is taken up where it stood. `start` compares this
//! database with the site before anything is written, so that an old dump is replayed and never forks the log.

mod append;
mod clear;
mod effects;
mod frontier;
mod grpc;
mod replay;
mod seal;
mod sites;
mod start;
mod store;

pub(crate) use append::Appender;
pub(crate) use effects::effects;
pub(crate) use grpc::Served;
pub(crate) use seal::Sealer;
pub(crate) use sites::Sites;
pub(crate) use start::StartError;
pub(crate) use store::{Standing, entry, head, place_of, standing};
#[cfg(test)]
pub(crate) use store::{range, sealed_up_to};

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use dengbei_records::AreaCode;
use dengbei_register::Signer;
use dengbei_vault::{LogTiles, Site};

/// The log's tiles and key.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) tiles: LogTiles,
    pub(crate) signer: Arc<Signer>,
    /// The site that it lies on.
    pub(crate) site: Site,
}

impl Log {
    /// Opens the log of `area` on the site, with the register's key. The key is made with the deployment, never here:
    /// another key would be another log.
    pub(crate) fn open(site: &Site, keys: &Path, area: &AreaCode) -> anyhow::Result<Self> {
        let path = keys.join("register.key");
        let pem = std::fs::read_to_string(&path).with_context(|| {
            format!("登记簿密钥无法读取 / the register's key cannot be read: {}", path.display())
        })?;
        let name = format!("dengbei/{area}").parse().context("the log's origin")?;
        let signer = Arc::new(Signer::from_pem(name, &pem).context("register.key")?);
        Ok(Self { tiles: site.log_tiles(), signer, site: site.clone() })
    }
}
