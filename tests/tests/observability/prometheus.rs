//! A real Prometheus over a running deployment, with our rules, looking often.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use dengbei_testkit::{Mesh, PATIENCE, Scratch, eventually};
use serde_json::Value;

use crate::files::folder;
use crate::scrape::admin_ports;

/// What a role that does not answer, and whoever asks it, may take to notice.
const NOTICED: Duration = Duration::from_secs(120);

/// Ends when it is dropped.
pub(crate) struct Prometheus {
    process: Child,
    _scratch: Scratch,
    url: String,
    client: reqwest::Client,
}

impl Prometheus {
    /// Starts one that asks every role of `mesh`.
    pub(crate) async fn over(mesh: &Mesh) -> anyhow::Result<Self> {
        let scratch = Scratch::new("dengbei-prometheus-")?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = scratch.path().join("prometheus.yml");
        std::fs::write(&file, configuration(mesh))?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.path().join("series").display()))
            .arg(format!("--web.listen-address={address}"));
        let process = scratch.spawn("prometheus", "KILL", &command)?;
        let started = Self {
            process,
            _scratch: scratch,
            url: format!("http://{address}"),
            client: reqwest::Client::new(),
        };
        eventually(PATIENCE, "Prometheus is ready", async || {
            Ok(started.client.get(format!("{}/-/ready", started.url)).send().await?.error_for_status()?)
        })
        .await?;
        Ok(started)
    }

    /// The answer to one query.
    pub(crate) async fn ask(&self, expression: &str) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/query", self.url);
        let body = format!("query={}", escaped(expression));
        let asked =
            self.client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        Ok(serde_json::from_slice(&asked.send().await?.bytes().await?)?)
    }

    /// Waits until the expression holds for something.
    pub(crate) async fn sees(&self, expression: &str) {
        eventually(NOTICED, expression, async || {
            let answer = self.ask(expression).await?;
            let holds = answer["data"]["result"].as_array().is_some_and(|found| !found.is_empty());
            anyhow::ensure!(holds, "{answer}");
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Every rule was evaluated, and none failed.
    pub(crate) async fn rules_are_well(&self) {
        eventually(PATIENCE, "every rule is evaluated", async || {
            let answer = self.client.get(format!("{}/api/v1/rules", self.url)).send().await?.bytes().await?;
            let answer: Value = serde_json::from_slice(&answer)?;
            let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
            let rules: Vec<&Value> = groups.iter().flat_map(|g| g["rules"].as_array().unwrap()).collect();
            anyhow::ensure!(rules.len() > 40, "{} rules", rules.len());
            let unwell: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").collect();
            anyhow::ensure!(unwell.is_empty(), "{unwell:?}");
            Ok(())
        })
        .await
        .unwrap();
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(mesh: &Mesh) -> String {
    let target = |(name, url): (String, String)| {
        let role = if name.starts_with("site-") { "site" } else { name.as_str() };
        let address = url.trim_start_matches("http://");
        format!("      - {{ targets: [\"{address}\"], labels: {{ role: {role} }} }}\n")
    };
    let targets: String = admin_ports(mesh).into_iter().map(target).collect();
    format!(
        "global: {{ scrape_interval: 2s, evaluation_interval: 2s }}\nrule_files: [\"{}/rules/*.yml\"]\n\
         scrape_configs:\n  - job_name: dengbei\n    static_configs:\n{targets}",
        folder().display()
    )
}

/// As a form carries it.
fn escaped(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}
