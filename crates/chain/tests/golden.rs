//! Golden bytes: one frozen encoding per fact. A change here breaks every history ever written; facts change
//! by addition only. `DENGBEI_BLESS=1` writes the line of a new fact; an existing line never changes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use dengbei_chain::facts::*;
use dengbei_chain::{Actor, Draft, Event, MAX_CAUSES, Subject};
use dengbei_records::*;
use uuid::Uuid;

fn item() -> ItemId {
    let source = "ZWFW".parse().unwrap();
    ItemId::derive(&IdKey::from_bytes([7; 32]), &source, "330382221408191000009")
}

fn submission() -> SubmissionId {
    SubmissionId::from_uuid(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

fn document() -> DocumentRef {
    DocumentRef::to(b"{}", "application/json")
}

fn matter() -> Matter {
    let row = |material: &str, necessary, form| ScopeRow {
        phase: "01".into(),
        range: "申请材料".into(),
        material: material.into(),
        necessary,
        form,
    };
    Matter {
        matter_code: "511Z07001006-511602000000".parse().unwrap(),
        matter_name: "企业投资项目备案".into(),
        event_type: "10".into(),
        unit_name: "区经信局".into(),
        unit_uscc: "11511301008778183N".parse().unwrap(),
        retention: Retention::ThirtyYears,
        scope_version: "2026-01".into(),
        in_force_from: "2026-01-01".into(),
        scope: vec![
            row("申请表", true, FilingForm::Electronic),
            row("营业执照副本", false, FilingForm::Paper),
        ],
    }
}

fn facts() -> Vec<Fact> {
    let version = DataVersion::FIRST;
    let digest = Sha256::of(b"abc");
    let passed = Verdict::Passed { count: 2, root: digest };
    let failed = Verdict::Failed { item: item(), data_version: version, failed: vec!["A-08".into()] };
    let checked = |verdict| ItemChecked {
        stage: "G".into(),
        scheme: "default/1".into(),
        engine: "0.1.0".into(),
        verdict,
        report: document(),
    };
    vec![
        Fact::ItemPrefiled(ItemPrefiled {
            item: item(),
            data_version: version,
            submission: submission(),
            source_system: "ZWFW".parse().unwrap(),
            matter_code: matter().matter_code,
            unit_uscc: matter().unit_uscc,
            retention: Retention::ThirtyYears,
            year: 2026,
            scope_version: "2026-01".into(),
            reception: digest,
            files: 6,
            bytes: 24_576,
            warned: vec!["A-07".into()],
            event_type: EventType::Other,
        }),
        Fact::ItemParked(ItemParked {
            item: item(),
            data_version: version,
            submission: submission(),
            source_system: "ZWFW".parse().unwrap(),
            matter_code: "x".into(),
            reception: digest,
        }),
        Fact::SubmissionRefused(SubmissionRefused {
            submission: submission(),
            item: None,
            failed: vec!["U-01".into()],
            data_version: 0,
        }),
        Fact::ItemChecked(checked(passed)),
        Fact::ItemChecked(checked(failed)),
        Fact::MatterPublished(MatterPublished { matter: matter(), fonds_no: "J019".parse().unwrap() }),
        Fact::ItemFiled(ItemFiled {
            item: item(),
            data_version: version,
            archival_code: "J019-ZY·QT·2026·D30-00001".parse().unwrap(),
            pack: PackNumber::new(12),
            object_version: 1,
            record: digest,
            inventory: Sha512::of(b"abc"),
            submission: submission(),
        }),
        Fact::ItemReturned(ItemReturned {
            item: item(),
            data_version: version,
            submission: submission(),
            failed: vec!["A-08".into()],
            report: document(),
        }),
        Fact::ItemSuperseded(ItemSuperseded {
            item: item(),
            data_version: version,
            submission: submission(),
            by_data_version: DataVersion::try_from(2).unwrap(),
            by_submission: submission(),
        }),
        Fact::BatchFiled(BatchFiled {
            pack: PackNumber::new(12),
            generation: 0,
            fonds_no: "J019".parse().unwrap(),
            year: 2026,
            retention: Retention::ThirtyYears,
            count: 1,
            root: digest,
            pack_digest: digest,
            pack_bytes: 10_240,
            versions_root: digest,
            unit_uscc: matter().unit_uscc,
            unit_key: [3; 32],
            unit_signature: [4; 64],
            members: document(),
        }),
    ]
    .into_iter()
    .chain(facts_of_registration())
    .chain(facts_of_copies())
    .chain(facts_of_transfers())
    .chain(facts_of_persons())
    .collect()
}

fn batch() -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003)
}

fn number(series: Series) -> SerialNo {
    SerialNo::new(series, "330382".parse().unwrap(), 2026, 7).unwrap()
}

fn pack() -> PackNumber {
    PackNumber::new(12)
}

fn receipt(purpose: Purpose, witness: Witness) -> SiteReceipt {
    SiteReceipt {
        site: "archive".into(),
        class: "archive".into(),
        purpose,
        pack: pack(),
        generation: 1,
        digest: Sha256::of(b"abc"),
        versions_root: Sha256::of(b"def"),
        bytes: 10_240,
        stored_at: Timestamp::from_millis(1_790_000_000_001),
        witness,
    }
}

fn signed() -> Witness {
    Witness::Signed { key: [5; 32], signature: [6; 64] }
}

fn facts_of_registration() -> Vec<Fact> {
    let digest = Sha256::of(b"abc");
    vec![
        Fact::PackWritten(PackWritten {
            pack: pack(),
            generation: 1,
            documents: 3,
            pack_digest: digest,
            pack_bytes: 10_240,
            versions_root: digest,
        }),
        Fact::BatchApplied(BatchApplied {
            batch: batch(),
            kind: "1".into(),
            unit_uscc: matter().unit_uscc,
            fonds_no: "J019".parse().unwrap(),
            year: 2026,
            packs: vec![pack(), PackNumber::new(13)],
            items: 300,
            files: 1_800,
            bytes: 20_480,
            root: digest,
            application: document(),
            unit_key: [3; 32],
            unit_signature: [4; 64],
        }),
        Fact::BatchDeclined(BatchDeclined {
            batch: batch(),
            reasons: vec!["registration.payload_differs".into()],
            decision: document(),
        }),
        Fact::BatchRegistered(BatchRegistered {
            batch: batch(),
            registration_no: number(Series::Registration),
            unit_uscc: matter().unit_uscc,
            items: 300,
            root: digest,
            decision: document(),
            administration_key: [7; 32],
            administration_signature: [8; 64],
        }),
        Fact::CertificateIssued(CertificateIssued {
            certificate_no: number(Series::Certificate),
            registration_no: number(Series::Registration),
            batch: batch(),
            unit_uscc: matter().unit_uscc,
            items: 300,
            root: digest,
            certificate: document(),
            administration_key: [7; 32],
            administration_signature: [8; 64],
        }),
    ]
}

fn facts_of_copies() -> Vec<Fact> {
    let digest = Sha256::of(b"abc");
    let bucket = receipt(Purpose::Storage, Witness::ObservedBy("replication".into()));
    vec![
        Fact::PackStored(PackStored { receipt: receipt(Purpose::Backup, signed()) }),
        Fact::PackStored(PackStored { receipt: bucket }),
        Fact::PackSecured(PackSecured {
            pack: pack(),
            generation: 1,
            policy: "default/1".into(),
            receipts: vec![receipt(Purpose::Backup, signed())],
            batch: batch(),
        }),
        Fact::PackRepaired(PackRepaired {
            from_site: "remote".into(),
            bad_digest: Some(digest),
            receipt: receipt(Purpose::Backup, signed()),
        }),
        Fact::PackInspected(PackInspected {
            run: batch(),
            site: "archive".into(),
            packs: 12,
            bytes: 122_880,
            first: PackNumber::new(1),
            last: pack(),
            report: document(),
        }),
        Fact::PackDamaged(PackDamaged {
            site: "archive".into(),
            pack: pack(),
            generation: 1,
            kind: Damage::Damaged,
            expected: digest,
            found: None,
            found_bytes: 10_239,
        }),
        Fact::PackMissing(PackMissing { site: "archive".into(), pack: pack(), generation: 1 }),
    ]
}

fn facts_of_persons() -> Vec<Fact> {
    let digest = Sha256::of(b"abc");
    vec![
        Fact::WholeChecked(WholeChecked {
            scope: "batch".into(),
            number: "0000000012".into(),
            stage: "G".into(),
            scheme: "dengbei/service-item/2026-02".into(),
            engine: "dengbei-checks/0.1.0".into(),
            verdict: "unsigned".into(),
            report: document(),
        }),
        Fact::CheckSigned(CheckSigned {
            scope: "batch".into(),
            number: "0000000012".into(),
            stage: "G".into(),
            check: "S-06".into(),
            is_in_order: true,
            report: digest,
            finding: document(),
        }),
        Fact::CheckRechecked(CheckRechecked {
            item: item(),
            report: digest,
            check: "A-10".into(),
            opinion: "overruled".into(),
            reason: document(),
        }),
    ]
}

fn facts_of_transfers() -> Vec<Fact> {
    let (digest, transfer_no) = (Sha256::of(b"abc"), number(Series::Transfer));
    vec![
        Fact::TransferPacked(TransferPacked {
            transfer_no: transfer_no.clone(),
            unit_uscc: matter().unit_uscc,
            fonds_no: "J019".parse().unwrap(),
            items: 300,
            bytes: 20_480,
            root: digest,
            members: document(),
            packs: vec![pack()],
        }),
        Fact::TransferChecked(TransferChecked {
            transfer_no: transfer_no.clone(),
            side: Side::Archive,
            scheme: "default/1".into(),
            engine: "0.1.0".into(),
            checked: 300,
            unfit: 1,
            root: digest,
            report: document(),
        }),
        Fact::TransferSubmitted(TransferSubmitted {
            transfer_no: transfer_no.clone(),
            items: 299,
            bytes: 20_480,
            root: digest,
            members: document(),
            digests: document(),
            unit_key: [3; 32],
            unit_signature: [4; 64],
        }),
        Fact::TransferRejected(TransferRejected {
            transfer_no: transfer_no.clone(),
            reasons: vec!["transfer.nothing_fit".into()],
            decision: document(),
        }),
        Fact::TransferAccepted(TransferAccepted {
            transfer_no: transfer_no.clone(),
            items: 299,
            bytes: 20_480,
            root: digest,
            members: document(),
            handover: document(),
            unit_key: [3; 32],
            unit_signature: [4; 64],
            archive_key: [9; 32],
            archive_signature: [1; 64],
            packs: vec![pack()],
        }),
        Fact::ItemAccessioned(ItemAccessioned { transfer_no, items: 299, root: digest, members: document() }),
    ]
}

fn draft(fact: Fact) -> Draft {
    Draft {
        id: Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002),
        area: "330382".parse().unwrap(),
        subject: Subject::Item(item()),
        causes: vec![EventHash::of(b"cause")],
        actor: Some(Actor([9; 16])),
        recorded_at: Timestamp::from_millis(1_790_000_000_000),
        fact,
    }
}

#[test]
fn every_fact_keeps_its_golden_bytes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let frozen: BTreeMap<&str, &str> = text.lines().filter_map(|l| l.split_once(' ')).collect();
    let mut lines = Vec::new();
    for (n, fact) in facts().into_iter().enumerate() {
        let name = format!("{}#{n}", fact.kind().name());
        let encoded = draft(fact).encode().unwrap();
        let hex = hex::encode(&encoded.bytes);
        match frozen.get(name.as_str()) {
            Some(golden) => assert_eq!(*golden, hex, "{name} changed its bytes"),
            None => assert!(std::env::var_os("DENGBEI_BLESS").is_some(), "{name} has no golden line"),
        }
        lines.push(format!("{name} {hex}"));
    }
    if std::env::var_os("DENGBEI_BLESS").is_some() {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn every_fact_reads_back_as_it_was_written() {
    for fact in facts() {
        let encoded = draft(fact.clone()).encode().unwrap();
        let event = Event::read(encoded.bytes.clone()).unwrap();
        assert_eq!(event.fact, Some(fact));
        assert_eq!(event.hash, encoded.hash);
        assert_eq!(event.bytes, encoded.bytes);
    }
}

#[test]
fn an_unknown_fact_is_kept_and_is_no_error() {
    let encoded = draft(facts().remove(0)).encode().unwrap();
    let mut later = encoded.bytes.to_vec();
    // field 200, length-delimited, 3 bytes: a fact of a version to come, after the known one was cut off
    let known = later.windows(2).position(|w| w == [0x82, 0x01]).unwrap();
    later.truncate(known);
    later.extend_from_slice(&[0xc2, 0x0c, 3, 1, 2, 3]);
    let event = Event::read(Bytes::from(later.clone())).unwrap();
    assert_eq!(event.fact, None);
    assert_eq!(event.bytes, later);
}

#[test]
fn a_ninth_cause_is_refused() {
    let mut draft = draft(facts().remove(0));
    draft.causes = vec![EventHash::of(b"c"); MAX_CAUSES + 1];
    assert!(draft.encode().is_err());
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = Event::read(Bytes::from(bytes));
    }

    #[test]
    fn damaged_events_never_panic(at in 0usize..300, byte: u8, which in 0usize..28) {
        let mut bytes = draft(facts().remove(which % facts().len())).encode().unwrap().bytes.to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Event::read(Bytes::from(bytes));
    }
}
