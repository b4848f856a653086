//! 登记批次: from a filed pack to its certificate, by rule and at the desk.

mod backups;
mod by_desk;
mod by_rule;

use dengbei_bus::{HandleError, Handler as _, Outcome};
use dengbei_chain::facts::{
    BatchApplied, BatchDeclined, BatchRegistered, CertificateIssued, PackSecured, Purpose, SiteReceipt,
    Witness,
};
use dengbei_chain::{Event, Fact, Subject, root};
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Drain, RoleConfig, SiteAddress};
use dengbei_records::papers::{Application, Certificate, Decision, Sealed};
use dengbei_records::policy::{Mode, UnitPolicy};
use dengbei_records::{ErrorClass, EventHash, PackNumber, Sha256, canonical};
use dengbei_testkit::{PATIENCE, eventually};
use dengbei_vault::PackName;
use ed25519_dalek::{Signature, VerifyingKey};
use uuid::Uuid;

use super::restore::{dump, hear_log, seal_everything};
use super::world::{TOKEN, TestItem, UNIT, World, area, state};
use crate::batches::{Ask, BatchError, Verb, Which};
use crate::store::batches::{Batch, BatchState, Filter};
use crate::store::filed_packs::FiledPack;
use crate::store::{documents, filed_packs};

/// A world in which `packs` packs of one item each are filed; item numbers begin at `first`.
pub(super) async fn file_packs(world: &World, first: u32, packs: u32) {
    for n in first..first + packs {
        let event = world.prefile(&TestItem::new(n)).await;
        world.pass(&[event]).await;
        assert_eq!(world.file().await, 1);
    }
}

async fn filed(packs: u32) -> World {
    let world = World::new().await;
    world.publish(UNIT).await;
    file_packs(&world, 0, packs).await;
    world
}

/// Applies for and registers everything that waits.
pub(super) async fn register(world: &World) -> usize {
    world.clock.advance(world.parts.registration_linger);
    world.parts.office().apply().await.unwrap();
    world.parts.office().decide().await.unwrap()
}

fn facts<T>(events: &[Event], of: impl Fn(&Fact) -> Option<T>) -> Vec<(Event, T)> {
    events.iter().filter_map(|e| Some((e.clone(), of(e.fact.as_ref()?)?))).collect()
}

fn applied(events: &[Event]) -> Vec<(Event, BatchApplied)> {
    facts(events, |f| if let Fact::BatchApplied(f) = f { Some(f.clone()) } else { None })
}

fn registered(events: &[Event]) -> Vec<(Event, BatchRegistered)> {
    facts(events, |f| if let Fact::BatchRegistered(f) = f { Some(f.clone()) } else { None })
}

fn declined(events: &[Event]) -> Vec<(Event, BatchDeclined)> {
    facts(events, |f| if let Fact::BatchDeclined(f) = f { Some(f.clone()) } else { None })
}

fn certified(events: &[Event]) -> Vec<(Event, CertificateIssued)> {
    facts(events, |f| if let Fact::CertificateIssued(f) = f { Some(f.clone()) } else { None })
}

fn receipt(world: &World, site: &str, pack: &FiledPack) -> SiteReceipt {
    let keys = SealKeys::open_or_make(&world.folder.path().join("keys/sites"), site).unwrap();
    let mut receipt = SiteReceipt {
        site: site.into(),
        class: site.into(),
        purpose: Purpose::Backup,
        pack: pack.pack,
        generation: pack.generation,
        digest: pack.digest,
        versions_root: pack.versions_root,
        bytes: pack.bytes,
        stored_at: world.parts.author.now(),
        witness: Witness::ObservedBy(String::new()),
    };
    let signature = keys.sign(&receipt.signed_text(&area()));
    receipt.witness = Witness::Signed { key: keys.public(), signature };
    receipt
}

async fn packs_of(world: &World, numbers: &[PackNumber]) -> Vec<FiledPack> {
    filed_packs::of(&mut world.parts.pool.acquire().await.unwrap(), numbers).await.unwrap()
}

/// `pack.secured` of every pack of a batch, by three sites, as replication states it.
pub(super) async fn secured(world: &World, batch: &Batch) -> Vec<Event> {
    let packs = packs_of(world, &batch.packs).await;
    let event = |pack: &FiledPack| {
        let receipts = ["primary", "archive", "remote"].map(|site| receipt(world, site, pack));
        secured_by(world, batch, pack, receipts.to_vec())
    };
    packs.iter().map(event).collect()
}

fn secured_by(world: &World, batch: &Batch, pack: &FiledPack, receipts: Vec<SiteReceipt>) -> Event {
    let (policy, generation) = ("default/1".into(), pack.generation);
    let fact = PackSecured { pack: pack.pack, generation, policy, receipts, batch: batch.id };
    let registered = batch.registered.unwrap_or(EventHash::of(b"registered"));
    state(
        Subject::Pack(pack.pack),
        vec![registered, pack.event],
        Fact::PackSecured(fact),
        world.parts.author.now(),
    )
}

async fn show(world: &World, which: Which) -> Batch {
    world.parts.office().show(&which).await.unwrap().0.batch
}

async fn the_batch(world: &World) -> Batch {
    let listed = world.parts.office().list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    listed.batches.into_iter().next().unwrap().batch
}

async fn paper<T: serde::de::DeserializeOwned + serde::Serialize>(
    world: &World,
    digest: &Sha256,
) -> Sealed<T> {
    let body = documents::body(&mut world.parts.pool.acquire().await.unwrap(), digest).await.unwrap();
    let served = dengbei_kit::documents::get(&world.parts.pool, digest).await.unwrap();
    assert_eq!(served.unwrap().body, body.clone().unwrap(), "the document is served too");
    let sealed: Sealed<T> = canonical::from_slice(&body.unwrap()).unwrap();
    for seal in &sealed.seals {
        dengbei_evidence::seals::verify(seal, &sealed.paper, &sealed.body_digest().unwrap()).unwrap();
    }
    let algorithms: Vec<&str> = sealed.seals.iter().map(|s| s.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["Ed25519", "SM2-SM3"]);
    sealed
}

fn verify(key: &[u8; 32], text: &str, signature: &[u8; 64]) {
    let key = VerifyingKey::from_bytes(key).unwrap();
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).unwrap();
}

fn ask(verb: Verb, batch: Option<Uuid>, by: &str) -> Ask {
    let packs = if verb == Verb::Apply { vec![PackNumber::new(1)] } else { Vec::new() };
    let reasons = if verb == Verb::Decline { vec!["material.incomplete".to_owned()] } else { Vec::new() };
    Ask { verb, batch, packs, by: by.into(), note: String::new(), reasons, actor: None }
}
