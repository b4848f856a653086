//! A deployment as Kubernetes would run it: PostgreSQL and nats-server of its own, one configuration file, and any
//! number of `dengbei serve` processes a role, each to be killed, stopped or replaced by another version alone.
//!
//! What `dengbei up` does in one go is done here step by step: `init`, `migrate`, then the roles. Its neighbour
//! [`Mesh`](crate::Mesh) is `up` itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::Signal;

use crate::process::{free_port, signal};
use crate::{Nats, PATIENCE, Postgres, Scratch, eventually};

/// What an orchestrator waits between SIGTERM and SIGKILL.
const STOP: Duration = Duration::from_secs(40);
const START: Duration = Duration::from_secs(120);
/// How often a replica may end by itself.
const RESTARTS: u32 = 3;
const ROLES: [&str; 6] = ["ingest", "registration", "fixity", "replication", "query", "gateway"];

/// What a deployment may be told beside what it needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its sites, the primary first.
    pub sites: Vec<SiteSetting>,
    /// Further lines of the table `default`.
    pub lines: Vec<String>,
    /// How buckets are reached: the lines of `default.s3`.
    pub s3: Vec<String>,
}

/// A site of a deployment.
#[derive(Debug, Clone)]
pub struct SiteSetting {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: String,
    /// `s3://…`; `None`: a folder of the deployment's own.
    pub storage: Option<String>,
}

impl Default for Settings {
    /// Three sites in folders.
    fn default() -> Self {
        let site = |name: &str| SiteSetting { name: name.into(), class: name.into(), storage: None };
        Self { sites: ["primary", "archive", "remote"].map(site).into(), lines: Vec::new(), s3: Vec::new() }
    }
}

/// One process of a role.
#[derive(Debug)]
struct Replica {
    role: String,
    grpc: u16,
    admin: u16,
    http: Option<u16>,
    process: Option<Child>,
    // What its process is, to be started again as an orchestrator would, and how often that was done.
    binary: PathBuf,
    restarts: u32,
}

/// A running deployment. Everything ends and is removed when it is dropped.
#[derive(Debug)]
pub struct Deployment {
    // Before the folder: reaped by then.
    replicas: BTreeMap<String, Replica>,
    nats: Nats,
    postgres: Postgres,
    scratch: Scratch,
    token: String,
    settings: Settings,
}

impl Deployment {
    /// Settles `each` replicas of every role, makes keys and databases with `binary`, and starts nothing yet.
    ///
    /// # Errors
    /// When a server does not start or `init` or `migrate` fails; what they wrote is in the error.
    pub async fn prepare(binary: &Path, each: usize) -> anyhow::Result<Self> {
        Self::prepare_with(binary, each, Settings::default()).await
    }

    /// As [`Self::prepare`], with settings.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub async fn prepare_with(binary: &Path, each: usize, settings: Settings) -> anyhow::Result<Self> {
        let (postgres, nats) = (Postgres::own().await?, Nats::start().await?);
        let scratch = Scratch::new("dengbei-deployment-")?;
        let token = hex::encode(rand::random::<[u8; 16]>());
        let replicas = BTreeMap::new();
        let mut deployment = Self { replicas, nats, postgres, scratch, token, settings };
        for n in 0..each {
            for name in deployment.roles() {
                deployment.settle(&name, n)?;
            }
        }
        std::fs::write(deployment.config(), deployment.toml())?;
        deployment.run(binary, &["init"])?;
        deployment.run(binary, &["migrate"])?;
        Ok(deployment)
    }

    /// As [`Self::prepare`], then starts every replica; returns when all are ready.
    ///
    /// # Errors
    /// As [`Self::prepare`], and when one does not become ready.
    pub async fn start(binary: &Path, each: usize) -> anyhow::Result<Self> {
        Self::start_with(binary, each, Settings::default()).await
    }

    /// As [`Self::start`], with settings.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(binary: &Path, each: usize, settings: Settings) -> anyhow::Result<Self> {
        let mut deployment = Self::prepare_with(binary, each, settings).await?;
        deployment.start_all(binary).await?;
        Ok(deployment)
    }

    /// Starts every replica; returns when all are ready.
    ///
    /// # Errors
    /// When one does not become ready.
    pub async fn start_all(&mut self, binary: &Path) -> anyhow::Result<()> {
        for name in self.names() {
            self.launch(&name, binary)?;
        }
        for name in self.names() {
            self.ready(&name).await?;
        }
        Ok(())
    }

    /// Stops every replica.
    ///
    /// # Errors
    /// When one does not stop in time.
    pub async fn stop_all(&mut self) -> anyhow::Result<()> {
        for name in self.names() {
            self.stop(&name).await?;
        }
        Ok(())
    }

    /// Takes a site in while nothing runs, with one replica, and makes its key.
    ///
    /// # Errors
    /// When `init` fails.
    pub fn add_site(&mut self, binary: &Path, site: SiteSetting) -> anyhow::Result<()> {
        self.settle(&format!("site-{}", site.name), 0)?;
        self.settings.sites.push(site);
        std::fs::write(self.config(), self.toml())?;
        self.run(binary, &["init"]).map(drop)
    }

    /// Takes a site out of the configuration while nothing runs.
    ///
    /// # Errors
    /// When the configuration cannot be written.
    pub fn remove_site(&mut self, name: &str) -> anyhow::Result<()> {
        self.settings.sites.retain(|site| site.name != name);
        self.replicas.retain(|_, replica| replica.role != format!("site-{name}"));
        Ok(std::fs::write(self.config(), self.toml())?)
    }

    fn settle(&mut self, role: &str, n: usize) -> anyhow::Result<()> {
        let (grpc, admin) = (free_port()?, free_port()?);
        let http = (role == "gateway").then(free_port).transpose()?;
        let replica = Replica {
            role: role.to_owned(),
            grpc,
            admin,
            http,
            process: None,
            binary: PathBuf::new(),
            restarts: 0,
        };
        self.replicas.insert(format!("{role}-{n}"), replica);
        Ok(())
    }

    fn roles(&self) -> Vec<String> {
        let sites = self.settings.sites.iter().map(|site| format!("site-{}", site.name));
        sites.chain(ROLES.into_iter().map(ToOwned::to_owned)).collect()
    }

    fn storage(&self, site: &SiteSetting) -> String {
        site.storage.clone().unwrap_or_else(|| self.site(&site.name).display().to_string())
    }

    /// The names of all replicas: `<role>-<n>`, `site-<site>-<n>`.
    pub fn names(&self) -> Vec<String> {
        self.replicas.keys().cloned().collect()
    }

    /// The configuration file that every replica reads.
    pub fn config(&self) -> PathBuf {
        self.scratch.path().join("dengbei.toml")
    }

    /// The folder of a site.
    pub fn site(&self, name: &str) -> PathBuf {
        self.scratch.path().join("sites").join(name)
    }

    /// The folder of the keys.
    pub fn keys(&self) -> PathBuf {
        self.scratch.path().join("keys")
    }

    /// The URL of the door of replica `n`.
    ///
    /// # Panics
    /// When there is no such replica.
    pub fn http(&self, n: usize) -> String {
        let port = self.replicas[&format!("gateway-{n}")].http.unwrap_or_default();
        format!("http://127.0.0.1:{port}")
    }

    /// What the door asks for.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The URL of a role's database.
    pub fn database(&self, role: &str) -> String {
        let url = self.postgres.url();
        let server = url.rsplit_once('/').map_or("", |(server, _)| server);
        format!("{server}/dengbei_{role}")
    }

    /// The URL of a replica's admin door.
    ///
    /// # Panics
    /// When there is no such replica.
    pub fn admin(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.replicas[name].admin)
    }

    /// Everything that a replica wrote, over all its starts.
    pub fn log(&self, name: &str) -> String {
        self.scratch.log(name)
    }

    /// Runs a command of `binary` that takes `--config` to its end, and gives what it printed.
    ///
    /// # Errors
    /// When it fails; what it wrote is in the error.
    pub fn run(&self, binary: &Path, args: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(binary).args(args).arg("--config").arg(self.config()).output()?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "{args:?}: {}\n{out}\n{err}", output.status);
        Ok(out.into_owned())
    }

    /// Starts a replica's process with `binary`; [`Self::ready`] waits for it.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn launch(&mut self, name: &str, binary: &Path) -> anyhow::Result<()> {
        let config = self.config();
        let replica = self.replicas.get_mut(name).context("no such replica")?;
        let mut command = Command::new(binary);
        command.arg("serve");
        match replica.role.strip_prefix("site-") {
            Some(site) => command.args(["site", "--name", site]),
            None => command.arg(&replica.role),
        };
        command.arg("--config").arg(config);
        command.env("DENGBEI_GRPC", format!("127.0.0.1:{}", replica.grpc));
        command.env("DENGBEI_ADMIN", format!("127.0.0.1:{}", replica.admin));
        if let Some(http) = replica.http {
            command.env("DENGBEI_HTTP", format!("127.0.0.1:{http}"));
        }
        replica.process = Some(self.scratch.spawn(name, "KILL", &command)?);
        binary.clone_into(&mut replica.binary);
        Ok(())
    }

    /// Waits until a replica says that it can be called. Meanwhile every replica that ended by itself is started again,
    /// as an orchestrator would, at most [`RESTARTS`] times.
    ///
    /// # Errors
    /// When it is not ready in time, or a replica ends again and again; what they wrote is in the error.
    pub async fn ready(&mut self, name: &str) -> anyhow::Result<()> {
        let health = format!("{}/health", self.admin(name));
        let until = Instant::now() + START;
        loop {
            self.revive()?;
            match healthy(&health).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > until => {
                    let ended = self.ended();
                    return Err(error.context(format!("{name}:\n{}\n{ended}", self.scratch.log(name))));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn revive(&mut self) -> anyhow::Result<()> {
        let mut ended = Vec::new();
        for (name, replica) in &mut self.replicas {
            if let Some(Some(status)) = replica.process.as_mut().map(Child::try_wait).transpose()? {
                ended.push((name.clone(), replica.binary.clone(), status, replica.restarts));
            }
        }
        for (name, binary, status, restarts) in ended {
            anyhow::ensure!(restarts < RESTARTS, "{name} ends again and again:\n{}", self.ended());
            println!("{name} ended with {status} and is started again:\n{}", self.ended());
            self.launch(&name, &binary)?;
            if let Some(replica) = self.replicas.get_mut(&name) {
                replica.restarts += 1;
            }
        }
        Ok(())
    }

    /// What the replicas last wrote that ended without being asked to.
    fn ended(&mut self) -> String {
        let mut said = String::new();
        for (name, replica) in &mut self.replicas {
            if let Some(Ok(Some(status))) = replica.process.as_mut().map(Child::try_wait) {
                let log = self.scratch.log(name);
                let from = log.lines().count().saturating_sub(8);
                let last: Vec<_> = log.lines().skip(from).collect();
                let _ = writeln!(said, "{name} ended with {status}:\n{}", last.join("\n"));
            }
        }
        said
    }

    /// Kills a replica at once.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill9(&mut self, name: &str) -> anyhow::Result<()> {
        self.end(name, Signal::KILL, PATIENCE).await
    }

    /// Asks a replica to stop (SIGTERM) and waits as long as an orchestrator would.
    ///
    /// # Errors
    /// When it does not run, or does not stop in time.
    pub async fn stop(&mut self, name: &str) -> anyhow::Result<()> {
        self.end(name, Signal::TERM, STOP).await
    }

    async fn end(&mut self, name: &str, with: Signal, patience: Duration) -> anyhow::Result<()> {
        let replica = self.replicas.get_mut(name).context("no such replica")?;
        let mut process = replica.process.take().context("it does not run")?;
        signal(process.id(), with)?;
        let gone =
            eventually(patience, "the replica is gone", async || process.try_wait()?.context("it runs"));
        gone.await.map(drop).with_context(|| self.scratch.log(name))
    }

    /// One file for all, as a ConfigMap would hold it; addresses come from each replica's environment.
    fn toml(&self) -> String {
        let urls = |role: &str| {
            let of_role = self.replicas.values().filter(|r| r.role == role);
            of_role.map(|r| format!("http://127.0.0.1:{}", r.grpc)).collect::<Vec<_>>().join(",")
        };
        let folder = self.scratch.path().display();
        let primary = self.settings.sites.first().map(|site| self.storage(site)).unwrap_or_default();
        let mut text = format!(
            "[default]\narea = \"330382\"\nnats = \"{}\"\nkeys = \"{folder}/keys\"\n\
             site = \"{primary}\"\nstaging = \"{folder}/staging\"\ndoor_token = \"{}\"\n\
             linger = \"1s\"\nregistration_linger = \"1s\"\ntransfer_linger = \"1s\"\nlog_quorum = 1\n",
            self.nats.url(),
            self.token,
        );
        // Writing to a text cannot fail.
        for line in &self.settings.lines {
            let _ = writeln!(text, "{line}");
        }
        for SiteSetting { name, class, .. } in &self.settings.sites {
            let url = urls(&format!("site-{name}"));
            let _ =
                writeln!(text, "[[default.sites]]\nname = \"{name}\"\nclass = \"{class}\"\nurl = \"{url}\"");
        }
        if !self.settings.s3.is_empty() {
            let _ = writeln!(text, "[default.s3]\n{}", self.settings.s3.join("\n"));
        }
        let _ = writeln!(text, "[default.peers]");
        for role in ROLES.into_iter().filter(|role| *role != "gateway") {
            let _ = writeln!(text, "{role} = \"{}\"", urls(role));
        }
        for role in ROLES {
            let _ = writeln!(text, "[{role}]\ndatabase = \"{}\"", self.database(role));
        }
        for site in &self.settings.sites {
            let (name, storage) = (&site.name, self.storage(site));
            let _ = writeln!(text, "[site-{name}]\nsite = \"{storage}\"\nsite_name = \"{name}\"");
        }
        text
    }
}

async fn healthy(url: &str) -> anyhow::Result<()> {
    let answer = reqwest::get(url).await?;
    let status = answer.status();
    anyhow::ensure!(status.is_success(), "{status}: {}", answer.text().await?);
    Ok(())
}
