//! The real binary at work: `dengbei up` in a temporary folder, to be talked to, killed and started again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use serde_json::Value;

use crate::process::signal;
use crate::{PATIENCE, Scratch, eventually, is_running};

/// The first start makes a database cluster and migrates every role.
const START: Duration = Duration::from_secs(180);
/// What `up` promises.
const STOP: Duration = Duration::from_secs(120);

/// A running deployment. Everything ends and is removed when it is dropped.
#[derive(Debug)]
pub struct Mesh {
    // Before the folder: reaped by then.
    process: Option<Child>,
    scratch: Scratch,
    args: Vec<String>,
    env: Vec<(String, String)>,
    data: PathBuf,
    places: Value,
}

impl Mesh {
    /// Starts `dengbei up` with these further arguments; returns when it is ready.
    ///
    /// # Errors
    /// When it does not become ready; what it wrote is in the error.
    pub async fn up(args: &[&str]) -> anyhow::Result<Self> {
        Self::up_with(args, &[]).await
    }

    /// As [`Mesh::up`], with environment variables.
    ///
    /// # Errors
    /// When it does not become ready; what it wrote is in the error.
    pub async fn up_with(args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut mesh = Self::prepare(args, env)?;
        mesh.start_again().await?;
        Ok(mesh)
    }

    /// A deployment that has not been started: `start_again` does.
    ///
    /// # Errors
    /// When the temporary folder is not writable.
    pub fn prepare(args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let args = args.iter().map(ToString::to_string).collect();
        let env = env.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let scratch = Scratch::new("dengbei-mesh-")?;
        let data = scratch.path().join("data");
        Ok(Self { process: None, scratch, args, env, data, places: Value::Null })
    }

    /// The URL of the door.
    pub fn http(&self) -> &str {
        self.place("http")
    }

    /// The URL of the registration's gRPC.
    pub fn grpc(&self) -> &str {
        self.place("grpc")
    }

    /// The URL of nats-server; the token stands before the `@`.
    pub fn nats(&self) -> &str {
        self.place("nats")
    }

    /// The URL of PostgreSQL's superuser.
    pub fn postgres(&self) -> &str {
        self.place("postgres")
    }

    /// The URL of a role's own database.
    pub fn database(&self, role: &str) -> String {
        let server = self.postgres().rsplit_once('/').map_or("", |(server, _)| server);
        format!("{server}/dengbei_{role}")
    }

    /// What the door asks for.
    pub fn token(&self) -> &str {
        self.place("token")
    }

    /// The whole ready file.
    pub fn places(&self) -> &Value {
        &self.places
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Names the data folder; before the first start.
    pub fn use_data(&mut self, name: &str) {
        self.data = self.scratch.path().join(name);
    }

    /// Replaces the further arguments, for the next start.
    pub fn set_args(&mut self, args: &[&str]) {
        self.args = args.iter().map(ToString::to_string).collect();
    }

    /// Where the ready file is while it is ready.
    pub fn ready_file(&self) -> PathBuf {
        self.scratch.path().join("ready.json")
    }

    /// Everything that `up` itself wrote.
    pub fn log(&self) -> String {
        self.scratch.log("up")
    }

    /// The number of every process: `up` itself, `postgres`, `nats`, with `--split` the roles.
    pub fn pids(&self) -> BTreeMap<String, u32> {
        let files = std::fs::read_dir(self.data().join("run")).into_iter().flatten().flatten();
        let mut pids: BTreeMap<_, _> = files.filter_map(|entry| read_pid(&entry.path())).collect();
        if let Some(process) = &self.process {
            pids.insert("up".to_owned(), process.id());
        }
        pids
    }

    /// Kills one process of [`Mesh::pids`] at once and waits until it is gone. Returns its number.
    ///
    /// # Errors
    /// When there is none of that name, or it stays.
    pub async fn kill9(&mut self, name: &str) -> anyhow::Result<u32> {
        let pid = *self.pids().get(name).with_context(|| format!("no process {name}"))?;
        signal(pid, Signal::KILL)?;
        if name == "up"
            && let Some(mut process) = self.process.take()
        {
            tokio::task::spawn_blocking(move || process.wait()).await??;
        }
        eventually(PATIENCE, "the killed process is gone", async || {
            anyhow::ensure!(!is_running(pid), "{name} runs");
            Ok(pid)
        })
        .await
    }

    /// Asks it to stop (SIGTERM) and waits as long as it promises.
    ///
    /// # Errors
    /// When it does not run or does not stop in time.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        let process = self.process.as_mut().context("it does not run")?;
        signal(process.id(), Signal::TERM)?;
        let status =
            eventually(STOP, "dengbei up stops", async || process.try_wait()?.context("it still runs"));
        let status = status.await.with_context(|| self.scratch.log("up"))?;
        self.process = None;
        Ok(status)
    }

    /// Starts it in the same folder, after [`Mesh::stop`], [`Mesh::kill9`] or its own end; returns when ready.
    ///
    /// # Errors
    /// When it does not become ready; what it wrote is in the error.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let ready_file = self.ready_file();
        // Left behind by a kill, and not to be taken for the new one.
        let _ = std::fs::remove_file(&ready_file);
        let mut process = self.scratch.spawn("up", "KILL", &self.command()?)?;
        let ready = eventually(START, "dengbei up is ready", async || {
            if let Some(status) = process.try_wait()? {
                return Ok(Err(status));
            }
            Ok(Ok(serde_json::from_slice(&std::fs::read(&ready_file)?)?))
        });
        match ready.await {
            Ok(Ok(places)) => {
                self.places = places;
                self.process = Some(process);
                Ok(())
            }
            Ok(Err(status)) => anyhow::bail!("dengbei up ended with {status}:\n{}", self.log()),
            Err(error) => {
                self.process = Some(process);
                Err(error.context(self.log()))
            }
        }
    }

    /// The command that starts it, for tests of refusals.
    ///
    /// # Errors
    /// When the binary is not found.
    pub fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(binary()?);
        command.arg("up").arg("--data").arg(self.data()).arg("--ready-file").arg(self.ready_file());
        command.args(["--http", "127.0.0.1:0"]).args(&self.args);
        command.env("DENGBEI_FAULTS", self.faults()).envs(self.env.iter().map(|(key, value)| (key, value)));
        Ok(command)
    }

    /// Arms a fault point (`kit::faults`): the process that reaches it dies there, once.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn arm(&self, point: &str) -> anyhow::Result<()> {
        let armed = std::fs::read_to_string(self.faults()).unwrap_or_default();
        Ok(std::fs::write(self.faults(), format!("{armed}{point}\n"))?)
    }

    /// Whether a point that was armed has not been reached yet.
    pub fn is_armed(&self, point: &str) -> bool {
        let armed = std::fs::read_to_string(self.faults()).unwrap_or_default();
        armed.lines().any(|line| line == point)
    }

    /// Waits until `up` has ended by itself (a fault point, a crash).
    ///
    /// # Errors
    /// When it still runs at the deadline, or never ran.
    pub async fn ended(&mut self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let process = self.process.as_mut().context("it does not run")?;
        let ended = eventually(deadline, "dengbei up ends by itself", async || {
            process.try_wait()?.context("it still runs")
        });
        let status = ended.await?;
        self.process = None;
        Ok(status)
    }

    fn faults(&self) -> PathBuf {
        self.scratch.path().join("faults")
    }

    fn place(&self, name: &str) -> &str {
        self.places[name].as_str().unwrap_or_default()
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        // The children notice by themselves and the folder is swept; here the process is reaped.
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn read_pid(path: &Path) -> Option<(String, u32)> {
    if path.extension()? != "pid" {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    Some((path.file_stem()?.to_str()?.to_owned(), text.split_whitespace().next()?.parse().ok()?))
}

/// The dengbei binary: `DENGBEI_BIN`, else the one built beside the test.
///
/// # Errors
/// When there is none.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("DENGBEI_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let beside =
        test.ancestors().skip(1).take(2).map(|folder| folder.join("dengbei")).find(|path| path.is_file());
    beside.context("no dengbei binary: set DENGBEI_BIN, or build it first (cargo build -p dengbei)")
}
