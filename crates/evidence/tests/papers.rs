//! A paper holds only as it was sealed, by those whom it names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dengbei_evidence::papers::{Keys, verify};
use dengbei_evidence::seals::{ED25519, SM2, SM2_USER};
use dengbei_records::papers::{Body, DigestTable, HANDOVER, Handover, Seal, Sealed, Side};
use dengbei_records::{Sha256, canonical};
use ed25519_dalek::{Signer as _, SigningKey};
use sm2::elliptic_curve::sec1::ToSec1Point as _;

const AT: &str = "2026-11-22T10:00:00+08:00";

fn side(of: &str) -> Side {
    let body = Body { name: of.into(), code: String::new(), mark: "J019".into() };
    Side { body, filled_by: format!("{of}甲"), reviewed_by: format!("{of}乙"), on: "2026-11-22".into() }
}

fn handover() -> Sealed<Handover> {
    let body = Handover {
        transfer_no: "YJ-330382-2026-1-000001-1".into(),
        title: "区经信局2026年第1批".into(),
        content: "办件".into(),
        items: 3,
        files: 9,
        bytes: 24_576,
        gigabytes: "0.001".into(),
        carriers: "1-1".into(),
        carrier: "在线".into(),
        checks: Vec::new(),
        unit: side("区经信局"),
        archive: side("区档案馆"),
        copies: 2,
        catalogue: "00".repeat(32),
        root: "00".repeat(32),
        digests: DigestTable { unit: "区经信局".into(), rows: Vec::new() },
    };
    let mut sealed = Sealed { paper: HANDOVER.into(), body, seals: Vec::new() };
    let digest = sealed.body_digest().unwrap();
    let people = ["unit.filled_by", "unit.reviewed_by", "archive.filled_by", "archive.reviewed_by"];
    let names = ["区经信局甲", "区经信局乙", "区档案馆甲", "区档案馆乙"];
    sealed.seals.extend(people.iter().zip(names).map(|(role, name)| signed(&digest, role, name)));
    sealed.seals.push(stamped(&digest, "unit.seal", "区经信局"));
    sealed.seals.push(stamped(&digest, "archive.seal", "区档案馆"));
    sealed
}

fn seed(name: &str) -> [u8; 32] {
    *Sha256::of(name.as_bytes()).as_bytes()
}

fn seal(role: &str, name: &str, algorithm: &str, key: &[u8], value: &[u8]) -> Seal {
    Seal {
        role: role.into(),
        name: name.into(),
        at: AT.into(),
        algorithm: algorithm.into(),
        key: hex::encode(key),
        value: hex::encode(value),
    }
}

fn signed(digest: &Sha256, role: &str, name: &str) -> Seal {
    let key = SigningKey::from_bytes(&seed(name));
    let value = key.sign(Seal::text(HANDOVER, digest, role, name, AT).as_bytes()).to_bytes();
    seal(role, name, ED25519, &key.verifying_key().to_bytes(), &value)
}

fn stamped(digest: &Sha256, role: &str, name: &str) -> Seal {
    let secret = sm2::SecretKey::from_slice(&seed(name)).unwrap();
    let key = sm2::dsa::SigningKey::new(SM2_USER, &secret).unwrap();
    let text = Seal::text(HANDOVER, digest, role, name, AT);
    let value: sm2::dsa::Signature = sm2::dsa::signature::Signer::try_sign(&key, text.as_bytes()).unwrap();
    let public = key.verifying_key().to_sec1_point(false);
    seal(role, name, SM2, public.as_bytes(), &value.to_bytes())
}

fn faults(paper: &Sealed<Handover>, keys: Option<&Keys>) -> Vec<&'static str> {
    let json = canonical::to_vec(paper).unwrap();
    verify(&json, keys).map_or_else(|findings| findings.iter().map(|f| f.code).collect(), |_| Vec::new())
}

#[test]
fn a_handover_signed_by_four_people_under_two_seals_holds() {
    let paper = handover();
    let keys: Keys = paper.seals.iter().map(|s| (s.key.clone(), s.name.clone())).collect();
    assert_eq!((keys.len(), faults(&paper, None), faults(&paper, Some(&keys))), (6, vec![], vec![]));
    let verified = verify(&canonical::to_vec(&paper).unwrap(), Some(&keys)).unwrap();
    assert_eq!(verified.body_digest, paper.body_digest().unwrap());
}

#[test]
fn what_was_changed_after_sealing_is_found_at_every_seal() {
    let mut paper = handover();
    paper.body.items = 4;
    assert_eq!(faults(&paper, None), ["seal.wrong"; 6]);
}

#[test]
fn a_missing_signature_another_name_and_one_person_twice_are_told_apart() {
    let digest = handover().body_digest().unwrap();
    let mut paper = handover();
    paper.seals.remove(1);
    assert_eq!(faults(&paper, None), ["paper.unsealed"]);
    paper.seals.push(signed(&digest, "unit.reviewed_by", "别人"));
    assert_eq!(faults(&paper, None), ["paper.name"]);
    let mut paper = handover();
    let text = Seal::text(HANDOVER, &digest, "unit.reviewed_by", "区经信局乙", AT);
    let first = SigningKey::from_bytes(&seed("区经信局甲"));
    paper.seals[1].key = hex::encode(first.verifying_key().to_bytes());
    paper.seals[1].value = hex::encode(first.sign(text.as_bytes()).to_bytes());
    assert_eq!(faults(&paper, None), ["paper.same_person"]);
}

#[test]
fn a_key_that_is_not_trusted_is_refused() {
    let paper = handover();
    let keys: Keys = paper.seals.iter().skip(1).map(|s| (s.key.clone(), s.name.clone())).collect();
    assert_eq!(faults(&paper, Some(&keys)), ["paper.key"]);
}

#[test]
fn another_spelling_and_another_kind_are_refused() {
    let json = canonical::to_vec(&handover()).unwrap();
    let mut spaced = json.clone();
    spaced.push(b' ');
    assert_eq!(verify(&spaced, None).unwrap_err()[0].code, "paper.not_canonical");
    let other = String::from_utf8(json).unwrap().replace("handover/1", "handover/2");
    assert_eq!(verify(other.as_bytes(), None).unwrap_err()[0].code, "paper.kind");
}
