//! Stories through the front door, faults, third-party suites. The stories are in `tests/`; here is what they
//! have in common: the command line as a user runs it, and the door as a platform calls it.

pub mod load;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;
use dengbei_testkit::{Deployment, Mesh, PATIENCE, binary, eventually};
use serde_json::Value;

/// Runs `dengbei` with these arguments against the deployment's door, as a user would.
///
/// # Errors
/// When the binary cannot be started.
pub fn dengbei(mesh: &Mesh, args: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(binary()?).args(args).env("DENGBEI_TOKEN", mesh.token()).output()?)
}

/// As [`dengbei`], and demands success.
///
/// # Errors
/// What the command wrote when it failed.
pub fn succeed(mesh: &Mesh, args: &[&str]) -> anyhow::Result<String> {
    let output = dengbei(mesh, args)?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "dengbei {args:?}: {}\n{out}\n{err}", output.status);
    Ok(out.into_owned())
}

/// Submits and returns the JSON lines, whatever the exit status.
///
/// # Errors
/// When the output is no JSON lines.
pub fn submit(mesh: &Mesh, paths: &[&Path], wait: &str) -> anyhow::Result<Vec<Value>> {
    let mut args = vec!["submit"];
    let paths: Vec<_> = paths.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    args.extend(paths.iter().map(String::as_str));
    args.extend(["--to", mesh.http(), "--wait", wait, "--json", "--timeout", "300"]);
    let output = dengbei(mesh, &args)?;
    let text = String::from_utf8(output.stdout)?;
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = lines.with_context(|| format!("{text}\n{err}"))?;
    anyhow::ensure!(!lines.is_empty(), "submit printed nothing: {err}");
    Ok(lines)
}

/// Publishes the matters of a sample.
///
/// # Errors
/// What the command wrote when it failed.
pub fn publish(mesh: &Mesh, samples: &Path) -> anyhow::Result<()> {
    let file = samples.join("matters.json");
    succeed(mesh, &["matter", "publish", &file.to_string_lossy(), "--to", mesh.http()]).map(|_| ())
}

/// As [`publish`], at a door.
///
/// # Errors
/// What the command wrote when it failed.
pub fn publish_at(door: &load::Place, samples: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(binary()?);
    command.args(["matter", "publish"]).arg(samples.join("matters.json")).args(["--to", &door.url]);
    let output = command.env("DENGBEI_TOKEN", &door.token).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The ids of the checks that did not pass, as a line of `submit` reports them.
pub fn failing(line: &Value) -> Vec<String> {
    let checks = line["checks"].as_array().cloned().unwrap_or_default();
    checks.iter().filter_map(|c| c["id"].as_str().map(ToOwned::to_owned)).collect()
}

/// Runs `fsck` on the deployment's folder and demands that it is clean.
///
/// # Errors
/// What it found.
pub fn fsck(mesh: &Mesh) -> anyhow::Result<Value> {
    let data = mesh.data().to_string_lossy().into_owned();
    let output = dengbei(mesh, &["fsck", "--data", &data, "--json"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_str(text.trim()).with_context(|| format!("{text}\n{err}"))?;
    anyhow::ensure!(output.status.success() && report["verdict"] == "valid", "fsck: {report:#}\n{err}");
    Ok(report)
}

/// Runs `fsck` of `binary` on a deployment's configuration and demands that it is clean.
///
/// # Errors
/// What it found.
pub fn fsck_deployment(deployment: &Deployment, binary: &Path) -> anyhow::Result<Value> {
    let text = deployment.run(binary, &["fsck", "--json"])?;
    let report: Value = serde_json::from_str(text.trim()).with_context(|| text.clone())?;
    anyhow::ensure!(report["verdict"] == "valid", "fsck: {report:#}");
    Ok(report)
}

/// Waits until every service's events are sealed under a published checkpoint.
///
/// # Errors
/// What still waits at the deadline.
pub async fn sealed(mesh: &Mesh) -> anyhow::Result<()> {
    let door = Door::of(mesh);
    eventually(PATIENCE, "everything is sealed", async || {
        let queues = door.json("/v1/queues").await?;
        let services = queues["services"].as_array().into_iter().flatten();
        let unsealed: u64 = services.filter_map(|s| s["outbox_unsealed"].as_u64()).sum();
        anyhow::ensure!(unsealed == 0, "{queues}");
        Ok(())
    })
    .await
}

/// Every file below `root`, sorted. Links are not followed.
pub fn walk(root: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// A client of the door that carries the token.
#[derive(Debug, Clone)]
pub struct Door {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Door {
    /// The door of `mesh`.
    pub fn of(mesh: &Mesh) -> Self {
        // A second installation is refused, which is fine: one is in force.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: reqwest::Client::new(), base: mesh.http().to_owned(), token: mesh.token().to_owned() }
    }

    /// GET, bytes.
    ///
    /// # Errors
    /// When the door does not answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.bytes().await?.to_vec()))
    }

    /// GET, JSON.
    ///
    /// # Errors
    /// When the answer is no JSON.
    pub async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = self.get(path).await?;
        serde_json::from_slice(&body)
            .with_context(|| format!("{path}: {status} {}", String::from_utf8_lossy(&body)))
    }

    /// POST with a body, without the token when `token` is false.
    ///
    /// # Errors
    /// When the door does not answer.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
        token: bool,
    ) -> anyhow::Result<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.base)).body(body);
        let request = if token { request.bearer_auth(&self.token) } else { request };
        let response = request.send().await?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}
