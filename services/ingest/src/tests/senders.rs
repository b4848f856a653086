//! Who sends, and what senders state of their bytes.

use bytes::Bytes;
use dengbei_checks::facts::NamedDigest;
use dengbei_kit::SourceAccess;
use sha2::Digest as _;

use super::house::House;
use super::made::{Package, zip};
use crate::receive::{Head, Received};

const UNIT: &str = "11330382MB1234567X";

fn source(system: &str, units: &[&str]) -> SourceAccess {
    let units = units.iter().map(ToString::to_string).collect();
    SourceAccess { system: system.into(), token: "".into(), units }
}

/// With these systems registered.
async fn house(sources: &[SourceAccess]) -> House {
    let mut house = House::with_matter().await;
    house.parts.door.settings.sources = sources.to_vec();
    house
}

fn head(system: &str, sender: &str) -> Head {
    Head { source_system: system.into(), sender: sender.into(), ..Head::default() }
}

async fn send(house: &House, n: u32, head: Head) -> Received {
    house.upload(Package::of(n).zip(), head).await.remove(0)
}

/// Checks that failed, each once.
fn failed(received: &Received) -> Vec<&str> {
    let failed = received.noted.iter().filter(|n| n.result == "failed");
    let mut ids: Vec<&str> = failed.map(|n| n.id.as_str()).collect();
    ids.dedup();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_sends_in_its_own_name_and_for_its_own_units_alone() {
    let house = house(&[source("ZWFW", &[UNIT]), source("GTSP", &["11330382002534567A"])]).await;
    let cases = [
        (head("ZWFW", "ZWFW"), vec![]),
        (head("ZWFW", "GTSP"), vec!["A-06"]),
        (head("GTSP", "GTSP"), vec!["A-06"]),
        (head("OTHER", ""), vec!["A-06"]),
        // By the door's own token: bound to none, which proves nothing and refuses nothing.
        (head("ZWFW", ""), vec![]),
    ];
    for (n, (head, wanted)) in (1..).zip(cases) {
        let said = format!("{head:?}");
        let received = send(&house, n, head).await;
        assert_eq!(failed(&received), wanted, "{said}: {:?}", received.noted);
        assert_eq!(received.answer.outcome(), if wanted.is_empty() { "prefiled" } else { "refused" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_system_is_of_the_one_whose_token_came_with_it() {
    let house = house(&[source("GTSP", &[])]).await;
    let received = send(&house, 1, head("", "GTSP")).await;
    assert_eq!(received.answer.outcome(), "prefiled", "{:?}", received.noted);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sources_everybody_sends_as_before() {
    let house = house(&[]).await;
    assert_eq!(send(&house, 1, head("ANY", "")).await.answer.outcome(), "prefiled");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_not_what_its_sender_states_is_refused() {
    let house = house(&[]).await;
    let body = Package::of(1).zip();
    let stating = |bytes: &[u8]| {
        let digest =
            NamedDigest { algorithm: "sha-256".into(), hex: hex::encode(sha2::Sha256::digest(bytes)) };
        Head { digests: vec![digest], ..Head::default() }
    };
    let wrong = house.upload(body.clone(), stating(b"another")).await.remove(0);
    assert_eq!((failed(&wrong), wrong.answer.outcome()), (vec!["A-01"], "refused"));
    let right = house.upload(body.clone(), stating(&body)).await.remove(0);
    assert_eq!(right.answer.outcome(), "prefiled", "{:?}", right.noted);
}

/// A batch of one archive, whose catalogue states this digest of it.
fn listed(package: &Package, digest: &str) -> Bytes {
    let no = &package.record_no;
    let catalogue = format!(
        "<description title=\"存档信息包目录清单\"><systemcode>ZWFW</systemcode><batchname>0001</batchname>\
         <sendtime>2026-11-02 08:00:00</sendtime><sendnumber>1</sendnumber><directories><directorie>\
         <documentnumber>{no}</documentnumber><digitalsummary>{digest}</digitalsummary></directorie>\
         </directories></description>"
    );
    let inner = package.zip().to_vec();
    let files = [("存档信息包目录清单.XML".to_owned(), catalogue.into_bytes()), (format!("{no}.zip"), inner)];
    zip(files.into_iter())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_not_what_the_catalogue_states_is_refused() {
    let house = house(&[]).await;
    let batch = Head { is_batch: true, ..Head::default() };
    let package = Package::of(1);
    let wrong = house.upload(listed(&package, &"0".repeat(64)), batch.clone()).await.remove(0);
    assert_eq!((failed(&wrong), wrong.answer.outcome()), (vec!["A-01"], "refused"));
    let sm3 = hex::encode(sm3::Sm3::digest(package.zip()));
    let right = house.upload(listed(&package, &sm3), batch).await.remove(0);
    assert_eq!(right.answer.outcome(), "prefiled", "{:?}", right.noted);
}
