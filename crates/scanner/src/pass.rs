//! A package's files past the scanner, in the same pass that takes their digests: a sink before another sink.

use std::collections::BTreeMap;
use std::io;

use dengbei_checks::facts::{Scan, ScanOutcome};
use dengbei_formats::package::Entry;
use dengbei_formats::{FileFacts, Sink};

use crate::{Duty, ScanError, Scanner, Session, Verdict};

/// After a file of so many bytes clamd may have stopped listening: that is asked before the next one is passed.
const LARGE: u64 = 1 << 20;

/// Passes on what it gets, and lets the scanner see it. [`Pass::finish`] gives the word on every file.
pub struct Pass<'a> {
    onward: &'a mut dyn Sink,
    scanner: &'a Scanner,
    session: Session,
    // Of sessions that ended.
    verdicts: Vec<Verdict>,
    paths: Vec<String>,
    // Of the file in hand.
    bytes: u64,
}

impl std::fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").field("files", &self.paths.len()).finish_non_exhaustive()
    }
}

impl<'a> Pass<'a> {
    /// Opens a connection for one package.
    ///
    /// # Errors
    /// [`ScanError::Unavailable`] when the scanner cannot be reached.
    pub fn open(scanner: &'a Scanner, onward: &'a mut dyn Sink) -> Result<Self, ScanError> {
        let session = scanner.session()?;
        Ok(Self { onward, scanner, session, verdicts: Vec::new(), paths: Vec::new(), bytes: 0 })
    }

    fn next_file(&mut self) -> Result<(), ScanError> {
        if std::mem::take(&mut self.bytes) >= LARGE && !self.session.settle()? {
            let ended = std::mem::replace(&mut self.session, self.scanner.session()?);
            self.verdicts.extend(ended.finish()?);
        }
        self.session.file()
    }

    /// What the scanner says of every file; `duty` names it in reports.
    ///
    /// # Errors
    /// [`ScanError`] when a verdict is missing: then nothing is known of any file.
    pub fn finish(self, duty: &Duty) -> Result<Scan, ScanError> {
        let verdicts = self.verdicts.into_iter().chain(self.session.finish()?);
        let files: BTreeMap<_, _> = self.paths.into_iter().zip(verdicts.map(outcome)).collect();
        let signatures =
            duty.signatures.map_or_else(|| "自有特征 own signatures".to_owned(), |n| n.to_string());
        Ok(Scan { engine: duty.engine.clone(), signatures, files })
    }
}

fn outcome(verdict: Verdict) -> ScanOutcome {
    match verdict {
        Verdict::Clean => ScanOutcome::Clean,
        Verdict::Found(name) => ScanOutcome::Infected(name),
        Verdict::Unscanned(why) => ScanOutcome::NotScanned(why),
    }
}

impl Sink for Pass<'_> {
    fn begin(&mut self, index: usize, entry: &Entry) -> io::Result<()> {
        self.paths.push(entry.path.clone());
        self.next_file().map_err(io::Error::other)?;
        self.onward.begin(index, entry)
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.session.pass(bytes).map_err(io::Error::other)?;
        self.onward.chunk(bytes)
    }

    fn end(&mut self, facts: &FileFacts) -> io::Result<()> {
        self.onward.end(facts)
    }
}
