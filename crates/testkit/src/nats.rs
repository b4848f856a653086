//! A real nats-server with JetStream, which may be stopped, started again, and robbed of its store.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;

use crate::process::{self, free_port};
use crate::{Scratch, eventually};

const START: Duration = Duration::from_secs(120);

/// A server of one's own. Ends when dropped.
#[derive(Debug)]
pub struct Nats {
    // Before the folder: reaped by then.
    process: Option<Child>,
    scratch: Scratch,
    port: u16,
    monitor: u16,
    token: String,
}

impl Nats {
    /// Starts one; returns when JetStream answers.
    ///
    /// # Errors
    /// When nats-server is not installed or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let scratch = Scratch::new("dengbei-nats-")?;
        let (port, monitor) = (free_port()?, free_port()?);
        let token = hex::encode(rand::random::<[u8; 16]>());
        let mut nats = Self { process: None, scratch, port, monitor, token };
        nats.start_again().await?;
        Ok(nats)
    }

    /// The URL of clients, with the token before the `@`, as a deployment's ready file and configuration have it.
    /// async-nats 0.51 does not read it from there: see [`Nats::client`].
    pub fn url(&self) -> String {
        format!("nats://{}@127.0.0.1:{}", self.token, self.port)
    }

    /// A connected client.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn client(&self) -> anyhow::Result<async_nats::Client> {
        let address = format!("nats://127.0.0.1:{}", self.port);
        Ok(async_nats::ConnectOptions::with_token(self.token.clone()).connect(address).await?)
    }

    /// Kills it at once.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        process::end(self.process.take(), Signal::KILL).await
    }

    /// Starts it again on the same port with what its store holds; returns when JetStream answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        let config = self.scratch.path().join("nats.conf");
        let store = self.scratch.path().join("store");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\nhttp: \"127.0.0.1:{}\"\nauthorization {{ token: \"{}\" }}\n\
             jetstream {{ store_dir: \"{}\", max_mem: 64MB, max_file: 2GB }}\n",
            self.port,
            self.monitor,
            self.token,
            store.display(),
        );
        std::fs::write(&config, text)?;
        let program = ["/usr/sbin/nats-server", "/usr/local/bin/nats-server", "/usr/bin/nats-server"];
        let program =
            program.into_iter().find(|path| std::path::Path::new(path).exists()).unwrap_or("nats-server");
        let mut command = Command::new(program);
        self.process = Some(self.scratch.spawn("nats", "KILL", command.arg("-c").arg(&config))?);
        let health = format!("http://127.0.0.1:{}/healthz", self.monitor);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ready = eventually(START, "nats-server is healthy", async || {
            Ok(reqwest::get(&health).await?.error_for_status().map(drop)?)
        });
        ready.await.with_context(|| self.scratch.log("nats"))
    }

    /// Stops it, removes everything that JetStream stored, and starts it again.
    ///
    /// # Errors
    /// When the store cannot be removed or the server does not start.
    pub async fn wipe_store(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        let store = self.scratch.path().join("store");
        if store.exists() {
            std::fs::remove_dir_all(store)?;
        }
        self.start_again().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn messages(nats: &Nats) -> Option<u64> {
        let jetstream = async_nats::jetstream::new(nats.client().await.unwrap());
        Some(jetstream.get_stream("kept").await.ok()?.cached_info().state.messages)
    }

    #[tokio::test]
    async fn a_restart_keeps_messages_and_a_wipe_does_not() {
        let mut nats = Nats::start().await.unwrap();
        let jetstream = async_nats::jetstream::new(nats.client().await.unwrap());
        jetstream
            .create_stream(async_nats::jetstream::stream::Config {
                name: "kept".to_owned(),
                ..Default::default()
            })
            .await
            .unwrap();
        jetstream.publish("kept", "one".into()).await.unwrap().await.unwrap();
        nats.start_again().await.unwrap();
        assert_eq!(messages(&nats).await, Some(1));
        nats.wipe_store().await.unwrap();
        assert_eq!(messages(&nats).await, None);
    }
}
