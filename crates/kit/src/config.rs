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

use dengbei_records::{AreaCode, ErrorClass};
use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};

pub mod period;
mod secret;
mod storage;

pub use secret::Secret;
pub use storage::{S3, SiteStorage};

/// The configuration cannot be used. Always the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is missing, unknown or does not parse; the text names the key and where it came from.
    #[error("配置无效 / invalid configuration: {0}")]
    Value(String),
    /// A file that the configuration names cannot be read.
    #[error("配置文件无法读取 / cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ConfigError {
    /// What can be done about it.
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Invalid
    }
}

/// Everything one role is told. `Debug` shows no secret, and no URL that may hold one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// What internal gRPC calls carry. Empty in the file: read from `<keys>/mesh.token`.
    #[serde(default)]
    pub mesh_token: Secret,
    /// What the HTTP door asks for. Only the gateway needs it.
    #[serde(default)]
    pub door_token: Secret,
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
    /// Of a site role: which of `sites` it is. Its storage is `site`, its key `<keys>/sites/<name>.key`.
    #[serde(default)]
    pub site_name: String,
    /// `log.quorum`: on how many sites beside the primary the log must be durable before a checkpoint is published.
    #[serde(default)]
    pub log_quorum: u8,
    /// How much at once.
    #[serde(default)]
    pub limits: Limits,
}

/// A site of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteAddress {
    /// Its name for ever: in receipts, keys, pages.
    pub name: String,
    /// `primary`, `archive`, `remote` or `offline`.
    pub class: String,
    /// gRPC URL of its site role.
    pub url: String,
}

/// gRPC URLs of the roles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Peers {
    /// 接收
    pub ingest: String,
    /// 登记, with the register
    pub registration: String,
    /// 检测
    pub fixity: String,
    /// 查询利用
    pub query: String,
    /// 备份
    pub replication: String,
}

/// Bounds: what is over them is refused early or waits, never lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections to the role's database.
    pub database_connections: u32,
    /// Largest package at the door, bytes.
    pub package_bytes: u64,
    /// Items not yet decided about, over which the door answers 503.
    pub undecided_items: u64,
    /// Bytes of items not yet decided about, over which the door answers 503.
    pub undecided_bytes: u64,
    /// The area's stream, bytes; older bundles are discarded and come from the log instead.
    pub stream_bytes: u64,
    /// The area's stream, age; older bundles are discarded and come from the log instead.
    #[serde(with = "period")]
    pub stream_age: Duration,
    /// Bundles that a consumer handles side by side.
    pub bundles_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            database_connections: 12,
            package_bytes: 8 << 30,
            undecided_items: 1_000_000,
            undecided_bytes: 200 << 30,
            stream_bytes: 1 << 30,
            stream_age: Duration::from_secs(7 * 86_400),
            bundles_at_once: 4,
        }
    }
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

/// What the environment may override: `DENGBEI_` and the key in upper case, `__` for the dot
/// (`DENGBEI_PEERS__INGEST`). Texts stay texts: an area or a token may be all digits.
const TEXTS: [&str; 26] = [
    "area",
    "grpc",
    "admin",
    "http",
    "database",
    "nats",
    "keys",
    "site",
    "staging",
    "mesh_token",
    "door_token",
    "linger",
    "peers.ingest",
    "peers.registration",
    "peers.fixity",
    "peers.query",
    "peers.replication",
    "registration_linger",
    "transfer_linger",
    "inspection",
    "site_name",
    "limits.stream_age",
    "s3.endpoint",
    "s3.region",
    "s3.access_key",
    "s3.secret_key",
];
const SWITCHES: [&str; 1] = ["s3.allow_http"];
const NUMBERS: [&str; 7] = [
    "log_quorum",
    "limits.database_connections",
    "limits.package_bytes",
    "limits.undecided_items",
    "limits.undecided_bytes",
    "limits.stream_bytes",
    "limits.bundles_at_once",
];

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
            .field("linger", &self.linger)
            .field("registration_linger", &self.registration_linger)
            .field("transfer_linger", &self.transfer_linger)
            .field("inspection", &self.inspection)
            .field("sites", &self.sites)
            .field("site_name", &self.site_name)
            .field("log_quorum", &self.log_quorum)
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
            mesh_token: Secret::default(),
            door_token: Secret::default(),
            linger: linger(),
            registration_linger: minute(),
            transfer_linger: minute(),
            inspection: week(),
            sites: Vec::new(),
            site_name: String::new(),
            log_quorum: 0,
            limits: Limits::default(),
        }
    }

    /// Reads the configuration of `role` from `file` (if any) and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key, or the file that cannot be read.
    pub fn load(role: &str, file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::layered(role, file, |name| std::env::var(name).ok())
    }

    /// As [`Self::load`], with the environment passed in.
    fn layered(
        role: &str,
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(path) = file {
            let read = |source| ConfigError::File { path: path.to_owned(), source };
            let text = std::fs::read_to_string(path).map_err(read)?;
            figment = if path.extension().is_some_and(|e| e == "json") {
                let value: serde_json::Value = serde_json::from_str(&text)
                    .map_err(|e| ConfigError::Value(format!("{}: {e}", path.display())))?;
                figment.merge(Serialized::defaults(value))
            } else {
                figment.merge(Toml::string(&text).nested())
            };
        }
        let mut config: Self = figment
            .merge(overrides(environment)?)
            .merge(Serialized::global("role", role))
            .select(role)
            .extract()
            .map_err(|e| ConfigError::Value(e.to_string()))?;
        config.read_mesh_token()?;
        Ok(config)
    }

    fn read_mesh_token(&mut self) -> Result<(), ConfigError> {
        if self.mesh_token.is_empty() && !self.keys.as_os_str().is_empty() {
            let path = self.keys.join("mesh.token");
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::File { path, source })?;
            self.mesh_token = text.trim().into();
        }
        if self.mesh_token.is_empty() {
            return Err(ConfigError::Value("mesh_token: 缺少 / missing, and no keys/mesh.token".into()));
        }
        Ok(())
    }
}

fn overrides(environment: impl Fn(&str) -> Option<String>) -> Result<Figment, ConfigError> {
    let named = |key: &str| format!("DENGBEI_{}", key.to_uppercase().replace('.', "__"));
    let mut figment = Figment::new();
    for key in TEXTS {
        if let Some(text) = environment(&named(key)) {
            figment = figment.merge(Serialized::global(key, text));
        }
    }
    for key in NUMBERS {
        if let Some(text) = environment(&named(key)) {
            let number: u64 = text
                .parse()
                .map_err(|_| ConfigError::Value(format!("{}: 不是数 / no number", named(key))))?;
            figment = figment.merge(Serialized::global(key, number));
        }
    }
    for key in SWITCHES {
        if let Some(text) = environment(&named(key)) {
            let switch: bool = text
                .parse()
                .map_err(|_| ConfigError::Value(format!("{}: 不是 true 或 false / not true or false", named(key))))?;
            figment = figment.merge(Serialized::global(key, switch));
        }
    }
    Ok(figment)
}

#[cfg(test)]
mod tests;
