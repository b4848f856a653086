//! What is not per item, and what persons sign and say: a batch with its sample, a day of the system with a backup brought
//! back, tasks, rechecks; and all of it again out of the log when fixity's database is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use dengbei_checks::{Report, Sample, Scheme};
use dengbei_records::ItemId;
use dengbei_testkit::{Mesh, PATIENCE, eventually, samples};
use dengbei_tests::{Door, fsck, publish, sealed, submit};
use serde_json::{Value, json};
use sqlx::Connection as _;

const ARGS: [&str; 5] = ["--split", "--linger", "1", "--batch-linger", "2"];

/// The door, with bodies in JSON.
struct Office {
    door: Door,
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Office {
    fn of(mesh: &Mesh) -> Self {
        let door = Door::of(mesh);
        Self { door, client: reqwest::Client::new(), base: mesh.http().into(), token: mesh.token().into() }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.door.json(path).await
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(reqwest::Method::POST, path, body).await
    }

    /// Runs that the list shows, when there are any.
    async fn wholes(&self, wanted: &str) -> Vec<Value> {
        eventually(PATIENCE, "a run stands in the list", async || {
            let page = self.get(&format!("/v1/wholes?{wanted}")).await?;
            let found = page["wholes"].as_array().cloned().unwrap_or_default();
            anyhow::ensure!(!found.is_empty(), "{wanted}: {page}");
            Ok(found)
        })
        .await
        .unwrap()
    }

    async fn whole(&self, of: &Value) -> Value {
        self.get(&format!("/v1/wholes/{}", of["id"].as_str().unwrap())).await.unwrap()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Persons look at a third of every batch here.
fn scheme(folder: &Path) {
    let built_in = Scheme::builtin();
    let document = json!({
        "format": dengbei_checks::FORMAT, "id": "county/looks", "version": "1", "title": "逐批抽看", "title_en": "looks",
        "extends": {"id": built_in.id, "version": built_in.version, "digest": built_in.digest},
        "categories": ["service_item"], "areas": ["33"], "in_force_from": "2020-01-01",
        "parameters": {"U-04": {"look_percent": 34}, "S-06": {"every_batch": 1}},
    });
    std::fs::write(folder.join("looks.json"), document.to_string()).unwrap();
}

/// Items that were returned, each with a report of its own.
fn submitted(mesh: &Mesh) -> Vec<Value> {
    let samples = samples(30, &["--mutants", "--seed", "47"]).unwrap();
    publish(mesh, samples.path()).unwrap();
    let batches = samples.batches().unwrap();
    let mut paths: Vec<&Path> = batches.iter().map(PathBuf::as_path).collect();
    let mutants = samples.path().join("mutants");
    paths.push(&mutants);
    let lines = submit(mesh, &paths, "filed").unwrap();
    lines.into_iter().filter(|line| line["state"]["custody"] == "returned").collect()
}

async fn a_batch_has_its_run_and_its_sample_is_drawn_again(office: &Office) -> Value {
    let listed = office.wholes("scope=batch&stage=G").await;
    let pack = listed.iter().find(|w| text(w, "number").len() == 8).expect("a filing batch");
    let whole = office.whole(pack).await;
    let report: Report = serde_json::from_value(whole["report"].clone()).unwrap();
    assert!(report.is_intact() && report.failing_ids().is_empty(), "{whole}");
    assert_eq!(report.scheme.id, "county/looks");
    let number: u64 = text(pack, "number").parse().unwrap();
    let page = office.get(&format!("/v1/items?pack={number}&limit=200")).await.unwrap();
    let items: Vec<ItemId> =
        page["items"].as_array().unwrap().iter().map(|i| text(i, "item").parse().unwrap()).collect();
    let again = Sample::draw(text(pack, "seed"), &items, 34);
    assert_eq!(report.sample.unwrap(), again);
    assert!(!again.items.is_empty() && again.of == items.len() as u64);
    whole
}

async fn an_officer_signs_and_another_contradicts(office: &Office, whole: &Value) {
    let tasks = whole["tasks"].as_array().unwrap();
    let look = tasks.iter().find(|t| text(t, "check") == "U-04").expect("persons look at the sample");
    assert!(!look["items"].as_array().unwrap().is_empty());
    let path = format!("/v1/tasks/{}/signatures", text(look, "id"));
    let (status, nobody) = office.post(&path, &json!({"in_order": true})).await;
    assert_eq!((status, text(&nobody, "code")), (422, "task.no_person"), "{nobody}");
    let (status, task) = office.post(&path, &json!({"in_order": true, "person": "林梅"})).await;
    assert_eq!((status, text(&task, "state")), (200, "done"), "{task}");
    let (status, again) =
        office.post(&path, &json!({"in_order": false, "person": "林梅", "note": "x"})).await;
    assert_eq!((status, text(&again, "code")), (409, "task.signed_already"), "{again}");
    let (status, wordless) = office.post(&path, &json!({"in_order": false, "person": "王强"})).await;
    assert_eq!((status, text(&wordless, "code")), (422, "task.note_required"), "{wordless}");
    let wrong = json!({"in_order": false, "person": "王强", "note": "第二页模糊"});
    let (status, task) = office.post(&path, &wrong).await;
    assert_eq!((status, text(&task, "state")), (200, "wrong"), "{task}");
    let now = office.whole(whole).await;
    assert_eq!((text(&now, "verdict"), text(&now, "holds")), ("unsigned", "failed"));
    assert_eq!(now["report"], whole["report"], "the report changed");
}

async fn the_system_reads_back_its_database_and_a_backup(office: &Office) {
    let (status, asked) = office.post("/v1/wholes", &json!({})).await;
    assert_eq!(status, 200, "{asked}");
    let number = text(&asked, "number").replace(' ', "%20");
    let found = office.wholes(&format!("scope=system&number={number}")).await;
    let report: Report = serde_json::from_value(office.whole(&found[0]).await["report"].clone()).unwrap();
    let of = |id: &str| report.checks.iter().find(|c| c.id.as_str() == id).unwrap();
    assert_eq!((of("U-02").result, of("U-02").compared), (dengbei_checks::CheckResult::Passed, 1));
    let restored = of("U-09");
    assert_eq!(restored.result, dengbei_checks::CheckResult::Passed, "{restored:?}");
    assert!(restored.compared > 0 && restored.evidence.iter().any(|e| e.what == "from"), "{restored:?}");
}

async fn a_report_is_looked_at_again(office: &Office, returned: &[Value]) -> String {
    for line in returned {
        let id = text(line, "item");
        let path = format!("/v1/items/{id}/rechecks");
        let before = office.get(&path).await.unwrap();
        let blocking: Vec<&str> =
            before["blocking"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let may = |check: &&str| check.parse::<dengbei_checks::CheckId>().unwrap().declared().may_overrule;
        let [check] = blocking[..] else { continue };
        if !may(&check) {
            continue;
        }
        // Nobody overrules the virus scan, which here nobody ran.
        let stands = json!({"check": "S-02", "opinion": "overruled", "reason": "看过", "person": "林梅"});
        let (status, refused) = office.post(&path, &stands).await;
        assert_eq!((status, text(&refused, "code")), (422, "recheck.stands"), "{refused}");
        assert!(!text(&refused, "message").is_empty() && !text(&refused, "message_en").is_empty());
        let holds = json!({"check": check, "opinion": "overruled", "reason": "原件如此", "person": "林梅"});
        let (status, after) = office.post(&path, &holds).await;
        assert_eq!(
            (status, text(&before, "verdict"), text(&after, "verdict")),
            (200, "failed", "passed"),
            "{after}"
        );
        assert_eq!(after["rechecks"].as_array().unwrap().len(), 1);
        return path;
    }
    panic!("no returned item has one check that a person may overrule: {returned:?}");
}

/// Fixity's database as on its first day.
async fn lose(mesh: &Mesh) {
    let mut database = sqlx::PgConnection::connect(&mesh.database("fixity")).await.unwrap();
    for statement in
        ["drop schema if exists bus cascade", "drop schema public cascade", "create schema public"]
    {
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
}

/// What is shown of everything that persons signed and said.
async fn shown(office: &Office, rechecks: &str) -> anyhow::Result<[Value; 3]> {
    let mut wholes = office.get("/v1/wholes?limit=200").await?;
    // A run that another day of the test began does not belong to it.
    wholes.as_object_mut().unwrap().remove("next");
    Ok([office.get("/v1/tasks?limit=200").await?, wholes, office.get(rechecks).await?])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_persons_sign_stands_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    scheme(folder.path());
    let schemes = folder.path().to_string_lossy().into_owned();
    let args = [ARGS.as_slice(), &["--schemes", &schemes]].concat();
    let mut mesh = Mesh::up(&args).await.unwrap();
    let office = Office::of(&mesh);
    stay_with_the_unit(&office).await;
    let returned = submitted(&mesh);
    let whole = a_batch_has_its_run_and_its_sample_is_drawn_again(&office).await;
    an_officer_signs_and_another_contradicts(&office, &whole).await;
    let path = a_report_is_looked_at_again(&office, &returned).await;
    all_secured(&office).await;
    the_system_reads_back_its_database_and_a_backup(&office).await;
    sealed(&mesh).await.unwrap();
    let before = shown(&office, &path).await.unwrap();
    mesh.stop().await.unwrap();
    mesh.set_args(&["--no-roles"]);
    mesh.start_again().await.unwrap();
    lose(&mesh).await;
    mesh.stop().await.unwrap();
    mesh.set_args(&args);
    mesh.start_again().await.unwrap();
    let office = Office::of(&mesh);
    eventually(PATIENCE, "everything is back", async || {
        let now = shown(&office, &path).await?;
        anyhow::ensure!(now == before, "before {before:#?}\nnow {now:#?}");
        Ok(())
    })
    .await
    .unwrap();
    // What was signed is signed: the same person is still refused.
    let task = whole["tasks"].as_array().unwrap().iter().find(|t| text(t, "check") == "U-04").unwrap();
    let again = json!({"in_order": true, "person": "林梅"});
    let (status, again) = office.post(&format!("/v1/tasks/{}/signatures", text(task, "id")), &again).await;
    assert_eq!((status, text(&again, "code")), (409, "task.signed_already"), "{again}");
    sealed(&mesh).await.unwrap();
    fsck(&mesh).unwrap();
}

/// Nothing is handed over here: registration and its backup are enough.
async fn stay_with_the_unit(office: &Office) {
    let people = |a: &str, b: &str| json!({"filled_by": a, "reviewed_by": b});
    let rule = json!({"registration": "automatic", "transfer": "by_hand", "archive_range": ["Y"],
        "unit": people("甲", "乙"), "archive": people("丙", "丁"), "registrar": "戊", "reviewer": "己"});
    let (status, answer) = office.send(reqwest::Method::PUT, "/v1/policies", &rule).await;
    assert_eq!(status, 200, "{answer}");
}

async fn all_secured(office: &Office) {
    eventually(PATIENCE, "everything filed is backed up and certified", async || {
        let page = office.get("/v1/items?custody=filed&limit=200").await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let is_done =
            |i: &Value| i["state"]["registration"] == "certified" && i["state"]["preservation"] == "secured";
        anyhow::ensure!(!items.is_empty() && items.iter().all(is_done), "{page}");
        Ok(())
    })
    .await
    .unwrap();
}
