//! The command line over a configuration: everything wrong at once, keys and databases made once, every role in one
//! process.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dengbei_testkit::{Nats, PATIENCE, Postgres, eventually};

/// The binary, with nothing of this environment.
fn dengbei(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dengbei"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DENGBEI_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(args: &[&str]) -> (bool, String) {
    let output = dengbei(args).output().unwrap();
    (output.status.success(), text(&output))
}

fn written(folder: &Path, text: &str) -> String {
    let path = folder.join("dengbei.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn ten_mistakes_are_ten_problems_at_once_and_no_secret_shows() {
    let folder = tempfile::tempdir().unwrap();
    let config = written(
        folder.path(),
        r#"
[default]
area = "33"
database = "mysql://u:geheim@db/d"
nats = "nats://geheim@nats:4222"
mesh_token = "geheim geheim"
door_token = "geheim"
keys = "/keys"
linger = "15"
inspekcion = "7d"
log_quorum = 200
[default.peers]
ingest = "http://ingest:1"
fixity = "fixity:1"
[[default.sites]]
name = "primary"
class = "first"
url = "http://primary:1"
[registration]
grpc = "registration:7120"
site = "ftp://u:geheim@h/p"
"#,
    );
    let (is_usable, said) = run(&["serve", "registration", "--config", &config, "--check-config"]);
    assert!(!is_usable);
    let codes = [
        "config.not_an_area",
        "config.not_a_url database",
        "config.not_a_token",
        "config.not_a_period",
        "config.unknown_key inspekcion",
        "config.out_of_range",
        "config.not_a_url peers.fixity",
        "config.missing registration.peers.registration",
        "config.not_an_address",
        "config.not_a_storage",
        "config.not_a_site",
        "config.no_primary",
    ];
    for code in codes {
        assert!(said.contains(&format!("problem  {code}")), "{code}\n{said}");
    }
    assert_eq!(said.matches("# 问题 problem").count(), codes.len(), "{said}");
    assert!(said.contains("inspection was meant") && said.contains("dengbei.toml [registration]"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
    let (started, said) = run(&["serve", "registration", "--config", &config]);
    assert!(!started && said.contains("config.not_an_area") && !said.contains("geheim"), "{said}");
}

#[test]
fn what_is_right_is_shown_with_its_origins_and_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = written(folder.path(), "[default]\narea = \"330382\"\nnats = \"nats://geheim@nats:4222\"\n");
    let mut command = dengbei(&["serve", "query", "--config", &config, "--check-config"]);
    let environment = [
        ("DENGBEI_DATABASE", "postgres://q:geheim@db/dengbei_{role}"),
        ("DENGBEI_MESH_TOKEN", "geheim"),
        ("DENGBEI_QUERY__PEERS__FIXITY", "http://fixity:1"),
        ("DENGBEI_PEERS__REGISTRATION", "http://registration:1"),
        ("DENGBEI_PEERS__INGEST", "http://ingest:1"),
        ("DENGBEI_GRPC", "0.0.0.0:7150"),
    ];
    let output = command.envs(environment).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for line in [
        "database = \"postgres://q:***@db/dengbei_query\"  # DENGBEI_DATABASE",
        "nats = \"nats://***@nats:4222\"",
        "mesh_token = \"***\"  # DENGBEI_MESH_TOKEN",
        "fixity = \"http://fixity:1\"  # DENGBEI_QUERY__PEERS__FIXITY",
        "linger = \"15m\"  # 默认 default",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn init_makes_keys_once_and_never_in_the_place_of_one_that_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let site = folder.path().join("site");
    let config = written(
        folder.path(),
        &format!("[default]\narea = \"330382\"\nkeys = {keys:?}\nsite = {site:?}\n[site-primary]\n"),
    );
    let (made, said) = run(&["init", "--config", &config]);
    assert!(made && said.contains("door.token") && said.contains("sites/primary"), "{said}");
    let before = dengbei_kit::keyring::files(&keys).unwrap();
    let (again, said) = run(&["init", "--config", &config]);
    assert!(again && said.contains("every key is there"), "{said}");
    assert_eq!(dengbei_kit::keyring::files(&keys).unwrap(), before);
    std::fs::create_dir_all(site.join("log")).unwrap();
    std::fs::write(site.join("log/checkpoint"), "begun").unwrap();
    std::fs::remove_file(keys.join("id.key")).unwrap();
    let (made, said) = run(&["init", "--config", &config]);
    assert!(!made && said.contains("keys.lost") && !keys.join("id.key").exists(), "{said}");
    std::fs::remove_file(keys.join("register.key")).unwrap();
    let (made, said) = run(&["init", "--config", &config]);
    assert!(!made && said.contains("keys.half_missing") && !keys.join("register.key").exists(), "{said}");
}

/// Everything a small county's one pod is told.
fn together(folder: &Path, (postgres, nats, http): (&str, &str, u16)) -> String {
    let database = postgres.replace("/postgres", "/dengbei_{role}");
    let mut toml = format!(
        "[default]\narea = \"330382\"\nkeys = {:?}\nstaging = {:?}\ndatabase = {database:?}\nnats = {nats:?}\n\
         log_quorum = 1\n",
        folder.join("keys"),
        folder.join("staging"),
    );
    for (name, class) in [("primary", "primary"), ("archive", "archive"), ("remote", "remote")] {
        let _ = writeln!(toml, "[[default.sites]]\nname = {name:?}\nclass = {class:?}");
    }
    let site = |name: &str| format!("site = {:?}\n", folder.join("sites").join(name));
    for name in ["primary", "archive", "remote"] {
        let _ = writeln!(toml, "[site-{name}]\n{}", site(name));
    }
    let _ = writeln!(toml, "[registration]\n{}[gateway]\nhttp = \"127.0.0.1:{http}\"", site("primary"));
    toml
}

struct Stopped(std::process::Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn every_role_in_one_process_becomes_well_and_drains() {
    dengbei_kit::install_tls();
    let (postgres, nats) = (Postgres::own().await.unwrap(), Nats::start().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let http = free_port();
    let config = written(folder.path(), &together(folder.path(), (&postgres.url(), &nats.url(), http)));
    let (is_usable, said) = run(&["init", "--config", &config]);
    assert!(is_usable, "{said}");
    let (is_usable, said) = run(&["serve", "all", "--config", &config, "--check-config"]);
    assert!(is_usable, "{said}");
    let (is_ready, said) = run(&["migrate", "--config", &config]);
    assert!(is_ready && said.matches("created").count() == 6, "{said}");
    let (is_ready, said) = run(&["migrate", "--config", &config]);
    assert!(is_ready && said.matches(" 0 migrations").count() == 6, "{said}");
    let log: PathBuf = folder.path().join("log");
    let output = std::fs::File::create(&log).unwrap();
    let mut command = dengbei(&["serve", "all", "--config", &config]);
    let mut served = Stopped(command.stderr(output).spawn().unwrap());
    let url = format!("http://127.0.0.1:{http}/health");
    let well = eventually(PATIENCE, "the door and everybody behind it are well", async || {
        anyhow::ensure!(served.0.try_wait()?.is_none(), "it ended");
        Ok(reqwest::get(&url).await?.error_for_status().map(drop)?)
    });
    well.await.unwrap_or_else(|e| panic!("{e:#}\n{}", std::fs::read_to_string(&log).unwrap()));
    let pid = rustix::process::Pid::from_child(&served.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = eventually(PATIENCE, "it drains", async || {
        served.0.try_wait()?.ok_or_else(|| anyhow::anyhow!("still running"))
    });
    let status = ended.await.unwrap();
    assert!(status.success(), "{status}\n{}", std::fs::read_to_string(&log).unwrap());
}
