//! Third-party cases from `../shared/suites`, when that folder stands beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use dengbei_register::proof_json::{Outcome, check_proof_file};
use dengbei_register::{
    Checkpoint, LocalTiles, LogReader, NodeHash, Tiles, Verifier, decode_bundle, leaf_hash, root,
    verify_consistency, verify_inclusion,
};

/// Unpacks a suite into a folder of its own; `None`, said in one line, when it is not there.
fn unpacked(archive: &str) -> Option<tempfile::TempDir> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites").join(archive);
    if !file.exists() {
        println!("skipped: {} is not there", file.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("xJf").arg(&file).arg("-C").arg(folder.path()).status().unwrap();
    assert!(tar.success());
    Some(folder)
}

fn table(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("visible/expected.tsv")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn merkle_proofs_get_the_verdicts_of_their_authors() {
    let Some(folder) = unpacked("merkle.tar.xz") else { return };
    let cases = table(folder.path());
    let mut wrong = Vec::new();
    for case in &cases {
        let file = std::fs::read(folder.path().join("visible").join(&case[0])).unwrap();
        let verdict = check_proof_file(&file);
        let expected = if case[1] == "ACCEPT" { Outcome::Valid } else { Outcome::Invalid };
        if verdict.outcome != expected {
            wrong.push(format!("{}: {verdict:?}", case[0]));
        }
    }
    println!("transparency-dev/merkle: {}/{}", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty() && cases.len() == 92, "{wrong:#?}");
}

#[tokio::test]
async fn tessera_log_verifies_at_every_checkpoint() {
    let Some(folder) = unpacked("tlog.tar.xz") else { return };
    let text = std::fs::read_to_string(folder.path().join("visible/expected.tsv")).unwrap();
    let key: Verifier = text.lines().next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let log = folder.path().join("visible/tessera-posix-log");
    let mut verified = 0;
    for case in table(folder.path()) {
        let (size, expected): (u64, NodeHash) = (case[1].parse().unwrap(), case[2].parse().unwrap());
        let bytes = std::fs::read(log.join(&case[0])).unwrap();
        let opened = Checkpoint::open(&bytes, &key, &[]).unwrap();
        assert_eq!((opened.checkpoint.size(), opened.checkpoint.root()), (size, expected), "{}", case[0]);
        assert!(opened.unknown.is_empty());
        check_tree(&log, &opened.checkpoint).await;
        verified += 1;
    }
    println!("transparency-dev/tessera: {verified}/16 checkpoints, their tiles and entries");
    assert_eq!(verified, 16);
    let newest = LogReader::new(LocalTiles::new(&log)).checkpoint(&key, &[]).await.unwrap().unwrap();
    assert_eq!(newest.checkpoint.size(), 15);
}

async fn check_tree(log: &Path, checkpoint: &Checkpoint) {
    let (reader, size) = (LogReader::new(LocalTiles::new(log)), checkpoint.size());
    let audit = reader.audit(checkpoint).await.unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    assert_eq!(reader.root_at(size).await.unwrap(), checkpoint.root());
    for index in 0..size {
        let entry = &reader.entries(index..index + 1, size).await.unwrap()[0];
        let path = reader.inclusion_proof(index, size).await.unwrap();
        assert_eq!(verify_inclusion(&leaf_hash(entry), index, size, &path, &checkpoint.root()), Ok(()));
        let (proof, old) = (
            reader.consistency_proof(index, size).await.unwrap(),
            reader.root_of_prefix(index, size).await.unwrap(),
        );
        assert_eq!(verify_consistency(index, size, &proof, &old, &checkpoint.root()), Ok(()));
    }
}

#[tokio::test]
async fn log_of_ours_over_the_entries_of_tessera_has_the_same_tiles() {
    let Some(folder) = unpacked("tlog.tar.xz") else { return };
    let log = folder.path().join("visible/tessera-posix-log");
    let bundle = Bytes::from(std::fs::read(log.join("tile/entries/000.p/15")).unwrap());
    let entries = decode_bundle(&bundle).unwrap();
    let ours = folder.path().join("ours");
    let mut writer = dengbei_register::LogWriter::open_at(LocalTiles::new(&ours), 0).await.unwrap();
    for entry in &entries {
        writer.append(std::slice::from_ref(entry)).await.unwrap();
    }
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(writer.root(), root(&leaves));
    let theirs = files(&log.join("tile"));
    assert_eq!(theirs.len(), 30);
    for file in theirs {
        let (their, our) = (log.join("tile").join(&file), ours.join("tile").join(&file));
        assert_eq!(std::fs::read(their).unwrap(), std::fs::read(our).unwrap(), "{}", file.display());
    }
    assert!(writer.storage().read_checkpoint().await.unwrap().is_none());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&inner)).unwrap() {
            let path = inner.join(entry.unwrap().file_name());
            if folder.join(&path).is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}
