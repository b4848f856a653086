//! The processes of a service: who is idle, who is out, when one is replaced.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dengbei_formats::content::{Collected, Finding, Format, Inspection, Parts, Readers};
use dengbei_formats::signature::Trust;

use crate::child::{Child, End, Program};
use crate::measured::{self, Outcome};

/// How readers are treated.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How many at once; further files wait for one.
    pub most: usize,
    /// Time for any file; see [`Terms::time`].
    pub least_time: Duration,
    /// Time for the largest.
    pub most_time: Duration,
    /// A reader that holds more after a file is replaced.
    pub memory: u64,
    /// A reader that has read for so long in all is replaced.
    pub life: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            most: 4,
            least_time: Duration::from_secs(4),
            most_time: Duration::from_secs(10),
            memory: 256 << 20,
            life: Duration::from_secs(60),
        }
    }
}

impl Terms {
    /// Time for a file of so many bytes: a second more for every 8 MiB.
    fn time(&self, bytes: u64) -> Duration {
        self.least_time.saturating_add(Duration::from_secs(bytes >> 23)).min(self.most_time)
    }
}

/// Readers in processes of their own. Files of simple formats are read here.
#[derive(Debug)]
pub struct Pool {
    service: &'static str,
    program: Program,
    terms: Terms,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Child>,
    out: usize,
}

impl Pool {
    /// A pool of no processes yet; `service` names whose it is.
    pub fn new(service: &'static str, program: Program, terms: Terms) -> Self {
        Self { service, program, terms, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Starts one process, so that the first file need not wait. That it cannot be started is said, and tried again with
    /// the first file.
    pub fn warm(&self) {
        match Child::start(&self.program) {
            Ok(child) => self.state().idle.push(child),
            Err(error) => {
                tracing::error!(service = self.service, %error, "读者进程无法启动 / no reader process can be started");
            }
        }
    }

    /// The processes that are idle, by their numbers.
    pub fn idle(&self) -> Vec<u32> {
        self.state().idle.iter().map(Child::id).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle process or a new one; waits while all that may be are out.
    fn take(&self) -> io::Result<Child> {
        let mut state = self.state();
        while state.idle.is_empty() && state.out >= self.terms.most {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.out += 1;
        let idle = state.idle.pop();
        drop(state);
        let child = idle.map_or_else(|| Child::start(&self.program), Ok);
        if child.is_err() {
            self.give_back(None);
        }
        child
    }

    fn give_back(&self, child: Option<Child>) {
        let tired = |child: &Child| child.spent() > self.terms.life || child.resident() > self.terms.memory;
        let (kept, _replaced) = match child {
            Some(child) if !tired(&child) => (Some(child), None),
            other => (None, other),
        };
        let mut state = self.state();
        state.out -= 1;
        state.idle.extend(kept);
        drop(state);
        self.returned.notify_one();
    }

    fn apart(&self, file: Collected) -> io::Result<Inspection> {
        let (format, time) = (file.format().clone(), self.terms.time(file.bytes()));
        let parts = file.into_parts();
        loop {
            let mut child = self.take()?;
            let was_fresh = child.is_fresh();
            match child.read(&parts, time) {
                Ok(read) => {
                    self.give_back(Some(child));
                    measured::read(self.service, Outcome::Apart);
                    let mut inspection = read?;
                    inspection.reading.is_apart = true;
                    return Ok(inspection);
                }
                Err(end) => {
                    // Killed and waited for before the place is given back.
                    drop(child);
                    self.give_back(None);
                    // One that read before may have died of something else: a fresh one tells.
                    if was_fresh || end == End::Late {
                        return Ok(self.stopped(format, &parts, end));
                    }
                }
            }
        }
    }

    fn stopped(&self, format: Format, parts: &Parts, end: End) -> Inspection {
        let (why, outcome) = match end {
            End::Late => (
                Finding::new(
                    "读取该文件超时，读取程序已被终止，内容无法验证",
                    "reading it took too long: its reader was stopped, its content is not verified",
                ),
                Outcome::Late,
            ),
            End::Died => (
                Finding::new(
                    "读取该文件时读取程序异常终止，内容无法验证",
                    "its reader did not survive it: its content is not verified",
                ),
                Outcome::Died,
            ),
        };
        measured::read(self.service, outcome);
        tracing::warn!(
            service = self.service, kind = %format, bytes = parts.bytes, ?end,
            "读者进程被终止 / a reader was stopped"
        );
        let mut inspection = Inspection::stopped(format, why);
        inspection.reading.is_apart = true;
        inspection
    }
}

impl Readers for Pool {
    fn inspect(&self, file: Collected) -> io::Result<Inspection> {
        if file.is_simple() {
            measured::read(self.service, Outcome::Here);
            return Ok(file.inspect(&Trust::nobody()));
        }
        self.apart(file)
    }
}
