//! 移交进馆: from certificates to the archive, by rule and by hand.

use dengbei_bus::{HandleError, Handler as _, Outcome};
use dengbei_chain::facts::{Side, TransferAccepted, TransferRejected, TransferSubmitted};
use dengbei_chain::{Fact, FactKind};
use dengbei_records::papers::{Catalogue, DigestTable, Handover, Sealed};
use dengbei_records::policy::TransferRule;
use dengbei_records::{Custody, ErrorClass, EventHash, ItemId, Retention, SerialNo, Series};

use super::handover::{
    accepted, archive_checks, batches, body, certified, check, custody, last, list, packed, paper, pass,
    propose, set_policy, shown, sign, storing_checks, submitted, unit_checks, verify,
};
pub(super) use super::handover::{facts, hand_over, items, pack};
use super::world::{World, area};
use crate::store::transfers::State;
use crate::store::transfers::lists::Wanted;
use crate::transfers::{Decision, TransferError};

#[tokio::test]
async fn permanent_and_thirty_years_go_to_the_archive_and_ten_years_end_at_certified() {
    let all = items(&[Retention::Permanent, Retention::ThirtyYears, Retention::TenYears]);
    let world = certified(&all).await;
    assert_eq!(pass(&world).await, 0, "a certificate waits for others of its unit");
    let due = world.parts.transfers().list(Wanted::default()).await.unwrap().due;
    assert_eq!((due.len(), due[0].packs.len(), due[0].items), (1, 2, 2));
    let (event, p) = pack(&world).await;
    assert_eq!(p.transfer_no.to_string(), "YJ-330382-2026-1-000001-6");
    assert_eq!((p.items, p.packs.len()), (2, 2));
    assert_eq!(event.causes, [last(&world, FactKind::CertificateIssued).await.hash]);
    let members = list(&world, &p.members).await;
    assert_eq!((members.root(), members.members.len()), (p.root, 2));

    let checked = hand_over(&world).await;
    let (first, s) = submitted(&world).await;
    assert_eq!(first.causes, [event.hash, checked[0].hash, event.causes[0]]);
    let text = TransferSubmitted::signed_text(
        &area(),
        &s.transfer_no,
        &s.root,
        &s.members.digest,
        &s.digests.digest,
    );
    verify(&s.unit_key, &text, &s.unit_signature);
    let table: Sealed<DigestTable> = paper(&world, &s.digests.digest).await;
    assert_eq!(
        table.body.rows.iter().map(|r| r.pack).collect::<Vec<_>>(),
        [p.packs[0].get(), p.packs[1].get()]
    );
    assert_eq!(table.body.rows.iter().map(|r| r.bytes).sum::<u64>(), s.bytes);
    let (second, a) = accepted(&world).await;
    assert_eq!(second.causes, [first.hash, checked[1].hash, event.causes[0]]);
    check_handover(&world, &a).await;
    let third = last(&world, FactKind::ItemAccessioned).await;
    assert_eq!(third.causes, [second.hash, checked[2].hash]);
    let Some(Fact::ItemAccessioned(moved)) = &third.fact else { panic!("not accessioned") };
    assert_eq!((moved.root, moved.items, &moved.members), (a.root, 2, &a.members));

    let now =
        [custody(&world, &all[0]).await, custody(&world, &all[1]).await, custody(&world, &all[2]).await];
    assert_eq!(now, [Custody::Accessioned, Custody::Accessioned, Custody::Filed]);
    world.clock.advance(world.parts.transfer_linger);
    assert_eq!(pass(&world).await, 0, "nothing is left");
    let listed = world.parts.transfers().list(Wanted::default()).await.unwrap();
    assert_eq!((listed.counts.get("accessioned"), listed.due.len()), (Some(&1), 0));
    let by_item = world.parts.transfers().show(None, Some(all[1].id())).await.unwrap();
    assert_eq!((by_item.summary.transfer.number, by_item.codes.len()), (p.transfer_no, 2));
    let ten_years = world.parts.transfers().show(None, Some(all[2].id())).await;
    assert!(matches!(ten_years, Err(TransferError::NotFound)));
}

async fn check_handover(world: &World, a: &TransferAccepted) {
    let text = TransferAccepted::signed_text(&area(), &a.transfer_no, &a.root, &a.handover.digest);
    verify(&a.unit_key, &text, &a.unit_signature);
    verify(&a.archive_key, &text, &a.archive_signature);
    let handover: Sealed<Handover> = paper(world, &a.handover.digest).await;
    let seals: Vec<(&str, &str)> =
        handover.seals.iter().map(|s| (s.role.as_str(), s.algorithm.as_str())).collect();
    assert_eq!(
        seals,
        [
            ("unit.filled_by", "Ed25519"),
            ("unit.reviewed_by", "Ed25519"),
            ("unit.seal", "SM2-SM3"),
            ("archive.filled_by", "Ed25519"),
            ("archive.reviewed_by", "Ed25519"),
            ("archive.seal", "SM2-SM3"),
        ]
    );
    let keys: std::collections::BTreeSet<&str> = handover.seals.iter().map(|s| s.key.as_str()).collect();
    assert_eq!(keys.len(), 6, "everybody signs with their own key");
    let form = &handover.body;
    assert_eq!((form.items, form.files, form.copies, form.carrier.as_str()), (2, 4, 2, "在线"));
    assert_eq!((form.bytes, form.root.clone()), (a.bytes, a.root.to_string()));
    let properties: Vec<&str> = form.checks.iter().map(|c| c.property.as_str()).collect();
    assert_eq!(properties, ["准确性", "完整性", "可用性", "安全性", "载体外观", "数字摘要"]);
    assert_eq!((form.unit.on.as_str(), form.digests.rows.len()), ("2026-02-02", 2));
    let catalogue: Sealed<Catalogue> = paper(world, &form.catalogue.parse().unwrap()).await;
    let rows: Vec<(&str, u32)> = catalogue.body.rows.iter().map(|r| (r.title.as_str(), r.files)).collect();
    assert_eq!(rows, [("备案", 2), ("备案", 2)]);
}

#[tokio::test]
async fn what_either_side_finds_unfit_is_taken_out_and_every_paper_is_made_anew_before_anyone_signs() {
    let all = items(&[Retention::ThirtyYears; 3]);
    let world = certified(&all).await;
    let (_, p) = pack(&world).await;
    unit_checks(&world, &[(all[0].id(), "U-01")]).await;
    assert_eq!(pass(&world).await, 1);
    let (_, s) = submitted(&world).await;
    assert_eq!((p.items, s.items), (3, 2));
    archive_checks(&world, &[(all[1].id(), "A-01")]).await;
    assert_eq!(pass(&world).await, 1);
    let (_, a) = accepted(&world).await;
    let fit = list(&world, &a.members).await;
    assert_eq!((a.items, fit.root(), fit.members[0].item), (1, a.root, all[2].id()));
    let handover: Sealed<Handover> = paper(&world, &a.handover.digest).await;
    assert_eq!((handover.body.items, handover.body.digests.rows[0].items, handover.body.files), (1, 1, 2));
    assert!(handover.body.checks[2].unit.contains("不合格1件已剔除"), "{:?}", handover.body.checks[2]);
    assert!(!handover.body.checks[2].archive.contains("剔除"));
    let catalogue: Sealed<Catalogue> = paper(&world, &handover.body.catalogue.parse().unwrap()).await;
    let code = world.parts.holdings().holding(all[2].id()).await.unwrap().filed.unwrap().archival_code;
    assert_eq!(catalogue.body.rows.iter().map(|r| &r.archival_code).collect::<Vec<_>>(), [&code.to_string()]);
    storing_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 1);
    let now =
        [custody(&world, &all[0]).await, custody(&world, &all[1]).await, custody(&world, &all[2]).await];
    assert_eq!(now, [Custody::Filed, Custody::Filed, Custody::Accessioned]);
    let told = shown(&world, &p.transfer_no).await;
    let mut unfit: Vec<(ItemId, &str, &str)> =
        told.unfit.iter().map(|u| (u.item, u.side.as_str(), u.failed[0].as_str())).collect();
    unfit.sort_by_key(|u| u.1);
    assert_eq!(unfit, [(all[1].id(), "archive", "A-01"), (all[0].id(), "unit", "U-01")]);
    assert_eq!((told.summary.unfit, told.codes.len()), (2, 1));
    world.clock.advance(world.parts.transfer_linger);
    assert_eq!(pass(&world).await, 0, "no rule proposes again what was found unfit");

    // A person does: what is in the archive already is not in it.
    let number = world.parts.transfers().propose(propose(&batches(&world).await)).await.unwrap();
    let (_, again) = packed(&world).await;
    assert_eq!((&again.transfer_no, again.items), (&number, 2));
    hand_over(&world).await;
    for item in &all {
        assert_eq!(custody(&world, item).await, Custody::Accessioned);
    }
    let nothing = world.parts.transfers().propose(propose(&batches(&world).await)).await;
    assert!(matches!(nothing, Err(TransferError::NothingLeft)));
}

#[tokio::test]
async fn where_nothing_is_fit_the_transfer_goes_back_and_the_items_stay_filed() {
    let all = items(&[Retention::Permanent; 2]);
    let world = certified(&all).await;
    let (_, p) = pack(&world).await;
    let checked = unit_checks(&world, &[(all[0].id(), "U-01"), (all[1].id(), "I-04")]).await;
    assert_eq!(pass(&world).await, 1);
    let event = last(&world, FactKind::TransferRejected).await;
    let Some(Fact::TransferRejected(TransferRejected { reasons, decision, .. })) = &event.fact else {
        panic!("not rejected")
    };
    assert_eq!(event.causes, [checked.hash]);
    assert_eq!(reasons, &["transfer.nothing_fit", "I-04", "U-01"]);
    let decided: serde_json::Value = serde_json::from_slice(&body(&world, &decision.digest).await).unwrap();
    assert_eq!(decided["unfit"].as_array().unwrap().len(), 2);
    assert_eq!(shown(&world, &p.transfer_no).await.summary.transfer.state, State::Rejected);
    assert_eq!(custody(&world, &all[0]).await, Custody::Filed);
    world.clock.advance(world.parts.transfer_linger);
    assert_eq!(pass(&world).await, 0, "no rule proposes it again");
    let number = world.parts.transfers().propose(propose(&batches(&world).await)).await.unwrap();
    assert_eq!((number.sequence(), packed(&world).await.1.items), (2, 2));
}

#[tokio::test]
async fn custody_moves_once_however_often_everything_is_delivered() {
    let all = items(&[Retention::ThirtyYears; 2]);
    let world = certified(&all).await;
    pack(&world).await;
    let checked = hand_over(&world).await;
    let stated = world.stated().await;
    let other = world.with_database(&world.database).await;
    for _ in 0..2 {
        for event in stated.iter().chain(&checked) {
            let outcome = other.hear(std::slice::from_ref(event)).await;
            assert!(matches!(outcome[..], [Outcome::Applied | Outcome::Skipped]), "{}", event.fact_name());
        }
        other.clock.advance(other.parts.transfer_linger);
        assert_eq!(pass(&other).await + pass(&world).await, 0);
    }
    assert_eq!(world.stated().await.len(), stated.len());
    assert_eq!(facts(&world, FactKind::ItemAccessioned).await.len(), 1);
}

#[tokio::test]
async fn two_workers_state_each_step_once() {
    let world = certified(&items(&[Retention::ThirtyYears])).await;
    world.clock.advance(world.parts.transfer_linger);
    let other = world.with_database(&world.database).await;
    let both = async || {
        let (one, two) = (world.parts.transfers(), other.parts.transfers());
        let (one, two) = tokio::join!(one.pass(), two.pass());
        assert_eq!(one.unwrap() + two.unwrap(), 1);
    };
    both().await;
    unit_checks(&world, &[]).await;
    both().await;
    archive_checks(&world, &[]).await;
    both().await;
    storing_checks(&world, &[]).await;
    both().await;
    for kind in [
        FactKind::TransferPacked,
        FactKind::TransferSubmitted,
        FactKind::TransferAccepted,
        FactKind::ItemAccessioned,
    ] {
        assert_eq!(facts(&world, kind).await.len(), 1, "{}", kind.name());
    }
}

#[tokio::test]
async fn by_hand_two_people_of_each_side_sign_and_one_person_twice_is_refused() {
    let all = items(&[Retention::Permanent]);
    let world = certified(&all).await;
    set_policy(&world, |p| p.transfer = TransferRule::ByHand).await;
    world.clock.advance(world.parts.transfer_linger);
    assert_eq!(pass(&world).await, 0, "no rule packs");
    let desk = world.parts.transfers();
    let number = desk.propose(propose(&batches(&world).await)).await.unwrap();
    assert_eq!(
        desk.propose(propose(&batches(&world).await)).await.unwrap(),
        number,
        "the same proposal again"
    );
    let early = desk.decide(&number, sign(Side::Unit, "张三", "李四")).await;
    assert!(matches!(early, Err(TransferError::NotToSign { .. })), "nobody signs before the checks");
    unit_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 1);
    archive_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 0, "it waits for people");
    let waits = shown(&world, &number).await.summary.waits_for;
    assert!(waits.contains("sign_unit") && waits.contains("sign_archive"), "{waits}");

    let twice = desk.decide(&number, sign(Side::Unit, "张三", "张三")).await;
    assert!(
        matches!(&twice, Err(e @ TransferError::SamePerson(_)) if e.problem().class == ErrorClass::Invalid)
    );
    assert!(matches!(
        desk.decide(&number, sign(Side::Unit, "", "李四")).await,
        Err(TransferError::Invalid(_))
    ));
    desk.decide(&number, sign(Side::Unit, "张三", "李四")).await.unwrap();
    desk.decide(&number, sign(Side::Unit, "张三", "李四")).await.unwrap();
    let others = desk.decide(&number, sign(Side::Unit, "王五", "李四")).await;
    assert!(matches!(others, Err(TransferError::Signed)));
    assert_eq!(pass(&world).await, 0);
    assert_eq!(shown(&world, &number).await.summary.waits_for, "接收单位签字 sign_archive");
    desk.decide(&number, sign(Side::Archive, "赵六", "孙七")).await.unwrap();
    assert_eq!(pass(&world).await, 1);
    let handover: Sealed<Handover> = paper(&world, &accepted(&world).await.1.handover.digest).await;
    let names: Vec<&str> = handover.seals.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["张三", "李四", "区行政审批局", "赵六", "孙七", "档案馆（330382）"]);
    let late =
        Decision::Decline {
            by: "赵六".into(), reasons: vec!["x".into()], note: String::new(), actor: None
        };
    assert!(matches!(desk.decide(&number, late).await, Err(TransferError::Ended { .. })));
}

#[tokio::test]
async fn a_side_may_decline_with_reasons_until_it_has_signed() {
    let all = items(&[Retention::Permanent]);
    let world = certified(&all).await;
    let (_, p) = pack(&world).await;
    let desk = world.parts.transfers();
    let decline = |reasons: &[&str]| Decision::Decline {
        by: "赵六".into(),
        reasons: reasons.iter().map(ToString::to_string).collect(),
        note: "目录与协议不符".into(),
        actor: None,
    };
    let running = desk.decide(&p.transfer_no, decline(&["agreement.differs"])).await;
    assert!(matches!(running, Err(TransferError::BeingChecked)));
    unit_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 1);
    assert!(matches!(desk.decide(&p.transfer_no, decline(&[])).await, Err(TransferError::Invalid(_))));
    desk.decide(&p.transfer_no, decline(&["agreement.differs"])).await.unwrap();
    desk.decide(&p.transfer_no, decline(&["agreement.differs"])).await.unwrap();
    let rejected = facts(&world, FactKind::TransferRejected).await;
    assert_eq!((rejected.len(), rejected[0].causes[0]), (1, submitted(&world).await.0.hash));
    archive_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 0, "what fixity finds afterwards changes nothing");
    assert_eq!(custody(&world, &all[0]).await, Custody::Filed);
}

#[tokio::test]
async fn a_copy_that_is_unsound_on_storing_keeps_custody_until_it_is_repaired() {
    let all = items(&[Retention::Permanent; 2]);
    let world = certified(&all).await;
    let (_, p) = pack(&world).await;
    unit_checks(&world, &[]).await;
    pass(&world).await;
    archive_checks(&world, &[]).await;
    pass(&world).await;
    storing_checks(&world, &[(all[1].id(), "A-02")]).await;
    assert_eq!(pass(&world).await, 0);
    let told = shown(&world, &p.transfer_no).await;
    assert_eq!(
        (told.summary.transfer.state, told.summary.transfer.reasons),
        (State::Accepted, vec!["A-02".into()])
    );
    assert!(told.summary.waits_for.starts_with("1件入库检测不合格"), "{}", told.summary.waits_for);
    assert_eq!(
        (told.unfit[0].side.as_str(), told.codes.len()),
        ("storing", 2),
        "it is still in the transfer"
    );
    assert_eq!(custody(&world, &all[0]).await, Custody::Filed);
    let sound = storing_checks(&world, &[]).await;
    assert_eq!(pass(&world).await, 1);
    let moved = last(&world, FactKind::ItemAccessioned).await;
    assert_eq!(moved.causes[1], sound.hash);
    assert_eq!(custody(&world, &all[1]).await, Custody::Accessioned);
    assert!(shown(&world, &p.transfer_no).await.unfit.is_empty());
}

#[tokio::test]
async fn checks_that_overtake_their_cause_wait_and_a_report_of_another_transfer_is_refused() {
    let all = items(&[Retention::Permanent; 2]);
    let world = certified(&all).await;
    let (event, p) = pack(&world).await;
    let early = EventHash::of(b"submitted");
    let archive = check(&world, (Side::Archive, vec![early]), &p.transfer_no, (&p.members, &[])).await;
    assert_eq!(world.hear(&[archive]).await, [Outcome::WaitFor(early)]);
    let unknown = SerialNo::new(Series::Transfer, area(), 2026, 9).unwrap();
    let other = check(&world, (Side::Unit, vec![early]), &unknown, (&p.members, &[])).await;
    assert_eq!(world.hear(&[other]).await, [Outcome::WaitFor(early)]);

    let mut short = list(&world, &p.members).await;
    short.members.pop();
    let (bytes, reference) = short.document().unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    dengbei_kit::documents::put(&mut tx, &bytes, &reference.media_type).await.unwrap();
    tx.commit().await.unwrap();
    let wrong = check(&world, (Side::Unit, vec![event.hash]), &p.transfer_no, (&reference, &[])).await;
    let registrar = world.parts.registrar();
    let prepared = registrar.prepare(std::slice::from_ref(&wrong)).await.unwrap();
    let mut tx = world.parts.pool.begin().await.unwrap();
    let refused: Result<Vec<Outcome>, HandleError> = registrar.apply(&mut tx, &[wrong], prepared).await;
    assert_eq!(refused.unwrap_err().class(), ErrorClass::Invalid);
}
