//! A package's files past the scanner, in the same pass that takes their digests: a sink before another sink.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use dengbei_checks::facts::{Scan, ScanOutcome};
use dengbei_formats::package::Entry;
use dengbei_formats::{FileFacts, Sink};

use crate::measured::Spent;
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
    spent: Spent,
    is_broken: bool,
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
        let began = Instant::now();
        let session = scanner.session()?;
        let spent = Spent { bytes: 0, time: began.elapsed() };
        let (verdicts, paths) = (Vec::new(), Vec::new());
        Ok(Self { onward, scanner, session, verdicts, paths, bytes: 0, spent, is_broken: false })
    }

    /// Whether the scanner failed, not what else the bytes pass.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Does something with the scanner, and notes how long it took and whether it failed.
    fn timed(&mut self, work: impl FnOnce(&mut Self) -> Result<(), ScanError>) -> io::Result<()> {
        let began = Instant::now();
        let done = work(self);
        self.spent.time += began.elapsed();
        self.is_broken |= done.is_err();
        done.map_err(io::Error::other)
    }

    fn next_file(&mut self) -> Result<(), ScanError> {
        if std::mem::take(&mut self.bytes) >= LARGE && !self.session.settle()? {
            let ended = std::mem::replace(&mut self.session, self.scanner.session()?);
            self.verdicts.extend(ended.finish()?);
        }
        self.session.file()
    }

    /// What the scanner says of every file, and what that took; `duty` names it in reports.
    ///
    /// # Errors
    /// [`ScanError`] when a verdict is missing: then nothing is known of any file.
    pub(crate) fn finish(mut self, duty: &Duty) -> Result<(Scan, Spent), ScanError> {
        let began = Instant::now();
        let verdicts = self.verdicts.into_iter().chain(self.session.finish()?);
        let mut files = BTreeMap::new();
        for (path, outcome) in self.paths.into_iter().zip(verdicts.map(outcome)) {
            // Readers refuse two files of one path; here the worse would stand.
            if outcome != ScanOutcome::Clean || !files.contains_key(&path) {
                files.insert(path, outcome);
            }
        }
        let signatures =
            duty.signatures.map_or_else(|| "自有特征 own signatures".to_owned(), |n| n.to_string());
        self.spent.time += began.elapsed();
        Ok((Scan { engine: duty.engine.clone(), signatures, files }, self.spent))
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
        self.timed(Self::next_file)?;
        self.onward.begin(index, entry)
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.spent.bytes += bytes.len() as u64;
        self.timed(|pass| pass.session.pass(bytes))?;
        self.onward.chunk(bytes)
    }

    fn end(&mut self, facts: &FileFacts) -> io::Result<()> {
        self.onward.end(facts)
    }
}
