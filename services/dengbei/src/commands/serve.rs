//! `dengbei serve ROLE|all`: one role in this process, as Kubernetes and `up --split` run it, or all of them with
//! databases and a bus from outside; and what they would be told.

use std::path::PathBuf;
use std::time::Duration;

use dengbei_kit::config::{self, ConfigProblem, Purpose, Reading, Source, Weight};
use dengbei_kit::{Drain, telemetry};

use super::together;
use crate::roles::{self, Role};
use crate::schemes;

/// Longest time for finishing what is in hand, below the 30 s that an orchestrator waits.
const LONGEST_DRAIN: Duration = Duration::from_secs(20);
/// What stands for every role.
const ALL: &str = "all";

/// Run one role, or all in one process / 运行一个角色，或在一个进程中运行全部
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Which, or `all` / 角色，或 all
    #[arg(value_parser = which)]
    role: Which,
    /// Configuration, TOML or JSON; `DENGBEI_*` overrides it / 配置文件
    #[arg(long, env = "DENGBEI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Of a site: its name among `sites`; its table is `[site-NAME]` / 备份点名称
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print the effective values and every problem, start nothing / 只检查配置
    #[arg(long)]
    check_config: bool,
}

/// One role or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    One(Role),
    All,
}

fn which(text: &str) -> Result<Which, String> {
    if text == ALL {
        return Ok(Which::All);
    }
    let role = Role::ALL.into_iter().find(|role| role.name() == text).map(Which::One);
    role.ok_or_else(|| {
        let names = Role::ALL.map(Role::name).join(", ");
        format!("没有这个角色 / no such role; {names}, {ALL}")
    })
}

/// Runs until SIGTERM or SIGINT, then drains. `Ok(false)`: the configuration was checked and has problems.
///
/// # Errors
/// When the configuration is not usable or the role fails.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        args.name.is_none() || args.role == Which::One(Role::Site),
        "--name 只用于 site / --name is for site alone"
    );
    let source = Source::read(args.config.as_deref())?;
    if args.check_config {
        return check(&source, &args);
    }
    let _telemetry = telemetry::init(match args.role {
        Which::One(role) => role.name(),
        Which::All => ALL,
    })?;
    source.warn();
    let drain = Drain::on_signals()?;
    match args.role {
        Which::One(role) => {
            one(role, &source.role(role.name(), args.name.as_deref(), Purpose::Alone), drain).await
        }
        Which::All => together::run(&source, drain).await,
    }
    .map(|()| true)
}

async fn one(role: Role, reading: &Reading, drain: Drain) -> anyhow::Result<()> {
    for hint in reading.problems().iter().filter(|problem| problem.weight != Weight::Fatal) {
        tracing::warn!(problem = %hint, "configuration");
    }
    let config = reading.config()?;
    schemes::judge(&config)?;
    tokio::select! {
        ended = roles::run(role, config, drain.clone()) => ended,
        () = too_late(&drain) => anyhow::bail!("{}: 未能按时停止 / did not drain in time", role.name()),
    }
}

async fn too_late(drain: &Drain) {
    drain.requested().await;
    tokio::time::sleep(LONGEST_DRAIN).await;
}

/// Prints what the roles would be told, then every problem.
fn check(source: &Source, args: &ServeArgs) -> anyhow::Result<bool> {
    let readings = match args.role {
        Which::One(role) => vec![source.role(role.name(), args.name.as_deref(), Purpose::Alone)],
        Which::All => source.together(),
    };
    super::say(config::toml(&readings).trim_end())?;
    // Of a role that cannot be told anything else is said first.
    let of_schemes: Vec<ConfigProblem> = readings
        .iter()
        .filter_map(|reading| reading.config().ok())
        .flat_map(|c| schemes::problems(&c))
        .collect();
    let mut problems: Vec<&ConfigProblem> = Vec::new();
    let told = source.slips().iter().chain(readings.iter().flat_map(Reading::problems));
    for problem in told.chain(&of_schemes) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    for problem in &problems {
        let weight = if problem.weight == Weight::Hint { "提示 hint" } else { "问题 problem" };
        super::say(format!("# {weight}  {problem}"))?;
    }
    let is_usable = problems.iter().all(|problem| problem.weight == Weight::Hint);
    let count = problems.iter().filter(|problem| problem.weight != Weight::Hint).count();
    super::say(match is_usable {
        true => "# 配置可用 / the configuration can be used".to_owned(),
        false => format!("# {count} 个问题 / {count} problems"),
    })?;
    Ok(is_usable)
}
