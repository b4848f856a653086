//! Processes told apart by number and start time, so that a number used again is never mistaken.
//! Used for the pid files in `run/`, the lock's holder and what a dead predecessor left running.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::UpError;

/// One process on this machine, for as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessId {
    /// Its number.
    pub(crate) pid: i32,
    /// Clock ticks between boot and its start (field 22 of `/proc/PID/stat`).
    started: u64,
}

impl ProcessId {
    /// The live process with this number; none if there is none or only its corpse waits to be reaped.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so fields are counted from the last one.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, started })
    }

    /// Reads a pid file; none if there is no file or it does not parse.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    /// Writes a pid file in one step: number, space, start time. Not synced: no process outlives the machine.
    pub(crate) fn write(self, path: &Path) -> Result<(), UpError> {
        let unfinished = path.with_extension("pid.new");
        let written = std::fs::write(&unfinished, format!("{} {}\n", self.pid, self.started));
        written.and_then(|()| std::fs::rename(&unfinished, path)).map_err(UpError::io(path))
    }

    /// Whether this very process still runs.
    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Whether its command line names `word`: a last guard before signalling what a file claims.
    pub(crate) fn mentions(self, word: &Path) -> bool {
        let command = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&*word.to_string_lossy())
    }

    /// Signals the process alone.
    pub(crate) fn signal(self, signal: Signal) {
        if let Some(pid) = self.number().filter(|_| self.is_alive()) {
            // It may have gone in between: then there is nothing to signal.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Signals its whole group; it must be the group's leader.
    pub(crate) fn signal_group(self, signal: Signal) {
        if let Some(pid) = self.number().filter(|_| self.is_alive()) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Waits until it is gone, at most `patience`. Returns whether it is.
    pub(crate) async fn gone_within(self, patience: Duration) -> bool {
        let gone = async {
            while self.is_alive() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(patience, gone).await.is_ok()
    }

    fn number(self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }
}

/// Ends what a dead predecessor left running in this data folder, and waits until it is gone.
/// A pid file whose process has gone, or whose number means another process by now, is only removed.
pub(crate) async fn end_left_overs(run: &Path, data: &Path) -> Result<(), UpError> {
    let entries = std::fs::read_dir(run).map_err(UpError::io(run))?;
    for path in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("pid".as_ref()))
    {
        if let Some(process) = ProcessId::read(&path).filter(|p| p.is_alive() && p.mentions(data)) {
            end(process).await?;
        }
        std::fs::remove_file(&path).map_err(UpError::io(&path))?;
    }
    Ok(())
}

/// SIGQUIT first (PostgreSQL ends its own children on it), then SIGKILL to the group.
async fn end(process: ProcessId) -> Result<(), UpError> {
    for signal in [Signal::QUIT, Signal::KILL] {
        process.signal_group(signal);
        if process.gone_within(Duration::from_secs(5)).await {
            return Ok(());
        }
    }
    Err(UpError::refused(
        "up.left_over_process",
        format!("上次运行遗留的进程 {} 无法结束", process.pid),
        format!("process {} left by the previous run does not end", process.pid),
    ))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_number_used_again_is_another_process() {
        let me = ProcessId::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(me.is_alive());
        assert!(!ProcessId { started: me.started + 1, ..me }.is_alive());
    }

    #[test]
    fn a_corpse_that_nobody_reaped_counts_as_gone() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while ProcessId::of(pid).is_some() {
            std::thread::yield_now();
        }
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn a_left_over_is_ended_and_a_stranger_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let spawn = |word: &str| {
            use std::os::unix::process::CommandExt as _;
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' QUIT; while :; do sleep 60; done", word]).process_group(0);
            let child = command.spawn().unwrap();
            let id = ProcessId::of(i32::try_from(child.id()).unwrap()).unwrap();
            (child, id)
        };
        let (mut ours, our_id) = spawn(&folder.path().to_string_lossy());
        let (mut theirs, their_id) = spawn("/elsewhere");
        our_id.write(&folder.path().join("nats.pid")).unwrap();
        their_id.write(&folder.path().join("postgres.pid")).unwrap();
        end_left_overs(folder.path(), folder.path()).await.unwrap();
        assert!(!our_id.is_alive());
        assert!(their_id.is_alive());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "pid files are removed");
        their_id.signal_group(Signal::KILL);
        ours.wait().unwrap();
        theirs.wait().unwrap();
    }
}
