//! What tests of transfers share: certified batches, fixity's verdicts, what was stated.

use dengbei_bus::Outcome;
use dengbei_chain::facts::{
    DocumentRef, Side, TransferAccepted, TransferChecked, TransferPacked, TransferSubmitted,
};
use dengbei_chain::{Event, Fact, FactKind, Ids as _, Member, MemberList, RandomIds, Subject};
use dengbei_chain::{TransferCheck, TransferReport, UnfitItem};
use dengbei_records::papers::Sealed;
use dengbei_records::policy::UnitPolicy;
use dengbei_records::{Custody, EventHash, ItemId, Retention, SerialNo, Sha256, canonical};
use ed25519_dalek::{Signature, VerifyingKey};
use uuid::Uuid;

use super::batches::{register, secured};
use super::world::{TestItem, UNIT, World, state};
use crate::batches::Which;
use crate::policy::Policies;
use crate::transfers::{Decision, Propose, Shown};

/// A world in which these items are filed, their batches certified, and nothing is handed over yet.
pub(super) async fn certified(items: &[TestItem]) -> World {
    let world = World::new().await;
    world.publish(UNIT).await;
    certify(&world, items).await;
    world
}

/// Files these items and has what waits registered, secured and certified.
pub(super) async fn certify(world: &World, items: &[TestItem]) {
    let mut prefiled = Vec::new();
    for item in items {
        prefiled.push(world.prefile(item).await);
    }
    world.pass(&prefiled).await;
    world.file().await;
    register(world).await;
    for fact in facts(world, FactKind::BatchRegistered).await {
        let Some(Fact::BatchRegistered(fact)) = fact.fact else { panic!("not registered") };
        let batch = world.parts.office().show(&Which::Number(fact.registration_no)).await.unwrap().0.batch;
        let events = secured(world, &batch).await;
        world.hear(&events).await;
    }
    world.parts.office().certify().await.unwrap();
    world.hear(&facts(world, FactKind::CertificateIssued).await).await;
}

pub(super) fn items(retentions: &[Retention]) -> Vec<TestItem> {
    let item =
        |(n, retention): (usize, &Retention)| TestItem { retention: *retention, ..TestItem::new(n as u32) };
    retentions.iter().enumerate().map(item).collect()
}

/// What was stated of one kind and still waits in the outbox.
pub(super) async fn facts(world: &World, kind: FactKind) -> Vec<Event> {
    let stated = world.stated().await;
    stated.into_iter().filter(|e| e.fact.as_ref().is_some_and(|f| f.kind() == kind)).collect()
}

pub(super) async fn last(world: &World, kind: FactKind) -> Event {
    facts(world, kind).await.pop().unwrap_or_else(|| panic!("nothing of {}", kind.name()))
}

pub(super) async fn packed(world: &World) -> (Event, TransferPacked) {
    let event = last(world, FactKind::TransferPacked).await;
    let Some(Fact::TransferPacked(fact)) = event.fact.clone() else { panic!("not packed") };
    (event, fact)
}

pub(super) async fn submitted(world: &World) -> (Event, TransferSubmitted) {
    let event = last(world, FactKind::TransferSubmitted).await;
    let Some(Fact::TransferSubmitted(fact)) = event.fact.clone() else { panic!("not submitted") };
    (event, fact)
}

pub(super) async fn accepted(world: &World) -> (Event, TransferAccepted) {
    let event = last(world, FactKind::TransferAccepted).await;
    let Some(Fact::TransferAccepted(fact)) = event.fact.clone() else { panic!("not accepted") };
    (event, fact)
}

pub(super) async fn pass(world: &World) -> usize {
    world.parts.transfers().pass().await.unwrap()
}

/// Packs what is due by rule.
pub(super) async fn pack(world: &World) -> (Event, TransferPacked) {
    world.clock.advance(world.parts.transfer_linger);
    assert_eq!(pass(world).await, 1);
    packed(world).await
}

pub(super) async fn body(world: &World, digest: &Sha256) -> bytes::Bytes {
    dengbei_kit::documents::get(&world.parts.pool, digest)
        .await
        .unwrap()
        .expect("the document is served")
        .body
}

pub(super) async fn list(world: &World, reference: &DocumentRef) -> MemberList {
    MemberList::read(&body(world, &reference.digest).await, reference).unwrap()
}

pub(super) async fn paper<T: serde::Serialize + serde::de::DeserializeOwned>(
    world: &World,
    digest: &Sha256,
) -> Sealed<T> {
    let paper: Sealed<T> = canonical::from_slice(&body(world, digest).await).unwrap();
    for seal in &paper.seals {
        dengbei_evidence::seals::verify(seal, &paper.paper, &paper.body_digest().unwrap()).unwrap();
    }
    paper
}

/// What fixity states of a side that checked `members`, with its report: `unfit` fail these checks.
pub(super) async fn check(
    world: &World,
    (side, causes): (Side, Vec<EventHash>),
    number: &SerialNo,
    (members, unfit): (&DocumentRef, &[(ItemId, &str)]),
) -> Event {
    let all = list(world, members).await.members;
    let why = |m: &Member| unfit.iter().find(|(item, _)| *item == m.item).map(|(_, id)| (*id).to_owned());
    let fit: Vec<Member> = all.iter().filter(|m| why(m).is_none()).cloned().collect();
    let out = all.iter().filter_map(|m| Some((m, why(m)?))).map(|(m, id)| UnfitItem {
        item: m.item,
        archival_code: None,
        event: m.event,
        failed: vec![id],
        message: "不合格".into(),
        message_en: "unfit".into(),
        remedy: "请更正后重新归档".into(),
    });
    let salt = hex::encode(RandomIds.next().as_bytes());
    let report = TransferReport {
        transfer_no: number.clone(),
        side,
        scheme: "zj-y/1".into(),
        engine: "test".into(),
        site: "archive".into(),
        checked_at: world.parts.author.now(),
        checked: all.len() as u32,
        list: MemberList { of: "transfer.checked".into(), salt, members: fit },
        unfit: out.collect(),
        checks: vec![usability()],
        receipts: Vec::new(),
        reused: Vec::new(),
    };
    let (document, reference) = report.document().unwrap();
    world.hold(document.into(), &reference);
    let fact = TransferChecked {
        transfer_no: number.clone(),
        side,
        scheme: "zj-y/1".into(),
        engine: "test".into(),
        checked: report.checked,
        unfit: report.unfit.len() as u32,
        root: report.root(),
        report: reference,
    };
    state(Subject::Transfer(number.clone()), causes, Fact::TransferChecked(fact), world.parts.author.now())
}

pub(super) fn usability() -> TransferCheck {
    TransferCheck {
        id: "U-01".into(),
        alias: String::new(),
        name: "可读性".into(),
        name_en: "readable".into(),
        property: "usability".into(),
        severity: "B".into(),
        result: "passed".into(),
        compared: 1,
        failed: 0,
        reused: String::new(),
        findings: Vec::new(),
    }
}

pub(super) type Unfit<'a> = &'a [(ItemId, &'a str)];

pub(super) async fn unit_checks(world: &World, unfit: Unfit<'_>) -> Event {
    let (event, fact) = packed(world).await;
    let checked =
        check(world, (Side::Unit, vec![event.hash]), &fact.transfer_no, (&fact.members, unfit)).await;
    assert_eq!(world.hear(std::slice::from_ref(&checked)).await, [Outcome::Applied]);
    checked
}

pub(super) async fn archive_checks(world: &World, unfit: Unfit<'_>) -> Event {
    let (event, fact) = submitted(world).await;
    let checked =
        check(world, (Side::Archive, vec![event.hash]), &fact.transfer_no, (&fact.members, unfit)).await;
    assert_eq!(world.hear(std::slice::from_ref(&checked)).await, [Outcome::Applied]);
    checked
}

pub(super) async fn storing_checks(world: &World, unfit: Unfit<'_>) -> Event {
    let (event, fact) = accepted(world).await;
    let checked =
        check(world, (Side::Storing, vec![event.hash]), &fact.transfer_no, (&fact.members, unfit)).await;
    assert_eq!(world.hear(std::slice::from_ref(&checked)).await, [Outcome::Applied]);
    checked
}

/// Everything after packing, all of it fit; gives what fixity stated.
pub(super) async fn hand_over(world: &World) -> Vec<Event> {
    let mut checked = vec![unit_checks(world, &[]).await];
    assert_eq!(pass(world).await, 1);
    checked.push(archive_checks(world, &[]).await);
    assert_eq!(pass(world).await, 1);
    checked.push(storing_checks(world, &[]).await);
    assert_eq!(pass(world).await, 1);
    checked
}

pub(super) async fn custody(world: &World, item: &TestItem) -> Custody {
    world.parts.holdings().holding(item.id()).await.unwrap().custody
}

pub(super) async fn shown(world: &World, number: &SerialNo) -> Shown {
    world.parts.transfers().show(Some(number.clone()), None).await.unwrap()
}

pub(super) async fn set_policy(world: &World, change: impl FnOnce(&mut UnitPolicy)) {
    let policies = Policies { pool: world.parts.pool.clone(), author: world.parts.author.clone() };
    let mut policy = UnitPolicy::default_rule();
    change(&mut policy);
    let unit = UNIT.parse().unwrap();
    policies.set(Some(&unit), &canonical::to_vec(&policy).unwrap(), None).await.unwrap();
}

pub(super) fn propose(batches: &[Uuid]) -> Propose {
    Propose { batches: batches.to_vec(), by: "钱五".into(), note: "补移交".into(), actor: None }
}

pub(super) async fn batches(world: &World) -> Vec<Uuid> {
    sqlx::query_scalar("select distinct batch from certified_packs")
        .fetch_all(&world.parts.pool)
        .await
        .unwrap()
}

pub(super) fn sign(side: Side, filled_by: &str, reviewed_by: &str) -> Decision {
    Decision::Sign { side, filled_by: filled_by.into(), reviewed_by: reviewed_by.into() }
}

pub(super) fn verify(key: &[u8; 32], text: &str, signature: &[u8; 64]) {
    let key = VerifyingKey::from_bytes(key).unwrap();
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).unwrap();
}
