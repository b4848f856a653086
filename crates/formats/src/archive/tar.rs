//! A tar judged as a zip is: readable to its end, no links, no devices, no escaping or doubled names.
//! Only for `validate_archive`: filing packages arrive as zips or folders.

use std::collections::HashSet;
use std::io::{self, Read};

use dengbei_records::Problem;

use super::name::{self, RawName};
use super::{Limits, stream};
use crate::error::{ReadError, refuse};

fn damaged() -> Problem {
    refuse("archive.damaged", "tar 归档包损坏或不完整", "the tar is damaged or cut short")
        .with_remedy("把归档包重新打包并完整传送")
}

/// Reads the whole tar and refuses what may not be stored.
///
/// # Errors
/// As [`ZipArchive::open`](super::ZipArchive::open), and `archive.damaged` for a tar that does not read to its end.
pub(super) fn judge<R: Read>(reader: R, limits: &Limits) -> Result<usize, ReadError> {
    let mut archive = tar::Archive::new(reader);
    let mut judged = Judged { limits, names: HashSet::new(), total: 0 };
    for entry in archive.entries().map_err(fault)? {
        let mut entry = entry.map_err(fault)?;
        judged.add(&entry)?;
        let bytes = entry.size();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if io::copy(&mut entry, &mut io::sink()).map_err(fault)? != bytes {
            return Err(stream::corrupt(&path, "内容不完整", "its content is cut short").into());
        }
    }
    if judged.names.is_empty() {
        return Err(damaged().into());
    }
    Ok(judged.names.len())
}

/// The tar crate reports a bad archive as `Other`; everything else is the medium.
fn fault(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::Other
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput => damaged().into(),
        _ => ReadError::Io(error),
    }
}

struct Judged<'a> {
    limits: &'a Limits,
    names: HashSet<String>,
    total: u64,
}

impl Judged<'_> {
    fn add<R: Read>(&mut self, entry: &tar::Entry<'_, R>) -> Result<(), Problem> {
        let raw = entry.path_bytes();
        let decoded = name::decode(&RawName { bytes: &raw, is_utf8: false, unicode: None })?;
        if decoded.trim_start_matches("./").is_empty() {
            return Ok(()); // the folder itself
        }
        let path = name::normalise(&decoded, self.limits)?;
        refuse_special(entry.header().entry_type(), &path)?;
        self.total = self.total.saturating_add(entry.size());
        if entry.size() > self.limits.entry_bytes || self.total > self.limits.total_bytes {
            return Err(refuse("archive.too_large", format!("过大：{path}"), format!("too large: {path}")));
        }
        if !self.names.insert(path.clone()) {
            return Err(refuse(
                "archive.duplicate_name",
                format!("归档包内重名：{path}"),
                format!("the same name twice: {path}"),
            ));
        }
        if self.names.len() > self.limits.entries {
            let max = self.limits.entries;
            return Err(refuse(
                "archive.too_many_entries",
                format!("至多 {max} 项"),
                format!("at most {max} entries"),
            ));
        }
        Ok(())
    }
}

fn refuse_special(kind: tar::EntryType, path: &str) -> Result<(), Problem> {
    if kind.is_file() || kind.is_dir() || kind.is_contiguous() {
        return Ok(());
    }
    if kind.is_symlink() || kind.is_hard_link() {
        return Err(refuse(
            "archive.link",
            format!("归档包内有链接：{path}"),
            format!("a link in the archive: {path}"),
        ));
    }
    Err(refuse(
        "archive.device",
        format!("归档包内有特殊文件：{path}"),
        format!("a special file in the archive: {path}"),
    ))
}
