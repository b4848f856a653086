//! Applied for, registered and certified by a unit's rule, however often and by however many processes.

use super::*;

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
