//! From the door to the archive: registered, backed up, certified, handed over, and proven to somebody who trusts
//! nobody. Each item ends where its retention says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, dengbei, fsck, publish, sealed, submit, succeed, walk};
use serde_json::Value;

const ITEMS: u32 = 200;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

async fn item(door: &Door, line: &Value) -> Value {
    door.json(&format!("/v1/items/{}", text(line, "item"))).await.unwrap()
}

/// 10 years stay with the unit; permanent and 30 years go to the archive.
async fn each_ends_where_its_retention_says(door: &Door, lines: &[Value]) -> Vec<Value> {
    let mut items = Vec::new();
    let mut ends: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in lines {
        let item = item(door, line).await;
        let state = &item["state"];
        let retention = text(&item, "retention").to_owned();
        let custody = if retention == "D10" { "filed" } else { "accessioned" };
        assert_eq!(text(state, "custody"), custody, "{retention}: {item}");
        assert_eq!(text(state, "registration"), "certified", "{item}");
        assert_eq!(text(state, "preservation"), "secured", "{item}");
        assert_eq!(text(&item, "transfer_no").is_empty(), retention == "D10", "{item}");
        *ends.entry((retention, custody.to_owned())).or_default() += 1;
        items.push(item);
    }
    println!("ends: {ends:?}");
    assert!(ends.len() >= 2, "the sample has items of both kinds: {ends:?}");
    items
}

async fn every_receipt_tells_the_whole_life(mesh: &Mesh, door: &Door, items: &[Value]) {
    let key = std::fs::read_to_string(mesh.data().join("keys/register.pub")).unwrap().trim().parse().unwrap();
    let mut largest = 0;
    for item in items {
        let id = text(item, "item");
        let is_in_archive = text(&item["state"], "custody") == "accessioned";
        let proven = eventually(PATIENCE, "its newest event is sealed", async || {
            let (status, receipt) = door.get(&format!("/v1/items/{id}/receipt")).await?;
            anyhow::ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&receipt));
            let proven = dengbei_evidence::verify(&receipt, &key, false)
                .map_err(|findings| anyhow::anyhow!("{id}: {findings:?}"))?;
            let facts: BTreeSet<&str> = proven.events.iter().map(dengbei_chain::Event::fact_name).collect();
            let last = if is_in_archive { "item.accessioned" } else { "certificate.issued" };
            anyhow::ensure!(facts.contains(last), "{id} lacks {last}: {facts:?}");
            Ok((receipt.len(), proven))
        });
        let (bytes, proven) = proven.await.unwrap();
        largest = largest.max(bytes);
        let facts: BTreeSet<&str> = proven.events.iter().map(dengbei_chain::Event::fact_name).collect();
        for fact in ["item.filed", "batch.filed", "batch.registered", "pack.secured", "certificate.issued"] {
            assert!(facts.contains(fact), "{id} lacks {fact}: {facts:?}");
        }
    }
    println!("largest receipt: {largest} bytes");
}

/// Every certificate and handover verifies with the command line, and is a PDF.
fn every_paper_verifies(mesh: &Mesh, door: &tokio::runtime::Handle, items: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let client = Door::of(mesh);
    let certificates: BTreeSet<&str> = items.iter().map(|i| text(i, "certificate_no")).collect();
    let transfers: BTreeSet<&str> =
        items.iter().map(|i| text(i, "transfer_no")).filter(|no| !no.is_empty()).collect();
    assert!(!certificates.contains("") && !certificates.is_empty() && !transfers.is_empty());
    let keys = mesh.data().join("keys").to_string_lossy().into_owned();
    let papers = certificates
        .iter()
        .map(|no| format!("/v1/certificates/{no}"))
        .chain(transfers.iter().map(|no| format!("/v1/transfers/{no}/handover")));
    for path in papers {
        let (status, body) = door.block_on(client.get(&path)).unwrap();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        let file = folder.path().join("paper.json");
        std::fs::write(&file, &body).unwrap();
        let file = file.to_string_lossy().into_owned();
        let output = dengbei(mesh, &["verify", &file, "--key", &keys, "--json"]).unwrap();
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stdout));
        a_changed_paper_fails(mesh, &file, &body, &keys);
        let (status, pdf) = door.block_on(client.get(&format!("{path}.pdf"))).unwrap();
        assert_eq!(status, 200, "{path}.pdf: {}", String::from_utf8_lossy(&pdf));
        assert!(pdf.starts_with(b"%PDF-"), "{path}.pdf");
    }
}

fn a_changed_paper_fails(mesh: &Mesh, file: &str, body: &[u8], keys: &str) {
    let mut changed = body.to_vec();
    let at = changed.iter().rposition(u8::is_ascii_digit).unwrap();
    changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
    std::fs::write(file, changed).unwrap();
    let output = dengbei(mesh, &["verify", file, "--key", keys, "--json"]).unwrap();
    assert!(!output.status.success(), "a paper changed at {at} still verified");
}

fn pack_on(mesh: &Mesh, site: &str) -> PathBuf {
    let packs = walk(&mesh.data().join("sites").join(site).join("packs"));
    packs.into_iter().next().expect("a pack on the site")
}

/// A flipped byte and a deleted pack are found by the inspection, told apart, and repaired from a good copy.
async fn a_bad_copy_is_found_and_repaired(mesh: &Mesh, door: &Door) {
    let flip = pack_on(mesh, "remote");
    let good = std::fs::read(&flip).unwrap();
    let mut bad = good.clone();
    let at = bad.len() / 2;
    bad[at] ^= 1;
    std::fs::write(&flip, bad).unwrap();
    let gone = pack_on(mesh, "archive");
    let kept = std::fs::read(&gone).unwrap();
    std::fs::remove_file(&gone).unwrap();
    let is_same = |path: &Path, bytes: &[u8]| std::fs::read(path).is_ok_and(|now| now == bytes);
    eventually(PATIENCE, "both copies are repaired", async || {
        anyhow::ensure!(is_same(&flip, &good), "{} is still damaged", flip.display());
        anyhow::ensure!(is_same(&gone, &kept), "{} is still missing", gone.display());
        Ok(())
    })
    .await
    .unwrap();
    eventually(PATIENCE, "both findings are told apart, and told as repaired", async || {
        let sites = door.json("/v1/sites").await?;
        let troubles = sites["troubles"].as_array().cloned().unwrap_or_default();
        let told =
            |kind: &str| troubles.iter().any(|t| t["kind"] == kind && t["repaired"].as_bool() == Some(true));
        anyhow::ensure!(told("damaged") && told("missing"), "{sites:#}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_packages_end_where_their_retention_says() {
    let mesh = Mesh::up(&["--linger", "1", "--inspection", "6"]).await.unwrap();
    let samples = samples(ITEMS, &["--seed", "7"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<_> = batches.iter().map(PathBuf::as_path).collect();
    let lines = submit(&mesh, &paths, "accessioned").unwrap();
    assert_eq!(lines.len(), ITEMS as usize);
    let door = Door::of(&mesh);
    let items = each_ends_where_its_retention_says(&door, &lines).await;
    every_receipt_tells_the_whole_life(&mesh, &door, &items).await;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| every_paper_verifies(&mesh, &runtime, &items));
    let before = fsck(&mesh).unwrap();
    let again = submit(&mesh, &paths, "accessioned").unwrap();
    assert!(again.iter().all(|line| line["outcome"] == "duplicate"), "{again:?}");
    a_bad_copy_is_found_and_repaired(&mesh, &door).await;
    sealed(&mesh).await.unwrap();
    let after = fsck(&mesh).unwrap();
    for what in
        ["已归档 filed", "已进馆 accessioned", "登记证书 certificates", "进馆移交 transfers accessioned"]
    {
        assert_eq!(before["counts"][what], after["counts"][what], "{what}: {after}");
    }
    let id = text(&items[0], "item").to_owned();
    let shown = succeed(&mesh, &["item", &id, "--to", mesh.http(), "--json"]).unwrap();
    assert!(shown.contains("certificate.issued"), "{shown}");
}

/// The bus is wiped while everything runs: the rest comes from the log, and nothing happens twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_bus_holds_up_nobody_on_the_way_to_the_archive() {
    let mut mesh = Mesh::up(&["--split", "--linger", "1"]).await.unwrap();
    let samples = samples(40, &["--seed", "8"]).unwrap();
    publish(&mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let paths: Vec<_> = batches.iter().map(PathBuf::as_path).collect();
    submit(&mesh, &paths, "filed").unwrap();
    mesh.kill9("nats").await.unwrap();
    let store = mesh.data().join("nats");
    let _ = std::fs::remove_dir_all(store.join("jetstream"));
    let lines = submit(&mesh, &paths, "accessioned").unwrap();
    let door = Door::of(&mesh);
    each_ends_where_its_retention_says(&door, &lines).await;
    sealed(&mesh).await.unwrap();
    fsck(&mesh).unwrap();
    mesh.stop().await.unwrap();
    fsck(&mesh).unwrap();
}
