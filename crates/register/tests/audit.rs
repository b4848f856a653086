//! The audit names every kind of damage by its code and path, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bytes::{Bytes, BytesMut};
use common::{entries, grow, signer};
use dengbei_register::{Audit, Checkpoint, LogReader, MemoryTiles, TilePath, leaf_hash};
use proptest::prelude::*;

fn path(text: &str) -> TilePath {
    text.parse().unwrap()
}

async fn audit_after(damage: impl FnOnce(&MemoryTiles)) -> Audit {
    let storage = MemoryTiles::default();
    let reader = grow(storage.clone(), &[700]).await;
    let opened = reader.checkpoint(signer().verifier(), &[]).await.unwrap().unwrap();
    damage(&storage);
    reader.audit(&opened.checkpoint).await.unwrap()
}

fn found(audit: &Audit) -> Vec<(&str, &str)> {
    audit.findings.iter().map(|finding| (finding.code, finding.path.as_str())).collect()
}

/// Flips one bit of a tile.
fn flip(storage: &MemoryTiles, name: &str, position: usize) {
    let mut bytes = BytesMut::from(&storage.tiles()[&path(name)][..]);
    let position = position % bytes.len();
    bytes[position] ^= 1;
    storage.overwrite(path(name), Some(bytes.freeze()));
}

#[tokio::test]
async fn undamaged_log_is_clean() {
    assert_eq!(found(&audit_after(|_| {}).await), []);
}

#[tokio::test]
async fn missing_tiles_are_named() {
    for (name, code) in [
        ("tile/entries/001", "log.bundle_missing"),
        ("tile/entries/002.p/188", "log.bundle_missing"),
        ("tile/0/000", "log.tile_missing"),
        ("tile/0/002.p/188", "log.tile_missing"),
        ("tile/1/000.p/2", "log.tile_missing"),
    ] {
        let audit = audit_after(|storage| storage.overwrite(path(name), None)).await;
        assert_eq!(found(&audit), [(code, name)]);
    }
}

#[tokio::test]
async fn cut_tiles_are_named() {
    for (name, code) in [
        ("tile/entries/001", "log.bundle_malformed"),
        ("tile/0/002.p/188", "log.tile_malformed"),
        ("tile/1/000.p/2", "log.tile_malformed"),
    ] {
        let cut = |storage: &MemoryTiles| {
            let bytes = storage.tiles()[&path(name)].clone();
            storage.overwrite(path(name), Some(bytes.slice(..bytes.len() - 1)));
        };
        assert_eq!(found(&audit_after(cut).await), [(code, name)]);
    }
}

#[tokio::test]
async fn a_changed_entry_is_told_from_a_changed_hash() {
    for (name, code) in [
        ("tile/entries/001", "log.bundle_differs"),
        ("tile/entries/002.p/188", "log.bundle_differs"),
        ("tile/0/001", "log.tile_differs"),
        ("tile/0/002.p/188", "log.tile_differs"),
        ("tile/1/000.p/2", "log.tile_differs"),
    ] {
        // Byte 5 is the last of the first entry's text in a bundle, or within the first hash.
        let audit = audit_after(|storage| flip(storage, name, 5)).await;
        assert_eq!(found(&audit), [(code, name)]);
    }
}

#[tokio::test]
async fn an_entry_changed_with_its_hash_is_found_above() {
    let audit = audit_after(|storage| {
        let mut all = entries(256..512);
        all[7] = Bytes::from_static(b"another entry");
        let hashes: Vec<u8> = all.iter().flat_map(|entry| *leaf_hash(entry).as_bytes()).collect();
        storage.overwrite(path("tile/entries/001"), Some(dengbei_register::encode_bundle(&all).unwrap()));
        storage.overwrite(path("tile/0/001"), Some(hashes.into()));
    })
    .await;
    assert_eq!(found(&audit), [("log.tile_differs", "tile/1/000.p/2"), ("log.root_differs", "checkpoint")]);
}

#[tokio::test]
async fn another_history_is_found_at_the_checkpoint() {
    let reader = grow(MemoryTiles::default(), &[700]).await;
    let other = Checkpoint::new("dengbei/330681", 700, leaf_hash(b"another")).unwrap();
    assert_eq!(found(&reader.audit(&other).await.unwrap()), [("log.root_differs", "checkpoint")]);
    let empty = LogReader::new(MemoryTiles::default());
    let audit = empty.audit(&other).await.unwrap();
    let lost = ["log.bundle_missing", "log.tile_missing", "log.root_differs"];
    assert_eq!(audit.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), lost);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_flipped_bit_anywhere_is_found(tile: prop::sample::Index, position: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let audit = runtime.block_on(audit_after(|storage| {
            let names: Vec<_> = storage.tiles().into_keys().map(|path| path.to_string()).collect();
            flip(storage, &names[tile.index(names.len())], position);
        }));
        prop_assert!(!audit.is_clean());
    }
}
