//! One reader process, as the service sees it. Dropped, it is killed and waited for.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use dengbei_formats::content::{Inspection, Parts};

use crate::{job, limits};

/// What to start.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// With which arguments it serves.
    pub args: Vec<OsString>,
}

/// Why there is no inspection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was not ready in time.
    Late,
    /// It died, or sent what is no answer.
    Died,
}

#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    socket: UnixStream,
    _line: Option<ChildStdin>,
    /// Time it has read so far.
    spent: Duration,
}

impl Child {
    /// Starts one. It gets nothing of our environment but where temporary files go and the language.
    pub(crate) fn start(program: &Program) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&program.path);
        command.args(&program.args).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(OwnedFd::from(theirs)).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let line = process.stdin.take();
        Ok(Self { process, socket, _line: line, spent: Duration::ZERO })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn spent(&self) -> Duration {
        self.spent
    }

    /// Whether it has not yet read anything: what it dies of is then its file.
    pub(crate) fn is_fresh(&self) -> bool {
        self.spent == Duration::ZERO
    }

    /// Memory that it holds.
    pub(crate) fn resident(&self) -> u64 {
        limits::resident(self.id()).unwrap_or(0)
    }

    /// Has a file read, within `time`. After an error it is of no more use.
    pub(crate) fn read(&mut self, parts: &Parts, time: Duration) -> Result<io::Result<Inspection>, End> {
        let begun = Instant::now();
        let until = begun + time;
        let told = self.tell(parts, until).and_then(|()| job::hear(Until { socket: &self.socket, until }));
        self.spent += begun.elapsed().max(Duration::from_nanos(1));
        told.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => End::Late,
            _ => End::Died,
        })
    }

    fn tell(&self, parts: &Parts, until: Instant) -> io::Result<()> {
        self.socket.set_write_timeout(Some(left(until)?))?;
        job::send(&self.socket, parts)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        // Killed, it ends; what is not waited for stays in the process table.
        let _ = self.process.wait();
    }
}

/// Reads from a socket until a moment, however the bytes trickle.
struct Until<'a> {
    socket: &'a UnixStream,
    until: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.until)?))?;
        let mut socket = self.socket;
        socket.read(buffer)
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
