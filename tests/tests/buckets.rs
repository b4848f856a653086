//! Sites in buckets: the primary and a remote site lie in an S3-compatible store, the archive's in a folder. Packages go
//! from the door to the archive; objects that are overwritten past us are found and repaired; the packs are OCFL for
//! anybody with tar; a site that is added gets what was filed before it, and one that is retired is missed by nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use dengbei_testkit::{Deployment, Moto, PATIENCE, Settings, SiteSetting, binary, eventually, samples};
use dengbei_tests::load::{Load, Place};
use dengbei_tests::{fsck_deployment, publish_at, walk};
use serde_json::Value;

const ITEMS: u32 = 60;
const PRIMARY: &str = "county/330382/primary";
const REMOTE: &str = "elsewhere";

fn bucket(name: &str, class: &str, place: &str) -> SiteSetting {
    SiteSetting { name: name.into(), class: class.into(), storage: Some(format!("s3://{place}")) }
}

fn settings(moto: &Moto) -> Settings {
    let archive = SiteSetting { name: "archive".into(), class: "archive".into(), storage: None };
    Settings {
        sites: vec![bucket("primary", "primary", PRIMARY), archive, bucket("remote", "remote", REMOTE)],
        lines: vec!["inspection = \"4s\"".into()],
        s3: vec![
            format!("endpoint = \"{}\"", moto.endpoint()),
            "access_key = \"test\"\nsecret_key = \"testtest\"\nallow_http = true".into(),
        ],
    }
}

/// Sends and waits until everything is where its retention says.
async fn archive(deployment: &Deployment, batches: &[PathBuf]) -> usize {
    let door = Place { url: deployment.http(0), token: deployment.token().to_owned() };
    let load = Load::start(&binary().unwrap(), batches, vec![door]);
    let outcomes = load.end().await.unwrap();
    let short: Vec<_> = outcomes.iter().filter(|(_, (_, state))| state != "certified").collect();
    assert!(short.is_empty(), "{short:?}");
    outcomes.len()
}

async fn clean(deployment: &Deployment) -> Value {
    let binary = binary().unwrap();
    eventually(PATIENCE, "fsck is clean", async || fsck_deployment(deployment, &binary)).await.unwrap()
}

async fn sites(deployment: &Deployment) -> anyhow::Result<Value> {
    let request = reqwest::Client::new().get(format!("{}/v1/sites", deployment.http(0)));
    let answer = request.bearer_auth(deployment.token()).send().await?.error_for_status()?;
    Ok(answer.json().await?)
}

async fn packs(moto: &Moto, place: &str) -> Vec<String> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let folder = if prefix.is_empty() { "packs/".to_owned() } else { format!("{prefix}/packs/") };
    let keys = moto.keys(bucket, &folder).await.unwrap();
    keys.into_iter().map(|key| format!("{bucket}/{key}")).collect()
}

/// A byte of an object changes past us: on the remote site, then on the primary.
async fn a_changed_object_is_found_and_repaired(deployment: &Deployment, moto: &Moto) {
    for place in [REMOTE, PRIMARY] {
        let key = packs(moto, place).await.remove(0);
        let good = moto.get(&key).await.unwrap().unwrap();
        let mut bad = good.clone();
        let at = bad.len() / 2;
        bad[at] ^= 1;
        moto.put(&key, bad.clone()).await.unwrap();
        eventually(PATIENCE, "the object is repaired", async || {
            let now = moto.get(&key).await?;
            anyhow::ensure!(
                now.as_ref() == Some(&good),
                "{key} is not the good one: {:#}",
                sites(deployment).await?
            );
            Ok(())
        })
        .await
        .unwrap();
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let folder = format!("{prefix}/quarantine/");
        let aside = moto.keys(bucket, folder.trim_start_matches('/')).await.unwrap();
        assert_eq!(aside.len(), 2, "the bad object and its reason: {aside:?}");
        let kept = aside.iter().find(|key| !key.ends_with(".json")).unwrap();
        assert_eq!(moto.get(&format!("{bucket}/{kept}")).await.unwrap().unwrap(), bad);
    }
    eventually(PATIENCE, "both are told as repaired", async || {
        let sites = sites(deployment).await?;
        let troubles = sites["troubles"].as_array().cloned().unwrap_or_default();
        let repaired = |t: &&Value| t["kind"] == "damaged" && t["repaired"].as_bool() == Some(true);
        anyhow::ensure!(troubles.iter().filter(repaired).count() == 2, "{sites:#}");
        Ok(())
    })
    .await
    .unwrap();
}

/// `export-ocfl` out of the bucket, and tar over the objects as anybody fetches them, give the same valid root.
async fn the_objects_are_ocfl_for_anybody(moto: &Moto) {
    let folder = tempfile::tempdir().unwrap();
    let (exported, untarred) = (folder.path().join("exported"), folder.path().join("untarred"));
    let mut export = Command::new(binary().unwrap());
    export.args(["export-ocfl", "--from", &format!("s3://{PRIMARY}"), "--to"]).arg(&exported);
    export.env("DENGBEI_S3__ENDPOINT", moto.endpoint()).env("DENGBEI_S3__ALLOW_HTTP", "true");
    export.env("DENGBEI_S3__ACCESS_KEY", "test").env("DENGBEI_S3__SECRET_KEY", "testtest");
    let output = tokio::task::spawn_blocking(move || export.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::create_dir(&untarred).unwrap();
    for key in packs(moto, PRIMARY).await {
        let file = folder.path().join("pack.tar");
        std::fs::write(&file, moto.get(&key).await.unwrap().unwrap()).unwrap();
        let mut tar = Command::new("tar");
        let tar =
            tar.arg("-C").arg(&untarred).arg("--keep-newer-files").arg("-xf").arg(&file).output().unwrap();
        assert!(tar.status.success(), "{key}");
    }
    assert_eq!(files(&exported), files(&untarred));
    let mut validate = Command::new("ocfl-root.py");
    validate.args(["validate", "--validate-objects", "--check-digests", "--root"]).arg(&untarred);
    match validate.output() {
        Err(_) => println!("skipped: ocfl-root.py is not on the path"),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(output.status.success() && !said.contains("INVALID"), "{said}");
        }
    }
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let relative =
        |path: PathBuf| (path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
    walk(root).into_iter().map(relative).collect()
}

/// What was filed before a site was there, it gets too: every pack, and the log.
async fn a_site_that_is_added_catches_up(deployment: &mut Deployment, moto: &Moto) {
    let binary = binary().unwrap();
    deployment.stop_all().await.unwrap();
    deployment.add_site(&binary, bucket("farther", "remote", "farther/copies")).unwrap();
    deployment.start_all(&binary).await.unwrap();
    let wanted = packs(moto, PRIMARY).await.len();
    eventually(PATIENCE, "the new site has every pack and the log", async || {
        let (has, log) =
            (packs(moto, "farther/copies").await.len(), moto.get("farther/copies/log/checkpoint").await?);
        anyhow::ensure!(
            has >= wanted && log.is_some(),
            "{has} of {wanted} packs; {:#}",
            sites(deployment).await?
        );
        let sites = sites(deployment).await?;
        let waiting = sites["sites"].as_array().into_iter().flatten().filter_map(|s| s["waiting"].as_u64());
        anyhow::ensure!(waiting.sum::<u64>() == 0, "{sites:#}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_archived_in_buckets_and_sites_come_and_go() {
    let Some(moto) = Moto::start(&["county", REMOTE, "farther"]).await.unwrap() else { return };
    let binary = binary().unwrap();
    let mut deployment = Deployment::start_with(&binary, 1, settings(&moto)).await.unwrap();
    let samples = samples(ITEMS, &["--seed", "31"]).unwrap();
    let door = Place { url: deployment.http(0), token: deployment.token().to_owned() };
    publish_at(&door, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let (last, first) = batches.split_last().unwrap();
    let sent = archive(&deployment, first).await;
    let report = clean(&deployment).await;
    assert_eq!(report["counts"]["已归档 filed"], sent, "{report}");
    a_changed_object_is_found_and_repaired(&deployment, &moto).await;
    the_objects_are_ocfl_for_anybody(&moto).await;
    a_site_that_is_added_catches_up(&mut deployment, &moto).await;
    clean(&deployment).await;
    // Retired: out of the configuration; its receipts stay in the log, its objects in its bucket.
    deployment.stop_all().await.unwrap();
    deployment.remove_site("farther").unwrap();
    deployment.start_all(&binary).await.unwrap();
    let before = packs(&moto, "farther/copies").await.len();
    let sent = sent + archive(&deployment, std::slice::from_ref(last)).await;
    assert_eq!(sent, ITEMS as usize);
    let report = clean(&deployment).await;
    assert_eq!(report["counts"]["已归档 filed"], ITEMS, "{report}");
    assert_eq!(packs(&moto, "farther/copies").await.len(), before, "nothing goes to a retired site");
    deployment.stop_all().await.unwrap();
    fsck_deployment(&deployment, &binary).unwrap();
    assert_eq!(moto.begun_uploads("county").await.unwrap(), Vec::<String>::new());
}
