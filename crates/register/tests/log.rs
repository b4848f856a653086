//! The log as a whole, on every storage: what is written, what survives a crash, what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::error::Error as _;

use bytes::Bytes;
use common::{entries, grow, signer};
use dengbei_register::{
    EMPTY_ROOT, LocalTiles, LogError, LogReader, LogWriter, MemoryTiles, ReadError, StorageError, TilePath,
    Tiles, leaf_hash, root, verify_consistency, verify_inclusion,
};

fn path(text: &str) -> TilePath {
    text.parse().unwrap()
}

fn names(storage: &MemoryTiles) -> Vec<String> {
    storage.tiles().keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn contract_holds_in_memory() {
    storage_contract(MemoryTiles::default()).await;
    log_contract(MemoryTiles::default()).await;
}

#[tokio::test]
async fn contract_holds_on_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    storage_contract(LocalTiles::new(folder.path().join("a/b/storage"))).await;
    log_contract(LocalTiles::new(folder.path().join("log"))).await;
    let again = LocalTiles::new(folder.path().join("log"));
    let writer = LogWriter::open(again, signer().verifier()).await.unwrap();
    assert_eq!(writer.size(), 1000);
}

async fn storage_contract(storage: impl Tiles) {
    let (partial, full) = (path("tile/0/x001/000.p/7"), path("tile/0/x001/000"));
    let bytes = Bytes::from_static(b"some hashes");
    assert_eq!(storage.read(partial).await.unwrap(), None);
    assert_eq!(storage.read_checkpoint().await.unwrap(), None);
    for _ in 0..2 {
        storage.write_durable(vec![(partial, bytes.clone()), (full, bytes.clone())]).await.unwrap();
    }
    assert_eq!(storage.read(partial).await.unwrap(), Some(bytes.clone()));

    let (other, new) = (Bytes::from_static(b"others"), path("tile/1/000.p/1"));
    let refused = storage.write_durable(vec![(new, bytes.clone()), (full, other)]).await;
    assert!(matches!(refused, Err(StorageError::Conflict(path)) if path == full));
    assert_eq!(storage.read(new).await.unwrap(), None, "a conflict changes nothing");

    for _ in 0..2 {
        storage.drop_partials(vec![full]).await.unwrap();
    }
    assert_eq!(storage.read(partial).await.unwrap(), None);
    assert_eq!(storage.read(full).await.unwrap(), Some(bytes));
    for text in ["one", "two"] {
        storage.publish(text.into()).await.unwrap();
        assert_eq!(storage.read_checkpoint().await.unwrap(), Some(Bytes::from(text)));
    }
}

async fn log_contract(storage: impl Tiles) {
    let reader = grow(storage, &[1, 3, 255, 256, 300, 512, 1000]).await;
    let opened = reader.checkpoint(signer().verifier(), &[]).await.unwrap().unwrap().checkpoint;
    let leaves: Vec<_> = entries(0..1000).iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!((opened.size(), opened.root()), (1000, root(&leaves)));
    assert_eq!(reader.entries(0..1000, 1000).await.unwrap(), entries(0..1000));
    assert_eq!(reader.entries(255..257, 1000).await.unwrap(), entries(255..257));
    assert!(reader.entries(999..1001, 1000).await.is_err());
    for size in [1, 3, 255, 256, 300, 512, 1000] {
        assert_eq!(reader.root_at(size).await.unwrap(), root(&leaves[..size as usize]), "{size}");
    }
    let audit = reader.audit(&opened).await.unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    assert_eq!((audit.size, audit.entries), (1000, 1000));
}

#[tokio::test]
async fn proofs_from_tiles_prove_every_leaf_and_every_prefix() {
    let ends = [1u64, 2, 70, 256, 257, 511, 700];
    let reader = grow(MemoryTiles::default(), &ends).await;
    for size in ends {
        let top = reader.root_at(size).await.unwrap();
        for index in 0..size {
            let leaf = reader.leaf(index, size).await.unwrap();
            let path = reader.inclusion_proof(index, size).await.unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &path, &top), Ok(()), "{index} of {size}");
        }
        for old in 0..=size {
            let (proof, from) = (
                reader.consistency_proof(old, size).await.unwrap(),
                reader.root_of_prefix(old, size).await.unwrap(),
            );
            assert_eq!(verify_consistency(old, size, &proof, &from, &top), Ok(()), "{old} in {size}");
        }
        assert!(matches!(reader.inclusion_proof(size, size).await, Err(ReadError::OutOfRange(_))));
        assert!(matches!(reader.consistency_proof(size + 1, size).await, Err(ReadError::OutOfRange(_))));
    }
}

#[tokio::test]
async fn log_of_70_000_has_the_tiles_that_the_specification_names() {
    let storage = MemoryTiles::default();
    let reader = grow(storage.clone(), &[65_000, 70_000]).await;
    let is_hashes = |name: &String, level: u8| name.starts_with(&format!("tile/{level}/"));
    let names = names(&storage);
    let of_level = |level| names.iter().filter(|name| is_hashes(name, level)).collect::<Vec<_>>();
    assert_eq!(of_level(0).len(), 274);
    assert!(
        names.contains(&"tile/0/273.p/112".to_owned())
            && names.contains(&"tile/entries/273.p/112".to_owned())
    );
    assert_eq!(of_level(1), ["tile/1/000", "tile/1/001.p/17"]);
    assert_eq!(of_level(2), ["tile/2/000.p/1"]);
    let (leaf, top) = (reader.leaf(65_536, 70_000).await.unwrap(), reader.root_at(70_000).await.unwrap());
    let path = reader.inclusion_proof(65_536, 70_000).await.unwrap();
    assert_eq!(verify_inclusion(&leaf, 65_536, 70_000, &path, &top), Ok(()));
}

#[tokio::test]
async fn batches_cut_differently_end_in_the_same_log() {
    let (one, many) = (MemoryTiles::default(), MemoryTiles::default());
    grow(one.clone(), &[600]).await;
    grow(many.clone(), &[10, 255, 256, 256, 511, 513, 600]).await;
    let final_tiles = |storage: &MemoryTiles| {
        let mut tiles = storage.tiles();
        let last = ["tile/0/002.p/88", "tile/entries/002.p/88", "tile/1/000.p/2"].map(path);
        tiles.retain(|path, _| path.is_full() || last.contains(path));
        tiles
    };
    assert_eq!(final_tiles(&one), final_tiles(&many));
    assert_eq!(one.read_checkpoint().await.unwrap(), many.read_checkpoint().await.unwrap());
}

#[tokio::test]
async fn appending_again_after_a_crash_gives_the_same_tiles() {
    let storage = MemoryTiles::default();
    grow(storage.clone(), &[200]).await;
    let published = storage.read_checkpoint().await.unwrap();
    let mut crashed = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    crashed.append(&entries(200..700)).await.unwrap();
    let (tiles, top) = (storage.tiles(), crashed.root());
    drop(crashed);

    let mut writer = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    assert_eq!(writer.size(), 200, "what was not published is appended again");
    assert_eq!(storage.read_checkpoint().await.unwrap(), published);
    assert_eq!(writer.append(&entries(200..700)).await.unwrap(), 200..700);
    assert_eq!((storage.tiles(), writer.root()), (tiles, top));
    writer.checkpoint(&signer()).await.unwrap();
    let reader = LogReader::new(storage);
    let opened = reader.checkpoint(signer().verifier(), &[]).await.unwrap().unwrap().checkpoint;
    assert!(reader.audit(&opened).await.unwrap().is_clean());
}

#[tokio::test]
async fn appending_again_in_other_batches_on_a_directory_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalTiles::new(folder.path());
    grow(storage.clone(), &[200]).await;
    let mut crashed = LogWriter::open(storage, signer().verifier()).await.unwrap();
    crashed.append(&entries(200..700)).await.unwrap();
    drop(crashed);
    let full = std::fs::read(folder.path().join("tile/entries/001")).unwrap();

    let reader = grow(LocalTiles::new(folder.path()), &[230, 512, 700]).await;
    assert_eq!(std::fs::read(folder.path().join("tile/entries/001")).unwrap(), full);
    let opened = reader.checkpoint(signer().verifier(), &[]).await.unwrap().unwrap().checkpoint;
    assert!(reader.audit(&opened).await.unwrap().is_clean());
    assert_eq!(std::fs::read_dir(folder.path().join(".writing")).unwrap().count(), 0);
}

#[tokio::test]
async fn appending_other_entries_after_a_crash_is_refused() {
    let storage = MemoryTiles::default();
    let mut crashed = LogWriter::open_at(storage.clone(), 0).await.unwrap();
    crashed.append(&entries(0..300)).await.unwrap();
    let before = storage.tiles();
    let mut writer = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    let refused = writer.append(&entries(1..301)).await;
    assert!(matches!(refused, Err(LogError::Storage(StorageError::Conflict(_)))));
    assert_eq!((storage.tiles(), writer.size()), (before, 0));
}

#[tokio::test]
async fn checkpoint_never_goes_back_and_never_forks() {
    let storage = MemoryTiles::default();
    grow(storage.clone(), &[10, 20]).await;
    let mut behind = LogWriter::open_at(storage.clone(), 10).await.unwrap();
    let refused = behind.checkpoint(&signer()).await;
    assert!(matches!(refused, Err(LogError::Behind { published: 20, size: 10 })));

    let other = MemoryTiles::default();
    let mut forked = LogWriter::open_at(other.clone(), 0).await.unwrap();
    forked.append(&entries(100..130)).await.unwrap();
    other.publish(storage.read_checkpoint().await.unwrap().unwrap()).await.unwrap();
    assert!(matches!(forked.checkpoint(&signer()).await, Err(LogError::Forked { published: 20 })));
    let refused = LogWriter::open(other, signer().verifier()).await;
    assert!(matches!(refused, Err(LogError::Read(_) | LogError::Forked { .. })), "{refused:?}");
}

#[tokio::test]
async fn checkpoint_of_a_prefix_published_by_another_writer_is_agreed_to() {
    let storage = MemoryTiles::default();
    let mut writer = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    assert_eq!(writer.root(), EMPTY_ROOT);
    let empty = writer.checkpoint(&signer()).await.unwrap();
    assert_eq!(writer.checkpoint(&signer()).await.unwrap(), empty);
    writer.append(&entries(0..10)).await.unwrap();
    let mut early = LogWriter::open_at(storage.clone(), 10).await.unwrap();
    writer.append(&entries(10..300)).await.unwrap();
    early.checkpoint(&signer()).await.unwrap();
    let bytes = writer.checkpoint(&signer()).await.unwrap();
    assert_eq!(storage.read_checkpoint().await.unwrap(), Some(bytes));
}

#[tokio::test]
async fn only_tiles_that_change_are_written_and_replaced_partials_go() {
    let storage = MemoryTiles::default();
    let mut writer = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    writer.append(&entries(0..260)).await.unwrap();
    let level_1 = path("tile/1/000.p/1");
    storage.overwrite(level_1, None);
    writer.append(&entries(260..300)).await.unwrap();
    assert!(!storage.tiles().contains_key(&level_1), "level 1 did not change");
    writer.append(&entries(300..512)).await.unwrap();
    let expected = ["tile/entries/000", "tile/entries/001", "tile/0/000", "tile/0/001", "tile/1/000.p/2"];
    assert_eq!(names(&storage), expected);
}

#[tokio::test]
async fn entry_over_16_bits_is_refused_before_anything_is_written() {
    let storage = MemoryTiles::default();
    let mut writer = LogWriter::open(storage.clone(), signer().verifier()).await.unwrap();
    let refused = writer.append(&[Bytes::new(), Bytes::from(vec![0; 65_536])]).await;
    assert!(matches!(refused, Err(LogError::EntryTooLong { position: 1, length: 65_536 })));
    assert_eq!((writer.size(), storage.tiles().len()), (0, 0));
    assert_eq!(writer.append(&[]).await.unwrap(), 0..0);
    writer.append(&[Bytes::from(vec![0; 65_535])]).await.unwrap();
}

#[tokio::test]
async fn damage_at_the_edge_is_noticed_when_the_log_is_taken_up() {
    for (name, damaged) in [
        ("tile/0/001.p/44", Some(Bytes::from(vec![1; 44 * 32]))),
        ("tile/0/001.p/44", Some(Bytes::from_static(b"short"))),
        ("tile/1/000.p/1", Some(Bytes::from(vec![1; 32]))),
        ("tile/entries/001.p/44", Some(Bytes::from_static(b"\0"))),
        ("tile/entries/001.p/44", None),
    ] {
        let storage = MemoryTiles::default();
        grow(storage.clone(), &[300]).await;
        storage.overwrite(path(name), damaged);
        assert!(LogWriter::open(storage, signer().verifier()).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn dropped_write_leaves_the_writer_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::open(LocalTiles::new(folder.path()), signer().verifier()).await.unwrap();
    {
        let batch = entries(0..1000);
        let append = std::pin::pin!(writer.append(&batch));
        let polled_once = futures_poll_once(append);
        assert!(polled_once, "the write is under way when it is dropped");
    }
    assert_eq!(writer.size(), 0);
    assert_eq!(writer.append(&entries(0..1000)).await.unwrap(), 0..1000);
    writer.checkpoint(&signer()).await.unwrap();
    let reader = LogReader::new(writer.into_storage());
    assert_eq!(reader.root_at(1000).await.unwrap(), reader.root_of_prefix(1000, 1000).await.unwrap());
}

/// Polls once; whether the future is still pending.
fn futures_poll_once(future: std::pin::Pin<&mut impl Future>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.poll(&mut context).is_pending()
}

#[tokio::test]
async fn storage_that_fails_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tile"), "a file where a folder should be").unwrap();
    let mut writer = LogWriter::open_at(LocalTiles::new(folder.path()), 0).await.unwrap();
    let error = writer.append(&entries(0..1)).await.unwrap_err();
    let storage = error.source().unwrap();
    assert!(storage.to_string().contains("tile/entries/000.p/1"), "{storage}");
    assert!(storage.source().is_some());
}

#[tokio::test]
async fn dropped_publish_never_replaces_a_newer_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalTiles::new(folder.path());
    for round in 0..50 {
        let newer = Bytes::from(format!("newer {round}"));
        assert!(futures_poll_once(std::pin::pin!(storage.publish(Bytes::from_static(b"older")))));
        storage.publish(newer.clone()).await.unwrap();
        assert_eq!(storage.read_checkpoint().await.unwrap(), Some(newer));
    }
}

#[tokio::test]
async fn what_a_killed_process_left_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".writing")).unwrap();
    std::fs::write(folder.path().join(".writing/7"), "torn").unwrap();
    let reader = grow(LocalTiles::new(folder.path()), &[300]).await;
    assert_eq!(std::fs::read_dir(folder.path().join(".writing")).unwrap().count(), 0);
    let opened = reader.checkpoint(signer().verifier(), &[]).await.unwrap().unwrap().checkpoint;
    assert!(reader.audit(&opened).await.unwrap().is_clean());
}
