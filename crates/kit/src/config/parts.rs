//! The tables inside a role's configuration: peers, sites, limits, names. Text and numbers only; rules are in `rules`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::period;

/// A site of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
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
#[serde(default)]
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

/// What papers call the two bodies. Empty: the generic name with the area's code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// 登记机关: the archives administration (档案局) that registers.
    pub administration: String,
    /// 档案馆: the county archive that takes transfers.
    pub archive: String,
}

/// Bounds: what is over them is refused early or waits, never lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
