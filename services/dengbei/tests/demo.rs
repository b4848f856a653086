//! `up --demo` fills a county once: everything gets where its unit's rule lets it, one copy is damaged, found and
//! repaired, and a second start adds nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use dengbei_testkit::{Mesh, PATIENCE, eventually};
use serde_json::Value;

/// A whole year goes through the whole life, on a machine that does other things too.
const YEAR: Duration = Duration::from_secs(900);

async fn ask(mesh: &Mesh, path: &str) -> anyhow::Result<Value> {
    let url = format!("{}{path}", mesh.http());
    let answer = reqwest::Client::new().get(url).bearer_auth(mesh.token()).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

fn told(mesh: &Mesh) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(mesh.data().join("demo-done"))?)?)
}

#[tokio::test]
async fn a_county_is_filled_once() {
    dengbei_kit::install_tls();
    let mut mesh = Mesh::up(&["--demo"]).await.unwrap();
    let told_of = eventually(YEAR, "the demonstration is there", async || told(&mesh)).await;
    let told_of = told_of.unwrap_or_else(|error| panic!("{error:#}\n{}", mesh.log()));
    assert!(told_of["items"].as_u64() >= Some(2_000), "{told_of}");

    let figures = ask(&mesh, "/v1/figures").await.unwrap();
    let custody = &figures["custody"];
    assert_eq!(custody["accessioned"], told_of["archived"], "{figures}");
    assert_eq!(custody["parked"], told_of["parked"], "{figures}");
    assert!(custody["returned"].as_u64() >= Some(1), "{figures}");
    assert_eq!(figures["units"].as_array().map(Vec::len), Some(40), "{figures}");

    let waiting = ask(&mesh, "/v1/registrations?state=applied").await.unwrap();
    assert_eq!(waiting["registrations"].as_array().map(Vec::len), Some(1), "{waiting}");
    let dead = ask(&mesh, "/v1/dead-letters").await.unwrap();
    assert_eq!(dead["dead_letters"].as_array().map(Vec::len), Some(0), "{dead}");

    eventually(PATIENCE, "inspection finds the damaged copy and it is repaired", async || {
        let troubles = ask(&mesh, "/v1/sites").await?;
        let trouble = &troubles["troubles"][0];
        let is_it = trouble["site"] == "remote" && trouble["kind"] == "damaged";
        anyhow::ensure!(is_it && trouble["repaired"] == true, "{troubles}");
        Ok(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}\n{}", mesh.log()));

    mesh.stop().await.unwrap();
    mesh.start_again().await.unwrap();
    assert_eq!(told(&mesh).unwrap(), told_of);
    let again = ask(&mesh, "/v1/figures").await.unwrap();
    assert_eq!(again["custody"], figures["custody"]);
}
