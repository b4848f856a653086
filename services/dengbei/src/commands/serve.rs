//! `dengbei serve ROLE`: one role in this process, as Kubernetes and `up --split` run it.

use std::path::PathBuf;
use std::time::Duration;

use dengbei_kit::{Drain, RoleConfig, telemetry};

use crate::roles::{self, Role};

/// Longest time for finishing what is in hand, below the 30 s that an orchestrator waits.
const LONGEST_DRAIN: Duration = Duration::from_secs(20);

/// Run one role / 运行一个角色
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Which / 角色
    role: Role,
    /// Configuration, TOML or JSON; `DENGBEI_*` overrides it / 配置文件
    #[arg(long, env = "DENGBEI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// When the configuration is not usable or the role fails.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let name = args.role.name();
    let _telemetry = telemetry::init(name)?;
    let config = RoleConfig::load(name, args.config.as_deref())?;
    let drain = Drain::on_signals()?;
    tokio::select! {
        ended = roles::run(args.role, config, drain.clone()) => ended,
        () = too_late(&drain) => anyhow::bail!("{name}: 未能按时停止 / did not drain in time"),
    }
}

async fn too_late(drain: &Drain) {
    drain.requested().await;
    tokio::time::sleep(LONGEST_DRAIN).await;
}
