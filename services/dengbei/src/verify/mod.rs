//! `dengbei verify F --key K [--package DIR]`: checks an evidence receipt, and a package against it, or a sealed paper
//! (certificate, handover form), offline.
//!
//! Exit 0 only when everything holds. Needs no server.

mod paper;
mod receipt;

use std::path::PathBuf;

use anyhow::Context as _;

/// What to check.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VerifyArgs {
    /// 存证回执，或带章文件(证书、交接登记表)的数据 / a receipt, or the data of a sealed paper
    pub(crate) file: PathBuf,
    /// 公钥：登记簿公钥的文件或文本；文件的签章公钥文件或目录 / the register's key (file or text); for papers, a key file or a folder of them
    #[arg(long)]
    pub(crate) key: String,
    /// 导出的包：文件夹或OCFL对象 / an exported package: a folder of its files, or an OCFL object
    #[arg(long)]
    pub(crate) package: Option<PathBuf>,
    /// 忽略未知密钥的签名行 / accept signature lines whose key is not known
    #[arg(long)]
    pub(crate) ignore_unknown_signatures: bool,
    /// JSON输出 / JSON output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Checks and prints. `Ok(false)`: something does not hold.
///
/// # Errors
/// When a file or the key cannot be read.
pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<bool> {
    let bytes = std::fs::read(&args.file).with_context(|| format!("{}", args.file.display()))?;
    if paper::is_one(&bytes) { paper::check(&bytes, args) } else { receipt::check(&bytes, args) }
}
