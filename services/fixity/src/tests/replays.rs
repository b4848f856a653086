//! 移交检测 after a loss: a database that knows nothing learns from the log what was stated, and states it once.

use dengbei_chain::facts::{PackRepaired, Purpose, Side};
use dengbei_chain::{Fact, Subject, TransferReport};
use dengbei_records::PackNumber;

use super::world::{World, event};

/// As after the loss of the database: fixity's tables are empty, what registration holds is not.
async fn lose(world: &World) {
    sqlx::raw_sql("truncate transfer_runs, packs, filings, receipts, copies, wholes, runs, bus.outbox")
        .execute(&world.desk.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_learns_from_the_log_what_was_stated_and_states_nothing_again() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    world.primary.flip(1, pack.places[0].range.end - 1500);
    let packed = world.packed(&[&pack]).await;
    let asked = world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.transfers.pass().await.unwrap();
    let (event, stated, report) = world.verdict(Side::Unit).await;
    assert_eq!(stated.unfit, 1);
    let mut log = vec![pack.batch.clone(), asked, event];
    // In the order of the log, and with the verdict before what asked for it.
    for is_late in [false, true] {
        lose(&world).await;
        if is_late {
            log.swap(1, 2);
        }
        world.desk.hear(&pack.items).await.unwrap();
        for event in &log {
            world.desk.hear(std::slice::from_ref(event)).await.unwrap();
        }
        world.hurry().await;
        world.transfers.pass().await.unwrap();
        assert_eq!(world.verdicts().await.len(), 0, "late: {is_late}");
        let body = world.desk.document(&stated.report.digest).await;
        assert_eq!(TransferReport::read(&body, &stated.report).unwrap(), report);
        // The next side finds what it rests on.
        let submitted = Fact::TransferSubmitted(World::submitted(&packed));
        world.about_transfer(submitted).await;
        world.transfers.pass().await.unwrap();
        assert_eq!(world.verdict(Side::Archive).await.1.checked, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_report_is_fetched_again_when_it_can_be_had() {
    let world = World::open().await;
    let pack = world.pack(1, 1);
    world.file(&pack).await;
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (event, stated, _) = world.verdict(Side::Unit).await;
    let body = world.desk.document(&stated.report.digest).await;
    let unkept = async || -> i64 {
        sqlx::query_scalar("select count(*) from transfer_runs where not is_kept")
            .fetch_one(&world.desk.pool)
            .await
            .unwrap()
    };
    assert_eq!(unkept().await, 0);
    lose(&world).await;
    sqlx::query("delete from documents where digest = $1")
        .bind(stated.report.digest.as_bytes().as_slice())
        .execute(&world.desk.pool)
        .await
        .unwrap();
    world.desk.hear(std::slice::from_ref(&event)).await.unwrap();
    world.transfers.pass().await.unwrap();
    assert_eq!(unkept().await, 1, "nobody has it");
    let mut connection = world.desk.pool.acquire().await.unwrap();
    dengbei_kit::documents::put(&mut connection, &body, &stated.report.media_type).await.unwrap();
    drop(connection);
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    assert_eq!(unkept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_comes_back_after_it_was_opened_again_does_not_end_the_new_run() {
    let world = World::open().await;
    let pack = world.pack(1, 2);
    world.file(&pack).await;
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.transfers.pass().await.unwrap();
    let stored = world.stored(&world.archive, &pack, Purpose::Accession);
    world.about_transfer(Fact::TransferAccepted(World::accepted(&packed))).await;
    world.desk.hear(&[stored]).await.unwrap();
    world.archive.flip(1, pack.places[0].range.end - 1500);
    world.transfers.pass().await.unwrap();
    let first = world.verdict(Side::Storing).await.0;
    world.archive.put(1, &pack.bytes);
    let receipt = world.archive.receipt(1, Purpose::Accession);
    let fact = PackRepaired { from_site: "primary".into(), bad_digest: None, receipt };
    let repaired = event(Subject::Pack(PackNumber::new(1)), vec![], Fact::PackRepaired(fact));
    world.desk.hear(std::slice::from_ref(&repaired)).await.unwrap();
    world.desk.hear(std::slice::from_ref(&first)).await.unwrap();
    world.transfers.pass().await.unwrap();
    let (second, checked, _) = world.verdict(Side::Storing).await;
    assert_eq!((checked.unfit, world.verdicts().await.len()), (0, 3));
    // Replayed into an empty database, in any order of the two, the later one holds.
    for order in [[&first, &second], [&second, &first]] {
        sqlx::query("truncate transfer_runs").execute(&world.desk.pool).await.unwrap();
        for event in order {
            world.desk.hear(std::slice::from_ref(event)).await.unwrap();
        }
        let unfit: i32 = sqlx::query_scalar("select unfit from transfer_runs where side = 'storing'")
            .fetch_one(&world.desk.pool)
            .await
            .unwrap();
        assert_eq!(unfit, 0);
    }
}
