//! What only a bucket does: parts of killed writers, stores that refuse, do not answer, or do not keep their word.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

mod backends;

use std::process::Command;
use std::sync::Arc;

use backends::{BUCKET, Backend, large, name, put, s3};
use dengbei_kit::{S3, SiteStorage};
use dengbei_ocfl::PackError;
use dengbei_records::ErrorClass;
use dengbei_testkit::Moto;
use dengbei_vault::{Site, SiteError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn storage(prefix: &str) -> SiteStorage {
    SiteStorage::Bucket { bucket: BUCKET.to_owned(), prefix: prefix.to_owned() }
}

fn install_tls() {
    dengbei_kit::install_tls();
}

/// Run by tests in a process of its own; alone it does nothing. `dies`: it dies between two parts. Else it puts a pack
/// of 160 MB and says by how many KiB its memory grew.
#[tokio::test]
async fn child_that_writes() {
    let Ok(endpoint) = std::env::var("DENGBEI_TEST_ENDPOINT") else { return };
    install_tls();
    let dies = std::env::var("DENGBEI_TEST_DIES").is_ok();
    let prefix = if dies { "killed" } else { "much" };
    let site = Site::open(&storage(prefix), Some(&s3(&endpoint))).await.unwrap();
    let before = peak();
    let pack = name(1);
    let put = site.put_pack(&pack, move |out| {
        for mebibyte in 0..160 {
            out.write_all(&[7; 1 << 20])?;
            // The first part is there, the second on its way.
            if dies && mebibyte == 20 {
                std::process::abort();
            }
        }
        Ok::<_, PackError>(())
    });
    put.await.unwrap();
    println!("grew {}", peak() - before);
}

/// The most memory that this process ever had, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn child(moto: &Moto) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child_that_writes", "--nocapture"]).env("DENGBEI_TEST_ENDPOINT", moto.endpoint());
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_between_two_parts_leaves_no_pack_and_its_parts_are_swept() {
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else { return };
    let mut dying = child(&moto);
    let ended = tokio::task::spawn_blocking(move || dying.env("DENGBEI_TEST_DIES", "1").output().unwrap());
    assert!(!ended.await.unwrap().status.success());
    assert_eq!(moto.begun_uploads(BUCKET).await.unwrap(), ["killed/packs/330382/00000001.g1.tar"]);
    assert_eq!(moto.keys(BUCKET, "killed/packs").await.unwrap(), Vec::<String>::new());
    // moto says of every upload that it was begun in 2010.
    let site = Site::open(&storage("killed"), Some(&s3(&moto.endpoint()))).await.unwrap();
    assert_eq!(moto.begun_uploads(BUCKET).await.unwrap(), Vec::<String>::new());
    assert_eq!(site.digest(&name(1)).await.unwrap(), None);
    assert!(!put(&site, 1, "一").await.unwrap().0.was_there);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_pack_needs_little_memory() {
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else { return };
    let mut writing = child(&moto);
    let ended = tokio::task::spawn_blocking(move || writing.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said}");
    let grew = said.lines().find_map(|line| line.strip_prefix("grew ")).unwrap();
    let grew: u64 = grew.parse().unwrap();
    println!("a pack of 160 MiB: {grew} KiB more at the peak");
    assert!(grew < 64 << 10, "{grew} KiB for a pack of 160 MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_share_a_bucket_and_nothing_else() {
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else { return };
    let moto = Arc::new(moto);
    let (one, other) =
        (Backend::Bucket(moto.clone(), "a".into()), Backend::Bucket(moto.clone(), "a-b".into()));
    let (one, other) = (one.open().await, other.open().await);
    put(&one, 1, &large("甲")).await.unwrap();
    assert_eq!(other.digest(&name(1)).await.unwrap(), None);
    assert!(other.list_packs(&backends::area()).await.unwrap().packs.is_empty());
    let keys = moto.keys(BUCKET, "").await.unwrap();
    assert_eq!(keys, ["a-b/site.txt", "a/packs/330382/00000001.g1.tar", "a/site.txt"]);
    // Without a prefix the bucket is the site.
    moto.put("whole", Vec::new()).await.unwrap();
    let whole = SiteStorage::Bucket { bucket: "whole".into(), prefix: String::new() };
    let whole = Site::open(&whole, Some(&s3(&moto.endpoint()))).await.unwrap();
    put(&whole, 2, "二").await.unwrap();
    assert_eq!(whole.list_packs(&backends::area()).await.unwrap().packs.len(), 1);
    assert_eq!(moto.keys("whole", "").await.unwrap(), ["packs/330382/00000002.g1.tar", "site.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_said_to_be_missing() {
    let Some(moto) = Moto::start(&[]).await.unwrap() else { return };
    let opened = Site::open(&storage("p"), Some(&s3(&moto.endpoint()))).await;
    let error = opened.unwrap_err();
    assert!(matches!(error, SiteError::NotFound(_)), "{error:?}");
}

#[tokio::test]
async fn what_the_configuration_lacks_is_named() {
    let lacking = |change: fn(&mut S3)| {
        let mut s3 = s3("http://127.0.0.1:9");
        change(&mut s3);
        Site::look(&storage("p"), Some(&s3)).unwrap_err()
    };
    install_tls();
    for (change, key) in [
        ((|s3| s3.endpoint.clear()) as fn(&mut S3), "s3.endpoint"),
        (|s3| s3.secret_key = "".into(), "s3.secret_key"),
        (|s3| s3.allow_http = false, "s3.allow_http"),
    ] {
        let error = lacking(change);
        assert!(error.to_string().ends_with(key), "{error}");
        assert_eq!(error.class(), ErrorClass::Invalid);
    }
    assert!(matches!(Site::look(&storage("p"), None), Err(SiteError::Misconfigured(_))));
}

/// A server that gives everybody this answer.
async fn always(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 << 10];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(answer.as_bytes()).await;
            });
        }
    });
    endpoint
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_the_key_is_told_from_one_that_fails_and_one_that_is_full() {
    install_tls();
    let refused = async |answer: &'static str| {
        let endpoint = always(answer).await;
        let site = Site::look(&storage("p"), Some(&s3(&endpoint))).unwrap();
        put(&site, 1, "一").await.unwrap_err()
    };
    let denied = refused("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert!(matches!(denied, SiteError::Denied(_)), "{denied:?}");
    assert!(denied.to_string().contains("密钥"), "{denied}");
    assert_eq!(denied.class(), ErrorClass::Unavailable);
    let failing = refused("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert!(matches!(failing, SiteError::Unavailable(_)), "{failing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_unavailable() {
    install_tls();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let site = Site::look(&storage("p"), Some(&s3(&format!("http://{gone}")))).unwrap();
    let error = site.free_bytes().await.unwrap_err();
    assert!(matches!(error, SiteError::Unavailable(_)), "{error:?}");
}

/// Says yes to everything: creating a name that is taken too.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_is_no_site() {
    install_tls();
    let answer = "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let endpoint = always(answer).await;
    let error = Site::open(&storage("p"), Some(&s3(&endpoint))).await.unwrap_err();
    assert!(matches!(error, SiteError::Overwrites(_)), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Invalid);
}
