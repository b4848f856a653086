//! Configuration is tested without the environment.

use std::collections::BTreeMap;

use super::*;

const FILE: &str = r#"
[default]
area = "330382"
nats = "nats://geheim@127.0.0.1:4222"
database = "postgres://u:geheim@h/dengbei_{role}"
mesh_token = "m-geheim"
keys = "/k"
linger = "2s"
[default.peers]
ingest = "http://ingest:1"
registration = "http://registration:1"
fixity = "http://fixity:1"
query = "http://query:1"
replication = "http://replication:1"
[[default.sites]]
name = "primary"
class = "primary"
url = "http://primary:1"
[[default.sites]]
name = "archive"
class = "archive"
url = "http://archive:1"
[ingest]
grpc = "127.0.0.1:7100"
staging = "/staging"
[ingest.limits]
stream_age = "24h"
[registration]
site = "/site"
log_quorum = 1
[site-archive]
site = "s3://packs/archive"
[site-archive.s3]
endpoint = "http://minio:9000"
access_key = "ak-geheim"
secret_key = "sk-geheim"
allow_http = true
"#;

struct Written {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn written(name: &str, text: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    Written { folder, path }
}

fn source(text: &str, environment: &[(&str, &str)]) -> Source {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Source::with(Some(&written("a.toml", text).path), environment.collect()).unwrap()
}

fn config(text: &str, role: &str, environment: &[(&str, &str)]) -> RoleConfig {
    source(text, environment).role(role, None, Purpose::Alone).config().unwrap()
}

fn codes(reading: &Reading) -> Vec<(&'static str, String)> {
    reading.problems().iter().map(|p| (p.code, p.key.clone())).collect()
}

#[test]
fn a_role_reads_its_own_table_over_the_default_one() {
    let ingest = config(FILE, "ingest", &[]);
    assert_eq!(ingest.role, "ingest");
    assert_eq!(&*ingest.database, "postgres://u:geheim@h/dengbei_ingest");
    assert_eq!(ingest.linger, Duration::from_secs(2));
    assert_eq!(ingest.limits.stream_age, Duration::from_secs(86_400));
    assert_eq!(ingest.limits.database_connections, 12);
    assert_eq!(ingest.peers.ingest, "http://ingest:1");
    assert!(ingest.s3.is_none() && ingest.http.is_none());
    assert_eq!(&*config(FILE, "fixity", &[]).database, "postgres://u:geheim@h/dengbei_fixity");
}

#[test]
fn a_site_reads_its_own_table_over_that_of_all_sites() {
    let source = source(FILE, &[]);
    assert_eq!(source.sites(), ["archive"]);
    let site = source.role("site", Some("archive"), Purpose::Alone).config().unwrap();
    assert_eq!((site.role.as_str(), site.site_name.as_str()), ("site", "archive"));
    assert_eq!(site.site, SiteStorage::Bucket { bucket: "packs".into(), prefix: "archive".into() });
    assert_eq!(&*site.s3.unwrap().secret_key, "sk-geheim");
}

#[test]
fn the_environment_overrides_the_file_and_that_of_a_role_all_others() {
    let environment = [
        ("DENGBEI_PEERS__INGEST", "http://other:2,http://another:2"),
        ("DENGBEI_AREA", "110101"),
        ("DENGBEI_MESH_TOKEN", "12345"),
        ("DENGBEI_LIMITS__STREAM_BYTES", "77"),
        ("DENGBEI_LINGER", "3s"),
        ("DENGBEI_INGEST__LINGER", "4s"),
        ("DENGBEI_SITE_ARCHIVE__LINGER", "5s"),
    ];
    let ingest = config(FILE, "ingest", &environment);
    assert_eq!(ingest.peers.ingest, "http://other:2,http://another:2");
    assert_eq!(ingest.area.as_str(), "110101");
    assert_eq!(&*ingest.mesh_token, "12345");
    assert_eq!(ingest.limits.stream_bytes, 77);
    assert_eq!(ingest.linger, Duration::from_secs(4));
    assert_eq!(config(FILE, "fixity", &environment).linger, Duration::from_secs(3));
    let site = source(FILE, &environment).role("site", Some("archive"), Purpose::Alone).config().unwrap();
    assert_eq!(site.linger, Duration::from_secs(5));
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant_and_does_not_stop_a_role() {
    let text = FILE.replace("linger", "lingr").replace("[ingest.limits]", "[ingset.limits]");
    let source = source(&text, &[("DENGBEI_AERA", "1"), ("DENGBEI_INGEST_PORT", "tcp://1.2.3.4:5")]);
    let slips: Vec<_> = source.slips().iter().map(|p| (p.code, p.key.as_str(), p.weight)).collect();
    assert_eq!(
        slips,
        [
            ("config.unknown_key", "lingr", Weight::Slip),
            ("config.unknown_table", "ingset", Weight::Slip),
            ("config.unknown_variable", "DENGBEI_AERA", Weight::Hint),
        ]
    );
    assert!(source.slips()[0].en.contains("linger"), "{}", source.slips()[0]);
    assert!(source.slips()[1].zh.contains("ingest"), "{}", source.slips()[1]);
    assert!(source.role("ingest", None, Purpose::Alone).config().is_ok());
}

#[test]
fn a_flat_json_file_round_trips() {
    let source = source(FILE, &[]);
    for (role, site) in [("ingest", None), ("site", Some("archive"))] {
        let config = source.role(role, site, Purpose::Alone).config().unwrap();
        let json = written("d.json", &serde_json::to_string(&config).unwrap());
        let again = Source::with(Some(&json.path), BTreeMap::new()).unwrap();
        assert_eq!(again.slips(), []);
        assert_eq!(again.role(role, None, Purpose::Alone).config().unwrap(), config);
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_origin() {
    let text = r#"
[default]
area = "33"
keys = "/k"
staging = "/k"
linger = "15"
log_quorum = "2"
[default.limits]
database_connections = 1
[[default.sites]]
name = "Primary"
class = "main"
url = "primary"
[ingest]
grpc = "localhost:1"
admin = 7
database_file = "/nowhere/database"
mesh_token = "a b"
"#;
    let source = source(text, &[("DENGBEI_NATS", "geheim"), ("DENGBEI_LIMITS__BUNDLES_AT_ONCE", "many")]);
    let reading = source.role("ingest", None, Purpose::Alone);
    let found = codes(&reading);
    let expected = [
        ("config.not_a_text", "admin"),
        ("config.not_an_area", "area"),
        ("config.file_unreadable", "database"),
        ("config.not_an_address", "grpc"),
        ("config.missing", "ingest.peers.registration"),
        ("config.same_folder", "keys"),
        ("config.not_a_number", "limits.bundles_at_once"),
        ("config.out_of_range", "limits.database_connections"),
        ("config.not_a_period", "linger"),
        ("config.not_a_number", "log_quorum"),
        ("config.not_a_token", "mesh_token"),
        ("config.not_a_url", "nats"),
        ("config.not_a_url", "sites"),
    ];
    assert_eq!(found, expected.map(|(code, key)| (code, key.to_owned())), "{:#?}", reading.problems());
    let said = reading.config().unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1 + expected.len());
    for part in ["DENGBEI_NATS", "a.toml [ingest]", "a.toml [default]", "/nowhere/database"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn what_two_keys_must_be_to_each_other_is_checked() {
    let cases = [
        ("registration", FILE.replace("log_quorum = 1", "log_quorum = 2"), "config.quorum"),
        ("site-archive", FILE.replace("allow_http = true", ""), "config.plain_http"),
        ("site-archive", FILE.replace("access_key = \"ak-geheim\"", ""), "config.missing"),
        ("site-archive", FILE.replace("name = \"archive\"", "name = \"other\""), "config.unknown_site"),
        ("fixity", FILE.replace("class = \"archive\"", "class = \"primary\""), "config.no_primary"),
        ("fixity", FILE.replace("name = \"archive\"", "name = \"primary\""), "config.site_twice"),
        ("fixity", FILE.replace("class = \"archive\"", "class = \"main\""), "config.not_a_site"),
        ("gateway", FILE.to_owned(), "config.missing"),
        (
            "fixity",
            format!("{FILE}[fixity]\ngrpc = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"\n"),
            "config.same_address",
        ),
        (
            "query",
            FILE.replace("mesh_token =", "mesh_token_file = \"/m\"\nmesh_token ="),
            "config.given_twice",
        ),
    ];
    for (role, text, code) in cases {
        let (role, site) = role.split_once('-').map_or((role, None), |(role, site)| (role, Some(site)));
        let found = codes(&source(&text, &[]).role(role, site, Purpose::Alone));
        assert!(found.iter().any(|(found, _)| *found == code), "{role} {code}: {found:?}");
    }
}

#[test]
fn tokens_come_from_the_key_folder_and_secrets_from_files() {
    let keys = tempfile::tempdir().unwrap();
    for (name, text) in [("mesh.token", "abc\n"), ("mesh.token.also", "older"), ("nats", "nats://t@n:1\n")] {
        std::fs::write(keys.path().join(name), text).unwrap();
    }
    let text = FILE
        .replace("mesh_token = \"m-geheim\"", "")
        .replace("keys = \"/k\"", &format!("keys = {:?}", keys.path()))
        .replace(
            "nats = \"nats://geheim@127.0.0.1:4222\"",
            &format!("nats_file = {:?}", keys.path().join("nats")),
        );
    let ingest = config(&text, "ingest", &[]);
    assert_eq!(ingest.mesh_tokens().collect::<Vec<_>>(), ["abc", "older"]);
    assert_eq!(ingest.nats, "nats://t@n:1");
    let other = [("DENGBEI_NATS", "nats://other:1")];
    assert_eq!(config(&text, "ingest", &other).nats, "nats://other:1", "the environment over a file's file");
}

#[test]
fn no_secret_shows_in_a_log_or_in_the_effective_values() {
    let source = source(FILE, &[("DENGBEI_DOOR_TOKEN", "geheim")]);
    let readings = [("ingest", None), ("gateway", None), ("site", Some("archive"))]
        .map(|(role, site)| source.role(role, site, Purpose::Together));
    let shown = toml(&readings);
    assert!(!shown.contains("geheim"), "{shown}");
    for part in ["[default]", "postgres://u:***@h/dengbei_ingest", "DENGBEI_DOOR_TOKEN", "[site-archive.s3]"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!format!("{:?}", readings[0].config().unwrap()).contains("geheim"));
}

#[test]
fn the_effective_values_read_again_as_what_they_are() {
    let first = source(FILE, &[]).role("registration", None, Purpose::Alone);
    let shown = toml(std::slice::from_ref(&first));
    let again = source(&shown, &[]).role("registration", None, Purpose::Alone);
    let (mut one, mut other) = (first.config().unwrap(), again.config().unwrap());
    for config in [&mut one, &mut other] {
        (config.database, config.nats, config.mesh_token) = (Secret::default(), String::new(), "".into());
    }
    // Every default is now written: also those of S3, which was not there.
    other.s3 = None;
    assert_eq!(one, other);
}

#[test]
fn a_file_that_is_no_toml_says_where_and_nothing_of_what() {
    let file =
        written("a.toml", "[default]\narea = \"330382\"\ndatabase = \"postgres://u:geheim@h\nkeys = 1\n");
    let error = Source::with(Some(&file.path), BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("config.syntax") && error.contains("line 3"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
    assert!(Source::with(Some(&file.folder.path().join("none.toml")), BTreeMap::new()).is_err());
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

/// The annotated example: deploy/dengbei.toml.
fn example() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/dengbei.toml")).unwrap()
}

/// What a comment would say if it were none; nothing for words.
fn uncommented(line: &str) -> Option<&str> {
    let said = line.strip_prefix("# ")?;
    let is_key = said
        .split_once(" = ")
        .is_some_and(|(key, _)| !key.contains(|c: char| !c.is_ascii_lowercase() && c != '_'));
    (is_key || said.starts_with('[')).then_some(said)
}

#[test]
fn the_example_names_every_key_and_its_values_are_the_defaults() {
    let text = example();
    let source = source(&text, &[]);
    assert_eq!(source.slips(), []);
    let (written, unset) = (source.role("ingest", None, Purpose::Keys), source_of_nothing("ingest"));
    for (key, given) in &written.values {
        assert_eq!(given.value, unset.values[key].value, "{key}");
    }
    for name in keys::names().filter(|name| !name.starts_with("sites") && name != "sources") {
        let short = name.rsplit('.').next().unwrap();
        let is_there = |line: &str| uncommented(line).unwrap_or(line).starts_with(&format!("{short} = "));
        assert!(text.lines().any(is_there), "{name}");
    }
}

fn source_of_nothing(role: &str) -> Reading {
    Source::default().role(role, None, Purpose::Keys)
}

#[test]
fn the_example_with_everything_set_can_be_used_by_all_roles() {
    let text = example();
    let lines = text.lines().map(|line| uncommented(line).unwrap_or(line));
    // A value and the file that holds it exclude each other, and these files are nowhere.
    let lines: Vec<&str> =
        lines.filter(|line| !line.split(" = ").next().unwrap().ends_with("_file")).collect();
    let source = source(&lines.join("\n").replace("site_name = \"primary\"", ""), &[]);
    assert_eq!(source.slips(), []);
    for reading in source.together() {
        assert_eq!(reading.problems(), [], "{}", reading.name);
        reading.config().unwrap();
    }
}

#[test]
fn in_one_process_no_two_roles_have_one_address_and_a_site_is_the_one_of_its_table() {
    let text = format!("{FILE}[query]\ngrpc = \"127.0.0.1:7100\"\n");
    let problems = |source: &Source| -> Vec<_> {
        source.together().iter().flat_map(|reading| codes(reading)).map(|(code, _)| code).collect()
    };
    assert!(problems(&source(&text, &[])).contains(&"config.same_address"));
    let elsewhere = source(FILE, &[("DENGBEI_SITE_NAME", "primary")]);
    assert!(problems(&elsewhere).contains(&"config.other_site"));
    let names: Vec<_> = source(FILE, &[]).together().into_iter().map(|reading| reading.name).collect();
    assert_eq!(
        names,
        ["site-archive", "query", "replication", "fixity", "registration", "ingest", "gateway"]
    );
}

#[test]
fn the_environment_says_which_site_a_site_is() {
    let site = source(FILE, &[("DENGBEI_SITE_NAME", "archive")]).role("site", None, Purpose::Alone);
    assert_eq!(site.name, "site-archive");
    assert!(matches!(site.config().unwrap().site, SiteStorage::Bucket { .. }));
}
