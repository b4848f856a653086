//! A site keeps what it acknowledged, whole, under a name that never changes its bytes: the same suite for a folder and
//! for a bucket.
#![allow(clippy::cognitive_complexity, reason = "a promise is told from beginning to end")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod backends;

use std::sync::Arc;

use backends::{BUCKET, Backend, area, large, name, put, writer};
use dengbei_ocfl::PackError;
use dengbei_records::{PackNumber, Sha256, Sha512, Timestamp};
use dengbei_register::{TilePath, Tiles as _, tile::TileKind};
use dengbei_testkit::Moto;
use dengbei_vault::SiteError;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;

type Clause = fn(Backend) -> BoxFuture<'static, ()>;

const CONTRACT: [(&str, Clause); 15] = [
    ("a stored pack is listed, verified and read by range", |b| Box::pin(stored(b))),
    ("the same pack again is success and other bytes are a conflict", |b| Box::pin(again(b))),
    ("of many writers of one pack one is first and all succeed", |b| Box::pin(many_writers(b))),
    ("of two writers of other bytes one has the name", |b| Box::pin(two_writers(b))),
    ("a large pack keeps the same promises", |b| Box::pin(large_pack(b))),
    ("a writer that fails leaves nothing", |b| Box::pin(failing_writer(b))),
    ("a damaged pack is found, set aside and can be put again", |b| Box::pin(damaged(b))),
    ("what is not there is not found", |b| Box::pin(missing(b))),
    ("a file that is no pack is listed as a stranger", |b| Box::pin(stranger(b))),
    ("a read back gives digest, length and the root of this pack's catalogue alone", |b| {
        Box::pin(read_back(b))
    }),
    ("bytes that were not asked for never get the name", |b| Box::pin(not_wanted(b))),
    ("a listing goes on where the last one ended", |b| Box::pin(listing(b))),
    ("a reader never mixes two packs", |b| Box::pin(replaced_while_read(b))),
    ("the log is written once and published last", |b| Box::pin(log(b))),
    ("opening again changes nothing", |b| Box::pin(reopened(b))),
];

#[tokio::test]
async fn a_folder_keeps_the_contract_of_a_site() {
    for (clause, holds) in CONTRACT {
        println!("{clause}");
        holds(Backend::folder()).await;
    }
}

#[tokio::test]
async fn a_bucket_keeps_the_contract_of_a_site() {
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else { return };
    let moto = Arc::new(moto);
    for (number, (clause, holds)) in CONTRACT.into_iter().enumerate() {
        println!("{clause}");
        holds(Backend::Bucket(moto.clone(), format!("clause/{number}"))).await;
    }
}

async fn stored(backend: Backend) {
    let site = backend.open().await;
    assert!(site.list_packs(&area()).await.unwrap().packs.is_empty());
    assert!(site.areas().await.unwrap().is_empty());
    let (stored, summary) = put(&site, 2, "二").await.unwrap();
    put(&site, 1, "一").await.unwrap();
    assert_eq!((stored.sha256, stored.len, stored.was_there), (summary.sha256, summary.len, false));
    let listing = site.list_packs(&area()).await.unwrap();
    assert_eq!(listing.packs.iter().map(|p| p.name.clone()).collect::<Vec<_>>(), [name(1), name(2)]);
    assert_eq!(listing.packs[1].len, summary.len);
    assert_eq!(listing.strangers, Vec::<String>::new());
    assert_eq!(site.areas().await.unwrap(), [area()]);
    assert_eq!(site.digest(&name(2)).await.unwrap(), Some((stored.sha256, stored.len)));
    assert_eq!(site.length(&name(2)).await.unwrap(), stored.len);
    assert!(site.verify_pack(&name(2)).await.unwrap().is_sound());
    let range = summary.places[0].range.clone();
    let bytes = site.read_range(&name(2), range.clone()).await.unwrap();
    assert_eq!(bytes.len() as u64, range.end - range.start);
    let version = site.read_object_version(&name(2), range).await.unwrap();
    assert_eq!(version.logical("归档/记录.json").unwrap(), "二");
    let file = site.locate(&name(2), summary.places[0].range.clone()).await.unwrap().remove(0);
    let pieces: Vec<_> = site.stream(&name(2), file.range).try_collect().await.unwrap();
    assert_eq!((file.path.as_str(), Sha512::of(&pieces.concat())), ("v1/content/record.json", file.sha512));
    let opened = site.clone();
    let opened = tokio::task::spawn_blocking(move || opened.open_pack(&name(2)).unwrap().catalogue().number);
    assert_eq!(opened.await.unwrap(), PackNumber::new(2));
    assert_eq!(backend.left_over().await, 0);
}

async fn again(backend: Backend) {
    let site = backend.open().await;
    let (first, _) = put(&site, 1, "一").await.unwrap();
    let (again, _) = put(&site, 1, "一").await.unwrap();
    assert!(again.was_there && again.sha256 == first.sha256);
    let refused = put(&site, 1, "壹").await.unwrap_err();
    assert!(
        matches!(&refused, SiteError::Conflict { existing, .. } if *existing == first.sha256),
        "{refused}"
    );
    assert_eq!(site.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
    assert_eq!(backend.left_over().await, 0);
}

async fn many_writers(backend: Backend) {
    let site = backend.open().await;
    let puts = (0..8).map(|_| put(&site, 1, "一"));
    let done = futures::future::join_all(puts).await;
    assert_eq!(done.iter().filter(|d| !d.as_ref().unwrap().0.was_there).count(), 1);
}

async fn two_writers(backend: Backend) {
    let site = backend.open().await;
    // Small packs are one request of a bucket, large ones several parts.
    for (number, texts) in [(1, ["一".to_owned(), "壹".to_owned()]), (2, [large("二"), large("贰")])] {
        let [one, other] = texts.map(|text| writer(number, &text));
        // The second has found the name free and written everything when the first comes and is done.
        let (written, is_written) = tokio::sync::oneshot::channel();
        let (go, may_go) = std::sync::mpsc::channel();
        let pack = name(number);
        let second = site.put_pack(&pack, move |out| {
            let summary = other.write_in_memory(out)?;
            written.send(()).unwrap();
            may_go.recv().unwrap();
            Ok(summary)
        });
        let first = async {
            is_written.await.unwrap();
            let first = site.put_pack(&pack, move |out| one.write_in_memory(out)).await;
            go.send(()).unwrap();
            first.unwrap().0
        };
        let (second, first) = tokio::join!(second, first);
        let refused = second.unwrap_err();
        assert!(
            matches!(refused, SiteError::Conflict { existing, .. } if existing == first.sha256),
            "{refused:?}"
        );
        assert_eq!(site.digest(&name(number)).await.unwrap().unwrap().0, first.sha256);
    }
    assert_eq!(backend.left_over().await, 0);
}

async fn large_pack(backend: Backend) {
    let site = backend.open().await;
    let text = large("大");
    let (stored, summary) = put(&site, 1, &text).await.unwrap();
    assert_eq!((stored.sha256, stored.len, stored.was_there), (summary.sha256, summary.len, false));
    assert_eq!(stored.versions_root, Some(summary.versions_root));
    assert!(site.verify_pack(&name(1)).await.unwrap().is_sound());
    assert!(put(&site, 1, &text).await.unwrap().0.was_there);
    let file = site.locate(&name(1), summary.places[0].range.clone()).await.unwrap().remove(0);
    let pieces: Vec<_> = site.stream(&name(1), file.range.clone()).try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 256 << 10));
    assert_eq!(Sha512::of(&pieces.concat()), file.sha512);
    site.quarantine(&name(1), "?", Timestamp::from_millis(5)).await.unwrap();
    let aside = backend.bytes("quarantine/330382-00000001.g1.tar.5").await.unwrap();
    assert_eq!((Sha256::of(&aside), site.digest(&name(1)).await.unwrap()), (stored.sha256, None));
    assert_eq!(backend.left_over().await, 0);
}

async fn failing_writer(backend: Backend) {
    let site = backend.open().await;
    for length in [11, 20 << 20] {
        let pack = name(1);
        let failed = site.put_pack(&pack, move |out| {
            out.write_all(&vec![1; length])?;
            Err::<(), _>(PackError::Plan("no".into()))
        });
        assert!(matches!(failed.await, Err(SiteError::Pack(PackError::Plan(_)))));
        assert_eq!((backend.left_over().await, site.digest(&name(1)).await.unwrap()), (0, None));
    }
}

async fn damaged(backend: Backend) {
    let site = backend.open().await;
    let (good, summary) = put(&site, 1, "一").await.unwrap();
    let mut bytes = backend.bytes(&name(1).path()).await.unwrap();
    let last = summary.places[0].range.end as usize - 512;
    bytes[last] ^= 1;
    let damaged = Sha256::of(&bytes);
    backend.overwrite(&name(1).path(), bytes).await;
    assert_ne!(site.digest(&name(1)).await.unwrap().unwrap().0, good.sha256);
    assert!(!site.verify_pack(&name(1)).await.unwrap().is_sound());
    let range = summary.places[0].range.clone();
    assert!(matches!(
        site.read_object_version(&name(1), range).await,
        Err(SiteError::Pack(PackError::Damaged(_)))
    ));
    let aside =
        site.quarantine(&name(1), "摘要不符", Timestamp::from_millis(1_700_000_000_123)).await.unwrap();
    assert_eq!(aside, "quarantine/330382-00000001.g1.tar.1700000000123");
    assert_eq!(Sha256::of(&backend.bytes(&aside).await.unwrap()), damaged);
    let note = backend.bytes(&format!("{aside}.reason.json")).await.unwrap();
    assert!(String::from_utf8(note).unwrap().contains("摘要不符"));
    assert!(!put(&site, 1, "一").await.unwrap().0.was_there);
}

async fn missing(backend: Backend) {
    let site = backend.open().await;
    assert!(matches!(site.read_range(&name(9), 0..1).await, Err(SiteError::NotFound(_))));
    assert!(matches!(site.length(&name(9)).await, Err(SiteError::NotFound(_))));
    assert!(matches!(site.verify_pack(&name(9)).await, Err(SiteError::NotFound(_))));
    assert!(matches!(site.locate(&name(9), 0..9).await, Err(SiteError::NotFound(_))));
    let opened = site.clone();
    let opened = tokio::task::spawn_blocking(move || opened.open_pack(&name(9)).map(drop));
    assert!(matches!(opened.await.unwrap(), Err(SiteError::NotFound(_))));
    let at = Timestamp::from_millis(0);
    assert!(matches!(site.quarantine(&name(9), "", at).await, Err(SiteError::NotFound(_))));
    put(&site, 1, "一").await.unwrap();
    let beyond = site.read_range(&name(1), 0..1 << 40).await;
    assert!(matches!(beyond, Err(SiteError::Unavailable(_))));
    let beyond = site.read_range(&name(1), 1 << 39..1 << 40).await;
    assert!(matches!(beyond, Err(SiteError::Unavailable(_))));
}

async fn stranger(backend: Backend) {
    let site = backend.open().await;
    put(&site, 1, "一").await.unwrap();
    backend.overwrite("packs/330382/readme.txt", b"?".to_vec()).await;
    let listing = site.list_packs(&area()).await.unwrap();
    assert_eq!((listing.packs.len(), listing.strangers), (1, vec!["packs/330382/readme.txt".to_owned()]));
}

async fn read_back(backend: Backend) {
    let site = backend.open().await;
    assert_eq!(site.read_back(&name(1)).await.unwrap(), None);
    let (stored, summary) = put(&site, 1, "一").await.unwrap();
    assert_eq!(stored.versions_root, Some(summary.versions_root));
    let read = site.read_back(&name(1)).await.unwrap().unwrap();
    assert_eq!(
        (read.sha256, read.len, read.versions_root),
        (stored.sha256, stored.len, stored.versions_root)
    );
    // The same bytes under another pack's name are not that pack.
    let mut bytes = backend.bytes(&name(1).path()).await.unwrap();
    backend.overwrite(&name(2).path(), bytes.clone()).await;
    let other = site.read_back(&name(2)).await.unwrap().unwrap();
    assert_eq!((other.sha256, other.versions_root), (stored.sha256, None));
    // A byte of the catalogue: the digest is still that of every byte.
    bytes[600] ^= 1;
    backend.overwrite(&name(1).path(), bytes.clone()).await;
    let damaged = site.read_back(&name(1)).await.unwrap().unwrap();
    assert_eq!(damaged.sha256, Sha256::of(&bytes));
    assert_eq!((damaged.len, damaged.versions_root), (stored.len, None));
}

async fn not_wanted(backend: Backend) {
    let site = backend.open().await;
    let wanted = put(&site, 1, "一").await.unwrap().0.sha256;
    for text in ["二".to_owned(), large("二")] {
        let other = writer(2, &text);
        let offer = move |out: &mut dyn std::io::Write| other.write_in_memory(out).map(drop);
        let pack = name(2);
        let refused = site.put_known_pack(&pack, wanted, offer).await.unwrap_err();
        assert!(matches!(refused, SiteError::NotWanted { .. }), "{refused}");
        assert_eq!((backend.left_over().await, site.read_back(&name(2)).await.unwrap()), (0, None));
    }
}

async fn listing(backend: Backend) {
    let site = backend.open().await;
    for number in [3, 1, 7, 5] {
        put(&site, number, "文").await.unwrap();
    }
    // Nine digits come before eight in the order of bytes.
    for number in [100_000_000, 99_999_999] {
        backend.overwrite(&name(number).path(), b"?".to_vec()).await;
    }
    backend.overwrite("packs/330382/readme.txt", b"?".to_vec()).await;
    let list = async |from: u64, limit: usize| {
        let listed = site.list_from(&area(), PackNumber::new(from), limit).await.unwrap();
        listed.iter().map(|p| p.name.number.get()).collect::<Vec<_>>()
    };
    assert_eq!(list(0, 2).await, [1, 3]);
    assert_eq!(list(4, 2).await, [5, 7]);
    assert_eq!(list(6, 9).await, [7, 99_999_999, 100_000_000]);
    assert_eq!(list(6, 2).await, [7, 99_999_999]);
    assert_eq!(list(99_999_999, 1).await, [99_999_999]);
    assert_eq!(list(100_000_000, 9).await, [100_000_000]);
    site.quarantine(&name(7), "damaged", Timestamp::from_millis(1)).await.unwrap();
    let holding = site.holding(&area()).await.unwrap();
    assert_eq!((holding.packs, holding.quarantined), (5, 1));
    assert!(site.list_from(&"110000".parse().unwrap(), PackNumber::new(0), 9).await.unwrap().is_empty());
}

async fn replaced_while_read(backend: Backend) {
    use std::io::Read as _;
    let site = backend.open().await;
    let (good, _) = put(&site, 1, &large("好")).await.unwrap();
    let (opened, pack) = (site.clone(), name(1));
    let begun = tokio::task::spawn_blocking(move || {
        let mut file = opened.open_file(&pack).unwrap();
        let mut first = vec![0; 1 << 10];
        file.read_exact(&mut first).unwrap();
        (file, first)
    });
    let (mut file, mut bytes) = begun.await.unwrap();
    site.quarantine(&name(1), "?", Timestamp::from_millis(1)).await.unwrap();
    backend.overwrite(&name(1).path(), vec![7; good.len as usize]).await;
    let read = tokio::task::spawn_blocking(move || file.read_to_end(&mut bytes).map(|_| Sha256::of(&bytes)));
    // A folder gives the old bytes, a bucket says that they are gone.
    if let Ok(digest) = read.await.unwrap() {
        assert_eq!(digest, good.sha256);
    }
}

async fn log(backend: Backend) {
    let site = backend.open().await;
    let tiles = site.log_tiles();
    let tile = |width: u16| TilePath::in_tree(TileKind::Hashes(0), 0, u64::from(width)).unwrap();
    assert_eq!(tiles.read(tile(2)).await.unwrap(), None);
    assert_eq!(tiles.read_checkpoint().await.unwrap(), None);
    let (two, three) = (bytes::Bytes::from(vec![2; 64]), bytes::Bytes::from(vec![3; 96]));
    tiles.write_durable(vec![(tile(2), two.clone())]).await.unwrap();
    tiles.write_durable(vec![(tile(2), two.clone()), (tile(3), three.clone())]).await.unwrap();
    let other = tiles.write_durable(vec![(tile(4), three.clone()), (tile(2), three.clone())]).await;
    assert!(matches!(other, Err(dengbei_register::StorageError::Conflict(path)) if path == tile(2)));
    assert_eq!(tiles.read(tile(2)).await.unwrap(), Some(two));
    assert_eq!(tiles.read(tile(4)).await.unwrap(), None, "nothing is changed where one differs");
    for text in ["1", "2"] {
        tiles.publish(bytes::Bytes::from(text)).await.unwrap();
        assert_eq!(tiles.read_checkpoint().await.unwrap().unwrap(), text);
    }
    site.set_tile_aside(tile(3), Timestamp::from_millis(9)).await.unwrap();
    assert_eq!(tiles.read(tile(3)).await.unwrap(), None);
    let aside = format!("quarantine/log-{}.9", tile(3).to_string().replace('/', "-"));
    assert_eq!(backend.bytes(&aside).await.unwrap(), three);
    tiles.drop_partials(vec![tile(2).full()]).await.unwrap();
    assert_eq!(tiles.read(tile(2)).await.unwrap(), None);
    tiles.drop_partials(vec![tile(2).full()]).await.unwrap();
}

async fn reopened(backend: Backend) {
    let (first, _) = put(&backend.open().await, 1, "一").await.unwrap();
    let site = backend.open().await;
    assert_eq!(site.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
    assert!(put(&site, 1, "一").await.unwrap().0.was_there);
    let free = site.free_bytes().await.unwrap();
    assert_eq!(free.is_some(), matches!(backend, Backend::Folder(_)), "a bucket does not say");
    let looked = dengbei_vault::Site::look(&backend.storage(), backend.s3().as_ref()).unwrap();
    assert_eq!(looked.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
}
