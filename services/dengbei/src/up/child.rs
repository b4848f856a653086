//! A supervised child process: started with a parent-death signal in its own group, its output in
//! `logs/`, its number in `run/`, started again when it dies, stopped when asked.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::UpError;
use super::account::Account;
use super::folder::Folder;
use super::nursery::Nursery;
use super::process::ProcessId;

const LOG_LIMIT: u64 = 50 * 1024 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A child that lived this long had started well: the pause before the next start is short again.
const SETTLED: Duration = Duration::from_secs(10);

/// What is done before every start.
pub(crate) type Before = Arc<dyn Fn() -> Result<(), UpError> + Send + Sync>;

/// What to run and how to end it.
#[derive(Clone)]
pub(crate) struct Program {
    /// Names the log and the pid file.
    pub(crate) name: &'static str,
    /// The program and its arguments.
    pub(crate) command: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// The account to run as, if not ours.
    pub(crate) account: Option<Account>,
    /// The signal the kernel sends it when this process dies, by its name without SIG.
    pub(crate) on_our_death: &'static str,
    /// The signal that asks it to end in order.
    pub(crate) stop: Signal,
    /// How long it may take before it is killed.
    pub(crate) patience: Duration,
    /// Done before every start.
    pub(crate) before: Before,
}

/// A child that is kept running until it is stopped.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    deaths: watch::Receiver<u32>,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Child {
    /// Begins to keep `program` running. Returns at once; see [`Child::ready`].
    pub(crate) fn keep(program: Program, folder: &Folder, nursery: &Nursery) -> Result<Self, UpError> {
        let name = program.name;
        let log = folder.log(name);
        shorten(&log)?;
        let (tell, deaths) = watch::channel(0);
        let stop = CancellationToken::new();
        let keeper = Keeper {
            pid_file: folder.run().join(name).with_extension("pid"),
            log,
            program,
            nursery: nursery.clone(),
            stop: stop.clone(),
            deaths: tell,
        };
        Ok(Self { name, deaths, stop, keeper: tokio::spawn(keeper.run()) })
    }

    /// How often it has died.
    pub(crate) fn deaths(&self) -> u32 {
        *self.deaths.borrow()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Stops it: asks, waits, kills. Returns when it is gone.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.keeper.await {
            tracing::error!(child = self.name, %error, "the keeper of a child failed");
        }
    }
}

struct Keeper {
    program: Program,
    log: PathBuf,
    pid_file: PathBuf,
    nursery: Nursery,
    stop: CancellationToken,
    deaths: watch::Sender<u32>,
}

impl Keeper {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        while !self.stop.is_cancelled() {
            let started = Instant::now();
            match self.live().await {
                Ok(()) => {}
                Err(error) => tracing::warn!(child = self.program.name, error = ?error, "cannot start"),
            }
            let _ = std::fs::remove_file(&self.pid_file);
            if self.stop.is_cancelled() {
                break;
            }
            self.deaths.send_modify(|deaths| *deaths += 1);
            pause = if started.elapsed() >= SETTLED { FIRST_PAUSE } else { pause };
            tracing::warn!(child = self.program.name, again_in = ?pause, "a child ended, it is started again");
            let _ = tokio::time::timeout(pause, self.stop.cancelled()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One life: from start to end.
    async fn live(&self) -> Result<(), UpError> {
        (self.program.before)()?;
        let mut child =
            self.nursery.spawn(self.command()?).await.map_err(UpError::io(&self.program.command))?;
        let process = child.id().and_then(|pid| ProcessId::of(i32::try_from(pid).ok()?));
        if let Some(process) = process {
            process.write(&self.pid_file)?;
        }
        tokio::select! {
            ended = child.wait() => {
                let status = ended.map_err(UpError::io(&self.program.command))?;
                tracing::warn!(child = self.program.name, %status, log = %self.log.display(), "ended");
                return Ok(());
            }
            () = self.stop.cancelled() => {}
        }
        let Some(process) = process else { return Ok(()) };
        process.signal(self.program.stop);
        if tokio::time::timeout(self.program.patience, child.wait()).await.is_err() {
            tracing::warn!(child = self.program.name, "did not end in time, it is killed");
            process.signal_group(Signal::KILL);
            child.wait().await.map_err(UpError::io(&self.program.command))?;
        }
        Ok(())
    }

    fn command(&self) -> Result<Command, UpError> {
        let log = open_log(&self.log)?;
        let errors = log.try_clone().map_err(UpError::io(&self.log))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", self.program.on_our_death]);
        command.args(self.program.account.iter().flat_map(Account::setpriv_options));
        command.arg("--").arg(&self.program.command).args(&self.program.args);
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        Ok(command)
    }
}

fn open_log(path: &Path) -> Result<File, UpError> {
    OpenOptions::new().append(true).create(true).open(path).map_err(UpError::io(path))
}

/// A log beyond its limit is put aside once, so that both together stay bounded.
fn shorten(log: &Path) -> Result<(), UpError> {
    if log.metadata().is_ok_and(|metadata| metadata.len() > LOG_LIMIT) {
        std::fs::rename(log, log.with_extension("old.log")).map_err(UpError::io(log))?;
    }
    Ok(())
}
