//! The scanner of a deployment, as a service keeps it: who it is, when it last answered, and packages past it.
//!
//! Its heartbeat is `watch`; what both say outside is `measured`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dengbei_checks::ScannerState;
use dengbei_checks::facts::Scan;
use dengbei_formats::Sink;
use dengbei_kit::ScannerAddress;
use dengbei_records::Timestamp;

use crate::{Duty, Pass, ScanError, Scanner, measured, watch};

/// How long a heartbeat waits for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How the scanner stood when it was last asked, or last used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it said of itself, at the last answer.
    pub duty: Option<Duty>,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// Whether the last question was answered.
    pub is_up: bool,
}

/// A scanner and its heartbeat. Cheap to clone; clones share what is known.
#[derive(Debug, Clone)]
pub struct Guard {
    service: &'static str,
    scanner: Scanner,
    standing: Arc<Mutex<Standing>>,
}

impl Guard {
    /// A scanner that nobody has asked yet; `service` names who asks.
    pub fn new(service: &'static str, scanner: Scanner) -> Self {
        Self { service, scanner, standing: Arc::default() }
    }

    /// The scanner that is configured. Without one nothing is scanned: that is warned of here, once, and measured.
    pub fn of(service: &'static str, address: Option<&ScannerAddress>) -> Option<Self> {
        measured::describe(service, address.is_some());
        match address {
            Some(address) => Some(Self::new(service, Scanner::at(address.clone()))),
            None => {
                tracing::warn!(service, "{}", watch::NONE);
                None
            }
        }
    }

    /// How it stood when it was last asked.
    pub fn standing(&self) -> Standing {
        self.known().clone()
    }

    /// As check S-01 looks at it.
    pub fn state(&self) -> ScannerState {
        let Standing { duty, answered_at, .. } = self.standing();
        let engine = duty.as_ref().map_or_else(|| "clamd".to_owned(), |duty| duty.engine.clone());
        ScannerState { engine, answered_at, signatures_at: duty.and_then(|duty| duty.built) }
    }

    /// Who asks it.
    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks it, now. Blocking, at most 10 s and what connecting takes.
    ///
    /// # Errors
    /// [`ScanError`] when it does not answer; that is known then, too.
    pub fn look(&self, now: Timestamp) -> Result<Duty, ScanError> {
        let answer = self.scanner.clone().with_patience(ANSWER).duty();
        let mut standing = self.known();
        standing.is_up = answer.is_ok();
        if let Ok(duty) = &answer {
            (standing.duty, standing.answered_at) = (Some(duty.clone()), Some(now));
        }
        drop(standing);
        measured::looked(self, now);
        answer
    }

    /// Does `work`, which passes a package's bytes to the sink it is given, and gives the scanner's word on each file
    /// beside what it returned. Blocking.
    ///
    /// # Errors
    /// What `work` returned; an [`io::Error`] that holds a [`ScanError`] when there is no verdict.
    pub fn over<T, E: From<io::Error>>(
        &self,
        onward: &mut dyn Sink,
        now: Timestamp,
        work: impl FnOnce(&mut dyn Sink) -> Result<T, E>,
    ) -> Result<(T, Scan), E> {
        // What is known to be down may be up again: it is asked, and named anew.
        let known = self.standing();
        let duty = known.duty.filter(|_| known.is_up).map_or_else(|| self.look(now), Ok);
        let duty = duty.map_err(io::Error::other)?;
        let mut pass = Pass::open(&self.scanner, onward).map_err(|e| self.lost(now, e))?;
        let done = match work(&mut pass) {
            Ok(done) => done,
            Err(error) => {
                if pass.is_broken() {
                    self.is_lost(now);
                }
                return Err(error);
            }
        };
        let (scan, spent) = pass.finish(&duty).map_err(|e| self.lost(now, e))?;
        self.known().answered_at = Some(now);
        measured::scanned(self, &scan, &spent);
        Ok((done, scan))
    }

    fn lost(&self, now: Timestamp, error: ScanError) -> io::Error {
        self.is_lost(now);
        io::Error::other(error)
    }

    fn is_lost(&self, now: Timestamp) {
        self.known().is_up = false;
        measured::looked(self, now);
    }
}

/// Does `work` with a sink past the scanner, where there is one. Blocking.
///
/// # Errors
/// As [`Guard::over`].
pub fn past<T, E: From<io::Error>>(
    guard: Option<&Guard>,
    onward: &mut dyn Sink,
    now: Timestamp,
    work: impl FnOnce(&mut dyn Sink) -> Result<T, E>,
) -> Result<(T, Option<Scan>), E> {
    match guard {
        Some(guard) => guard.over(onward, now, work).map(|(done, scan)| (done, Some(scan))),
        None => work(onward).map(|done| (done, None)),
    }
}

/// Whether an error means that the scanner gave no verdict.
pub fn is_of_scanner(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<ScanError>()).is_some()
}
