//! What is sent: generated packages, zipped by fifties, one unit's each, as a platform sends them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::life::LifeArgs;
use crate::sample;

/// What is sent.
pub(super) struct Load {
    /// Zips of 50 packages: a batch is one unit's.
    pub(super) zips: Vec<PathBuf>,
    /// Packages that stay with their unit: kept for ten years.
    pub(super) staying: u64,
}

/// Generates and zips.
pub(super) fn generate(args: &LifeArgs, out: &Path) -> anyhow::Result<Load> {
    let sample = sample::SampleArgs {
        count: args.items,
        seed: 1,
        out: out.to_owned(),
        units: args.units,
        area: "330499".into(),
        file_kb: args.file_kb,
        files: Some(args.files),
        zip: false,
        mutants: false,
    };
    sample::write(&sample)?;
    let (mut zips, mut staying) = (Vec::new(), 0);
    let mut folders: Vec<_> =
        std::fs::read_dir(out)?.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    for folder in folders {
        let zip = folder.with_extension("zip");
        // The sender's number of a record says how long it is kept.
        let names = std::fs::read_dir(&folder)?.flatten().map(|e| e.file_name());
        staying += names.filter(|name| name.to_string_lossy().contains("-10年-")).count() as u64;
        zip_folder(&folder, &zip)?;
        std::fs::remove_dir_all(&folder)?;
        zips.push(zip);
    }
    Ok(Load { zips, staying })
}

fn zip_folder(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let mut zip = zip::ZipWriter::new(std::io::BufWriter::new(std::fs::File::create(to)?));
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)?.flatten() {
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            zip.start_file(name, sample::zip_options())?;
            zip.write_all(&std::fs::read(&path)?)?;
        }
    }
    zip.finish()?.flush()?;
    Ok(())
}
