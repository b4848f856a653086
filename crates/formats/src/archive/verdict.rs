//! `dengbei validate archive FILE`: may this archive be taken in? Every entry is read to its end; nothing is written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use dengbei_records::Problem;
use serde::Serialize;

use super::{Limits, Nested, ReadAt, judge_nested};
use crate::error::ReadError;

/// The verdict in the shape that all validators share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveVerdict {
    /// `valid`, `invalid`, or `unverifiable` when the file could not be read at all.
    pub verdict: &'static str,
    /// Stable codes of what is wrong.
    pub codes: Vec<String>,
    /// The same in words, Chinese and English.
    pub detail: Vec<String>,
}

impl ArchiveVerdict {
    /// Whether the archive would be stored whole.
    pub fn is_valid(&self) -> bool {
        self.verdict == "valid"
    }

    fn valid(entries: usize) -> Self {
        let detail = vec![format!("{entries} 项，均可完整读出 / {entries} entries, each read to its end")];
        Self { verdict: "valid", codes: Vec::new(), detail }
    }

    fn invalid(problem: &Problem) -> Self {
        let detail = vec![format!("{} / {}", problem.message, problem.message_en)];
        Self { verdict: "invalid", codes: vec![problem.code.clone()], detail }
    }

    fn unverifiable(error: &io::Error) -> Self {
        let detail = vec![format!("无法读取文件 / the file cannot be read: {error}")];
        Self { verdict: "unverifiable", codes: vec!["archive.unreadable".into()], detail }
    }
}

/// Judges a zip or tar by its content, whatever its name: refused, or readable whole.
pub fn validate_archive(path: &Path, limits: &Limits) -> ArchiveVerdict {
    match File::open(path).map_err(ReadError::Io).and_then(|file| judge(file, limits)) {
        Ok(entries) => ArchiveVerdict::valid(entries),
        Err(ReadError::Refused(problem)) => ArchiveVerdict::invalid(&problem),
        Err(ReadError::Io(error)) => ArchiveVerdict::unverifiable(&error),
    }
}

fn judge(file: File, limits: &Limits) -> Result<usize, ReadError> {
    let source: Arc<dyn ReadAt> = Arc::new(file);
    match judge_nested(&source, limits)? {
        Nested::Sound { entries, .. } | Nested::Closed { entries, .. } => Ok(entries),
        Nested::Refused(problem) => Err(problem.into()),
    }
}

/// Whether a file begins as a tar does.
pub(super) fn looks_like_tar(source: &dyn ReadAt) -> io::Result<bool> {
    let mut block = [0; 512];
    if source.size()? < 512 {
        return Ok(false);
    }
    source.read_exact_at(&mut block, 0)?;
    Ok(is_tar_header(&block))
}

/// `ustar` at 257, or an old tar: a header whose checksum fits.
pub(super) fn is_tar_header(block: &[u8]) -> bool {
    let (Some(magic), Some(field)) = (block.get(257..262), block.get(148..156)) else { return false };
    let blank = |(i, b): (usize, &u8)| if (148..156).contains(&i) { 32 } else { u64::from(*b) };
    let sum: u64 = block.iter().take(512).enumerate().map(blank).sum();
    let text = String::from_utf8_lossy(field);
    magic == b"ustar" || u64::from_str_radix(text.trim_matches(['\0', ' ']), 8) == Ok(sum)
}
