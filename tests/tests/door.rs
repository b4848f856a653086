//! Bad input at the door: a stable code and a message in both languages, nothing kept, nothing else disturbed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Cursor, Write as _};

use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, fsck, publish, submit, walk};
use serde_json::Value;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(body).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Changes a name in place, in the local and the central header alike; both names have the same length.
fn renamed(mut zip: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = zip[at..].windows(from.len()).position(|w| w == from.as_bytes()) {
        at += found;
        zip[at..at + to.len()].copy_from_slice(to.as_bytes());
        at += to.len();
    }
    zip
}

/// Ten gigabytes of zeros in about ten megabytes: a gzip-like ratio of a thousand.
fn bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
    zip.start_file("p/bomb.txt", options).unwrap();
    let zeros = vec![0; 8 << 20];
    for _ in 0..(10 << 30) / zeros.len() {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn link() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("p/link.pdf", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap().into_inner()
}

fn crowd() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for n in 0..10_000 {
        zip.start_file(format!("p/{n}.txt"), SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let two = zip_of(&[("p/a.txt", b"1"), ("p/b.txt", b"2")]);
    let mut truncated = two.clone();
    truncated.truncate(two.len() - 30);
    let entity = b"<?xml version=\"1.0\"?>\n<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>\n<description title=\"x\"><projid>&x;</projid></description>";
    let garbled = [
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<description><projname>".as_slice(),
        &[0xb5, 0xb5, 0xb0, 0xb8],
        b"</projname></description>",
    ]
    .concat();
    vec![
        ("not a zip", b"this is not a zip at all, whatever its name says".to_vec()),
        ("truncated", truncated),
        ("path escape", renamed(two.clone(), "p/a.txt", "../a.tx")),
        ("absolute path", renamed(two.clone(), "p/a.txt", "/pa.txt")),
        ("link", link()),
        ("bomb", bomb()),
        ("entity", zip_of(&[("p/基本信息描述.XML", entity)])),
        ("wrong encoding", zip_of(&[("p/基本信息描述.XML", &garbled)])),
        ("empty body", Vec::new()),
        ("duplicate entry", renamed(two, "p/b.txt", "p/a.txt")),
        ("ten thousand entries", crowd()),
        ("long name", zip_of(&[(&format!("p/{}.pdf", "名".repeat(100)), b"x")])),
        ("empty zip", zip_of(&[])),
    ]
}

fn is_bilingual(answer: &Value) -> bool {
    let texts = |v: &Value| {
        let zh = v["message"].as_str().unwrap_or_default();
        let en = v["message_en"].as_str().unwrap_or_default();
        zh.chars().any(|c| c >= '\u{4e00}') && en.chars().any(|c| c.is_ascii_alphabetic())
    };
    let checks = answer["checks"].as_array().cloned().unwrap_or_default();
    texts(answer) || checks.iter().any(texts)
}

fn codes(answer: &Value) -> Vec<String> {
    let checks = answer["checks"].as_array().cloned().unwrap_or_default();
    let ids = checks.iter().filter_map(|c| c["id"].as_str());
    answer["code"].as_str().into_iter().chain(ids).filter(|c| !c.is_empty()).map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_both_languages_and_leaves_nothing() {
    let mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let door = Door::of(&mesh);
    let cases = cases();
    for path in ["/v1/packages", "/v1/batches"] {
        for (name, body) in &cases {
            let (status, answer) = door.post(path, body.clone(), true).await.unwrap();
            assert!((400..500).contains(&status), "{path} {name}: {status} {answer}");
            assert!(!codes(&answer).is_empty(), "{path} {name}: no stable code in {answer}");
            assert!(is_bilingual(&answer), "{path} {name}: {answer}");
        }
    }
    let samples = samples(3, &[]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    for batch in samples.batches().unwrap() {
        for line in submit(&mesh, &[&batch], "filed").unwrap() {
            assert_eq!(line["state"]["custody"], "filed", "{line}");
        }
    }
    let report = fsck(&mesh).unwrap();
    assert_eq!(report["counts"]["已归档 filed"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_asks_for_the_token() {
    let mesh = Mesh::up(&[]).await.unwrap();
    let door = Door::of(&mesh);
    for path in ["/v1/packages", "/v1/batches", "/v1/matters"] {
        let (status, answer) = door.post(path, "[]", false).await.unwrap();
        assert_eq!(status, 401, "{path}");
        assert!(is_bilingual(&answer), "{answer}");
    }
    let open = reqwest::get(format!("{}/health", mesh.http())).await.unwrap();
    assert_eq!(open.status(), 200);
    let console = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = console.get(mesh.http()).send().await.unwrap();
    assert!(!page.text().await.unwrap().contains("全部件"), "the console shows nothing without the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_matter_is_parked_and_filed_once_it_is_published() {
    let mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(5, &[]).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<_> = batches.iter().map(std::path::PathBuf::as_path).collect();
    for line in submit(&mesh, &paths, "prefiled").unwrap() {
        assert_eq!(
            (&line["outcome"], &line["state"]["custody"]),
            (&"parked".into(), &"parked".into()),
            "{line}"
        );
    }
    publish(&mesh, samples.path()).unwrap();
    // A parked item is nobody's to wait for: its release is seen by asking again.
    eventually(PATIENCE, "what was parked is filed", async || {
        for line in submit(&mesh, &paths, "filed")? {
            let is_filed = line["outcome"] == "duplicate" && line["state"]["custody"] == "filed";
            anyhow::ensure!(is_filed, "{line}");
        }
        Ok(())
    })
    .await
    .unwrap();
    fsck(&mesh).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_the_citizen_is_nowhere_on_disk() {
    let mesh = Mesh::up(&["--linger", "1", "--batch-linger", "3600"]).await.unwrap();
    let samples = samples(4, &[]).unwrap();
    let secret = "secret-7f3a9c51-of-the-citizen";
    for batch in samples.batches().unwrap() {
        for path in walk(&batch).into_iter().filter(|p| p.ends_with("基本信息描述.XML")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let (before, rest) = text.split_once("查询密码\">").unwrap();
            let (_, after) = rest.split_once('<').unwrap();
            std::fs::write(&path, format!("{before}查询密码\">{secret}<{after}")).unwrap();
        }
    }
    publish(&mesh, samples.path()).unwrap();
    for batch in samples.batches().unwrap() {
        submit(&mesh, &[&batch], "filed").unwrap();
    }
    for path in walk(mesh.data()) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "the secret is in {}", path.display());
    }
}
