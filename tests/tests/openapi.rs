//! A client that a machine wrote from `/openapi.json` goes through the whole life: what the interface says of itself is
//! what it does. `tests/openapi/whole_life.py` is its story.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dengbei_testkit::{Mesh, binary, samples};
use dengbei_tests::{Door, fsck};

const ITEMS: u32 = 12;

/// A program of the environment that `./dev` makes: on the path, else where `./dev` keeps it.
fn tool(name: &str) -> Command {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")));
    let bin = cache.unwrap_or_default().join("dengbei/venv/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(if bin.join(name).is_file() { bin.join(name) } else { name.into() });
    // The generator calls ruff, which lies beside it.
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
}

fn succeeded(what: &str, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Writes the client into `folder/dengbei_client`. A warning is a fault of the description.
fn generate(description: &Path, folder: &Path) {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let mut generator = tool("openapi-python-client");
    generator.arg("generate").arg("--path").arg(description).args(["--meta", "none", "--fail-on-warning"]);
    generator.arg("--config").arg(ours.join("client.yml"));
    generator.arg("--output-path").arg(folder.join("dengbei_client"));
    let output = generator.output().expect("openapi-python-client: run ./dev test, which installs it");
    succeeded("the client is generated without a warning", &output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_goes_through_the_whole_life() {
    let mesh = Mesh::up(&["--linger", "1"]).await.unwrap();
    let samples = samples(ITEMS, &["--zip", "--seed", "11"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let description = folder.path().join("openapi.json");
    let (status, document) = Door::of(&mesh).get("/openapi.json").await.unwrap();
    assert_eq!(status, 200);
    std::fs::write(&description, document).unwrap();
    generate(&description, folder.path());
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/whole_life.py");
    let mut python = tool("python3");
    python.arg(story).arg(folder.path()).args(["--url", mesh.http(), "--token", mesh.token()]);
    python.arg("--samples").arg(samples.path()).arg("--dengbei").arg(binary().unwrap());
    python.arg("--keys").arg(mesh.data().join("keys"));
    let output = tokio::task::spawn_blocking(move || python.output()).await.unwrap().unwrap();
    println!("{}", succeeded("the whole life by a generated client", &output));
    fsck(&mesh).unwrap();
}
