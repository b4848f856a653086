//! A temporary folder whose processes end and whose files go with it, whatever happens to the test.
//!
//! Two things see to it: the kernel signals a child when the thread that started it ends (`setpriv
//! --pdeathsig`; the thread lives as long as the test process), and a shell waits for the end of the test
//! process or for the drop, ends what is left and removes the folder.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};

use anyhow::Context as _;

/// Reads until the other end is closed; then ends every process named by a pid file, those of a deployment's
/// data folder too, and removes the folder.
const SWEEP: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
pids() { for f in "$1"/*.pid "$1"/*/run/*.pid; do [ -f "$f" ] && read -r pid _ <"$f"; echo "${pid:-}"; done; }
pids=$(pids "$1")
for pid in $pids; do kill -QUIT "$pid" 2>/dev/null; done
n=0
while [ $n -lt 100 ]; do
  alive=
  for pid in $pids; do
    case "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)" in ''|Z*) ;; *) alive=1;; esac
  done
  [ -n "$alive" ] || break
  n=$((n+1)); sleep 0.05
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"#;

/// A folder of mode 0711 and the processes that work in it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    sweeper: Child,
}

impl Scratch {
    /// Makes the folder.
    ///
    /// # Errors
    /// When the temporary folder is not writable or there is no shell.
    pub fn new(prefix: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(base())?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let path = folder.keep();
        let mut sweeper = Command::new("sh");
        sweeper.args(["-c", SWEEP, "sweep"]).arg(&path).process_group(0);
        sweeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let sweeper = sweeper.spawn().context("sh")?;
        Ok(Self { path, sweeper })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a process that ends with this folder at the latest. On the death of the test process it gets
    /// `signal` (a name without SIG). Its output goes to `<name>.log` in the folder.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, name: &str, signal: &str, command: &Command) -> anyhow::Result<Child> {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path.join(format!("{name}.log")))?;
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", signal, "--"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        wrapped.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let child = from_lasting_thread(wrapped).with_context(|| name.to_owned())?;
        fs::write(self.path.join(format!("{name}.pid")), child.id().to_string())?;
        Ok(child)
    }

    /// What a process of this folder wrote.
    pub fn log(&self, name: &str) -> String {
        let bytes = fs::read(self.path.join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        let _ = self.sweeper.wait();
    }
}

/// Whether a process runs: one that only waits to be reaped does not.
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// User postgres must be able to pass: as root only `/tmp` is sure.
fn base() -> PathBuf {
    if rustix::process::getuid().is_root() { "/tmp".into() } else { std::env::temp_dir() }
}

/// Starts a process from the one thread that lives as long as this process.
fn from_lasting_thread(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static THREAD: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let orders = THREAD.get_or_init(|| {
        let (orders, waiting) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in waiting {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    let ended = |_| io::Error::other("the thread that starts processes has ended");
    orders.send((command, reply)).map_err(|_| ended(mpsc::RecvError))?;
    answer.recv().map_err(ended)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_ends_the_processes_and_removes_the_files() {
        let scratch = Scratch::new("dengbei-scratch-").unwrap();
        let mut sleep = Command::new("sleep");
        let mut child = scratch.spawn("sleep", "KILL", sleep.arg("600")).unwrap();
        let path = scratch.path().to_owned();
        assert!(is_running(child.id()));
        drop(scratch);
        assert!(!is_running(child.id()));
        assert!(!path.exists());
        child.wait().unwrap();
    }
}
