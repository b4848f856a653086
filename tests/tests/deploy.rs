//! What an operator is given, checked without a cluster and without an engine: the Compose file, every county's
//! manifests, who may call whom. The checks themselves are in `tests/deploy/*.py`; here is what they are run on.
//!
//! Kustomize is not in Debian: where neither `kustomize` 5 nor a `kubectl` that holds it can be had, what is rendered is
//! not looked at, and one line says so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OVERLAYS: [&str; 3] = ["county", "small-county", "province"];
/// Where no file of areas is at hand.
const COUNTY: &str = "330382";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every area of one province, where the folder of suites stands beside the checkout.
fn divisions() -> Option<PathBuf> {
    let file = root().parent()?.join("shared/suites/divisions-zhejiang.json");
    file.is_file().then_some(file)
}

/// A program of the environment that `./dev` makes: on the path, else where `./dev` keeps it.
fn tool(name: &str) -> Command {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")));
    let cache = cache.unwrap_or_default().join("dengbei");
    let bins = [cache.join("venv/bin"), cache.join("go/bin")];
    let program = bins.iter().map(|bin| bin.join(name)).find(|path| path.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| name.into()));
    let path = std::env::var("PATH").unwrap_or_default();
    let bins = bins.map(|bin| bin.display().to_string()).join(":");
    command.env("PATH", format!("{bins}:{path}")).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(root());
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn succeed(what: &str, command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(output.status.success(), "{what}: {}\n{}", output.status, said(&output));
    said(&output)
}

/// Runs one of `tests/deploy/*.py`.
fn checker(name: &str) -> Command {
    let mut python = tool("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name));
    python
}

fn render() -> Command {
    let mut render = tool("python3");
    render.arg(root().join("deploy/render"));
    render
}

/// Whether manifests can be built here; says so where they cannot.
fn has_kustomize() -> bool {
    let output = render().args([COUNTY, "--overlay", "small-county"]).output().unwrap();
    let is_missing = said(&output).contains("render.no_kustomize");
    if is_missing {
        println!("skipped: no kustomize 5, no kubectl 1.27 or newer");
    }
    !is_missing
}

#[test]
fn the_compose_file_is_pinned_guarded_and_without_a_secret() {
    let file = root().join("docker-compose.yml");
    let mut schema = tool("check-jsonschema");
    succeed("the schema", schema.args(["--builtin-schema", "vendor.compose-spec"]).arg(&file));
    succeed("our own rules", checker("compose.py").arg(&file));
}

#[test]
fn a_compose_file_that_is_not_guarded_is_found() {
    let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let faults = [
        ("nats:2.10.29-alpine", "nats:latest", "not pinned"),
        ("127.0.0.1:${DENGBEI_HTTP_PORT", "${DENGBEI_HTTP_PORT", "not bound to loopback"),
        ("GF_ANALYTICS_REPORTING_ENABLED: \"false\"", "GF_SECURITY_ADMIN_PASSWORD: x", "stands in the file"),
        ("cap_drop: [ALL]", "cap_drop: [MKNOD]", "keeps privileges"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("docker-compose.yml");
    for (good, bad, fault) in faults {
        assert!(text.contains(good), "{good}");
        std::fs::write(&file, text.replace(good, bad)).unwrap();
        let output = checker("compose.py").arg(&file).output().unwrap();
        assert!(!output.status.success() && said(&output).contains(fault), "{bad}: {}", said(&output));
    }
}

#[test]
fn secrets_of_compose_are_made_once_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("deploy/compose-secrets");
    std::fs::create_dir(script.parent().unwrap()).unwrap();
    std::fs::copy(root().join("deploy/compose-secrets"), &script).unwrap();
    let run =
        |argument: &str| Command::new(&script).arg(argument).env_remove("DENGBEI_SECRETS").output().unwrap();
    let missing = run("--check");
    assert!(!missing.status.success() && said(&missing).contains("compose-secrets"), "{}", said(&missing));
    let made = run(COUNTY);
    assert!(made.status.success(), "{}", said(&made));
    let mesh = folder.path().join("deploy/compose/secrets/mesh.env");
    assert_eq!(mesh.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let first = std::fs::read(&mesh).unwrap();
    assert!(run(COUNTY).status.success() && run("--check").status.success());
    assert_eq!(std::fs::read(&mesh).unwrap(), first);
    assert!(!run("330499").status.success(), "another area than the founded one");
    std::fs::remove_file(&mesh).unwrap();
    assert!(!run(COUNTY).status.success(), "what is missing is not made anew beside what is there");
}

#[test]
fn an_area_that_is_none_is_refused_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("areas.json");
    let areas =
        r#"{"cities": [{"code": "3304", "name": "甲市"}], "areas": [{"code": "330499", "name": "乙县"}]}"#;
    std::fs::write(&file, areas).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["33049"], "render.area"),
        (&["993382"], "render.area"),
        (&["乙县"], "render.no_divisions"),
        (&["330498", "--divisions", "FILE"], "render.unknown_area"),
        (&["丙县", "--divisions", "FILE"], "render.unknown_area"),
        (&["330499", "--tag", "latest"], "render.tag"),
    ];
    for (arguments, code) in cases {
        let given = arguments.iter().map(|a| if *a == "FILE" { file.as_os_str() } else { a.as_ref() });
        let output = render().args(given).output().unwrap();
        let text = said(&output);
        assert!(
            !output.status.success() && text.contains(code) && text.contains(" / "),
            "{arguments:?}: {text}"
        );
    }
}

#[test]
fn every_county_renders_and_is_valid_in_every_size() {
    if !has_kustomize() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for overlay in OVERLAYS {
        let place = folder.path().join(overlay);
        let mut render = render();
        match divisions() {
            Some(file) => render.args(["--every", "--divisions"]).arg(file),
            None => render.arg(COUNTY),
        };
        succeed(overlay, render.args(["--overlay", overlay, "-o"]).arg(&place));
        let counties = std::fs::read_dir(&place).unwrap().count();
        println!("{overlay}: {counties}, {}", succeed(overlay, checker("manifests.py").arg(&place)));
    }
}

#[test]
fn policies_allow_exactly_the_calls_that_the_code_makes() {
    if !has_kustomize() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for overlay in ["county", "province"] {
        let place = folder.path().join(overlay);
        succeed(overlay, render().args([COUNTY, "--overlay", overlay, "-o"]).arg(&place));
        let manifests = place.join(COUNTY);
        succeed(overlay, checker("policies.py").arg(&manifests).arg(root().join("services")));
        // Without one of them the same check finds the call that is cut.
        let file = manifests.join("1-prepare.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(
            &file,
            text.replace("name: from-query", "name: of-nobody").replace(
                "      app.kubernetes.io/component: query\n  policyTypes:\n  - Egress",
                "      app.kubernetes.io/component: nobody\n  policyTypes:\n  - Egress",
            ),
        )
        .unwrap();
        let output = checker("policies.py").arg(&manifests).arg(root().join("services")).output().unwrap();
        assert!(said(&output).contains("query → registration"), "{}", said(&output));
    }
}

#[test]
fn a_scanner_is_told_to_the_roles_and_reached_by_those_that_scan_alone() {
    if !has_kustomize() {
        return;
    }
    for overlay in OVERLAYS {
        let mut with = render();
        with.args([COUNTY, "--overlay", overlay, "--scanner", "clamav.av.svc:3399"]);
        let said = succeed(overlay, &mut with);
        assert!(said.contains("scanner: clamav.av.svc:3399"), "{overlay}");
        assert!(said.contains("port: 3399") && !said.contains("port: 3310"), "{overlay}");
        let without = succeed(overlay, render().args([COUNTY, "--overlay", overlay]));
        assert!(without.contains("scanner: \"\"") && !without.contains("to-the-scanner"), "{overlay}");
    }
    let wrong = render().args([COUNTY, "--scanner", "clamav"]).output().unwrap();
    assert!(!wrong.status.success() && said(&wrong).contains("render.scanner"), "{}", said(&wrong));
}

#[test]
fn every_role_accepts_what_its_deployment_tells_it() {
    let mut check = checker("told.py");
    check.arg(dengbei_testkit::binary().unwrap()).arg(root().join("docker-compose.yml"));
    let folder = tempfile::tempdir().unwrap();
    if has_kustomize() {
        for overlay in OVERLAYS {
            let place = folder.path().join(overlay);
            succeed(overlay, render().args([COUNTY, "--overlay", overlay, "-o"]).arg(&place));
            check.arg(place.join(COUNTY));
        }
    }
    println!("{}", succeed("what roles are told", &mut check));
}
