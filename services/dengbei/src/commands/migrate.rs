//! `dengbei migrate`: creates what databases are missing and expands every schema, before any role starts. Migrations
//! only add: roles of the version before go on meanwhile.

use std::path::PathBuf;

use anyhow::Context as _;
use dengbei_kit::config::{ConfigError, ConfigProblem, Purpose, Source};
use dengbei_kit::db::{self, PrepareError};

use crate::roles::{self, Role};

/// Create databases and expand their schemas / 建库并升级库表结构
#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// Configuration, TOML; `DENGBEI_*` overrides it / 配置文件
    #[arg(long, env = "DENGBEI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prepares every database and says what it did.
///
/// # Errors
/// When the configuration names no database, or one cannot be created or expanded; what was done stays done.
pub(crate) async fn run(args: &MigrateArgs) -> anyhow::Result<()> {
    let source = Source::read(args.config.as_deref())?;
    source.warn();
    for (role, url) in databases(&source)? {
        let prepared = db::prepare(&url, &roles::migrators(role)).await;
        let prepared = prepared.map_err(|e| explained(e, &url)).with_context(|| role.name().to_owned())?;
        let is_new = if prepared.is_new { "，新建 / created" } else { "" };
        let (database, applied) = (prepared.database, prepared.applied);
        super::say(format!("{}: {database}{is_new}，升级 {applied} 项 / {applied} migrations", role.name()))?;
    }
    Ok(())
}

/// Roles with a database and its URL; a gateway may have none.
fn databases(source: &Source) -> Result<Vec<(Role, String)>, ConfigError> {
    let mut problems: Vec<ConfigProblem> = Vec::new();
    let mut found = Vec::new();
    for role in Role::ALL.into_iter().filter(|role| role.database().is_some()) {
        match source.role(role.name(), None, Purpose::Databases).config() {
            Ok(config) if config.database.is_empty() => {}
            Ok(config) => found.push((role, config.database.to_string())),
            Err(ConfigError::Problems(more)) => {
                let is_new = |problem: &ConfigProblem| !problems.contains(problem);
                let more: Vec<_> = more.into_iter().filter(is_new).collect();
                problems.extend(more);
            }
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(ConfigError::Problems(problems)) }
}

/// What the administrator of the database server has to do.
fn explained(error: PrepareError, url: &str) -> anyhow::Error {
    let user = url.split_once("://").and_then(|(_, rest)| rest.split_once([':', '@'])).map(|(user, _)| user);
    match &error {
        PrepareError::MayNotCreate(name) => {
            let user = user.unwrap_or_default().to_owned();
            let sql = format!("create database \"{name}\" owner \"{user}\";");
            anyhow::Error::from(error)
                .context(format!("请数据库管理员执行 / ask its administrator for: {sql}"))
        }
        PrepareError::Connect(_) => error.into(),
    }
}
