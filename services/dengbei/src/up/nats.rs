//! nats-server as a child: JetStream in `nats/`, a token, a monitoring port. It carries events, it keeps
//! no truth: its folder may be wiped at any time.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::child::Program;
use super::folder::Folder;
use super::programs::Programs;
use super::{UpError, durable};

/// Where the server listens and how to enter.
#[derive(Debug, Clone)]
pub(crate) struct Nats {
    /// The port of clients.
    pub(crate) port: u16,
    /// The port of its health and figures.
    pub(crate) monitor: u16,
    /// What clients must say.
    pub(crate) token: String,
}

impl Nats {
    /// Writes the settings and says how to run it.
    pub(crate) fn server(&self, folder: &Folder, programs: &Programs) -> Result<Program, UpError> {
        let config = folder.run().join("nats.conf");
        durable::replace(&config, self.settings(folder).as_bytes(), 0o600)?;
        Ok(Program {
            name: "nats",
            command: programs.nats.clone(),
            args: vec!["-c".into(), config.into_os_string()],
            account: None,
            on_our_death: "TERM",
            stop: Signal::TERM,
            patience: Duration::from_secs(4),
            before: Arc::new(|| Ok(())),
        })
    }

    /// The address of clients, with the token.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}@127.0.0.1:{}", self.token, self.port)
    }

    /// Whether JetStream answers.
    pub(crate) async fn is_ready(&self, http: &reqwest::Client) -> bool {
        let url = format!("http://127.0.0.1:{}/healthz", self.monitor);
        let answer = http.get(url).timeout(Duration::from_secs(2)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn settings(&self, folder: &Folder) -> String {
        // A JSON string is a string of this format too.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let store = quoted(&folder.path("nats").to_string_lossy());
        format!(
            "server_name: dengbei\nlisten: \"127.0.0.1:{}\"\nhttp: \"127.0.0.1:{}\"\n\
             authorization {{ token: {} }}\n\
             jetstream {{ store_dir: {store}, max_mem: 64MB, max_file: 8GB }}\n",
            self.port,
            self.monitor,
            quoted(&self.token),
        )
    }
}
