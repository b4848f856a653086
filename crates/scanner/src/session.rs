//! Files past the scanner, many on one connection: each is numbered by clamd in the order of its command, and answers
//! come in any order.

use std::collections::BTreeMap;

use crate::ScanError;
use crate::wire::Wire;

/// Files whose answers may be outstanding: clamd works on them side by side and keeps each in memory.
const OUTSTANDING: usize = 16;

/// What clamd said of one whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing found.
    Clean,
    /// A signature matched: its name.
    Found(String),
    /// Looked at in part or not at all; why, in clamd's words. Not clean.
    Unscanned(String),
}

/// An open connection. A verdict is only known once [`Session::finish`] has returned it.
pub struct Session {
    wire: Wire,
    files: usize,
    is_in_file: bool,
    // A file that clamd refused in the middle, with what it said; nothing more is sent then.
    broken: Option<String>,
    verdicts: BTreeMap<usize, Verdict>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What clamd tells of as found when it did not look: a file over a limit, or locked (`AlertExceedsMax`,
/// `AlertEncrypted`).
const NOT_LOOKED: [&str; 2] = ["Heuristics.Limits.Exceeded", "Heuristics.Encrypted"];

fn found(name: &str) -> Verdict {
    let is_looked_at = !NOT_LOOKED.iter().any(|why| name.starts_with(why));
    if is_looked_at { Verdict::Found(name.to_owned()) } else { Verdict::Unscanned(name.to_owned()) }
}

impl Session {
    pub(crate) fn on(mut wire: Wire) -> Result<Self, ScanError> {
        wire.command("IDSESSION")?;
        Ok(Self { wire, files: 0, is_in_file: false, broken: None, verdicts: BTreeMap::new() })
    }

    /// Begins the next file; the one before it ends.
    ///
    /// # Errors
    /// [`ScanError`] when the connection is broken: then nothing that was passed has a verdict.
    pub fn file(&mut self) -> Result<(), ScanError> {
        self.end_file()?;
        while self.files - self.verdicts.len() >= OUTSTANDING && self.broken.is_none() {
            self.hear()?;
        }
        self.files += 1;
        self.is_in_file = true;
        if self.broken.is_some() { Ok(()) } else { self.wire.command("INSTREAM") }
    }

    /// Passes bytes of the file that was begun last.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        if bytes.is_empty() || self.broken.is_some() {
            return Ok(());
        }
        let sent = self.wire.chunk(bytes);
        // clamd stops listening to a file over its limit; what it says then is this file's answer.
        if sent.is_err() { self.refused(sent) } else { Ok(()) }
    }

    /// Ends the last file and gives the verdicts of all, in the order in which they were begun.
    ///
    /// # Errors
    /// [`ScanError`] when the connection broke or an answer is missing: then no file has a verdict.
    pub fn finish(mut self) -> Result<Vec<Verdict>, ScanError> {
        if self.settle()? {
            let _ = self.wire.command("END").and_then(|()| self.wire.flush());
        }
        let why = self.broken.take().unwrap_or_default();
        for n in 1..=self.files {
            self.verdicts.entry(n).or_insert_with(|| Verdict::Unscanned(why.clone()));
        }
        Ok(self.verdicts.into_values().collect())
    }

    /// Ends the last file and waits for every answer; whether clamd listens on.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn settle(&mut self) -> Result<bool, ScanError> {
        self.end_file()?;
        while self.verdicts.len() < self.files && self.broken.is_none() {
            self.hear()?;
        }
        Ok(self.broken.is_none())
    }

    fn end_file(&mut self) -> Result<(), ScanError> {
        if !std::mem::take(&mut self.is_in_file) || self.broken.is_some() {
            return Ok(());
        }
        let sent = self.wire.chunk(&[]);
        if sent.is_err() { self.refused(sent) } else { Ok(()) }
    }

    fn refused(&mut self, sent: Result<(), ScanError>) -> Result<(), ScanError> {
        while self.broken.is_none() {
            if self.hear().is_err() {
                return sent;
            }
        }
        Ok(())
    }

    /// Takes one answer: `7: stream: OK`, `7: stream: NAME FOUND`, `7: … ERROR`, or an error without a number.
    fn hear(&mut self) -> Result<(), ScanError> {
        let answer = self.wire.reply()?;
        let numbered = answer.split_once(": ").and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
        let (n, said) = match numbered {
            Some((n, said)) if (1..=self.files).contains(&n) => (n, said),
            Some(_) => return Err(ScanError::Answer(answer)),
            // Of the connection: it will be closed, and the file in hand was not looked at.
            None if answer.ends_with("ERROR") => {
                self.broken = Some(answer);
                return Ok(());
            }
            None => return Err(ScanError::Answer(answer)),
        };
        let verdict = if said == "stream: OK" {
            Verdict::Clean
        } else if let Some(name) = said.strip_prefix("stream: ").and_then(|s| s.strip_suffix(" FOUND")) {
            found(name)
        } else if said.ends_with("ERROR") {
            // clamd closes the session after an error in a stream.
            self.broken = Some(said.to_owned());
            Verdict::Unscanned(said.to_owned())
        } else {
            return Err(ScanError::Answer(answer));
        };
        match self.verdicts.insert(n, verdict) {
            None => Ok(()),
            Some(_) => Err(ScanError::Answer(answer)),
        }
    }
}
