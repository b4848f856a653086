//! 移交检测 by a scheme of the folder: what is stricter there is run anew, what filing said is taken where it holds, and
//! the report names the scheme.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dengbei_chain::facts::{Purpose, Side, TransferChecked};
use dengbei_chain::{Fact, TransferCheck, TransferReport};
use dengbei_checks::{Scheme, Schemes};
use serde_json::{Value, json};

use super::door::{Staged, package};
use super::world::{Filed, World};
use crate::check::Bench;

/// With a title of so many characters.
fn titled(n: u32, long: usize) -> Staged {
    package(n, &format!("33038201-XK-00001-001-2026-30年-{n:07}"), |files| {
        files[1].1 = files[1].1.replace("甲申请食品经营许可", &"题".repeat(long));
    })
}

/// A deployment whose folder says this of these areas.
async fn world_by(areas: &[&str], parts: &Value) -> World {
    let built_in = Scheme::builtin();
    let mut document = json!({
        "format": dengbei_checks::FORMAT, "id": "county/items", "version": "3", "title": "县方案", "title_en": "county",
        "extends": {"id": built_in.id, "version": built_in.version, "digest": built_in.digest},
        "areas": areas, "in_force_from": "2020-01-01",
    });
    document.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    let mut world = World::open().await;
    world.transfers.bench = Arc::new(Bench {
        schemes: Schemes::read(&[("county.json".into(), document.to_string().into_bytes())]).unwrap(),
        ..(*world.transfers.bench).clone()
    });
    world
}

fn built_in() -> String {
    Scheme::builtin().name().to_string()
}

/// A filed pack of two, of which the second has a long title, both passed by the built-in scheme.
async fn two(world: &World) -> Filed {
    let pack = world.pack_of_packages(1, &[titled(1, 9), titled(2, 60)]);
    world.file(&pack).await;
    world.ran_by(&built_in(), &pack, &[Value::Null, Value::Null]).await;
    pack
}

async fn unit(world: &World, packs: &[&Filed]) -> (TransferChecked, TransferReport) {
    world.about_transfer(Fact::TransferPacked(world.packed(packs).await)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    (checked, report)
}

fn check<'a>(report: &'a TransferReport, id: &str) -> &'a TransferCheck {
    report.checks.iter().find(|c| c.id == id).unwrap()
}

fn short_titles() -> Value {
    json!({"parameters": {"A-07": {"max_lengths": {"title": 20}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scheme_makes_stricter_is_run_anew_and_takes_an_item_out_on_every_side() {
    let world = world_by(&["3303"], &short_titles()).await;
    let pack = two(&world).await;
    let packed = world.packed(&[&pack]).await;
    world.about_transfer(Fact::TransferPacked(packed.clone())).await;
    world.about_transfer(Fact::TransferSubmitted(World::submitted(&packed))).await;
    world.about_transfer(Fact::TransferAccepted(World::accepted(&packed))).await;
    world.desk.hear(&[world.stored(&world.archive, &pack, Purpose::Accession)]).await.unwrap();
    world.hurry().await;
    world.transfers.pass().await.unwrap();
    let all = world.verdicts().await;
    assert_eq!(all.len(), 3);
    for (_, checked, report) in all {
        assert_eq!((checked.scheme.as_str(), report.scheme.as_str()), ("county/items/3", "county/items/3"));
        assert_eq!((checked.checked, checked.unfit), (2, 1), "{:?}", report.unfit);
        let unfit = &report.unfit[0];
        assert_eq!((unfit.event, unfit.failed.as_slice()), (pack.hash(1), ["A-07".to_owned()].as_slice()));
        assert!(unfit.message.contains("J019") && !unfit.message_en.is_empty() && !unfit.remedy.is_empty());
        let title = check(&report, "A-07");
        assert_eq!((title.result.as_str(), title.compared, title.failed), ("failed", 2, 1));
        assert_eq!(title.reused, "", "none was taken from filing");
        // What the scheme does not change is taken from the filing run.
        let range = check(&report, "A-09");
        assert_eq!((range.result.as_str(), range.reused.as_str()), ("passed", "run"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_document_is_for_the_transfers_area_the_built_in_schemes_judge() {
    let world = world_by(&["3304"], &short_titles()).await;
    let pack = two(&world).await;
    let (checked, report) = unit(&world, &[&pack]).await;
    assert_eq!((checked.unfit, &report.scheme), (0, &Scheme::transfer().name().to_string()));
    assert_eq!(check(&report, "A-07").reused, "run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_the_same_scheme_holds_and_no_item_is_read() {
    let world = world_by(&["3303"], &short_titles()).await;
    let pack = world.pack_of_packages(1, &[titled(1, 9), titled(2, 9)]);
    world.file(&pack).await;
    world.ran_by("county/items/3", &pack, &[Value::Null, Value::Null]).await;
    let before = world.primary.sent.load(Ordering::SeqCst);
    let (checked, report) = unit(&world, &[&pack]).await;
    assert_eq!((checked.unfit, report.scheme.as_str()), (0, "county/items/3"));
    assert!(report.checks.iter().filter(|c| c.id != "I-06").all(|c| c.findings.is_empty()), "{report:?}");
    assert_eq!(check(&report, "A-07").reused, "run");
    let read = world.primary.sent.load(Ordering::SeqCst) - before;
    assert!(read <= pack.places[0].range.start, "{read}: the catalogue alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_by_what_it_was_judged_is_run_anew() {
    let world = world_by(&["3303"], &json!({})).await;
    let pack = world.pack_of_packages(1, &[titled(1, 9), titled(2, 9)]);
    world.file(&pack).await;
    // The one's row is gone; the other passed by a version that is not in the folder any more.
    world.ran_by("county/items/2", &pack, &[Value::Null, Value::Null]).await;
    sqlx::query("delete from runs where prefiled = $1")
        .bind(pack.items[0].causes[0].as_bytes().as_slice())
        .execute(&world.desk.pool)
        .await
        .unwrap();
    world.desk.hear(&[super::desk::published()]).await.unwrap();
    let (checked, report) = unit(&world, &[&pack]).await;
    assert_eq!(checked.unfit, 0, "{:?}", report.unfit);
    for id in ["A-07", "A-09", "I-09", "U-04"] {
        let check = check(&report, id);
        assert_eq!((check.result.as_str(), check.compared, check.reused.as_str()), ("passed", 2, ""), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_that_the_scheme_lets_block_is_looked_at_again_and_the_bytes_decide() {
    let outcome = json!([{"id": "U-06", "alias": "", "name": "", "name_en": "", "property": "usability",
        "severity": "W", "result": "warning", "compared": 1,
        "findings": [{"place": "x", "message": "没有登记的软件", "message_en": "not on record", "remedy": ""}]}]);
    let world = world_by(&["3303"], &json!({"stages": {"Y": {"U-06": "B"}}})).await;
    let pack = world.pack_of_packages(1, &[titled(1, 9), titled(2, 9)]);
    world.file(&pack).await;
    world.ran_by(&built_in(), &pack, &[outcome, Value::Null]).await;
    let (checked, report) = unit(&world, &[&pack]).await;
    // Nothing in this package asks for software: the check said something else before its list was mended.
    assert_eq!(checked.unfit, 0, "{:?}", report.unfit);
    let software = check(&report, "U-06");
    assert_eq!((software.severity.as_str(), software.reused.as_str()), ("B", "run"));
    assert!(software.findings.iter().any(|f| f.contains("1 of them checked anew")), "{software:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_verified_keeps_an_item_out_where_the_scheme_says_so() {
    let world = world_by(&["3303"], &json!({"unverified_blocks": {"Y": ["S-02"]}})).await;
    let pack = two(&world).await;
    let unscanned = json!([{"id": "S-02", "alias": "", "name": "", "name_en": "", "property": "security",
        "severity": "B", "result": "unverifiable", "compared": 1, "findings": []}]);
    sqlx::query("truncate runs").execute(&world.desk.pool).await.unwrap();
    world.ran_by(&built_in(), &pack, &[unscanned, Value::Null]).await;
    let (checked, report) = unit(&world, &[&pack]).await;
    assert_eq!(checked.unfit, 1, "{:?}", report.unfit);
    assert_eq!(
        (report.unfit[0].event, report.unfit[0].failed.as_slice()),
        (pack.hash(0), &["S-02".to_owned()][..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_does_not_hold_its_whole_package_is_unverifiable_and_never_a_pass() {
    for (blocks, unfit) in [(json!({}), 0), (json!({"Y": ["A-07"]}), 2)] {
        let mut parts = short_titles();
        parts["unverified_blocks"] = blocks;
        let world = world_by(&["3303"], &parts).await;
        let pack = world.pack(1, 2);
        world.file(&pack).await;
        world.ran_by(&built_in(), &pack, &[Value::Null, Value::Null]).await;
        let (checked, report) = unit(&world, &[&pack]).await;
        assert_eq!(checked.unfit, unfit, "{:?}", report.unfit);
        let wanted = if unfit == 0 { "unverifiable" } else { "failed" };
        assert_eq!(check(&report, "A-07").result, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_whose_bytes_are_bad_is_not_run_anew_and_the_others_of_its_pack_are() {
    let world = world_by(&["3303"], &short_titles()).await;
    let pack = two(&world).await;
    world.primary.flip(1, pack.places[0].range.end - 1500);
    let (checked, report) = unit(&world, &[&pack]).await;
    assert_eq!(checked.unfit, 2);
    let failed: Vec<_> = report.unfit.iter().map(|u| u.failed.join(" ")).collect();
    assert_eq!(failed, ["A-02", "A-07"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_over_the_whole_hold_a_gap_may_block_and_another_fonds_may_warn() {
    let parts = json!({"stages": {"Y": {"I-06": "B", "A-12": "W", "S-03": "-"}}});
    let world = world_by(&["330382"], &parts).await;
    let pack = world.pack(1, 3);
    world.file(&pack).await;
    world.ran_by(&built_in(), &pack, &[Value::Null, Value::Null, Value::Null]).await;
    let members = pack.members();
    let mut packed = world.packed(&[&pack]).await;
    (packed.members, packed.root) = world.list(vec![members[0].clone(), members[2].clone()]).await;
    (packed.items, packed.fonds_no) = (2, "J020".parse().unwrap());
    world.about_transfer(Fact::TransferPacked(packed)).await;
    world.transfers.pass().await.unwrap();
    let (_, checked, report) = world.verdict(Side::Unit).await;
    assert_eq!(checked.unfit, 2, "the class is handed over whole or not at all");
    assert!(report.unfit.iter().all(|u| u.failed == ["I-06"]), "{:?}", report.unfit);
    let (gap, fonds) = (check(&report, "I-06"), check(&report, "A-12"));
    assert_eq!((gap.result.as_str(), gap.severity.as_str(), gap.failed), ("failed", "B", 1));
    assert_eq!((fonds.result.as_str(), fonds.severity.as_str(), fonds.failed), ("warning", "W", 2));
    assert!(!report.checks.iter().any(|c| c.id == "S-03"), "it rests");
}
