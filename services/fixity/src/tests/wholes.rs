//! 整体检测: a batch, a transfer's papers, a day of the system; each once, whatever is delivered how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dengbei_chain::facts::{Purpose, WholeChecked};
use dengbei_chain::{Event, Fact};
use dengbei_checks::{CheckId, CheckResult, Report, Sample, Schemes, Verdict};
use dengbei_records::{Clock, ItemId, Timestamp};

use super::world::{Filed, World};
use crate::check::Bench;
use crate::wholes::Wholes;

/// What was stated of wholes so far: event, fact, report.
pub(super) async fn stated(world: &World) -> Vec<(Event, WholeChecked, Report)> {
    let mut found = Vec::new();
    for event in world.desk.events().await {
        if let Some(Fact::WholeChecked(fact)) = event.fact.clone() {
            let body = world.desk.document(&fact.report.digest).await;
            let report: Report = serde_json::from_slice(&body).unwrap();
            assert!(report.is_intact());
            found.push((event, fact, report));
        }
    }
    found
}

/// The one of this scope and stage.
pub(super) async fn of(world: &World, scope: &str, stage: &str) -> (Event, WholeChecked, Report) {
    let all = stated(world).await;
    let mut found: Vec<_> = all.into_iter().filter(|w| w.1.scope == scope && w.1.stage == stage).collect();
    assert_eq!(found.len(), 1, "{scope} {stage}");
    found.remove(0)
}

/// A scheme of the area that lets persons look at every second item.
fn schemes() -> Schemes {
    let built_in = dengbei_checks::Scheme::builtin();
    let document = serde_json::json!({
        "format": dengbei_checks::FORMAT, "id": "county/looks", "version": "1", "title": "逐批抽看", "title_en": "looks",
        "extends": {"id": built_in.id, "version": built_in.version, "digest": built_in.digest},
        "categories": ["service_item"], "areas": ["330382"], "in_force_from": "2020-01-01",
        "parameters": {"U-04": {"look_percent": 50}, "S-06": {"every_batch": 1}},
    });
    Schemes::read(&[("looks.json".into(), document.to_string().into_bytes())]).unwrap()
}

pub(super) fn wholes(world: &World) -> Wholes {
    Wholes {
        pool: world.desk.pool.clone(),
        sites: world.sites.clone(),
        author: world.desk.checks.author.clone(),
        registration: world.transfers.registration.clone(),
        bench: Arc::new(Bench {
            area: super::desk::area(),
            schemes: schemes(),
            guard: None,
            readers: Arc::new(dengbei_formats::content::Here),
        }),
        quarantine: world.keys(),
        opened: Arc::default(),
    }
}

pub(super) fn outcome(report: &Report, id: CheckId) -> &dengbei_checks::CheckOutcome {
    report.checks.iter().find(|c| c.id == id).unwrap()
}

/// A pack whose member list registration has, filed.
pub(super) async fn filed(world: &World, number: u64, items: u32) -> Filed {
    let mut pack = world.pack(number, items);
    let (members, _) = world.list(pack.members()).await;
    let Some(Fact::BatchFiled(mut batch)) = pack.batch.fact.clone() else { panic!() };
    batch.members = members;
    pack.batch = super::world::event(pack.batch.subject.clone(), vec![], Fact::BatchFiled(batch));
    world.file(&pack).await;
    pack
}

#[tokio::test]
async fn a_filing_batch_is_checked_once_and_its_sample_is_drawn_again_from_the_log() {
    let world = World::open().await;
    let pack = filed(&world, 1, 5).await;
    let wholes = wholes(&world);
    wholes.pass().await.unwrap();
    let (event, fact, report) = of(&world, "batch", "G").await;
    assert_eq!((fact.number.as_str(), fact.verdict.as_str()), ("00000001", "unsigned"));
    assert_eq!(event.causes, [pack.batch.hash]);
    assert_eq!(outcome(&report, CheckId::I01).result, CheckResult::Passed);
    assert_eq!(outcome(&report, CheckId::I02).result, CheckResult::Passed);
    assert_eq!(outcome(&report, CheckId::I06).compared, 5);
    let items: Vec<ItemId> = pack.members().iter().map(|m| m.item).collect();
    let again = Sample::draw(&pack.batch.hash.to_string(), &items, 50);
    assert_eq!((report.sample.clone(), again.items.len()), (Some(again), 3));
    let mut asked: Vec<CheckId> = report.tasks.iter().map(|t| t.check).collect();
    asked.sort();
    assert_eq!(asked, [CheckId::U04, CheckId::S06]);
    // Delivered again, and looked at again: nothing more is said.
    let before = stated(&world).await.len();
    world.desk.hear(std::slice::from_ref(&pack.batch)).await.unwrap();
    world.desk.hear(std::slice::from_ref(&event)).await.unwrap();
    wholes.pass().await.unwrap();
    assert_eq!(stated(&world).await.len(), before);
}

#[tokio::test]
async fn bytes_that_are_not_on_the_site_fail_the_batch_and_hold_nothing_up() {
    let world = World::open().await;
    let pack = filed(&world, 1, 2).await;
    world.primary.remove(pack.number);
    wholes(&world).pass().await.unwrap();
    let (_, fact, report) = of(&world, "batch", "G").await;
    assert_eq!((fact.verdict.as_str(), report.failing_ids()), ("failed", vec![CheckId::I02]));
}

#[tokio::test]
async fn a_batch_waits_for_its_items_and_for_a_silent_site_without_a_verdict() {
    let world = World::open().await;
    let mut pack = world.pack(1, 2);
    let (members, _) = world.list(pack.members()).await;
    let Some(Fact::BatchFiled(mut batch)) = pack.batch.fact.clone() else { panic!() };
    batch.members = members;
    pack.batch = super::world::event(pack.batch.subject.clone(), vec![], Fact::BatchFiled(batch));
    world.primary.put(1, &pack.bytes);
    world.primary.down(true);
    let wholes = wholes(&world);
    world.desk.hear(std::slice::from_ref(&pack.batch)).await.unwrap();
    wholes.pass().await.unwrap();
    world.desk.hear(&pack.items).await.unwrap();
    hurry(&world).await;
    wholes.pass().await.unwrap();
    assert!(!stated(&world).await.iter().any(|w| w.1.stage == "G"));
    world.primary.down(false);
    hurry(&world).await;
    wholes.pass().await.unwrap();
    assert_eq!(of(&world, "batch", "G").await.2.failing_ids(), []);
}

async fn hurry(world: &World) {
    sqlx::query("update wholes set due_at = 0").execute(&world.desk.pool).await.unwrap();
}

#[tokio::test]
async fn a_day_of_the_system_reads_back_its_database_and_a_backup() {
    let world = World::open().await;
    let pack = filed(&world, 1, 3).await;
    for site in [&world.archive, &world.remote] {
        let event = world.stored(site, &pack, Purpose::Storage);
        world.desk.hear(&[event]).await.unwrap();
    }
    let wholes = wholes(&world);
    wholes.pass().await.unwrap();
    let (_, _, report) = of(&world, "system", "C").await;
    assert_eq!(outcome(&report, CheckId::U02).evidence[0].what, "fixity");
    assert_eq!(outcome(&report, CheckId::U02).result, CheckResult::Passed);
    let restored = outcome(&report, CheckId::U09);
    assert_eq!((restored.result, restored.compared), (CheckResult::Passed, 3));
    assert_eq!(outcome(&report, CheckId::S01).result, CheckResult::Warning);
    assert_eq!(report.verdict, Verdict::Unsigned);
    assert_eq!(report.tasks.iter().map(|t| t.check).collect::<Vec<_>>(), [CheckId::S07]);
    let left: i64 =
        sqlx::query_scalar("select count(*) from read_backs").fetch_one(&world.desk.pool).await.unwrap();
    assert_eq!(left, 0);
    // The month's session stands beside it, for two persons to sign.
    let (_, _, session) = of(&world, "batch", "C").await;
    assert_eq!(session.tasks.iter().map(|t| (t.check, t.persons)).collect::<Vec<_>>(), [(CheckId::S06, 2)]);
}

/// A clock that a test sets.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

async fn asked_by_clock(world: &World) -> Vec<(String, String)> {
    sqlx::query_as("select scope, number from wholes where stage = 'C' order by scope, number")
        .fetch_all(&world.desk.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_clock_asks_once_a_day_and_month_and_two_processes_ask_for_the_same() {
    let world = World::open().await;
    // 2026-12-31 23:59 in Beijing.
    let clock = Arc::new(SetClock(AtomicI64::new(1_798_732_740_000)));
    let mut one = wholes(&world);
    one.author.clock = clock.clone();
    let other = Wholes { opened: Arc::default(), ..one.clone() };
    one.pass().await.unwrap();
    other.pass().await.unwrap();
    let december = [("batch", "2026-12"), ("system", "2026-12-31")];
    let named = |of: &[(&str, &str)]| of.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<_>>();
    assert_eq!(asked_by_clock(&world).await, named(&december));
    assert_eq!(stated(&world).await.len(), 2);
    // Not asked for again within the day, by either of them, …
    sqlx::query("delete from wholes where scope = 'batch'").execute(&world.desk.pool).await.unwrap();
    one.pass().await.unwrap();
    other.pass().await.unwrap();
    assert_eq!(asked_by_clock(&world).await, named(&december[1..]));
    // … asked for with the next day, which is of another month.
    clock.0.fetch_add(120_000, Ordering::SeqCst);
    other.pass().await.unwrap();
    one.pass().await.unwrap();
    let january = [("batch", "2027-01"), ("system", "2026-12-31"), ("system", "2027-01-01")];
    assert_eq!(asked_by_clock(&world).await, named(&january));
    assert_eq!(stated(&world).await.len(), 4);
}

#[tokio::test]
async fn a_backup_that_is_not_its_inventory_fails_the_system() {
    let world = World::open().await;
    let pack = filed(&world, 1, 3).await;
    world.desk.hear(&[world.stored(&world.archive, &pack, Purpose::Storage)]).await.unwrap();
    let inside = &pack.places[1].range;
    world.archive.flip(1, u64::midpoint(inside.start, inside.end));
    wholes(&world).pass().await.unwrap();
    let (_, fact, report) = of(&world, "system", "C").await;
    assert_eq!((fact.verdict.as_str(), report.failing_ids()), ("failed", vec![CheckId::U09]));
    assert!(outcome(&report, CheckId::U09).findings.len() > 1, "{report:?}");
    // Nothing stays in the quarantine.
    let left = std::fs::read_dir(world.keys()).unwrap().flatten();
    assert_eq!(left.filter(|e| e.file_name().to_string_lossy().contains("quarantine")).count(), 0);
}

#[tokio::test]
async fn a_transfer_has_its_carrier_report_and_its_session() {
    let world = World::open().await;
    let pack = filed(&world, 1, 3).await;
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.about_transfer(Fact::TransferSubmitted(World::submitted(&packed))).await;
    world.about_transfer(Fact::TransferAccepted(World::accepted(&packed))).await;
    wholes(&world).pass().await.unwrap();
    let (_, fact, carrier) = of(&world, "carrier", "Y").await;
    assert_eq!((fact.number, carrier.verdict), (packed.transfer_no.to_string(), Verdict::Passed));
    assert!(carrier.checks.iter().all(|c| c.result == CheckResult::NotApplicable));
    let (_, _, batch) = of(&world, "batch", "Y").await;
    assert_eq!(batch.failing_ids(), []);
    assert_eq!(outcome(&batch, CheckId::I12).result, CheckResult::Passed);
    assert!(batch.tasks.iter().any(|t| t.check == CheckId::S06));
}
