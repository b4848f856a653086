//! 人工检测, 人工复检: what persons sign and say, and what of it comes back when this database is lost.

use bytes::Bytes;
use dengbei_chain::{Actor, Event, Fact};
use dengbei_checks::{CheckId, Opinion, RecheckError, Verdict};
use dengbei_kit::documents;
use dengbei_records::{ErrorClass, Sha256};

use super::wholes::{filed, of, wholes};
use super::world::World;
use crate::desk::error::DeskError;
use crate::desk::{Desk, Person, Said, Signing};
use crate::store::tasks::{self, TaskRow, Wanted};
use crate::store::wholes as rows;

fn person(name: &str) -> Person {
    Person {
        name: name.into(),
        actor: Some(Actor(Sha256::of(name.as_bytes()).as_bytes()[..16].try_into().unwrap())),
    }
}

fn desk(world: &World) -> Desk {
    let (author, registration) = (world.desk.checks.author.clone(), world.transfers.registration.clone());
    Desk { pool: world.desk.pool.clone(), author, registration }
}

async fn task(world: &World, stage: &str, check: CheckId) -> TaskRow {
    let all = tasks::list(&world.desk.pool, &Wanted::default(), 100).await.unwrap();
    all.into_iter().find(|t| t.stage == stage && t.check_id == check.as_str()).unwrap()
}

fn signing(task: &TaskRow, is_in_order: bool, note: &str) -> Signing {
    Signing { task: task.id.clone(), is_in_order, note: note.into() }
}

/// What has been stated, as a consumer would be brought it.
async fn log(world: &World) -> Vec<Event> {
    world.desk.events().await
}

#[tokio::test]
async fn two_persons_sign_one_task_and_none_signs_twice() {
    let world = World::open().await;
    filed(&world, 1, 2).await;
    wholes(&world).pass().await.unwrap();
    let (desk, session) = (desk(&world), task(&world, "G", CheckId::S06).await);
    desk.sign(&person("林梅"), &signing(&session, true, "")).await.unwrap();
    assert!(!task(&world, "G", CheckId::S06).await.is_done);
    let again = desk.sign(&person("林梅"), &signing(&session, false, "改主意")).await.unwrap_err();
    assert_eq!((again.problem().code.as_str(), again.class()), ("task.signed_already", ErrorClass::Conflict));
    desk.sign(&person("王强"), &signing(&session, true, "")).await.unwrap();
    assert!(task(&world, "G", CheckId::S06).await.is_done);
    // A third may still contradict, and says why.
    let silent = desk.sign(&person("李四"), &signing(&session, false, " ")).await.unwrap_err();
    assert_eq!(silent.problem().code, "task.note_required");
    desk.sign(&person("李四"), &signing(&session, false, "日志缺 10 时至 11 时")).await.unwrap();
    let whole = rows::get(&world.desk.pool, &session.whole).await.unwrap().unwrap();
    assert_eq!((whole.verdict.as_str(), whole.wrong), ("unsigned", 1));
    let nobody = desk.sign(&person(" "), &signing(&session, true, "")).await.unwrap_err();
    let unknown = Signing { task: "0".repeat(32), is_in_order: true, note: String::new() };
    let unknown = desk.sign(&person("赵六"), &unknown).await.unwrap_err();
    assert_eq!(
        (nobody.problem().code, unknown.problem().code),
        ("task.no_person".into(), "task.unknown".into())
    );
    let signed = log(&world).await.into_iter().filter(|e| matches!(e.fact, Some(Fact::CheckSigned(_))));
    let signed: Vec<Event> = signed.collect();
    assert_eq!(signed.len(), 3);
    assert!(signed.iter().all(|e| e.actor.is_some()));
    assert!(!signed.iter().any(|e| String::from_utf8_lossy(&e.bytes).contains("林梅")), "a name in the log");
}

/// A failed item of fixity's own, with its report kept.
async fn failed_item(world: &World) -> (dengbei_records::ItemId, Sha256) {
    let world = &world.desk;
    world.hear(&[super::desk::published()]).await.unwrap();
    let mut staged = super::bundles::good(1);
    let form = staged.files.iter_mut().find(|(f, _)| f.content.starts_with("files/")).unwrap();
    let mut bytes = form.1.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    form.1 = bytes.into();
    world.door.put(&staged);
    world.hear(&[super::desk::prefiled(&staged)]).await.unwrap();
    let (_, checked) = world.stated().await.pop().unwrap();
    (staged.item, checked.report.digest)
}

#[tokio::test]
async fn what_persons_signed_and_said_comes_back_from_the_log_and_twice_changes_nothing() {
    let world = World::open().await;
    filed(&world, 1, 2).await;
    wholes(&world).pass().await.unwrap();
    let (desk, session) = (desk(&world), task(&world, "G", CheckId::S06).await);
    desk.sign(&person("林梅"), &signing(&session, true, "看过")).await.unwrap();
    desk.sign(&person("王强"), &signing(&session, false, "日志缺一段")).await.unwrap();
    let before = dump(&world).await;
    let stated = log(&world).await;
    // Everything but what registration holds is gone: here its documents lie in the same table.
    for table in ["wholes", "check_tasks", "signatures", "rechecks", "drills"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}")))
            .execute(&world.desk.pool)
            .await
            .unwrap();
    }
    for _ in 0..2 {
        for event in &stated {
            world.desk.hear(std::slice::from_ref(event)).await.unwrap();
        }
        wholes(&world).pass().await.unwrap();
    }
    assert_eq!(dump(&world).await, before);
    assert_eq!(log(&world).await.len(), stated.len(), "something was stated again");
    let again = desk.sign(&person("林梅"), &signing(&session, false, "x")).await.unwrap_err();
    assert!(matches!(again, DeskError::SignedAlready));
}

/// What a person would see of tasks, signatures and runs.
async fn dump(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', id, scope, stage, number, check_id, persons, is_done, opened_at, encode(whole, 'hex'))
             from check_tasks
         union all select concat_ws(' ', encode(event, 'hex'), task, is_in_order, at, person, note) from signatures
         union all select concat_ws(' ', scope, stage, number, encode(stated, 'hex'), verdict, began_at, seed, tasks)
             from wholes
         order by 1",
    )
    .fetch_all(&world.desk.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_person_overrules_what_may_be_overruled_and_nothing_else() {
    let world = World::open().await;
    let (item, report) = failed_item(&world).await;
    let desk = desk(&world);
    let checks: Vec<CheckId> = failing(&world, &report).await;
    let said = |check, opinion| Said { item, report, check, opinion, reason: "原件如此".into() };
    let standing = *checks.iter().find(|c| !c.declared().may_overrule).unwrap();
    let refused = desk.recheck(&person("林梅"), &said(standing, Opinion::Overruled)).await.unwrap_err();
    assert_eq!((refused.problem().code.as_str(), refused.class()), ("recheck.stands", ErrorClass::Invalid));
    let upheld = desk.recheck(&person("林梅"), &said(standing, Opinion::Upheld)).await.unwrap();
    let (_, holds) = upheld.holds.unwrap();
    assert_eq!((holds.verdict, holds.holding.len(), upheld.rows.len()), (Verdict::Failed, 1, 1));
    let other = Said { item: filed(&world, 1, 1).await.members()[0].item, ..said(standing, Opinion::Upheld) };
    assert_eq!(desk.recheck(&person("林梅"), &other).await.unwrap_err().problem().code, "recheck.other_item");
    let missing = Said { report: Sha256::of(b"no report"), ..said(standing, Opinion::Upheld) };
    assert_eq!(
        desk.recheck(&person("林梅"), &missing).await.unwrap_err().problem().code,
        "recheck.no_report"
    );
    let wordless = Said { reason: " ".into(), ..said(standing, Opinion::Upheld) };
    let wordless = desk.recheck(&person("林梅"), &wordless).await.unwrap_err();
    assert!(matches!(wordless, DeskError::Recheck(RecheckError::Incomplete)));
    let facts = log(&world).await.into_iter().filter(|e| matches!(e.fact, Some(Fact::CheckRechecked(_))));
    assert_eq!(facts.count(), 1);
}

#[tokio::test]
async fn a_report_that_was_tampered_with_is_not_looked_at_again() {
    let world = World::open().await;
    let (item, report) = failed_item(&world).await;
    let mut tree: serde_json::Value = serde_json::from_slice(&world.desk.document(&report).await).unwrap();
    tree["verdict"] = "passed".into();
    let body = Bytes::from(tree.to_string());
    let mut connection = world.desk.pool.acquire().await.unwrap();
    let forged = documents::put(&mut connection, &body, "application/json").await.unwrap();
    drop(connection);
    let (check, opinion, reason) = (CheckId::A02, Opinion::Upheld, "x".to_owned());
    let said = Said { item, report: forged, check, opinion, reason };
    let refused = desk(&world).recheck(&person("林梅"), &said).await.unwrap_err();
    assert_eq!(refused.problem().code, "recheck.unsealed");
}

async fn failing(world: &World, report: &Sha256) -> Vec<CheckId> {
    let report: dengbei_checks::Report = serde_json::from_slice(&world.desk.document(report).await).unwrap();
    report.failing_ids()
}

#[tokio::test]
async fn the_months_tasks_are_asked_for_once_however_often_the_system_is_checked() {
    let world = World::open().await;
    let wholes = wholes(&world);
    wholes.pass().await.unwrap();
    let first = of(&world, "system", "C").await.1;
    let month = first.number.get(..7).unwrap().to_owned();
    let asked = rows::Key::of("system", "C", &format!("{month}-31 23:59:59"));
    rows::open(&world.desk.pool, &asked, None, dengbei_records::Timestamp::from_millis(0)).await.unwrap();
    wholes.pass().await.unwrap();
    let all = tasks::list(&world.desk.pool, &Wanted { scope: "system".into(), ..Wanted::default() }, 9)
        .await
        .unwrap();
    assert_eq!(all.iter().map(|t| t.number.as_str()).collect::<Vec<_>>(), [month.as_str()]);
    let wanted = rows::Wanted { scope: "system".into(), ..Default::default() };
    let found = rows::list(&world.desk.pool, &wanted, 9).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|w| w.tasks == [all[0].id.clone()] && w.open == 1));
}
