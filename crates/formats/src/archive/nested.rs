//! Archives inside archives: one count of entries and bytes over all of them, and a depth beyond which none is opened.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_records::Problem;

use super::{Limits, ReadAt, ZipArchive, tar};
use crate::error::{ReadError, refuse};

/// Archives within archives that are opened; deeper ones refuse the whole.
pub const MAX_NESTING: usize = 4;
/// An inner archive larger than this is read for its checksum only.
const MAX_INNER: u64 = 64 << 20;

/// What was found inside.
#[derive(Debug)]
pub enum Nested {
    /// Everything was read to its end.
    Sound {
        /// Files, those of inner archives counted too.
        entries: usize,
        /// How many archives lie within each other; 1 for a plain one.
        depth: usize,
    },
    /// As sound, but an inner archive was not opened (its kind, or its size).
    Closed {
        /// Files that were seen.
        entries: usize,
        /// The first that stayed closed.
        path: String,
    },
    /// A hazard, somewhere inside.
    Refused(Problem),
}

/// What may still be unpacked, and what was seen.
struct Budget {
    entries: usize,
    bytes: u64,
    seen: usize,
    deepest: usize,
    closed: Option<String>,
}

/// Reads an archive and the archives inside it, without writing. Zip and tar are opened; the total of all levels keeps
/// the same limits as one archive.
///
/// # Errors
/// Only what the medium reports.
pub fn judge_nested(source: &Arc<dyn ReadAt>, limits: &Limits) -> io::Result<Nested> {
    let mut budget =
        Budget { entries: limits.entries, bytes: limits.total_bytes, seen: 0, deepest: 1, closed: None };
    match level(source, limits, 1, &mut budget) {
        Ok(()) => Ok(match budget.closed {
            Some(path) => Nested::Closed { entries: budget.seen, path },
            None => Nested::Sound { entries: budget.seen, depth: budget.deepest },
        }),
        Err(ReadError::Refused(problem)) => Ok(Nested::Refused(problem)),
        Err(ReadError::Io(error)) => Err(error),
    }
}

fn level(
    source: &Arc<dyn ReadAt>,
    limits: &Limits,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), ReadError> {
    budget.deepest = budget.deepest.max(depth);
    if super::verdict::looks_like_tar(&**source)? {
        let entries = tar::judge(Cursor { source: Arc::clone(source), at: 0 }, limits)?;
        return budget.count(entries);
    }
    let archive = ZipArchive::open(Arc::clone(source), limits)?;
    budget.count(archive.entries().len())?;
    for (index, entry) in archive.entries().iter().enumerate() {
        budget.bytes = budget.bytes.checked_sub(entry.bytes).ok_or_else(|| too_large(&entry.path))?;
        match inner(&archive, index, &entry.path, entry.bytes)? {
            Inner::Plain => {}
            Inner::Closed => budget.closed = budget.closed.take().or_else(|| Some(entry.path.clone())),
            Inner::Archive(_) if depth >= MAX_NESTING => return Err(too_nested(&entry.path).into()),
            Inner::Archive(bytes) => {
                level(&bytes, limits, depth + 1, budget).map_err(|e| within(e, &entry.path))?;
            }
        }
    }
    Ok(())
}

/// What an entry is, for this purpose.
enum Inner {
    Plain,
    Closed,
    Archive(Arc<dyn ReadAt>),
}

/// Reads an entry to its end; a zip or tar of moderate size comes back for opening. Documents that happen to be zips
/// (OFD, Open XML) are no archives: their readers open them.
fn inner(archive: &ZipArchive, index: usize, path: &str, size: u64) -> Result<Inner, ReadError> {
    let mut reader = archive.read(index);
    let mut head = vec![0; 512];
    let filled = fill(&mut reader, &mut head)?;
    head.truncate(filled);
    let is_zip = head.starts_with(b"PK\x03\x04") && !is_document(path);
    let is_tar = filled == 512 && super::verdict::is_tar_header(&head);
    let is_sealed = head.starts_with(b"Rar!\x1a\x07")
        || head.starts_with(b"7z\xbc\xaf\x27\x1c")
        || head.starts_with(b"\x1f\x8b\x08");
    if !(is_zip || is_tar) || size > MAX_INNER {
        io::copy(&mut reader, &mut io::sink())?;
        return Ok(if is_sealed || is_zip || is_tar { Inner::Closed } else { Inner::Plain });
    }
    reader.read_to_end(&mut head)?;
    Ok(Inner::Archive(Arc::new(Bytes::from(head))))
}

/// Endings of documents that are zips inside.
fn is_document(path: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".ofd", ".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".odt", ".ods", ".odp", ".vsdx",
        ".epub",
    ];
    let path = path.to_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

impl Budget {
    fn count(&mut self, entries: usize) -> Result<(), ReadError> {
        self.seen += entries;
        match self.entries.checked_sub(entries) {
            Some(left) => {
                self.entries = left;
                Ok(())
            }
            None => Err(refuse(
                "archive.too_many_entries",
                "压缩包连同其中的压缩包，文件过多",
                "too many files, those of inner archives counted",
            )
            .with_remedy("把内层压缩包解开，分开报送")
            .into()),
        }
    }
}

fn too_large(path: &str) -> ReadError {
    refuse(
        "archive.too_large",
        format!("连同内层压缩包解开后过大：{path}"),
        format!("too large when unpacked, inner archives counted: {path}"),
    )
    .with_remedy("把内层压缩包解开，分开报送")
    .into()
}

fn too_nested(path: &str) -> Problem {
    refuse(
        "archive.too_nested",
        format!("压缩包嵌套超过 {MAX_NESTING} 层：{path}"),
        format!("archives nested deeper than {MAX_NESTING}: {path}"),
    )
    .with_remedy("把内层压缩包解开后再打包")
}

/// Names the inner archive that a fault lies in.
fn within(error: ReadError, path: &str) -> ReadError {
    match error {
        ReadError::Refused(mut problem) => {
            problem.message = format!("{path} 内：{}", problem.message);
            problem.message_en = format!("in {path}: {}", problem.message_en);
            problem.into()
        }
        io => io,
    }
}

/// Reads forward over a source.
struct Cursor {
    source: Arc<dyn ReadAt>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
