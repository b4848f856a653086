//! Packages as real platforms write them: from the project's shared samples where those lie beside the
//! checkout, else from `dengbei sample`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::binary;

/// A folder of packages, removed when dropped.
#[derive(Debug)]
pub struct Samples {
    folder: tempfile::TempDir,
    /// Whether they come from the shared samples.
    pub are_shared: bool,
}

impl Samples {
    /// The folder: `matters.json`, `batch-NNNN/`, `mutants/`, …
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The batch folders, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn batches(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.path())?.flatten().map(|entry| entry.path());
        let is_batch =
            |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("batch-"));
        let mut batches: Vec<_> = entries.filter(is_batch).collect();
        batches.sort();
        Ok(batches)
    }
}

/// Writes `count` good packages; `args` go to the generator (`--mutants`, `--zip`, `--seed N`).
///
/// # Errors
/// When the generator fails; its own words are in the error.
pub fn samples(count: u32, args: &[&str]) -> anyhow::Result<Samples> {
    let folder = tempfile::Builder::new().prefix("dengbei-samples-").tempdir()?;
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/make_packages.py");
    let are_shared = shared.exists();
    let mut command = if are_shared {
        let mut python = Command::new("python3");
        python.arg(&shared);
        python
    } else {
        let mut sample = Command::new(binary()?);
        sample.arg("sample");
        sample
    };
    command.arg("--out").arg(folder.path()).args(["--count", &count.to_string()]).args(args);
    let output = command.output().context("the generator of samples")?;
    anyhow::ensure!(output.status.success(), "samples: {}", String::from_utf8_lossy(&output.stderr));
    Ok(Samples { folder, are_shared })
}
