//! A file's bytes, or its two ends, gathered and not yet looked into; and who looks: this process, or one that can be
//! killed ([`Readers`]). `probe` gathers; `examine` hands over.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::kind::{Format, Kind};
use super::probe::{Inspection, View, look};
use crate::archive::ReadAt;
use crate::signature::Trust;

/// Up to this size, files of simple formats are read in the process that serves.
const SIMPLE: u64 = 1 << 20;
/// Larger PDFs are not taken into memory whole by anybody: only their ends are seen.
pub const LARGEST_PDF: u64 = 128 << 20;

/// Reads files that come from outside.
pub trait Readers: fmt::Debug + Send + Sync {
    /// Says what a file is and whether it opens.
    ///
    /// # Errors
    /// When the reading could not be begun, for want of processes or memory: to be tried again. A file that its reader
    /// did not survive is no error but an inspection that says so.
    fn inspect(&self, file: Collected) -> io::Result<Inspection>;
}

/// Reads everything in this process: the command line, tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Here;

impl Readers for Here {
    fn inspect(&self, file: Collected) -> io::Result<Inspection> {
        Ok(file.inspect(&Trust::nobody()))
    }
}

/// The parts of a file as they are handed to another process.
#[derive(Debug)]
pub struct Parts {
    /// The whole file, or its first bytes.
    pub head: Bytes,
    /// Its last bytes; empty where `head` is the whole file.
    pub tail: Bytes,
    /// Its length.
    pub bytes: u64,
    /// The whole file, where it is too large for `head` and was kept.
    pub file: Option<File>,
    /// Its name's ending, lower case, without the dot.
    pub ending: Option<String>,
}

/// A file's bytes, gathered and not yet looked into.
#[derive(Debug)]
pub struct Collected {
    parts: Parts,
    format: Format,
}

impl Collected {
    /// From the parts that [`Collected::into_parts`] gave.
    pub fn new(parts: Parts) -> Self {
        let head = &parts.head[..parts.head.len().min(super::probe::HEAD)];
        let format = super::kind::identify(head, head.len() as u64 == parts.bytes);
        Self { parts, format }
    }

    /// What its first bytes say that it is.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.parts.bytes
    }

    /// Whether reading it costs no more than a few passes over so few bytes: nothing is unpacked, nothing refers to
    /// another place, so that it may be done in the process that serves.
    pub fn is_simple(&self) -> bool {
        let is_plain = self.format.kind.is_text()
            || matches!(
                self.format.kind,
                Kind::Empty
                    | Kind::Unknown
                    | Kind::Jpeg
                    | Kind::Png
                    | Kind::Gif
                    | Kind::Bmp
                    | Kind::Exe
                    | Kind::Elf
            );
        is_plain && self.parts.bytes <= SIMPLE
    }

    /// For handing it to another process.
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// Looks into it, here and now.
    pub fn inspect(self, trust: &Trust) -> Inspection {
        let Parts { head, tail, bytes, file, ending } = self.parts;
        let view = View { head: &head, tail: if tail.is_empty() { &head } else { &tail }, bytes, trust };
        let is_whole = view.whole().is_some();
        let source: Option<Arc<dyn ReadAt>> = match file {
            Some(file) => Some(Arc::new(file)),
            None if is_whole => Some(Arc::new(head.clone())),
            None => None,
        };
        look(self.format, &view, source, ending.as_deref())
    }

    /// As [`Collected::inspect`], in a process made for it: a large PDF is taken into memory whole.
    ///
    /// # Errors
    /// When the kept file cannot be read.
    pub fn inspect_apart(mut self, trust: &Trust) -> io::Result<Inspection> {
        if self.format.kind == Kind::Pdf
            && let Some(file) = self.parts.file.take_if(|_| self.parts.bytes <= LARGEST_PDF)
        {
            let mut whole = vec![0; usize::try_from(self.parts.bytes).map_err(io::Error::other)?];
            ReadAt::read_exact_at(&file, &mut whole, 0)?;
            self.parts.head = whole.into();
            self.parts.tail = Bytes::new();
        }
        Ok(self.inspect(trust))
    }
}
