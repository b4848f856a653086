//! Who may know whom: the direction of dependencies, proven from the manifests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate of ours with the crates of ours that it may depend on, directly, in normal builds.
const ALLOWED: &[(&str, &[&str])] = &[
    ("dengbei-records", &[]),
    ("dengbei-register", &[]),
    ("dengbei-proto", &[]),
    ("dengbei-chain", &["records", "proto", "register"]),
    ("dengbei-evidence", &["records", "chain", "register"]),
    ("dengbei-formats", &["records"]),
    ("dengbei-checks", &["records", "formats"]),
    ("dengbei-ocfl", &["records"]),
    ("dengbei-vault", &["records", "ocfl", "register", "kit"]),
    ("dengbei-kit", &["records", "proto"]),
    ("dengbei-bus", &["records", "chain", "proto", "kit"]),
    ("dengbei-papers", &["records", "checks"]),
    ("dengbei-scanner", &["records", "kit", "formats", "checks"]),
    ("dengbei-worker", &["kit", "formats"]),
    ("dengbei-site", &["records", "chain", "proto", "kit", "vault", "ocfl", "register"]),
    ("dengbei-replication", &["records", "chain", "proto", "kit", "bus"]),
    ("dengbei-gateway", &["records", "chain", "proto", "kit", "evidence", "register", "checks", "papers"]),
    ("dengbei-query", &["records", "chain", "proto", "kit", "bus"]),
    (
        "dengbei-ingest",
        &["records", "chain", "proto", "kit", "bus", "formats", "checks", "scanner", "worker", "vault"],
    ),
    (
        "dengbei-fixity",
        &["records", "chain", "proto", "kit", "bus", "formats", "checks", "scanner", "worker", "ocfl"],
    ),
    (
        "dengbei-registration",
        &["records", "chain", "proto", "kit", "bus", "vault", "ocfl", "register", "evidence", "papers"],
    ),
];

/// Libraries that only these crates may use directly.
const KEPT: &[(&str, &[&str])] = &[
    ("async-nats", &["dengbei-bus", "dengbei", "dengbei-testkit", "dengbei-tests"]),
    ("object_store", &["dengbei-vault"]),
    ("opentelemetry-otlp", &["dengbei-kit"]),
    ("typst", &["dengbei-papers"]),
    ("utoipa", &["dengbei-gateway"]),
    ("argon2", &["dengbei-gateway", "dengbei"]),
];

/// Libraries that pure crates must not know.
const IMPURE: &[&str] = &["sqlx", "tonic", "async-nats", "axum", "reqwest", "object_store"];
const PURE: &[&str] = &[
    "dengbei-records",
    "dengbei-chain",
    "dengbei-evidence",
    "dengbei-formats",
    "dengbei-checks",
    "dengbei-ocfl",
    "dengbei-register",
];

fn direct() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let normal = |p: &cargo_metadata::Package| {
        let names =
            p.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal).map(|d| d.name.clone());
        (p.name.to_string(), names.collect())
    };
    metadata.packages.iter().map(normal).collect()
}

#[test]
fn crates_depend_only_downward() {
    let direct = direct();
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<String> = allowed.iter().map(|a| format!("dengbei-{a}")).collect();
        let found = direct.get(*name).unwrap_or_else(|| panic!("{name} is not in the workspace"));
        let ours: BTreeSet<&String> = found.iter().filter(|d| d.starts_with("dengbei")).collect();
        let wrong: Vec<_> = ours.into_iter().filter(|d| !allowed.contains(*d)).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn every_crate_has_a_rule() {
    let known: BTreeSet<&str> = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .chain(["dengbei", "dengbei-testkit", "dengbei-tests"])
        .collect();
    let unknown: Vec<String> = direct().into_keys().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "no rule for {unknown:?}");
}

#[test]
fn only_the_binary_knows_services() {
    let services = ["gateway", "ingest", "registration", "fixity", "query", "replication", "site"];
    let services = services.map(|s| format!("dengbei-{s}"));
    for (name, found) in direct() {
        let known: Vec<_> = services.iter().filter(|s| found.contains(*s)).collect();
        assert!(name == "dengbei" || known.is_empty(), "{name} depends on {known:?}");
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    let direct = direct();
    for (library, homes) in KEPT {
        for (name, found) in &direct {
            let is_home = homes.contains(&name.as_str());
            assert!(is_home || !found.contains(*library), "{name} uses {library} directly");
        }
    }
    for name in PURE {
        let found: Vec<_> = IMPURE.iter().filter(|l| direct[*name].contains(**l)).collect();
        assert!(found.is_empty(), "{name} must stay pure: {found:?}");
    }
}

#[test]
fn there_is_one_tls_provider_and_one_network_stack() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let versions = |name: &str| lock.matches(&format!("name = \"{name}\"\n")).count();
    assert_eq!(versions("aws-lc-rs"), 0, "ring is the one TLS provider");
    for name in ["tokio", "tonic", "prost", "hyper", "h2", "http", "axum", "rustls", "ring"] {
        assert_eq!(versions(name), 1, "{name} must have one version");
    }
}
