//! Configuration is tested without the environment.

use super::*;

const FILE: &str = r#"
[default]
area = "330382"
nats = "nats://geheim@127.0.0.1:4222"
mesh_token = "m"
linger = "2s"
[default.peers]
ingest = "http://ingest:1"
[ingest]
database = "postgres://u:geheim@h/d"
grpc = "127.0.0.1:7100"
[ingest.limits]
stream_age = "24h"
[fixity]
database = "postgres://h/f"
"#;

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kit-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn no_environment(_name: &str) -> Option<String> {
    None
}

#[test]
fn a_role_reads_its_own_table_over_the_default_one() {
    let path = file("a.toml", FILE);
    let ingest = RoleConfig::layered("ingest", Some(&path), no_environment).unwrap();
    assert_eq!(ingest.role, "ingest");
    assert_eq!(&*ingest.database, "postgres://u:geheim@h/d");
    assert_eq!(ingest.linger, Duration::from_secs(2));
    assert_eq!(ingest.limits.stream_age, Duration::from_secs(86_400));
    assert_eq!(ingest.limits.database_connections, 12);
    assert_eq!(ingest.peers.ingest, "http://ingest:1");
    let fixity = RoleConfig::layered("fixity", Some(&path), no_environment).unwrap();
    assert_eq!(&*fixity.database, "postgres://h/f");
}

#[test]
fn the_environment_overrides_the_file() {
    let path = file("b.toml", FILE);
    let environment = |name: &str| {
        let text = match name {
            "DENGBEI_PEERS__INGEST" => "http://other:2",
            "DENGBEI_AREA" => "110101",
            "DENGBEI_MESH_TOKEN" => "12345",
            "DENGBEI_LIMITS__STREAM_BYTES" => "77",
            _ => return None,
        };
        Some(text.to_owned())
    };
    let config = RoleConfig::layered("ingest", Some(&path), environment).unwrap();
    assert_eq!(config.peers.ingest, "http://other:2");
    assert_eq!(config.area.as_str(), "110101");
    assert_eq!(&*config.mesh_token, "12345");
    assert_eq!(config.limits.stream_bytes, 77);
}

#[test]
fn an_unknown_key_is_named() {
    let path = file("c.toml", &FILE.replace("linger", "lingr"));
    let error = RoleConfig::layered("ingest", Some(&path), no_environment).unwrap_err();
    assert!(error.to_string().contains("lingr"), "{error}");
}

#[test]
fn a_flat_json_file_round_trips() {
    let config = RoleConfig::layered("ingest", Some(&file("d.toml", FILE)), no_environment).unwrap();
    let path = file("d.json", &serde_json::to_string(&config).unwrap());
    assert_eq!(RoleConfig::layered("ingest", Some(&path), no_environment).unwrap(), config);
}

#[test]
fn the_mesh_token_comes_from_the_key_folder() {
    let keys = std::env::temp_dir().join(format!("kit-{}-keys", std::process::id()));
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("mesh.token"), "abc\n").unwrap();
    let text = FILE.replace("mesh_token = \"m\"", &format!("keys = {:?}", keys));
    let config = RoleConfig::layered("ingest", Some(&file("e.toml", &text)), no_environment).unwrap();
    assert_eq!(&*config.mesh_token, "abc");
}

#[test]
fn no_secret_shows_in_a_log() {
    let config = RoleConfig::layered("ingest", Some(&file("f.toml", FILE)), no_environment).unwrap();
    assert!(!format!("{config:?}").contains("geheim"));
}

#[test]
fn periods_read_and_write() {
    for text in ["250ms", "15s", "15m", "36h", "7d"] {
        assert_eq!(period::format(period::parse(text).unwrap()), text);
    }
    for text in ["", "15", "m", "1.5s", "5 s", "99999999999999999d"] {
        assert!(period::parse(text).is_err(), "{text}");
    }
}
