//! The scanner of a deployment, as a service keeps it: who it is, when it last answered, and packages past it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use dengbei_checks::facts::Scan;
use dengbei_formats::Sink;
use dengbei_records::Timestamp;

use crate::{Duty, Pass, ScanError, Scanner};

/// How the scanner stood when it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it said of itself, at the last answer.
    pub duty: Option<Duty>,
    /// When that was.
    pub answered_at: Option<Timestamp>,
    /// Whether the last question was answered.
    pub is_up: bool,
}

/// A scanner and its heartbeat. Cheap to clone; clones share what is known.
#[derive(Debug, Clone)]
pub struct Guard {
    scanner: Scanner,
    standing: Arc<Mutex<Standing>>,
}

impl Guard {
    /// A scanner that nobody has asked yet.
    pub fn new(scanner: Scanner) -> Self {
        Self { scanner, standing: Arc::default() }
    }

    /// How it stood when it was last asked.
    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it, now. Blocking.
    ///
    /// # Errors
    /// [`ScanError`] when it does not answer; that is known then, too.
    pub fn look(&self, now: Timestamp) -> Result<Duty, ScanError> {
        let answer = self.scanner.duty();
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.is_up = answer.is_ok();
        if let Ok(duty) = &answer {
            (standing.duty, standing.answered_at) = (Some(duty.clone()), Some(now));
        }
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
        let known = self.standing().duty;
        let duty = known.map_or_else(|| self.look(now), Ok).map_err(io::Error::other)?;
        let mut pass = Pass::open(&self.scanner, onward).map_err(io::Error::other)?;
        let done = work(&mut pass)?;
        let scan = pass.finish(&duty).map_err(io::Error::other)?;
        Ok((done, scan))
    }
}

/// Whether an error means that the scanner gave no verdict.
pub fn is_of_scanner(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<ScanError>()).is_some()
}
