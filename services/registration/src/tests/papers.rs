//! 单位规则 and 文书.

use dengbei_records::papers::{Filing, Sealed};
use dengbei_records::policy::{TransferRule, UnitPolicy};
use dengbei_records::{Retention, canonical};

use super::handover::{certified, hand_over, items, pack};
use super::world::{UNIT, World};
use crate::paper::Papers;
use crate::policy::Policies;
use crate::store::transfers;

#[tokio::test]
async fn every_version_of_a_rule_is_kept_and_the_units_own_goes_before_the_areas() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let policies = Policies { pool: world.parts.pool.clone(), author: world.parts.author.clone() };
    let unit = UNIT.parse().unwrap();
    let body =
        |rule| canonical::to_vec(&UnitPolicy { transfer: rule, ..UnitPolicy::default_rule() }).unwrap();
    assert!(policies.of(Some(&unit)).await.unwrap().is_default);
    let area = policies.set(None, &body(TransferRule::Monthly), None).await.unwrap();
    assert_eq!(
        (area.policy.version, policies.of(Some(&unit)).await.unwrap().policy.transfer),
        (2, TransferRule::Monthly)
    );
    assert!(policies.of(Some(&unit)).await.unwrap().is_default);
    policies.set(Some(&unit), &body(TransferRule::AfterYears(5)), None).await.unwrap();
    let own = policies.set(Some(&unit), &body(TransferRule::AfterYears(5)), None).await.unwrap();
    assert_eq!((own.policy.version, own.is_default), (3, false), "the same again is no other version");
    assert_eq!(policies.of(Some(&unit)).await.unwrap(), own);
    assert_eq!(policies.of(None).await.unwrap().policy.transfer, TransferRule::Monthly);
    assert_eq!(world.ask::<i64>("select count(*) from policies").await, 2);
    let stranger = "11511301008778386B".parse().unwrap();
    let refused = policies.set(Some(&stranger), &body(TransferRule::AtOnce), None).await.unwrap_err();
    assert_eq!(refused.problem().code, "unit.unknown");
}

#[tokio::test]
async fn papers_are_found_by_their_numbers_and_what_is_not_made_yet_is_said() {
    let world = certified(&items(&[Retention::Permanent])).await;
    let (_, p) = pack(&world).await;
    let papers = Papers { transfers: world.parts.transfers() };
    let number = p.transfer_no.to_string();
    assert_eq!(papers.get("handover", &number, "json").await.unwrap_err().problem().code, "paper.not_yet");
    hand_over(&world).await;
    for kind in ["handover", "digests", "catalogue"] {
        let paper = papers.get(kind, &number, "json").await.unwrap();
        let read: Sealed<serde_json::Value> = serde_json::from_slice(&paper.body).unwrap();
        assert_eq!(read.paper, format!("{kind}/1"));
        assert_eq!(paper.file_name, format!("{kind}-{number}.json"));
    }
    let mut tx = world.parts.pool.acquire().await.unwrap();
    let certificate =
        transfers::find(&mut tx, &p.transfer_no).await.unwrap().unwrap().certificates[0].clone();
    drop(tx);
    for (kind, id) in [
        ("certificate", certificate.number.to_string()),
        ("application", certificate.batch.to_string()),
        ("registration", certificate.batch.to_string()),
    ] {
        papers.get(kind, &id, "").await.unwrap();
    }
    let form = papers.get("filing", "00000001", "json").await.unwrap();
    assert_eq!(form.body, papers.get("filing", "1", "json").await.unwrap().body, "the same bytes every time");
    let form: Sealed<Filing> = canonical::from_slice(&form.body).unwrap();
    dengbei_evidence::seals::verify(&form.seals[0], &form.paper, &form.body_digest().unwrap()).unwrap();
    assert_eq!((form.body.items, form.body.codes.as_str()), (1, "J001-ZY·XK·2026·Y-00001"));
    for (kind, id, format, code) in [
        ("deed", "1", "json", "paper.invalid"),
        ("filing", "1", "docx", "paper.invalid"),
        ("filing", "99", "json", "paper.unknown"),
        ("handover", &certificate.number.to_string(), "json", "paper.invalid"),
    ] {
        assert_eq!(papers.get(kind, id, format).await.unwrap_err().problem().code, code, "{kind} {id}");
    }
}
