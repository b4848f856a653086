//! The roles this binary can play. The one place that knows every service's entry.

use dengbei_kit::{Drain, RoleConfig, measure};
use sqlx::migrate::Migrator;

/// One service of the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Role {
    /// 接收: submissions until they are pre-filed.
    Ingest,
    /// 登记: custody, filing, the register.
    Registration,
    /// 检测: four-property checks.
    Fixity,
    /// 备份点: beside one storage, with its key.
    Site,
    /// 备份: policy, copies, repair.
    Replication,
    /// 查询利用: the read model.
    Query,
    /// The only door to the outside.
    Gateway,
}

impl Role {
    /// All, the door last: it opens when there is somebody behind it.
    pub(crate) const ALL: [Self; 7] = [
        Self::Site,
        Self::Ingest,
        Self::Registration,
        Self::Fixity,
        Self::Replication,
        Self::Query,
        Self::Gateway,
    ];

    /// Its name in configuration, logs, pid files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Registration => "registration",
            Self::Fixity => "fixity",
            Self::Site => "site",
            Self::Replication => "replication",
            Self::Query => "query",
            Self::Gateway => "gateway",
        }
    }

    /// Its own database; a site keeps none.
    pub(crate) fn database(self) -> Option<String> {
        (self != Self::Site).then(|| format!("dengbei_{}", self.name()))
    }
}

/// What makes the tables of a role's database, beside kit's own; nothing for a role without one.
pub(crate) fn migrators(role: Role) -> Vec<&'static Migrator> {
    let bus = &dengbei_bus::MIGRATOR;
    match role {
        Role::Gateway => vec![&dengbei_gateway::MIGRATOR],
        Role::Query => vec![bus, &dengbei_query::MIGRATOR],
        Role::Ingest => vec![bus, &dengbei_ingest::MIGRATOR],
        Role::Registration => vec![bus, &dengbei_registration::MIGRATOR],
        Role::Fixity => vec![bus, &dengbei_fixity::MIGRATOR],
        Role::Replication => vec![bus, &dengbei_replication::MIGRATOR],
        Role::Site => Vec::new(),
    }
}

/// Plays a role until the drain, then finishes what it has in hand.
///
/// # Errors
/// When the role cannot start or cannot go on; the caller decides whether to start it again.
pub(crate) async fn run(role: Role, config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    measure::configuration(&config);
    match role {
        Role::Gateway => dengbei_gateway::run(config, drain).await,
        Role::Query => dengbei_query::run(config, drain).await,
        Role::Ingest => dengbei_ingest::run(config, drain).await,
        Role::Registration => dengbei_registration::run(config, drain).await,
        Role::Fixity => dengbei_fixity::run(config, drain).await,
        Role::Site => dengbei_site::run(config, drain).await,
        Role::Replication => dengbei_replication::run(config, drain).await,
    }
}
