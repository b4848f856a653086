//! `dengbei export-ocfl --from SITE --to DIR`: a site's packs as one OCFL 1.1 storage root, as
//! `tar --keep-newer-files` over the packs in any order would give it. Needs no server of ours.

use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use dengbei_kit::{S3, SiteStorage};
use dengbei_vault::{PackName, Site};
use tokio::task::block_in_place;

const BUFFER: usize = 256 * 1024;

/// What to export.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// 备份点：目录（如 DIR/sites/primary）或 s3://桶/前缀 / a site: a folder, or s3://bucket/prefix
    #[arg(long)]
    pub(crate) from: SiteStorage,
    /// 输出目录，应为空 / where to, empty or not there yet
    #[arg(long)]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    s3: S3Args,
}

/// How a bucket is reached; secrets come from the environment alone.
#[derive(Debug, Clone, clap::Args)]
struct S3Args {
    /// 对象存储地址 / URL of the object store, for s3://
    #[arg(long, env = "DENGBEI_S3__ENDPOINT", default_value = "")]
    s3_endpoint: String,
    #[arg(long, env = "DENGBEI_S3__REGION", default_value = "us-east-1", hide = true)]
    s3_region: String,
    #[arg(long, env = "DENGBEI_S3__ACCESS_KEY", default_value = "", hide = true)]
    s3_access_key: String,
    #[arg(long, env = "DENGBEI_S3__SECRET_KEY", default_value = "", hide = true)]
    s3_secret_key: String,
    #[arg(long, env = "DENGBEI_S3__ALLOW_HTTP", hide = true)]
    s3_allow_http: bool,
}

impl From<S3Args> for S3 {
    fn from(args: S3Args) -> Self {
        Self {
            endpoint: args.s3_endpoint,
            region: args.s3_region,
            access_key: args.s3_access_key.into(),
            secret_key: args.s3_secret_key.into(),
            allow_http: args.s3_allow_http,
        }
    }
}

/// Exports every pack of the site; each is verified whole before its objects are written.
///
/// # Errors
/// When a pack is damaged (nothing of it is written) or a file cannot be written.
pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<()> {
    let occupied = args.to.is_dir() && fs::read_dir(&args.to)?.next().is_some();
    anyhow::ensure!(!occupied, "输出目录不为空 / the folder is not empty: {}", args.to.display());
    fs::create_dir_all(&args.to)?;
    let site = Site::look(&args.from, Some(&args.s3.into()))?;
    let packs = crate::fsck::packs_of(&site).await?;
    anyhow::ensure!(!packs.is_empty(), "没有存储包 / there are no packs: {}", args.from);
    for pack in &packs {
        let report = site.verify_pack(pack).await?;
        anyhow::ensure!(report.is_sound(), "存储包损坏 / damaged pack {pack}: {:?}", report.findings);
        block_in_place(|| unpack(&site, pack, &args.to)).with_context(|| pack.to_string())?;
    }
    let mut out = io::stdout();
    writeln!(
        out,
        "已导出 {} 个存储包 / {} packs exported to {}",
        packs.len(),
        packs.len(),
        args.to.display()
    )?;
    Ok(())
}

fn unpack(site: &Site, pack: &PackName, root: &Path) -> anyhow::Result<()> {
    let mut archive = tar::Archive::new(BufReader::with_capacity(BUFFER, site.open_file(pack)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = root.join(entry.path()?.components().as_path());
        anyhow::ensure!(
            path.starts_with(root) && !has_parent_steps(&entry.path()?),
            "unsafe path {}",
            path.display()
        );
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
        if fs::metadata(&path).and_then(|m| m.modified()).is_ok_and(|there| there >= written) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&path)?;
        io::copy(&mut entry, &mut file)?;
        file.set_modified(written)?;
    }
    Ok(())
}

fn has_parent_steps(path: &Path) -> bool {
    path.components().any(|c| !matches!(c, std::path::Component::Normal(_)))
}
