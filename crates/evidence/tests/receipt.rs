//! A receipt proves one history and nothing else: any byte changed in it fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use dengbei_chain::facts::*;
use dengbei_chain::{Draft, Encoded, Subject};
use dengbei_evidence::{Parts, Receipt, verify};
use dengbei_records::*;
use dengbei_register::{LogReader, LogWriter, MemoryTiles, Signer, Verifier};
use ed25519_dalek::{Signer as _, SigningKey};
use uuid::Uuid;

fn item(n: u8) -> ItemId {
    ItemId::derive(&IdKey::from_bytes([n; 32]), &"ZWFW".parse().unwrap(), "1")
}

fn event(fact: Fact, causes: Vec<EventHash>) -> Encoded {
    Draft {
        id: Uuid::from_u128(7),
        area: "330382".parse().unwrap(),
        subject: Subject::Item(item(1)),
        causes,
        actor: None,
        recorded_at: Timestamp::from_millis(1_790_000_000_000),
        fact,
    }
    .encode()
    .unwrap()
}

fn prefiled(n: u8) -> Encoded {
    let fact = ItemPrefiled {
        item: item(n),
        data_version: DataVersion::FIRST,
        submission: SubmissionId::from_uuid(Uuid::from_u128(n.into())),
        source_system: "ZWFW".parse().unwrap(),
        matter_code: "m".parse().unwrap(),
        unit_uscc: "11511301008778183N".parse().unwrap(),
        retention: Retention::TenYears,
        year: 2026,
        scope_version: "1".into(),
        reception: Sha256::of(b"reception"),
        files: 1,
        bytes: 1,
        warned: vec![],
        event_type: EventType::Other,
    };
    event(Fact::ItemPrefiled(fact), vec![])
}

fn filed(n: u8, causes: Vec<EventHash>) -> Encoded {
    let fact = ItemFiled {
        item: item(n),
        data_version: DataVersion::FIRST,
        archival_code: "J019-ZY·QT·2026·D10-00001".parse().unwrap(),
        pack: PackNumber::new(3),
        object_version: 1,
        record: Sha256::of(b"record"),
        inventory: Sha512::of(b"inventory"),
        submission: SubmissionId::from_uuid(Uuid::from_u128(n.into())),
    };
    event(Fact::ItemFiled(fact), causes)
}

fn document() -> DocumentRef {
    DocumentRef::to(b"{}", "application/json")
}

struct World {
    parts: Parts,
    key: Verifier,
}

async fn world() -> World {
    let prefileds: Vec<_> = (1..=5).map(prefiled).collect();
    let hashes: Vec<_> = prefileds.iter().map(|e| e.hash).collect();
    let passed = Verdict::Passed { count: 5, root: dengbei_chain::root(&hashes) };
    let checked = ItemChecked {
        stage: "G".into(),
        scheme: "s/1".into(),
        engine: "1".into(),
        verdict: passed,
        report: document(),
    };
    let checked = event(Fact::ItemChecked(checked), vec![]);
    let fileds: Vec<_> = (1..=5).map(|n| filed(n, vec![hashes[usize::from(n) - 1], checked.hash])).collect();
    let filed_hashes: Vec<_> = fileds.iter().map(|e| e.hash).collect();
    let unit = SigningKey::from_bytes(&[5; 32]);
    let (area, root, pack) =
        ("330382".parse().unwrap(), dengbei_chain::root(&filed_hashes), PackNumber::new(3));
    let text = BatchFiled::signed_text(&area, pack, &root, &Sha256::of(b"pack"));
    let batch = BatchFiled {
        pack,
        generation: 0,
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        retention: Retention::TenYears,
        count: 5,
        root,
        pack_digest: Sha256::of(b"pack"),
        pack_bytes: 1,
        versions_root: Sha256::of(b"versions"),
        unit_uscc: "11511301008778183N".parse().unwrap(),
        unit_key: unit.verifying_key().to_bytes(),
        unit_signature: unit.sign(text.as_bytes()).to_bytes(),
        members: document(),
    };
    let batch = event(Fact::BatchFiled(batch), vec![]);
    let log: Vec<Bytes> =
        prefileds.iter().chain([&checked]).chain(&fileds).chain([&batch]).map(|e| e.bytes.clone()).collect();
    let signer = Signer::from_seed("dengbei/330382".parse().unwrap(), &[9; 32]);
    let mut writer = LogWriter::open(MemoryTiles::default(), signer.verifier()).await.unwrap();
    writer.append(&log).await.unwrap();
    writer.checkpoint(&signer).await.unwrap();
    let reader = LogReader::new(writer.storage().clone());
    let index = log.len() as u64 - 1;
    let opened = reader.checkpoint(signer.verifier(), &[]).await.unwrap().unwrap();
    let path = reader.inclusion_proof(index, opened.checkpoint.size()).await.unwrap();
    let checkpoint = String::from_utf8(opened.checkpoint.sign(&signer).unwrap().to_vec()).unwrap();
    let events = [&prefileds[0], &checked, &fileds[0], &batch].map(|e| e.bytes.to_vec()).to_vec();
    let memberships = vec![(0, 1, hashes), (2, 3, filed_hashes)];
    let parts = Parts {
        item: item(1),
        data_version: DataVersion::FIRST,
        events,
        memberships,
        included: 3,
        index,
        path,
        checkpoint,
    };
    World { parts, key: signer.verifier().clone() }
}

#[tokio::test]
async fn a_true_receipt_verifies_and_any_changed_byte_fails() {
    let World { parts, key } = world().await;
    let receipt = Receipt::build(&parts).unwrap();
    assert!(receipt.len() < 10 * 1024);
    let proven = verify(&receipt, &key, false).unwrap();
    assert_eq!(proven.filed.pack, PackNumber::new(3));
    for at in 0..receipt.len() {
        let mut changed = receipt.clone();
        changed[at] ^= 1;
        let findings =
            verify(&changed, &key, false).expect_err(&format!("byte {at} changed and still verified"));
        assert!(!findings[0].place.is_empty());
    }
}

#[tokio::test]
async fn an_event_that_hangs_on_nothing_is_refused() {
    let World { mut parts, key } = world().await;
    parts.events.push(prefiled(9).bytes.to_vec());
    let receipt = Receipt::build(&parts).unwrap();
    assert_eq!(verify(&receipt, &key, false).unwrap_err()[0].code, "receipt.unconnected");
}

#[tokio::test]
async fn another_items_events_do_not_prove_this_one() {
    let World { mut parts, key } = world().await;
    parts.item = item(2);
    let receipt = Receipt::build(&parts).unwrap();
    assert_eq!(verify(&receipt, &key, false).unwrap_err()[0].code, "receipt.story");
}

#[tokio::test]
async fn another_key_is_refused() {
    let World { parts, .. } = world().await;
    let other = Signer::from_seed("dengbei/330382".parse().unwrap(), &[8; 32]);
    let receipt = Receipt::build(&parts).unwrap();
    assert_eq!(verify(&receipt, other.verifier(), false).unwrap_err()[0].code, "receipt.checkpoint");
}
