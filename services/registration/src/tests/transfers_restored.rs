//! 旧备份恢复 of transfers: what was handed over in another life is not handed over again.

use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::{Custody, Retention};

use super::batches::secured;
use super::handover::{
    archive_checks, batches, certified, custody, items, last, pack, packed, pass, propose, shown,
    storing_checks, submitted, unit_checks,
};
use super::restore::{dump, hear_log, seal_everything};
use super::world::{TestItem, World};
use crate::batches::Which;
use crate::store::transfers::State;

/// Takes the steps `from..to` of the way to the archive: packed, submitted, accepted, accessioned. The first item is
/// unfit. What fixity stated goes to `foreign`.
async fn take_steps(
    world: &World,
    steps: std::ops::Range<usize>,
    all: &[TestItem],
    foreign: &mut Vec<Event>,
) {
    for step in steps {
        match step {
            0 => drop(pack(world).await),
            1 => foreign.push(unit_checks(world, &[(all[0].id(), "U-01")]).await),
            2 => foreign.push(archive_checks(world, &[]).await),
            _ => foreign.push(storing_checks(world, &[]).await),
        }
        assert_eq!(pass(world).await, usize::from(step > 0));
    }
}

/// Goes on from a dump taken after `at` steps, when everything was handed over in another life.
async fn restore_after(at: usize) {
    let all = items(&[Retention::Permanent, Retention::ThirtyYears, Retention::TenYears]);
    let world = certified(&all).await;
    let mut foreign = foreign(&world).await;
    take_steps(&world, 0..at, &all, &mut foreign).await;
    let dumped = dump(&world).await;
    let world = world.with_database(&world.database).await;
    take_steps(&world, at..4, &all, &mut foreign).await;
    let number = packed(&world).await.1.transfer_no;
    let root = submitted(&world).await.1.root;
    seal_everything(&world, 1, &foreign).await;
    world.parts.pool.close().await;

    let restored = world.with_database(&dumped).await;
    restored.parts.sealer().start().await.unwrap();
    hear_log(&restored).await;
    sqlx::query("delete from bus.outbox").execute(&restored.parts.pool).await.unwrap();
    restored.clock.advance(restored.parts.transfer_linger);
    assert_eq!(pass(&restored).await, 0, "nothing is handed over again, from step {at}");
    assert!(restored.stated().await.is_empty());
    let told = shown(&restored, &number).await.summary.transfer;
    assert_eq!((told.state, told.root), (State::Accessioned, root));
    stands(&restored, &all).await;
}

/// The first item was taken out, the second is in the archive, the third is not in its range.
async fn stands(restored: &World, all: &[TestItem]) {
    let mut now = Vec::new();
    for item in all {
        now.push(custody(restored, item).await);
    }
    assert_eq!(now, [Custody::Filed, Custody::Accessioned, Custody::Filed]);
    let next = restored.parts.transfers().propose(propose(&batches(restored).await)).await.unwrap();
    assert_eq!(next.sequence(), 2, "no number is given twice");
    assert_eq!(packed(restored).await.1.items, 1);
}

/// What others stated on the way to the certificates.
async fn foreign(world: &World) -> Vec<Event> {
    let registered = last(world, FactKind::BatchRegistered).await;
    let Some(Fact::BatchRegistered(fact)) = &registered.fact else { panic!("not registered") };
    let office = world.parts.office();
    let batch = office.show(&Which::Number(fact.registration_no.clone())).await.unwrap().0.batch;
    secured(world, &batch).await
}

#[tokio::test]
async fn an_old_dump_from_before_packing_is_replayed() {
    restore_after(0).await;
}

#[tokio::test]
async fn an_old_dump_from_after_packing_is_replayed() {
    restore_after(1).await;
}

#[tokio::test]
async fn an_old_dump_from_after_submission_is_replayed() {
    restore_after(2).await;
}

#[tokio::test]
async fn an_old_dump_from_after_acceptance_is_replayed() {
    restore_after(3).await;
}
