//! What counts as backed up, and what keeps a pack from being registered.

use super::*;

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
