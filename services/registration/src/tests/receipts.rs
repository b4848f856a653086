//! 存证回执 along a whole life: each tells the newest step that is under the published checkpoint.

use dengbei_chain::facts::CertificateIssued;
use dengbei_chain::{DocumentRef, Fact, FactKind};
use dengbei_evidence::{Proven, Stage};
use dengbei_records::Retention;

use super::batches::{register, secured};
use super::handover::{facts, hand_over, items, pack};
use super::restore::seal_everything;
use super::world::{TestItem, UNIT, World};
use crate::batches::Which;
use crate::store::documents;

async fn proven(world: &World, item: &TestItem) -> Proven {
    let receipt = world.parts.receipts().build(item.id(), None).await.unwrap();
    assert!(receipt.len() < 10 * 1024, "{}", receipt.len());
    dengbei_evidence::verify(&receipt, world.parts.log.signer.verifier(), false).unwrap()
}

/// What an event cites is a sealed paper that anyone can check.
async fn assert_paper_holds(world: &World, cited: &DocumentRef) {
    let mut connection = world.parts.pool.acquire().await.unwrap();
    let body = documents::body(&mut connection, &cited.digest).await.unwrap().unwrap();
    let paper = dengbei_evidence::papers::verify(&body, None).unwrap();
    assert!(!paper.seals.is_empty(), "{}", paper.paper);
}

/// Files these items in packs by their retention, and seals.
async fn filed(items: &[TestItem]) -> World {
    let world = World::new().await;
    world.publish(UNIT).await;
    let mut stated = Vec::new();
    for item in items {
        stated.push(world.prefile(item).await);
    }
    stated.push(world.pass(&stated).await);
    world.file().await;
    seal_everything(&world, 1, &stated).await;
    world
}

/// Registers and backs up what is filed; seals before and after the backup.
async fn back_up(world: &World, item: &TestItem) {
    assert_eq!(register(world).await, 1);
    let registered = facts(world, FactKind::BatchRegistered).await;
    assert_eq!(proven(world, item).await.stage(), Stage::Filed, "not under a checkpoint yet");
    seal_everything(world, 2, &[]).await;
    assert_eq!(proven(world, item).await.stage(), Stage::Registered);
    let Some(Fact::BatchRegistered(fact)) = &registered[0].fact else { panic!("not registered") };
    let which = Which::Number(fact.registration_no.clone());
    let batch = world.parts.office().show(&which).await.unwrap().0.batch;
    let events = secured(world, &batch).await;
    world.hear(&events).await;
    seal_everything(world, 3, &events).await;
}

#[tokio::test]
async fn a_receipt_tells_the_newest_step_from_filing_to_the_archive() {
    let items = items(&[Retention::ThirtyYears, Retention::ThirtyYears, Retention::TenYears]);
    let world = filed(&items).await;
    assert_eq!(proven(&world, &items[0]).await.stage(), Stage::Filed);
    back_up(&world, &items[0]).await;
    let backed_up = proven(&world, &items[0]).await;
    assert_eq!((backed_up.stage(), backed_up.secured.unwrap().receipts.len()), (Stage::Secured, 3));
    assert_paper_holds(&world, &backed_up.applied.unwrap().application).await;
    world.parts.office().certify().await.unwrap();
    let issued = facts(&world, FactKind::CertificateIssued).await;
    world.hear(&issued).await;
    seal_everything(&world, 4, &[]).await;
    assert_eq!(proven(&world, &items[0]).await.stage(), Stage::Certified);
    pack(&world).await;
    let checked = hand_over(&world).await;
    seal_everything(&world, 5, &checked).await;
    for item in &items[..2] {
        let proven = proven(&world, item).await;
        assert_eq!(proven.stage(), Stage::Accessioned);
        let Some(Fact::CertificateIssued(CertificateIssued { certificate_no, .. })) = &issued[0].fact else {
            panic!("no certificate")
        };
        let certificate = proven.certificate.unwrap();
        assert_eq!(&certificate.certificate_no, certificate_no);
        assert_paper_holds(&world, &certificate.certificate).await;
        assert_paper_holds(&world, &proven.registered.unwrap().decision).await;
        let accepted = proven.accepted.unwrap();
        assert_eq!(accepted.items, 2);
        assert_paper_holds(&world, &accepted.handover).await;
    }
    assert_eq!(proven(&world, &items[2]).await.stage(), Stage::Certified, "not for the archive");
}

#[tokio::test]
async fn a_database_that_is_replayed_from_the_log_gives_the_same_receipt() {
    let items = items(&[Retention::TenYears]);
    let world = filed(&items).await;
    let old = super::restore::dump(&world).await;
    let world = world.with_database(&world.database).await;
    back_up(&world, &items[0]).await;
    let before = world.parts.receipts().build(items[0].id(), None).await.unwrap();
    let restored = world.with_database(&old).await;
    restored.parts.sealer().start().await.unwrap();
    assert_eq!(restored.parts.receipts().build(items[0].id(), None).await.unwrap(), before);
}
