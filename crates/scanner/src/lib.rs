//! A client of the virus scanner (杀毒引擎) clamd: checks S-01 (杀毒引擎在岗) and S-02 (病毒检测) rest on it.
//!
//! Files are streamed (INSTREAM), many on one connection (IDSESSION), by blocking calls: whoever reads a package's
//! bytes for the digests passes the same bytes on, so nothing is read twice. What it promises: a verdict is only ever
//! what clamd said of the whole file. Silence, an error, a cut connection and a file over clamd's limit are never
//! clean. What it is not: it decides nothing; what follows from a verdict is `checks`' business.
//!
//! Why our own: the protocol is small, and the clients looked at have one file a connection or no limits on time
//! (docs/decisions).

mod duty;
mod error;
mod guard;
mod measured;
mod pass;
mod session;
mod watch;
mod wire;

use std::time::Duration;

pub use dengbei_kit::ScannerAddress as Address;
pub use duty::Duty;
pub use error::ScanError;
pub use guard::{Guard, Standing, is_of_scanner, past};
pub use pass::Pass;
pub use session::{Session, Verdict};
pub use watch::health;

/// How long clamd may be silent, in the middle of anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where clamd listens, and how long it is waited for. Cheap to clone; nothing is open between calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner {
    address: Address,
    patience: Duration,
}

impl Scanner {
    /// The scanner at `address`.
    pub fn at(address: Address) -> Self {
        Self { address, patience: PATIENCE }
    }

    /// As it is, with another bound on clamd's silence.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Asks for engine and signatures: the heartbeat of S-01.
    ///
    /// # Errors
    /// [`ScanError`] when it does not answer.
    pub fn duty(&self) -> Result<Duty, ScanError> {
        let mut wire = self.open()?;
        wire.command("VERSION")?;
        Duty::read(&wire.reply()?)
    }

    /// Opens a connection for any number of files.
    ///
    /// # Errors
    /// [`ScanError::Unavailable`] when it cannot be reached.
    pub fn session(&self) -> Result<Session, ScanError> {
        Session::on(self.open()?)
    }

    fn open(&self) -> Result<wire::Wire, ScanError> {
        wire::Wire::open(&self.address, self.patience)
    }
}
