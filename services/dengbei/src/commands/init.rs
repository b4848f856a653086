//! `dengbei init`: makes what keys and tokens a deployment lacks, before any role starts. Again is harmless.

use std::path::PathBuf;

use dengbei_kit::config::{Purpose, Source};
use dengbei_kit::keyring;

use crate::keys::{Making, ensure_backup, token};

/// Make missing keys and tokens / 生成缺少的密钥和令牌
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Configuration, TOML; `DENGBEI_*` overrides it / 配置文件
    #[arg(long, env = "DENGBEI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Makes what is missing and says what it made.
///
/// # Errors
/// When the configuration names no area or key folder, or a key that is there is not whole.
pub(crate) fn run(args: &InitArgs) -> anyhow::Result<()> {
    let source = Source::read(args.config.as_deref())?;
    source.warn();
    let config = source.role("registration", None, Purpose::Keys).config()?;
    let log = config.site.folder().filter(|site| !site.as_os_str().is_empty()).map(|site| site.join("log"));
    let making = Making { keys: &config.keys, area: &config.area, log, sites: source.sites() };
    let mut made = making.run()?;
    // A token that comes from a Secret or the environment is not made here.
    let gateway = source.role("gateway", None, Purpose::Keys).config()?;
    if gateway.door_token.is_empty() && token(&config.keys.join("door.token"))?.1 {
        made.push("door.token".to_owned());
    }
    let folder = config.keys.display();
    match made.as_slice() {
        [] => super::say(format!("密钥齐全 / every key is there: {folder}"))?,
        made => super::say(format!("已生成 / made in {folder}: {}", made.join(" ")))?,
    }
    if let Some(code) = ensure_backup(&config.keys)? {
        super::say(format!("密钥备份 / key backup: {}", keyring::sealed(&config.keys).display()))?;
        super::say(format!("恢复码 / recovery code: {}", code.display()))?;
        super::say("请把两者移到别处分开保管 / take both away from here, and keep them apart")?;
    }
    Ok(())
}
