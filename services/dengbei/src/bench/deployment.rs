//! The deployment that is measured: one of its own, a process a role, so that each role's CPU can be told apart.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A deployment of its own.
pub(super) struct Deployment {
    process: tokio::process::Child,
    places: Value,
    http: reqwest::Client,
}

impl Deployment {
    /// `linger` and `batch_linger` in seconds: how long packs, and batches of them, wait to fill.
    pub(super) async fn start(folder: &Path, (linger, batch_linger): (u64, u64)) -> anyhow::Result<Self> {
        let ready = folder.join("ready.json");
        let process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["up", "--split", "--http", "127.0.0.1:0"])
            .args(["--linger", &linger.to_string(), "--batch-linger", &batch_linger.to_string()])
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(places) = std::fs::read(&ready).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
                return Ok(Self { process, places, http: reqwest::Client::new() });
            }
            anyhow::ensure!(Instant::now() < deadline, "登备未能启动 / dengbei up did not become ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) fn place(&self, name: &str) -> &str {
        self.places[name].as_str().unwrap_or_default()
    }

    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        loop {
            let request =
                self.http.post(format!("{}{path}", self.place("http"))).bearer_auth(self.place("token"));
            let response = request.body(body.clone()).send().await?;
            if response.status().as_u16() == 503 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            let status = response.status();
            let text = response.text().await?;
            anyhow::ensure!(
                status.is_success(),
                "{path}: {status} {}",
                text.chars().take(500).collect::<String>()
            );
            return Ok(serde_json::from_str(&text)?);
        }
    }

    /// GET, JSON.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.place("http"))).bearer_auth(self.place("token"));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    pub(super) async fn stop(&mut self) {
        if let Some(pid) = self.process.id() {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed());
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let _ = self.process.wait().await;
        }
    }
}
