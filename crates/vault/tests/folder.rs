//! What only a folder does: locks, leftovers of killed writers, crashes between two steps.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

mod backends;

use std::fs;
use std::path::Path;
use std::process::Command;

use backends::{name, put};
use dengbei_ocfl::PackError;
use dengbei_vault::Site;

fn incoming(folder: &Path) -> usize {
    fs::read_dir(folder.join("incoming")).unwrap().count()
}

/// Run by `a_killed_writer…` in a process of its own; alone it does nothing.
#[tokio::test]
async fn child_that_dies_while_writing() {
    let Ok(folder) = std::env::var("DENGBEI_TEST_SITE") else { return };
    let site = Site::in_folder(folder).unwrap();
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
    let site = Site::in_folder(folder.path()).unwrap();
    assert_eq!((incoming(folder.path()), site.digest(&name(1)).await.unwrap()), (0, None));
    assert!(!put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test]
async fn a_crash_between_naming_and_tidying_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = put(&Site::in_folder(folder.path()).unwrap(), 1, "一").await.unwrap();
    fs::hard_link(folder.path().join(name(1).path()), folder.path().join("incoming/left-over")).unwrap();
    let site = Site::in_folder(folder.path()).unwrap();
    assert_eq!(incoming(folder.path()), 0);
    assert_eq!(site.digest(&name(1)).await.unwrap(), Some((first.sha256, first.len)));
    assert!(put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test]
async fn opening_leaves_alone_what_another_process_is_writing() {
    let folder = tempfile::tempdir().unwrap();
    Site::in_folder(folder.path()).unwrap();
    let path = folder.path().join("incoming/being-written");
    let file = fs::File::create(&path).unwrap();
    file.lock().unwrap();
    Site::in_folder(folder.path()).unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn a_folder_that_is_only_looked_at_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::look(&folder.path().to_owned().into(), None).unwrap();
    assert_eq!(site.digest(&name(1)).await.unwrap(), None);
    assert!(site.areas().await.unwrap().is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
