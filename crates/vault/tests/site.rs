//! A site keeps what it acknowledged, whole, under a name that never changes its bytes.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use dengbei_ocfl::{ContentFile, ObjectBuilder, PackError, PackPlan, PackWriter, Stamp, User};
use dengbei_records::{AreaCode, PackNumber, Sha512, Timestamp};
use dengbei_vault::{PackName, Site, SiteError};
use futures::TryStreamExt as _;

fn area() -> AreaCode {
    "330382".parse().unwrap()
}

fn name(number: u64) -> PackName {
    PackName::first(area(), PackNumber::new(number))
}

fn writer(number: u64, text: &str) -> PackWriter {
    let user = User { name: "登记".into(), address: "https://dengbei.example/".into() };
    let stamp = Stamp { created: Timestamp::from_millis(1_600_000_000_000), message: "归档".into(), user };
    let file = ContentFile::bytes("归档/记录.json", "record.json", text.to_owned()).unwrap();
    let version = ObjectBuilder::first("urn:uuid:1", stamp).unwrap().file(file).build().unwrap();
    PackWriter::new(PackPlan {
        area: area(),
        number: PackNumber::new(number),
        generation: 1,
        created: Timestamp::from_millis(1_700_000_000_000),
        labels: BTreeMap::new(),
        versions: vec![version],
    })
    .unwrap()
}

async fn put(
    site: &Site,
    number: u64,
    text: &str,
) -> Result<(dengbei_vault::StoredPack, dengbei_ocfl::PackSummary), SiteError> {
    let writer = writer(number, text);
    site.put_pack(&name(number), move |out| writer.write_in_memory(out)).await
}

fn incoming(folder: &Path) -> usize {
    fs::read_dir(folder.join("incoming")).unwrap().count()
}

#[tokio::test]
async fn a_stored_pack_is_listed_verified_and_read_by_range() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    assert!(site.list_packs(&area()).await.unwrap().packs.is_empty());
    let (stored, summary) = put(&site, 2, "二").await.unwrap();
    put(&site, 1, "一").await.unwrap();
    assert_eq!((stored.sha256, stored.len, stored.was_there), (summary.sha256, summary.len, false));
    let listing = site.list_packs(&area()).await.unwrap();
    assert_eq!(listing.packs.iter().map(|p| p.name.clone()).collect::<Vec<_>>(), [name(1), name(2)]);
    assert_eq!(listing.strangers, Vec::<String>::new());
    assert_eq!(site.digest(&name(2)).await.unwrap(), Some((stored.sha256, stored.len)));
    assert!(site.verify_pack(&name(2)).await.unwrap().is_sound());
    let range = summary.places[0].range.clone();
    let bytes = site.read_range(&name(2), range.clone()).await.unwrap();
    assert_eq!(bytes.len() as u64, range.end - range.start);
    let version = site.read_object_version(&name(2), range).await.unwrap();
    assert_eq!(version.logical("归档/记录.json").unwrap(), "二");
    let file = site.locate(&name(2), summary.places[0].range.clone()).await.unwrap().remove(0);
    let pieces: Vec<_> = site.stream(&name(2), file.range).try_collect().await.unwrap();
    assert_eq!((file.path.as_str(), Sha512::of(&pieces.concat())), ("v1/content/record.json", file.sha512));
    assert_eq!(site.open_pack(&name(2)).unwrap().catalogue().number, PackNumber::new(2));
    assert_eq!(incoming(folder.path()), 0);
}

#[tokio::test]
async fn the_same_pack_again_is_success_and_other_bytes_are_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    let (first, _) = put(&site, 1, "一").await.unwrap();
    let (again, _) = put(&site, 1, "一").await.unwrap();
    assert!(again.was_there && again.sha256 == first.sha256);
    let refused = put(&site, 1, "壹").await.unwrap_err();
    assert!(
        matches!(&refused, SiteError::Conflict { existing, .. } if *existing == first.sha256),
        "{refused}"
    );
    assert_eq!(site.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
    assert_eq!(incoming(folder.path()), 0);
}

#[tokio::test]
async fn of_many_writers_of_one_pack_one_is_first_and_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    let puts = (0..8).map(|_| put(&site, 1, "一"));
    let done = futures::future::join_all(puts).await;
    assert_eq!(done.iter().filter(|d| !d.as_ref().unwrap().0.was_there).count(), 1);
}

#[tokio::test]
async fn a_writer_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    let pack = name(1);
    let failed = site.put_pack(&pack, |out| {
        out.write_all(b"half a pack")?;
        Err::<(), _>(PackError::Plan("no".into()))
    });
    assert!(matches!(failed.await, Err(SiteError::Pack(PackError::Plan(_)))));
    assert_eq!((incoming(folder.path()), site.digest(&name(1)).await.unwrap()), (0, None));
}

/// Run by `a_killed_writer…` in a process of its own; alone it does nothing.
#[tokio::test]
async fn child_that_dies_while_writing() {
    let Ok(folder) = std::env::var("DENGBEI_TEST_SITE") else { return };
    let site = Site::open(folder).unwrap();
    let pack = name(1);
    let dies = site.put_pack(&pack, |out| -> Result<(), PackError> {
        out.write_all(&vec![1; 3 << 20])?;
        std::process::abort();
    });
    let _ = dies.await;
}

#[tokio::test]
async fn a_killed_writer_leaves_no_pack_and_its_rest_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child_that_dies_while_writing"]).env("DENGBEI_TEST_SITE", folder.path());
    assert!(!child.output().unwrap().status.success());
    assert_eq!(incoming(folder.path()), 1);
    let site = Site::open(folder.path()).unwrap();
    assert_eq!((incoming(folder.path()), site.digest(&name(1)).await.unwrap()), (0, None));
    assert!(!put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test]
async fn a_crash_between_naming_and_tidying_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = put(&Site::open(folder.path()).unwrap(), 1, "一").await.unwrap();
    fs::hard_link(folder.path().join(name(1).path()), folder.path().join("incoming/left-over")).unwrap();
    let site = Site::open(folder.path()).unwrap();
    assert_eq!(incoming(folder.path()), 0);
    assert_eq!(site.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
    assert!(put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test]
async fn opening_leaves_alone_what_another_process_is_writing() {
    let folder = tempfile::tempdir().unwrap();
    Site::open(folder.path()).unwrap();
    let path = folder.path().join("incoming/being-written");
    let file = fs::File::create(&path).unwrap();
    file.lock().unwrap();
    Site::open(folder.path()).unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn a_damaged_pack_is_found_set_aside_and_can_be_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    let (good, summary) = put(&site, 1, "一").await.unwrap();
    let path = folder.path().join(name(1).path());
    let mut bytes = fs::read(&path).unwrap();
    let last = summary.places[0].range.end as usize - 512;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
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
    assert!(folder.path().join(&aside).exists());
    let note = fs::read_to_string(folder.path().join(format!("{aside}.reason.json"))).unwrap();
    assert!(note.contains("摘要不符"), "{note}");
    assert!(!put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    assert!(matches!(site.read_range(&name(9), 0..1).await, Err(SiteError::NotFound(_))));
    assert!(matches!(site.open_pack(&name(9)), Err(SiteError::NotFound(_))));
    let at = Timestamp::from_millis(0);
    assert!(matches!(site.quarantine(&name(9), "", at).await, Err(SiteError::NotFound(_))));
    put(&site, 1, "一").await.unwrap();
    let beyond = site.read_range(&name(1), 0..1 << 40).await;
    assert!(matches!(beyond, Err(SiteError::Unavailable(_))));
}

#[tokio::test]
async fn a_file_that_is_no_pack_is_listed_as_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    put(&site, 1, "一").await.unwrap();
    fs::write(folder.path().join("packs/330382/readme.txt"), "?").unwrap();
    let listing = site.list_packs(&area()).await.unwrap();
    assert_eq!((listing.packs.len(), listing.strangers), (1, vec!["packs/330382/readme.txt".to_owned()]));
}

#[tokio::test]
async fn a_read_back_gives_digest_length_and_the_root_of_this_packs_catalogue_alone() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    assert_eq!(site.read_back(&name(1)).await.unwrap(), None);
    let (stored, summary) = put(&site, 1, "一").await.unwrap();
    assert_eq!(stored.versions_root, Some(summary.versions_root));
    let read = site.read_back(&name(1)).await.unwrap().unwrap();
    assert_eq!(
        (read.sha256, read.len, read.versions_root),
        (stored.sha256, stored.len, stored.versions_root)
    );
    // The same bytes under another pack's name are not that pack.
    fs::copy(folder.path().join(name(1).path()), folder.path().join(name(2).path())).unwrap();
    let other = site.read_back(&name(2)).await.unwrap().unwrap();
    assert_eq!((other.sha256, other.versions_root), (stored.sha256, None));
    // A byte of the catalogue: the digest is still that of every byte.
    let path = folder.path().join(name(1).path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[600] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let damaged = site.read_back(&name(1)).await.unwrap().unwrap();
    assert_eq!(damaged.sha256, dengbei_records::Sha256::of(&bytes));
    assert_eq!((damaged.len, damaged.versions_root), (stored.len, None));
}

#[tokio::test]
async fn bytes_that_were_not_asked_for_never_get_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    let wanted = put(&site, 1, "一").await.unwrap().0.sha256;
    let other = writer(2, "二");
    let offer = move |out: &mut dyn std::io::Write| other.write_in_memory(out).map(drop);
    let pack = name(2);
    let refused = site.put_known_pack(&pack, wanted, offer).await.unwrap_err();
    assert!(matches!(refused, SiteError::NotWanted { .. }), "{refused}");
    assert_eq!((incoming(folder.path()), site.read_back(&name(2)).await.unwrap()), (0, None));
}

#[tokio::test]
async fn a_listing_goes_on_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(folder.path()).unwrap();
    for number in [3, 1, 7, 5] {
        put(&site, number, "文").await.unwrap();
    }
    fs::write(folder.path().join("packs/330382/readme.txt"), "?").unwrap();
    let numbers = |listed: Vec<dengbei_vault::ListedPack>| {
        listed.iter().map(|p| p.name.number.get()).collect::<Vec<_>>()
    };
    let first = site.list_from(&area(), PackNumber::new(0), 2).await.unwrap();
    assert_eq!(numbers(first), [1, 3]);
    let next = site.list_from(&area(), PackNumber::new(4), 2).await.unwrap();
    assert_eq!(numbers(next), [5, 7]);
    site.quarantine(&name(7), "damaged", Timestamp::from_millis(1)).await.unwrap();
    let holding = site.holding(&area()).await.unwrap();
    assert_eq!((holding.packs, holding.quarantined), (3, 1));
    assert!(site.list_from(&"110000".parse().unwrap(), PackNumber::new(0), 9).await.unwrap().is_empty());
}
