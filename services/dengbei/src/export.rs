//! `dengbei export-ocfl --from SITE --to DIR`: a site's packs as one OCFL 1.1 storage root, as
//! `tar --keep-newer-files` over the packs in any order would give it. Needs no server.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use dengbei_ocfl::PackReader;

/// What to export.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// 备份点目录(如 DIR/sites/primary) / a site's folder
    #[arg(long)]
    pub(crate) from: PathBuf,
    /// 输出目录，应为空 / where to, empty or not there yet
    #[arg(long)]
    pub(crate) to: PathBuf,
}

/// Exports every pack of the site; each is verified whole before its objects are written.
///
/// # Errors
/// When a pack is damaged (nothing of it is written) or a file cannot be written.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let occupied = args.to.is_dir() && fs::read_dir(&args.to)?.next().is_some();
    anyhow::ensure!(!occupied, "输出目录不为空 / the folder is not empty: {}", args.to.display());
    fs::create_dir_all(&args.to)?;
    let packs = packs_of(&args.from)?;
    anyhow::ensure!(!packs.is_empty(), "没有存储包 / there are no packs: {}", args.from.display());
    for pack in &packs {
        let report = PackReader::open(io::BufReader::new(File::open(pack)?))?.verify()?;
        anyhow::ensure!(
            report.is_sound(),
            "存储包损坏 / damaged pack {}: {:?}",
            pack.display(),
            report.findings
        );
        unpack(pack, &args.to).with_context(|| format!("{}", pack.display()))?;
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

/// The site's packs, every area, in order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn packs_of(site: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = site.join("packs");
    let mut packs = Vec::new();
    if !folder.is_dir() {
        return Ok(packs);
    }
    for area in fs::read_dir(folder)? {
        let area = area?.path();
        if area.is_dir() {
            for pack in fs::read_dir(area)? {
                packs.push(pack?.path());
            }
        }
    }
    packs.retain(|p| p.extension().is_some_and(|e| e == "tar"));
    packs.sort();
    Ok(packs)
}

fn unpack(pack: &Path, root: &Path) -> anyhow::Result<()> {
    let mut archive = tar::Archive::new(io::BufReader::new(File::open(pack)?));
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
