//! Steps at the desk: in order, by two persons, with reasons.

use super::*;

/// Has the unit's batches decided at the desk.
async fn by_desk(world: &World) {
    let mut policy = UnitPolicy::default_rule();
    policy.registration = Mode::Desk;
    let body = canonical::to_vec(&policy).unwrap();
    let policies =
        crate::policy::Policies { pool: world.parts.pool.clone(), author: world.parts.author.clone() };
    policies.set(Some(&UNIT.parse().unwrap()), &body, None).await.unwrap();
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
