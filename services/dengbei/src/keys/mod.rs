//! A deployment's keys: made once, listed, sealed into a backup, restored, changed. Private halves never leave the key
//! folder but sealed. Used by `up`, `init` and `dengbei keys`; what single keys do is `kit::seals`.

mod backup;
mod list;
mod make;
mod pairs;
mod place;
mod rotate;
mod sealed;

use clap::Subcommand;

pub(crate) use backup::ensure as ensure_backup;
pub(crate) use make::{Making, token};

/// 密钥：清单、备份、恢复、更换 / keys: list, back up, restore, change
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// What keys there are, and whether the sealed backup covers them / 密钥清单与备份情况
    List(list::ListArgs),
    /// Seal every key into one file / 封存备份
    Backup(backup::BackupArgs),
    /// Open a sealed backup into an empty folder / 从封存备份恢复
    Restore(backup::RestoreArgs),
    /// Change a key or a token; what the old one signed stays valid / 更换密钥或令牌
    Rotate(rotate::RotateArgs),
}

/// `Ok(false)`: listed, and the backup does not cover everything.
///
/// # Errors
/// By what the operator can do; nothing is half written.
pub(crate) fn run(keys: Keys) -> anyhow::Result<bool> {
    match keys {
        Keys::List(args) => list::run(&args),
        Keys::Backup(args) => backup::run(&args).map(|()| true),
        Keys::Restore(args) => backup::restore(&args).map(|()| true),
        Keys::Rotate(args) => rotate::run(&args).map(|()| true),
    }
}
