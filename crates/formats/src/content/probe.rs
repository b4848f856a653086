//! One file's bytes pass by once: kept whole up to 16 MiB, else head and tail (a zip, compound file or PDF in an unlinked
//! temporary file), then inspected as what they are.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::collected::{Collected, LARGEST_PDF, Parts};
use super::kind::{Format, Kind, find};
use super::ofd_document::OfdFacts;
use super::ofd_text::Extracted;
use super::pdf::PdfFacts;
use super::reading::{Held, Reading, complete};
use super::{image, ofd, pdf, words};
use crate::archive::ReadAt;
use crate::identify::Identification;
use crate::signature::{SignatureFacts, TimestampFacts, Trust};

/// Files up to this size are inspected whole.
pub(super) const WHOLE: usize = 16 << 20;
pub(super) const HEAD: usize = 64 << 10;
const TAIL: usize = 1 << 20;
/// What is kept on disk of a zip or compound file that is no OFD.
const SPOOL: u64 = 512 << 20;

/// What was found to be wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Chinese
    pub message: String,
    /// English
    pub message_en: String,
}

impl Finding {
    /// In both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { message: zh.into(), message_en: en.into() }
    }
}

/// What is known about a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// What it really is.
    pub format: Format,
    /// Why it is not whole (I-07): empty, no end marker, checksum differs.
    pub broken: Option<Finding>,
    /// Why it cannot be opened (U-04): its structure does not hold.
    pub unreadable: Option<Finding>,
    /// It asks for a password or holds encrypted parts (U-08).
    pub is_encrypted: bool,
    /// Pages, where they were counted.
    pub pages: Option<u32>,
    /// `false` where only head and tail were seen, or no inspector knows the format.
    pub is_structure_checked: bool,
    /// Signatures and seals inside.
    #[serde(default)]
    pub signatures: Vec<SignatureFacts>,
    /// Timestamps inside.
    #[serde(default)]
    pub timestamps: Vec<TimestampFacts>,
    /// Whether signatures were looked for: `false` says that none listed does not mean none there.
    #[serde(default)]
    pub is_evidence_checked: bool,
    /// What an OFD is made of.
    #[serde(default)]
    pub ofd: Option<OfdFacts>,
    /// What a PDF does and claims.
    #[serde(default)]
    pub pdf: Option<PdfFacts>,
    /// Which format it is, with PRONOM's id.
    #[serde(default)]
    pub identification: Identification,
    /// How far it could be read, and what was seen on the way.
    #[serde(default)]
    pub reading: Reading,
    /// The beginning of its text, for a look at what it says (S-08). Never kept.
    #[serde(default)]
    pub text: Option<Extracted>,
}

impl Inspection {
    pub(crate) fn of(format: Format) -> Self {
        Self {
            format,
            broken: None,
            unreadable: None,
            is_encrypted: false,
            pages: None,
            is_structure_checked: false,
            signatures: Vec::new(),
            timestamps: Vec::new(),
            is_evidence_checked: false,
            ofd: None,
            pdf: None,
            identification: Identification::default(),
            reading: Reading::default(),
            text: None,
        }
    }
}

impl Inspection {
    /// Of a file whose reader had to be stopped or did not survive it: nothing is known but what its first bytes say.
    pub fn stopped(format: Format, why: Finding) -> Self {
        let reading = Reading { stopped: Some(why.clone()), unverified: vec![why], ..Reading::default() };
        Self { reading, ..Self::of(format) }
    }
}

/// What an inspector sees of a file.
pub(super) struct View<'a> {
    /// The whole file, or its first 64 KiB.
    pub(super) head: &'a [u8],
    /// The whole file, or its last 1 MiB.
    pub(super) tail: &'a [u8],
    pub(super) bytes: u64,
    /// Whom signatures may lead to.
    pub(super) trust: &'a Trust,
}

impl View<'_> {
    /// The whole file, if it is held.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.head.len() as u64 == self.bytes).then_some(self.head)
    }

    /// Bytes at a place of the file, if they are held.
    pub(super) fn at(&self, offset: u64) -> Option<&[u8]> {
        let tail_start = self.bytes - self.tail.len() as u64;
        if let Some(from) = offset.checked_sub(tail_start) {
            return self.tail.get(usize::try_from(from).ok()?..);
        }
        self.head.get(usize::try_from(offset).ok()?..)
    }
}

/// Collects a file's bytes and inspects them.
#[derive(Debug, Default)]
pub struct Probe {
    held: Vec<u8>,
    tail: Vec<u8>,
    bytes: u64,
    spool: Option<File>,
    is_over: bool,
    trust: Trust,
    ending: Option<String>,
}

impl Probe {
    /// An empty probe.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty probe that takes signatures for valid which lead to these certificates.
    pub fn trusting(trust: Trust) -> Self {
        Self { trust, ..Self::default() }
    }

    /// Tells the file's name: where bytes leave a choice between formats, its ending decides.
    #[must_use]
    pub fn named(mut self, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        self
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Only for a zip or compound file over 16 MiB, when the temporary file cannot be written.
    pub fn update(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.bytes += chunk.len() as u64;
        if !self.is_over && self.held.len() + chunk.len() <= WHOLE {
            self.held.extend_from_slice(chunk);
            return Ok(());
        }
        if !self.is_over {
            self.go_over()?;
        }
        if let Some(file) = &mut self.spool {
            file.write_all(chunk)?;
            let is_pdf = !is_container(&self.held);
            if self.bytes > LARGEST_PDF && is_pdf || self.bytes > SPOOL && !ofd::seems_ofd(&self.held) {
                self.spool = None;
            }
        }
        self.keep_tail(chunk);
        Ok(())
    }

    /// The file has become too large to hold: from here on only head and tail, and what has places to go to on disk.
    fn go_over(&mut self) -> io::Result<()> {
        self.is_over = true;
        let held = std::mem::take(&mut self.held);
        self.keep_tail(&held);
        if is_container(&held) || find(&held[..1024], b"%PDF-").is_some() {
            let mut file = tempfile::tempfile()?;
            file.write_all(&held)?;
            self.spool = Some(file);
        }
        self.held = held[..HEAD].to_vec();
        Ok(())
    }

    fn keep_tail(&mut self, chunk: &[u8]) {
        self.tail.extend_from_slice(&chunk[chunk.len().saturating_sub(TAIL)..]);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    /// Says what the bytes are and whether they open.
    pub fn finish(mut self) -> Inspection {
        let trust = std::mem::take(&mut self.trust);
        self.collected().inspect(&trust)
    }

    /// What was gathered, for whoever is to look into it.
    pub fn collected(self) -> Collected {
        let tail = if self.is_over { self.tail.into() } else { Bytes::new() };
        Collected::new(Parts {
            head: self.held.into(),
            tail,
            bytes: self.bytes,
            file: self.spool,
            ending: self.ending,
        })
    }
}

/// A zip or a compound file.
fn is_container(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xd0\xcf\x11\xe0")
}

/// Inspects what was gathered: by its inspector, then by its reader.
pub(super) fn look(
    format: Format,
    view: &View<'_>,
    source: Option<Arc<dyn ReadAt>>,
    ending: Option<&str>,
) -> Inspection {
    let mut inspection = match &source {
        Some(source) if format.kind == Kind::Zip => ofd::inspect_zip(Arc::clone(source), view),
        _ => inspect(format, view),
    };
    let held = Held { view, source, ending };
    complete(&mut inspection, &held);
    inspection.text = words::of(&inspection, &held);
    inspection
}

fn inspect(format: Format, view: &View<'_>) -> Inspection {
    match format.kind {
        Kind::Pdf => pdf::inspect(format, view),
        Kind::Jpeg | Kind::Png | Kind::Gif | Kind::Tiff | Kind::Bmp => image::inspect(format, view),
        Kind::Empty => Inspection {
            broken: Some(Finding::new("空文件（0 字节）", "an empty file (0 bytes)")),
            ..Inspection::of(format)
        },
        _ => Inspection::of(format),
    }
}

/// Inspects a file on disk: `dengbei inspect format|pdf|ofd FILE`.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_file(path: &std::path::Path) -> io::Result<Inspection> {
    inspect_file_trusting(path, &Trust::nobody())
}

/// As [`inspect_file`]; signatures that lead to these certificates are valid.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_file_trusting(path: &std::path::Path, trust: &Trust) -> io::Result<Inspection> {
    let mut file = File::open(path)?;
    let mut probe = Probe::new().named(&path.to_string_lossy());
    let mut buffer = vec![0; 256 << 10];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return probe.collected().inspect_apart(trust),
            n => probe.update(&buffer[..n])?,
        }
    }
}
