//! One trace an item: from the request at the door through gRPC and NATS to every role that touches it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use dengbei_testkit::{Collector, Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, publish};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The first package of a sample, as a zip.
fn package() -> (dengbei_testkit::Samples, Vec<u8>) {
    let samples = samples(1, &["--zip"]).unwrap();
    let batch = samples.batches().unwrap().remove(0);
    let zip = std::fs::read_dir(batch)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "zip"))
        .unwrap();
    let bytes = std::fs::read(zip).unwrap();
    (samples, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_s_trace_goes_on_through_every_role() {
    let collector = Collector::start().await.unwrap();
    let endpoint = collector.endpoint();
    let mesh = Mesh::up_with(&["--split", "--linger", "1"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)])
        .await
        .unwrap();
    let (samples, zip) = package();
    publish(&mesh, samples.path()).unwrap();
    let door = Door::of(&mesh);
    let client = reqwest::Client::new();
    let sent = client
        .post(format!("{}/v1/packages", mesh.http()))
        .bearer_auth(mesh.token())
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .body(zip)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);
    let line: serde_json::Value = sent.json().await.unwrap();
    let item = line["item"].as_str().unwrap().to_owned();
    eventually(PATIENCE, "the item is filed", async || {
        let item = door.json(&format!("/v1/items/{item}")).await?;
        anyhow::ensure!(item["state"]["custody"] == "filed", "{item}");
        Ok(())
    })
    .await
    .unwrap();
    eventually(PATIENCE, "its spans have come", async || {
        let spans = collector.spans();
        let touched: BTreeSet<String> = spans
            .iter()
            .filter(|s| s.trace == TRACE || s.links.iter().any(|(trace, _)| trace == TRACE))
            .map(|s| s.service.clone())
            .collect();
        let wanted = ["gateway", "ingest", "fixity", "registration", "query", "replication", "site"];
        let missing: Vec<_> = wanted.iter().filter(|w| !touched.iter().any(|t| t.contains(**w))).collect();
        anyhow::ensure!(missing.is_empty(), "{missing:?} have no span of the trace: {touched:?}");
        Ok(())
    })
    .await
    .unwrap();
}

/// A parent of another vendor, a broken one, none at all: the request is served all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_trace_header_disturbs_nothing() {
    let mesh = Mesh::up(&[]).await.unwrap();
    // Also installs the TLS provider.
    let _ = Door::of(&mesh);
    let client = reqwest::Client::new();
    for header in [
        "",
        "00-zz-zz-00",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    ] {
        let asked = client
            .get(format!("{}/v1/items", mesh.http()))
            .bearer_auth(mesh.token())
            .header("traceparent", header)
            .send()
            .await
            .unwrap();
        assert_eq!(asked.status(), 200, "{header}");
    }
}
