//! 登记批次: from a filed pack to its certificate, by rule and at the desk.

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

#[tokio::test]
async fn by_rule_a_filed_pack_is_applied_for_registered_and_certified() {
    let world = filed(2).await;
    assert_eq!(register(&world).await, 1);
    let events = world.stated().await;
    let (application, a) = applied(&events).remove(0);
    let batches: Vec<EventHash> = application.causes.clone();
    assert_eq!((a.packs.len(), a.items, a.files, batches.len()), (2, 2, 4, 2));
    assert_eq!(a.root, root(&batches));
    let text = BatchApplied::signed_text(&area(), a.batch, &a.root, &a.application.digest);
    verify(&a.unit_key, &text, &a.unit_signature);
    let paper_of_unit: Sealed<Application> = paper(&world, &a.application.digest).await;
    assert_eq!(paper_of_unit.body.packs.len(), 2);
    assert_eq!(paper_of_unit.seals[0].key, hex::encode(a.unit_key));

    let (registration, r) = registered(&events).remove(0);
    assert_eq!(registration.causes, [application.hash]);
    assert!(r.registration_no.to_string().starts_with("DJ-330382-2026-1-000001-"));
    let text =
        BatchRegistered::signed_text(&area(), &r.registration_no, r.batch, &r.root, &r.decision.digest);
    verify(&r.administration_key, &text, &r.administration_signature);
    let decision: Sealed<Decision> = paper(&world, &r.decision.digest).await;
    assert!(decision.body.is_registered && decision.body.technical_check.len() == 2);
    assert_ne!(decision.body.accepted_by, decision.body.reviewed_by);

    assert_eq!(world.parts.office().certify().await.unwrap(), 0, "nothing is backed up yet");
    let batch = show(&world, Which::Number(r.registration_no.clone())).await;
    let secured = secured(&world, &batch).await;
    assert_eq!(world.hear(&secured[..1]).await, [Outcome::Applied]);
    assert_eq!(world.parts.office().certify().await.unwrap(), 0, "one of two packs is backed up");
    world.hear(&secured[1..]).await;
    assert_eq!(world.parts.office().certify().await.unwrap(), 1);
    let (issued, c) = certified(&world.stated().await).remove(0);
    assert_eq!(issued.causes, secured.iter().map(|e| e.hash).collect::<Vec<_>>());
    check_certificate(&world, &c, &r).await;
    let batch = show(&world, Which::Pack(a.packs[1])).await;
    assert_eq!((batch.state, batch.certificate_no), (BatchState::Certified, Some(c.certificate_no)));
}

async fn check_certificate(world: &World, c: &CertificateIssued, r: &BatchRegistered) {
    assert_eq!((c.root, &c.registration_no, c.items), (r.root, &r.registration_no, 2));
    let text =
        CertificateIssued::signed_text(&area(), &c.certificate_no, &c.registration_no, &c.certificate.digest);
    verify(&c.administration_key, &text, &c.administration_signature);
    let certificate: Sealed<Certificate> = paper(world, &c.certificate.digest).await;
    let body = certificate.body;
    assert_eq!(body.certificate_no, c.certificate_no.to_string());
    assert_eq!((body.unit.code.as_str(), body.unit.mark.as_str()), (UNIT, "J001"));
    assert_eq!((body.registered_on.as_str(), body.valid_until.as_str()), ("2026-02-02", "2027-06-30"));
    let sites: Vec<(&str, usize)> = body.copies.iter().map(|c| (c.site.as_str(), c.packs.len())).collect();
    assert_eq!(sites, [("primary", 2), ("archive", 2), ("remote", 2)]);
    assert_eq!(body.checks.len(), 2, "a report for each of the two runs");
    assert!(body.checks.iter().all(|c| (c.scheme.as_str(), c.stage.as_str()) == ("zj/1", "G")));
    assert_eq!((body.digest_root.algorithm.as_str(), body.digest_root.value.len()), ("RFC6962-SM3", 64));
    assert_eq!((body.files, body.event_root), (4, r.root.to_string()));
}

#[tokio::test]
async fn eight_packs_are_applied_for_at_once_and_the_ninth_waits() {
    let world = filed(9).await;
    let office = world.parts.office();
    assert_eq!(office.apply().await.unwrap(), 1);
    assert_eq!(office.apply().await.unwrap(), 0, "the ninth has not waited long enough");
    assert_eq!(the_batch(&world).await.packs.len(), 8);
    world.clock.advance(world.parts.registration_linger);
    assert_eq!(office.apply().await.unwrap(), 1);
    assert_eq!(the_batch(&world).await.packs, [PackNumber::new(9)]);
    assert_eq!(office.decide().await.unwrap(), 2);
    let numbers: Vec<u32> =
        registered(&world.stated().await).iter().map(|(_, r)| r.registration_no.sequence()).collect();
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers.iter().copied().collect::<std::collections::BTreeSet<_>>(), [1, 2].into());
}

#[tokio::test]
async fn two_processes_apply_for_a_pack_once_and_give_one_number() {
    let world = filed(1).await;
    world.clock.advance(world.parts.registration_linger);
    let other = world.with_database(&world.database).await;
    let (one, two) = (world.parts.office(), other.parts.office());
    let (a, b) = tokio::join!(one.apply(), two.apply());
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    let (a, b) = tokio::join!(one.decide(), two.decide());
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    assert_eq!(world.ask::<i64>("select last from counters where name = 'DJ/2026'").await, 1);
}

#[tokio::test]
async fn what_is_heard_twice_changes_nothing() {
    let world = filed(1).await;
    register(&world).await;
    let batch = the_batch(&world).await;
    let secured = secured(&world, &batch).await;
    world.hear(&secured).await;
    world.hear(&secured).await;
    world.parts.office().certify().await.unwrap();
    let own: Vec<Event> = world.stated().await;
    let of_batches: Vec<Event> = own
        .iter()
        .filter(|e| {
            !matches!(e.fact, Some(Fact::ItemFiled(_) | Fact::BatchFiled(_) | Fact::MatterPublished(_)))
        })
        .cloned()
        .collect();
    assert_eq!(of_batches.len(), 3);
    let before = the_batch(&world).await;
    assert_eq!(world.hear(&of_batches).await, [Outcome::Applied; 3]);
    world.hear(&secured).await;
    assert_eq!(the_batch(&world).await, before);
    assert_eq!(register(&world).await, 0);
    assert_eq!(world.parts.office().certify().await.unwrap(), 0);
    assert_eq!(world.stated().await.len(), own.len());
}

#[tokio::test]
async fn a_backup_heard_before_its_registration_waits_for_it() {
    let world = filed(1).await;
    world.clock.advance(world.parts.registration_linger);
    world.parts.office().apply().await.unwrap();
    let batch = the_batch(&world).await;
    let early = secured(&world, &batch).await;
    let Outcome::WaitFor(cause) = world.hear(&early).await[0] else { panic!("applied too early") };
    assert_eq!(cause, EventHash::of(b"registered"));
}

async fn refused(world: &World, event: &Event) -> HandleError {
    let registrar = world.parts.registrar();
    let events = std::slice::from_ref(event);
    let Ok(prepared) = registrar.prepare(events).await else {
        return registrar.prepare(events).await.err().unwrap();
    };
    let mut tx = world.parts.pool.begin().await.unwrap();
    registrar.apply(&mut tx, events, prepared).await.unwrap_err()
}

#[tokio::test]
async fn receipts_that_are_forged_of_other_bytes_or_of_one_site_alone_secure_nothing() {
    let world = filed(1).await;
    register(&world).await;
    let batch = the_batch(&world).await;
    let pack = packs_of(&world, &batch.packs).await.remove(0);
    let good = || vec![receipt(&world, "primary", &pack), receipt(&world, "archive", &pack)];
    let mut forged = good();
    forged[1].bytes += 1;
    let mut foreign = good();
    let keys = SealKeys::open_or_make(world.folder.path(), "stranger").unwrap();
    let signature = keys.sign(&foreign[1].signed_text(&area()));
    foreign[1].witness = Witness::Signed { key: keys.public(), signature };
    let mut twice = good();
    twice[1] = twice[0].clone();
    let other = FiledPack { digest: Sha256::of(b"other"), ..pack.clone() };
    let bytes = vec![receipt(&world, "primary", &pack), receipt(&world, "archive", &other)];
    for receipts in [forged, foreign, twice, bytes, good()[..1].to_vec()] {
        let error = refused(&world, &secured_by(&world, &batch, &pack, receipts)).await;
        assert_eq!(error.class(), ErrorClass::Invalid, "{}", error.reason());
    }
    assert_eq!(world.hear(&[secured_by(&world, &batch, &pack, good())]).await, [Outcome::Applied]);
}

#[tokio::test]
async fn a_damaged_pack_on_the_primary_site_is_never_registered_until_it_is_repaired() {
    let world = filed(1).await;
    let path = world.site().join(PackName::first(area(), PackNumber::new(1)).path());
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    assert_eq!(register(&world).await, 0);
    let shown = world.parts.office().show(&Which::Pack(PackNumber::new(1))).await.unwrap().0;
    assert_eq!(
        (shown.batch.state, shown.batch.reasons.clone()),
        (BatchState::Received, vec!["pack.damaged:1".to_owned()])
    );
    assert!(!shown.waits_for.is_empty());
    std::fs::remove_file(&path).unwrap();
    world.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(world.parts.office().decide().await.unwrap(), 0);
    assert_eq!(the_batch(&world).await.reasons, ["pack.missing:1"]);
    std::fs::write(&path, &good).unwrap();
    assert_eq!(world.parts.office().decide().await.unwrap(), 0, "it waits for its next try");
    let repaired = dengbei_chain::facts::PackRepaired {
        from_site: "archive".into(),
        bad_digest: None,
        receipt: receipt(&world, "primary", &packs_of(&world, &[PackNumber::new(1)]).await[0]),
    };
    let repaired = state(
        Subject::Pack(PackNumber::new(1)),
        Vec::new(),
        Fact::PackRepaired(repaired),
        world.parts.author.now(),
    );
    assert_eq!(world.hear(&[repaired]).await, [Outcome::Applied]);
    assert_eq!(world.parts.office().decide().await.unwrap(), 1);
    let batch = the_batch(&world).await;
    assert_eq!((batch.state, batch.reasons.len()), (BatchState::Registered, 0));
    assert_eq!(world.ask::<i64>("select last from counters where name = 'DJ/2026'").await, 1);
}

/// The site role beside this storage; ends when the drain is asked for.
fn start_site(world: &World, drain: &Drain) {
    let mut config = RoleConfig::of("site", area());
    config.sites = world.config.sites.clone();
    config.site_name = "primary".into();
    config.site = world.site().into();
    config.keys = world.folder.path().join("keys");
    config.mesh_token = TOKEN.into();
    config.grpc = config.sites[0].url.trim_start_matches("http://").parse().unwrap();
    tokio::spawn(dengbei_site::run(config, drain.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_sites_own_role_reads_back_and_what_does_not_answer_is_no_finding() {
    let mut world = filed(2).await;
    let public = world.parts.log.signer.verifier().to_string();
    std::fs::write(world.folder.path().join("keys/register.pub"), public).unwrap();
    let free = dengbei_testkit::free_address().unwrap();
    let (name, class, url) = ("primary".into(), "primary".into(), format!("http://{free}"));
    world.config.sites = vec![SiteAddress { name, class, url }];
    let world = world.with_database(&world.database).await;
    assert_eq!(register(&world).await, 0, "the site's role does not run");
    let batch = the_batch(&world).await;
    assert_eq!((batch.state, batch.reasons.len()), (BatchState::Applied, 0));
    assert!(!batch.trouble.is_empty());
    let drain = Drain::new();
    start_site(&world, &drain);
    let path = world.site().join(PackName::first(area(), PackNumber::new(2)).path());
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    let tried = |expected: &'static str| {
        let world = &world;
        eventually(PATIENCE, "the check finds it", async move || {
            world.clock.advance(std::time::Duration::from_secs(600));
            world.parts.office().decide().await?;
            let reasons = the_batch(world).await.reasons;
            anyhow::ensure!(reasons == [expected], "{reasons:?}");
            Ok(())
        })
    };
    tried("pack.damaged:2").await.unwrap();
    std::fs::remove_file(&path).unwrap();
    tried("pack.missing:2").await.unwrap();
    std::fs::write(&path, &good).unwrap();
    world.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(world.parts.office().decide().await.unwrap(), 1);
    drain.request();
}

/// Has the unit's batches decided at the desk.
async fn by_desk(world: &World) {
    let mut policy = UnitPolicy::default_rule();
    policy.registration = Mode::Desk;
    let body = canonical::to_vec(&policy).unwrap();
    let policies =
        crate::policy::Policies { pool: world.parts.pool.clone(), author: world.parts.author.clone() };
    policies.set(Some(&UNIT.parse().unwrap()), &body, None).await.unwrap();
}

fn ask(verb: Verb, batch: Option<Uuid>, by: &str) -> Ask {
    let packs = if verb == Verb::Apply { vec![PackNumber::new(1)] } else { Vec::new() };
    let reasons = if verb == Verb::Decline { vec!["material.incomplete".to_owned()] } else { Vec::new() };
    Ask { verb, batch, packs, by: by.into(), note: String::new(), reasons, actor: None }
}

async fn code(world: &World, ask: Ask) -> String {
    match world.parts.office().take(ask).await {
        Err(BatchError::Refused(problem)) => problem.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn at_the_desk_steps_go_in_order_and_nobody_reviews_their_own_work() {
    let world = filed(1).await;
    by_desk(&world).await;
    let office = world.parts.office();
    assert_eq!(register(&world).await, 0, "no rule applies for a unit of the desk");
    let id = office.take(ask(Verb::Apply, None, "单位甲")).await.unwrap();
    assert_eq!(office.take(ask(Verb::Apply, None, "单位甲")).await.unwrap(), id, "the same again");
    assert_eq!(register(&world).await, 0, "no rule decides either");
    let step = |verb, by| ask(verb, Some(id), by);
    assert_eq!(code(&world, step(Verb::Register, "登记丙")).await, "batch.step_order");
    assert_eq!(code(&world, step(Verb::Accept, "单位甲")).await, "batch.same_person");
    office.take(step(Verb::Accept, "登记乙")).await.unwrap();
    office.take(step(Verb::Accept, "登记乙")).await.unwrap();
    assert_eq!(code(&world, step(Verb::Accept, "登记丙")).await, "batch.step_taken");
    assert_eq!(code(&world, step(Verb::Check, "登记乙")).await, "batch.step_order");
    office.take(step(Verb::Receive, "登记乙")).await.unwrap();
    office.take(step(Verb::Check, "登记乙")).await.unwrap();
    assert_eq!(show(&world, Which::Id(id)).await.state, BatchState::Checked);
    assert_eq!(code(&world, step(Verb::Register, "登记乙")).await, "batch.same_person");
    assert_eq!(code(&world, step(Verb::Register, "单位甲")).await, "batch.same_person");
    assert_eq!(code(&world, step(Verb::Register, " ")).await, "batch.by");
    office.take(step(Verb::Register, "登记丙")).await.unwrap();
    office.take(step(Verb::Register, "登记丙")).await.unwrap();
    assert_eq!(code(&world, step(Verb::Decline, "登记丙")).await, "batch.step_order");
    let (shown, steps) = office.show(&Which::Id(id)).await.unwrap();
    assert_eq!(shown.batch.state, BatchState::Registered);
    let taken: Vec<(&str, &str)> = steps.iter().map(|s| (s.step.as_str(), s.by.as_str())).collect();
    let expected = [
        ("apply", "单位甲"),
        ("accept", "登记乙"),
        ("receive", "登记乙"),
        ("check", "登记乙"),
        ("register", "登记丙"),
    ];
    assert_eq!(taken, expected);
    assert_eq!(registered(&world.stated().await).len(), 1);
    let other =
        Ask { packs: vec![PackNumber::new(1), PackNumber::new(2)], ..ask(Verb::Apply, None, "单位甲") };
    file_packs(&world, 1, 1).await;
    assert_eq!(code(&world, other).await, "batch.packs_taken");
}

#[tokio::test]
async fn what_was_declined_can_be_applied_for_again_by_a_person() {
    let world = filed(1).await;
    by_desk(&world).await;
    let office = world.parts.office();
    let first = office.take(ask(Verb::Apply, None, "单位甲")).await.unwrap();
    office.take(ask(Verb::Accept, Some(first), "登记乙")).await.unwrap();
    let bare = Ask { reasons: Vec::new(), ..ask(Verb::Decline, Some(first), "登记乙") };
    assert_eq!(code(&world, bare).await, "batch.reasons");
    let said = vec!["material.incomplete".to_owned(), "申请表缺页".to_owned()];
    let decline = Ask { reasons: said, ..ask(Verb::Decline, Some(first), "登记丙") };
    office.take(decline).await.unwrap();
    let (event, fact) = declined(&world.stated().await).remove(0);
    assert_eq!(fact.reasons, ["material.incomplete", "other"], "free text is no part of an event");
    assert_eq!(event.causes.len(), 1);
    let decision: Sealed<Decision> = paper(&world, &fact.decision.digest).await;
    assert!(!decision.body.is_registered && decision.body.opinion.contains("申请表缺页"));
    let second = office.take(ask(Verb::Apply, None, "单位甲")).await.unwrap();
    assert_ne!(first, second);
    for (verb, by) in [
        (Verb::Accept, "登记乙"),
        (Verb::Receive, "登记乙"),
        (Verb::Check, "登记乙"),
        (Verb::Register, "登记丙"),
    ] {
        office.take(ask(verb, Some(second), by)).await.unwrap();
    }
    assert_eq!(show(&world, Which::Pack(PackNumber::new(1))).await.id, second);
    assert_eq!(show(&world, Which::Id(first)).await.state, BatchState::Declined);
}

#[tokio::test]
async fn a_rule_leaves_alone_what_a_person_declined() {
    let world = filed(1).await;
    world.clock.advance(world.parts.registration_linger);
    let office = world.parts.office();
    office.apply().await.unwrap();
    let batch = the_batch(&world).await;
    office.take(ask(Verb::Decline, Some(batch.id), "登记丙")).await.unwrap();
    assert_eq!(register(&world).await, 0);
    let listed = office.list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    assert_eq!((listed.waiting.len(), listed.counts), (1, vec![("declined".to_owned(), 1)]));
    office.take(ask(Verb::Apply, None, "单位甲")).await.unwrap();
    assert_eq!(office.decide().await.unwrap(), 1, "the unit's rule decides about what a person applied for");
}

#[tokio::test]
async fn bad_requests_are_refused_by_name() {
    let world = filed(1).await;
    let of = |packs: Vec<u64>| Ask {
        packs: packs.into_iter().map(PackNumber::new).collect(),
        ..ask(Verb::Apply, None, "单位甲")
    };
    assert_eq!(code(&world, of(vec![])).await, "batch.packs");
    assert_eq!(code(&world, of((1..=9).collect())).await, "batch.packs");
    assert_eq!(code(&world, of(vec![1, 77])).await, "batch.pack_unknown");
    assert_eq!(code(&world, ask(Verb::Accept, None, "登记乙")).await, "batch.missing");
    assert_eq!(code(&world, ask(Verb::Accept, Some(Uuid::nil()), "登记乙")).await, "batch.unknown");
}

#[tokio::test]
async fn a_restored_database_hears_its_batches_and_gives_no_number_twice() {
    let world = filed(1).await;
    register(&world).await;
    seal_everything(&world, 1, &[]).await;
    let dumped = dump(&world).await;
    // The life that is lost: the first batch is certified, two more packs are filed and one of them declined.
    let world = world.with_database(&world.database).await;
    let first = the_batch(&world).await;
    let backups = secured(&world, &first).await;
    world.hear(&backups).await;
    assert_eq!(world.parts.office().certify().await.unwrap(), 1);
    let (second, third) = (TestItem::new(50), TestItem::new(51));
    let mut foreign = backups;
    for item in [&second, &third] {
        let event = world.prefile(item).await;
        foreign.push(world.pass(std::slice::from_ref(&event)).await);
        foreign.push(event);
        world.file().await;
        world.clock.advance(world.parts.registration_linger);
        world.parts.office().apply().await.unwrap();
        if item.number == "51" {
            let batch = the_batch(&world).await;
            world.parts.office().take(ask(Verb::Decline, Some(batch.id), "登记丙")).await.unwrap();
        }
        world.parts.office().decide().await.unwrap();
    }
    let all = world.parts.office().list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    seal_everything(&world, 2, &foreign).await;
    world.parts.pool.close().await;

    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    hear_log(&restored).await;
    let back = restored.parts.office().list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    let told =
        |b: &Batch| (b.id, b.state, b.registration_no.clone(), b.certificate_no.clone(), b.packs.clone());
    let states = |page: &[crate::batches::Shown]| page.iter().map(|s| told(&s.batch)).collect::<Vec<_>>();
    assert_eq!(states(&back.batches), states(&all.batches));
    assert_eq!(back.batches.len(), 3);
    let office = restored.parts.office();
    assert_eq!(
        (register(&restored).await, office.certify().await.unwrap()),
        (0, 0),
        "nothing is stated again"
    );
    assert!(restored.stated().await.is_empty());
    // A person applies for the declined one again: the next number, and its files are counted from the pack.
    let again = Ask { packs: vec![PackNumber::new(3)], ..ask(Verb::Apply, None, "单位甲") };
    let batch = office.take(again).await.unwrap();
    assert_eq!(office.decide().await.unwrap(), 1);
    let batch = show(&restored, Which::Id(batch)).await;
    assert_eq!((batch.files, batch.registration_no.unwrap().sequence()), (2, 3));
}
