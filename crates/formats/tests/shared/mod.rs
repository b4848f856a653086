//! Third-party cases that lie beside the checkout (`../shared/suites`), unpacked for a test.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Unpacks a suite; says in one line that it is not there, and is `None` then.
pub(crate) fn suite(name: &str) -> Option<tempfile::TempDir> {
    let archive = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites").join(name);
    if !archive.exists() {
        println!("skipped: {} is not there", archive.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("tar").arg("xJf").arg(archive).arg("-C").arg(folder.path()).status();
    assert!(status.unwrap().success());
    Some(folder)
}

/// The rows of a suite's table of expectations, field by field, without its head.
pub(crate) fn rows(folder: &Path) -> Vec<Vec<String>> {
    let tables = ["visible/expected.tsv", "visible/expected_puid.tsv"].map(|f| folder.join(f));
    let text = std::fs::read_to_string(tables.into_iter().find(|f| f.exists()).unwrap()).unwrap();
    let lines = text.lines().filter(|l| !l.starts_with('#')).skip(1);
    lines.map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}
