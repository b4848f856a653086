//! What a role is told: one TOML (or JSON) file, overridden by `DENGBEI_*`, checked once, never global.
//!
//! The TOML file has a table per role over a table `default`:
//! ```toml
//! [default]
//! area = "330382"
//! nats = "nats://nats:4222"
//! [default.peers]
//! ingest = "http://ingest:7100"
//! [ingest]
//! database = "postgres://ingest@db/dengbei_ingest"
//! grpc = "0.0.0.0:7100"
//! ```
//! A JSON file (`*.json`) holds one role's values flat, as [`RoleConfig`] serializes; `up --split` writes those.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dengbei_records::AreaCode;
use serde::{Deserialize, Serialize};

mod keys;
mod nearest;
mod parse;
mod parts;
pub mod period;
mod problem;
mod reading;
mod redact;
mod rules;
mod scanner;
mod secret;
mod show;
mod source;
mod sources;
mod storage;

pub use parts::{Limits, Names, Peers, SiteAddress};
pub use problem::{ConfigError, ConfigProblem, Origin, Weight};
pub use reading::{Purpose, Reading};
pub use scanner::ScannerAddress;
pub use secret::Secret;
pub use show::toml;
pub use source::Source;
pub use sources::SourceAccess;
pub use storage::{S3, SiteStorage};

/// Everything one role is told. `Debug` shows no secret, and no URL that may hold one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleConfig {
    /// `gateway`, `ingest`, `registration`, `fixity`, `replication`, `query`, `site`: names its producer, its consumer, its metrics.
    pub role: String,
    /// 行政区划 of the deployment: one log, one stream, one set of keys.
    pub area: AreaCode,
    /// Where the role serves gRPC.
    #[serde(default = "loopback")]
    pub grpc: SocketAddr,
    /// Where the role serves `/health` and `/metrics`.
    #[serde(default = "loopback")]
    pub admin: SocketAddr,
    /// Where the gateway serves HTTP; no other role has one.
    #[serde(default)]
    pub http: Option<SocketAddr>,
    /// PostgreSQL URL of the role's own database. Empty for the gateway.
    #[serde(default)]
    pub database: Secret,
    /// NATS URL, with its token before the `@`.
    #[serde(default)]
    pub nats: String,
    /// gRPC URLs of the other roles.
    #[serde(default)]
    pub peers: Peers,
    /// Folder of the deployment's keys, mode 0700.
    #[serde(default)]
    pub keys: PathBuf,
    /// Storage of the primary site, of a site role its own: `packs/`, `log/`, `quarantine/` in a folder or a bucket.
    #[serde(default)]
    pub site: SiteStorage,
    /// How buckets are reached, where a storage is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
    /// Where ingest keeps bytes until they are filed.
    #[serde(default)]
    pub staging: PathBuf,
    /// Where clamd listens (ingest, fixity). `None`: nothing is scanned, and that is said wherever it matters.
    #[serde(default, with = "scanner::optional")]
    pub scanner: Option<ScannerAddress>,
    /// Folder of checking schemes (检测方案) as documents (ingest, fixity). Empty: the built-in scheme.
    #[serde(default)]
    pub schemes: PathBuf,
    /// What internal gRPC calls carry. Empty in the file: read from `<keys>/mesh.token`.
    #[serde(default)]
    pub mesh_token: Secret,
    /// A second token that is let in: the next or the former one, while the roles are restarted one by one.
    #[serde(default)]
    pub mesh_token_also: Secret,
    /// What the HTTP door asks for. Only the gateway needs it.
    #[serde(default)]
    pub door_token: Secret,
    /// A second token that opens the door, while its users change over.
    #[serde(default)]
    pub door_token_also: Secret,
    /// `filing.linger`: how long the oldest item waits for its pack to fill. Longer: fuller packs, later filing.
    #[serde(default = "linger", with = "period")]
    pub linger: Duration,
    /// How long a filed batch waits for others of its unit and year before the unit applies for registration.
    #[serde(default = "minute", with = "period")]
    pub registration_linger: Duration,
    /// How long a certified batch waits for others of its unit before a transfer is packed.
    #[serde(default = "minute", with = "period")]
    pub transfer_linger: Duration,
    /// 巡检 bound: every pack on every site is read again at least this often.
    #[serde(default = "week", with = "period")]
    pub inspection: Duration,
    /// Every site of the deployment, the primary first.
    #[serde(default)]
    pub sites: Vec<SiteAddress>,
    /// 来源系统 that may send, each with its own token. None: whoever has the door's token, and who it was is not known.
    #[serde(default)]
    pub sources: Vec<SourceAccess>,
    /// Of a site role: which of `sites` it is. Its storage is `site`, its key `<keys>/sites/<name>.key`.
    #[serde(default)]
    pub site_name: String,
    /// `log.quorum`: on how many sites beside the primary the log must be durable before a checkpoint is published.
    #[serde(default)]
    pub log_quorum: u8,
    /// What papers call the two bodies.
    #[serde(default)]
    pub names: Names,
    /// How much at once.
    #[serde(default)]
    pub limits: Limits,
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn week() -> Duration {
    Duration::from_secs(7 * 86_400)
}

fn linger() -> Duration {
    Duration::from_secs(15 * 60)
}

impl fmt::Debug for RoleConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleConfig")
            .field("role", &self.role)
            .field("area", &self.area)
            .field("grpc", &self.grpc)
            .field("admin", &self.admin)
            .field("http", &self.http)
            .field("peers", &self.peers)
            .field("site", &self.site)
            .field("staging", &self.staging)
            .field("scanner", &self.scanner)
            .field("schemes", &self.schemes)
            .field("sources", &self.sources)
            .field("linger", &self.linger)
            .field("registration_linger", &self.registration_linger)
            .field("transfer_linger", &self.transfer_linger)
            .field("inspection", &self.inspection)
            .field("sites", &self.sites)
            .field("site_name", &self.site_name)
            .field("log_quorum", &self.log_quorum)
            .field("keys", &self.keys)
            .field("s3", &self.s3)
            .field("names", &self.names)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl RoleConfig {
    /// The defaults of a role in an area: nothing is reachable yet.
    pub fn of(role: &str, area: AreaCode) -> Self {
        Self {
            role: role.to_owned(),
            area,
            grpc: loopback(),
            admin: loopback(),
            http: None,
            database: Secret::default(),
            nats: String::new(),
            peers: Peers::default(),
            keys: PathBuf::new(),
            site: SiteStorage::default(),
            s3: None,
            staging: PathBuf::new(),
            scanner: None,
            schemes: PathBuf::new(),
            sources: Vec::new(),
            mesh_token: Secret::default(),
            mesh_token_also: Secret::default(),
            door_token: Secret::default(),
            door_token_also: Secret::default(),
            linger: linger(),
            registration_linger: minute(),
            transfer_linger: minute(),
            inspection: week(),
            sites: Vec::new(),
            site_name: String::new(),
            log_quorum: 0,
            names: Names::default(),
            limits: Limits::default(),
        }
    }

    /// Reads the configuration of `role` from `file` (if any) and the environment. Unknown keys are warned of: an older
    /// program runs on a newer file while a deployment is upgraded (docs/decisions/0015).
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, or the file that cannot be read.
    pub fn load(role: &str, file: Option<&Path>) -> Result<Self, ConfigError> {
        let source = Source::read(file)?;
        source.warn();
        source.role(role, None, Purpose::Alone).config()
    }

    /// Tokens that an internal call may carry: the own one, which is also sent, and a second while it is changed.
    pub fn mesh_tokens(&self) -> impl Iterator<Item = &str> {
        [&*self.mesh_token, &*self.mesh_token_also].into_iter().filter(|token| !token.is_empty())
    }
}

/// The files of a folder with this ending, by name, for what a key names a folder of. No folder: no files.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn files(folder: &Path, ending: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    if folder.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == ending) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let named =
        |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    paths.iter().map(|path| Ok((named(path), std::fs::read(path)?))).collect()
}

/// A role's defaults; its area is none of them.
fn of_no_area(role: &str) -> Option<RoleConfig> {
    let config = RoleConfig::of(role, "330000".parse().ok()?);
    Some(RoleConfig { s3: Some(S3::default()), ..config })
}

#[cfg(test)]
mod tests;
