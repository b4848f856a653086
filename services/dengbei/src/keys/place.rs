//! Which key folder is meant: that of a data folder, or the one that a configuration names.

use std::path::{Path, PathBuf};

use dengbei_kit::config::{Purpose, Source};

/// One of the two.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// Data folder of `dengbei up` / 数据目录
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration of the roles / 配置文件
    #[arg(long, env = "DENGBEI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The door's token: beside the key folder where `up` made it, in it elsewhere.
    pub(super) fn door_token(&self, keys: &Path) -> PathBuf {
        self.data.as_ref().map_or_else(|| keys.join("door.token"), |data| data.join("token"))
    }

    /// The key folder, which must be there.
    pub(super) fn keys(&self) -> anyhow::Result<PathBuf> {
        let keys = match (&self.data, &self.config) {
            (Some(data), _) => data.join("keys"),
            (None, config) => {
                let source = Source::read(config.as_deref())?;
                source.role("registration", None, Purpose::Keys).config()?.keys
            }
        };
        anyhow::ensure!(keys.is_dir(), "这里没有密钥目录 / no key folder here: {}", keys.display());
        Ok(keys)
    }
}
