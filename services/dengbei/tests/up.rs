//! The supervisor on real processes: what dies comes back, what is left over is ended, what stops stops.
//! Mostly the stores alone run here (`--no-roles`); the roles' own stories are in `tests/`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use dengbei_testkit::{Mesh, PATIENCE, eventually, is_running};
use sqlx::{Connection as _, PgConnection};

const STORES: &[&str] = &["--no-roles"];

async fn answers(url: &str) -> anyhow::Result<()> {
    Ok(PgConnection::connect(url).await?.close().await?)
}

async fn nats_answers(url: &str) -> anyhow::Result<()> {
    let (token, address) = url.trim_start_matches("nats://").split_once('@').unwrap();
    async_nats::ConnectOptions::with_token(token.to_owned()).connect(address).await?.flush().await?;
    Ok(())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn keys(mesh: &Mesh) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(mesh.data().join("keys")).unwrap().flatten();
    let files = files.filter(|file| file.path().is_file());
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

#[tokio::test]
async fn a_killed_child_comes_back_where_it_was() {
    let mut mesh = Mesh::up(STORES).await.unwrap();
    for name in ["postgres", "nats"] {
        let killed = mesh.kill9(name).await.unwrap();
        eventually(PATIENCE, "both stores answer at the same addresses", async || {
            anyhow::ensure!(mesh.pids().get(name).is_some_and(|pid| *pid != killed));
            answers(mesh.postgres()).await?;
            nats_answers(mesh.nats()).await
        })
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:#}\n{}", mesh.log()));
    }
}

async fn is_well(mesh: &Mesh, role: &str) -> anyhow::Result<()> {
    let admin = mesh.places()["roles"][role]["admin"].as_str().unwrap_or_default();
    Ok(reqwest::get(format!("{admin}/health")).await?.error_for_status().map(drop)?)
}

#[tokio::test]
async fn a_killed_role_comes_back_where_it_was() {
    dengbei_kit::install_tls();
    let mut mesh = Mesh::up(&["--split"]).await.unwrap();
    for role in ["ingest", "registration", "fixity", "query", "gateway"] {
        is_well(&mesh, role).await.unwrap();
        let killed = mesh.kill9(role).await.unwrap();
        eventually(PATIENCE, "another process is well at the same address", async || {
            anyhow::ensure!(mesh.pids().get(role).is_some_and(|pid| *pid != killed));
            is_well(&mesh, role).await
        })
        .await
        .unwrap_or_else(|error| panic!("{role}: {error:#}\n{}", mesh.log()));
    }
    let pids = mesh.pids();
    mesh.stop().await.unwrap();
    assert!(pids.values().all(|pid| !is_running(*pid)), "{pids:?}");
}

#[tokio::test]
async fn the_roles_in_one_process_stop_in_time_and_start_again() {
    dengbei_kit::install_tls();
    let mut mesh = Mesh::up(&["--linger", "1"]).await.unwrap();
    is_well(&mesh, "gateway").await.unwrap();
    assert_eq!(mesh.places()["grpc"], mesh.places()["roles"]["registration"]["grpc"]);
    assert!(mesh.stop().await.unwrap().success(), "{}", mesh.log());
    mesh.start_again().await.unwrap();
    is_well(&mesh, "registration").await.unwrap();
}

#[tokio::test]
async fn the_children_of_a_killed_up_die_and_the_next_one_goes_on() {
    let mut mesh = Mesh::up(STORES).await.unwrap();
    let mut connection = PgConnection::connect(mesh.postgres()).await.unwrap();
    sqlx::query("create table kept(n int)").execute(&mut connection).await.unwrap();
    let keys_before = keys(&mesh);
    let pids = mesh.pids();
    assert!(["up", "postgres", "nats"].iter().all(|name| pids.contains_key(*name)), "{pids:?}");
    mesh.kill9("up").await.unwrap();
    eventually(PATIENCE, "every child is gone", async || {
        anyhow::ensure!(pids.values().all(|pid| !is_running(*pid)), "{pids:?}");
        Ok(())
    })
    .await
    .unwrap();
    mesh.start_again().await.unwrap();
    let mut connection = PgConnection::connect(mesh.postgres()).await.unwrap();
    sqlx::query("select n from kept").execute(&mut connection).await.unwrap();
    assert_eq!(keys(&mesh), keys_before);
}

#[tokio::test]
async fn a_second_up_refuses_the_folder_and_names_the_first() {
    let mesh = Mesh::up(STORES).await.unwrap();
    let second = mesh.command().unwrap().env_remove("RUST_LOG").output().unwrap();
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success());
    assert!(words.contains("up.folder_in_use") && words.contains(&mesh.pids()["up"].to_string()), "{words}");
    assert!(words.contains("正被进程"), "{words}");
    assert!(mesh.ready_file().exists(), "the refused one leaves the first one's ready file alone");
    answers(mesh.postgres()).await.unwrap();
}

#[tokio::test]
async fn sigterm_stops_everything_in_time_and_withdraws_the_ready_file() {
    let mut mesh = Mesh::up(STORES).await.unwrap();
    let pids = mesh.pids();
    assert_eq!(mode(&mesh.ready_file()), 0o600);
    let status = mesh.stop().await.unwrap();
    assert!(status.success(), "{status}: {}", mesh.log());
    assert!(pids.values().all(|pid| !is_running(*pid)), "{pids:?}");
    assert!(!mesh.ready_file().exists());
    let log = std::fs::read_to_string(mesh.data().join("logs/postgres.log")).unwrap();
    assert!(log.contains("fast shutdown"), "PostgreSQL was asked, not killed: {log}");
    mesh.start_again().await.unwrap();
    answers(mesh.postgres()).await.unwrap();
}

#[tokio::test]
async fn a_signal_during_the_first_start_stops_it_too() {
    let mut mesh = Mesh::prepare(STORES, &[]).unwrap();
    let mut process = mesh.command().unwrap().spawn().unwrap();
    let began = mesh.data().join("postgres");
    eventually(PATIENCE, "the cluster is being made", async || {
        anyhow::ensure!(began.exists());
        Ok(())
    })
    .await
    .unwrap();
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let asked = Instant::now();
    assert!(process.wait().unwrap().success());
    assert!(asked.elapsed().as_secs() < 30);
    mesh.start_again().await.unwrap();
}

#[tokio::test]
async fn secrets_are_asked_for_and_lie_in_files_of_the_owner() {
    let mesh = Mesh::up(STORES).await.unwrap();
    let (_, address) = mesh.postgres().split_once('@').unwrap();
    answers(&format!("postgres://dengbei:wrong@{address}")).await.unwrap_err();
    let (_, address) = mesh.nats().split_once('@').unwrap();
    async_nats::connect(address).await.unwrap_err();
    for name in ["token", "keys/id.key", "keys/mesh.token", "keys/register.key", "keys/postgres.password"] {
        assert_eq!(mode(&mesh.data().join(name)), 0o600, "{name}");
    }
    assert_eq!(std::fs::read_to_string(mesh.data().join("token")).unwrap(), mesh.token());
    let verifier = std::fs::read_to_string(mesh.data().join("keys/register.pub")).unwrap();
    assert!(verifier.starts_with("dengbei/330000+"), "{verifier}");
}

#[tokio::test]
async fn a_data_folder_with_a_long_name_works() {
    let mut mesh = Mesh::prepare(STORES, &[]).unwrap();
    mesh.use_data(&"长".repeat(40));
    mesh.start_again().await.unwrap();
    answers(mesh.postgres()).await.unwrap();
    mesh.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_lock_of_postgres_does_not_stop_it() {
    let mut mesh = Mesh::up(STORES).await.unwrap();
    mesh.kill9("up").await.unwrap();
    // As after a reboot: the number in the lock now belongs to a stranger, which is this test.
    let lock = mesh.data().join("postgres/data/postmaster.pid");
    std::fs::write(&lock, format!("{}\n{}\n", std::process::id(), mesh.data().display())).unwrap();
    mesh.start_again().await.unwrap();
    answers(mesh.postgres()).await.unwrap();
}

#[tokio::test]
async fn an_area_that_is_no_code_is_refused() {
    let mesh = Mesh::prepare(STORES, &[]).unwrap();
    let refused = mesh.command().unwrap().args(["--area", "12"]).output().unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && words.contains("行政区划"), "{words}");
    assert!(!mesh.data().exists(), "nothing is made for a start that cannot be");
}
