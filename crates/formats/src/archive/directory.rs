//! The zip's table of contents: end record, zip64 records, central and local headers (APPNOTE 4.3).
//! Reads what is there; `zip` judges it.

use std::io;

use dengbei_records::Problem;

use super::name::RawName;
use super::read_at::ReadAt;
use crate::error::{ReadError, refuse};

/// The end record lies within the last 64 KiB (its comment's greatest length) and 22 bytes.
const TAIL: u64 = 65_535 + 22;
const CENTRAL_HEADER: usize = 46;
const LOCAL_HEADER: usize = 30;
/// A central header with its three fields full.
const MAX_CENTRAL: u64 = 46 + 3 * 65_535;
/// More than any honest directory within our limits of entries.
const MAX_DIRECTORY: u64 = 64 << 20;

/// Where the directory lies.
#[derive(Debug)]
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory_size: u64,
    pub(super) directory_offset: u64,
}

/// One central header, numbers widened by zip64.
#[derive(Debug)]
pub(super) struct Central {
    pub(super) made_by: u8,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) bytes: u64,
    pub(super) attributes: u32,
    pub(super) header_start: u64,
    pub(super) raw_name: Vec<u8>,
    pub(super) unicode_name: Option<String>,
}

impl Central {
    pub(super) fn name(&self) -> RawName<'_> {
        RawName {
            bytes: &self.raw_name,
            is_utf8: self.flags & 0x800 != 0,
            unicode: self.unicode_name.as_deref(),
        }
    }
}

/// What the local header says about the same entry, and where its data begins.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) bytes: u32,
    pub(super) raw_name: Vec<u8>,
    pub(super) data_start: u64,
}

fn u16_at(b: &[u8], at: usize) -> u16 {
    b.get(at..at + 2).and_then(|s| s.try_into().ok()).map_or(0, u16::from_le_bytes)
}
fn u32_at(b: &[u8], at: usize) -> u32 {
    b.get(at..at + 4).and_then(|s| s.try_into().ok()).map_or(0, u32::from_le_bytes)
}
fn u64_at(b: &[u8], at: usize) -> u64 {
    b.get(at..at + 8).and_then(|s| s.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn truncated() -> Problem {
    refuse("archive.truncated", "压缩包不完整", "the archive is cut short")
        .with_remedy("把压缩包重新打包并完整传送")
}

fn damaged(zh: &str, en: &str) -> Problem {
    refuse(
        "archive.damaged",
        format!("压缩包目录损坏：{zh}"),
        format!("the archive's directory is damaged: {en}"),
    )
    .with_remedy("把压缩包重新打包")
}

/// Bytes at a place; their absence is the sender's fault, anything else is the medium's.
fn exact(source: &dyn ReadAt, len: usize, offset: u64) -> Result<Vec<u8>, ReadError> {
    let mut buf = vec![0; len];
    match source.read_exact_at(&mut buf, offset) {
        Ok(()) => Ok(buf),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(truncated().into()),
        Err(e) => Err(ReadError::Io(e)),
    }
}

/// Finds the end record.
///
/// # Errors
/// `archive.not_a_zip`, `archive.truncated`, `archive.multi_disk`.
pub(super) fn find_end(source: &dyn ReadAt) -> Result<End, ReadError> {
    let size = source.size().map_err(ReadError::Io)?;
    let tail_start = size.saturating_sub(TAIL);
    let tail = exact(source, usize::try_from(size - tail_start).unwrap_or(0), tail_start)?;
    let Some(at) = (0..tail.len().saturating_sub(21)).rev().find(|&i| tail[i..].starts_with(b"PK\x05\x06"))
    else {
        let begins_as_zip = exact(source, size.min(4) as usize, 0)?.starts_with(b"PK\x03\x04");
        return Err(if begins_as_zip { truncated() } else { not_a_zip() }.into());
    };
    let end = &tail[at..];
    if u16_at(end, 4) != u16_at(end, 6) || !matches!(u16_at(end, 4), 0 | 0xffff) {
        return Err(refuse("archive.multi_disk", "不接受分卷压缩包", "an archive of several volumes").into());
    }
    let short = End {
        entries: u16_at(end, 10).into(),
        directory_size: u32_at(end, 12).into(),
        directory_offset: u32_at(end, 16).into(),
    };
    let end_start = tail_start + at as u64;
    let widened = find_zip64(source, &short, end_start)?;
    let (end, limit) = widened.unwrap_or((short, end_start));
    let directory_end = end.directory_offset.checked_add(end.directory_size);
    if directory_end.is_none_or(|e| e > limit) {
        return Err(damaged("目录超出文件", "it reaches beyond the file").into());
    }
    Ok(end)
}

fn not_a_zip() -> Problem {
    refuse("archive.not_a_zip", "不是 zip 压缩包", "not a zip archive")
        .with_remedy("把文件换成 zip 格式的压缩包")
}

/// The wide end record, where the short one is full. Also says where the directory must have ended.
fn find_zip64(source: &dyn ReadAt, short: &End, end_start: u64) -> Result<Option<(End, u64)>, ReadError> {
    let is_full = short.entries == 0xffff
        || short.directory_size == 0xffff_ffff
        || short.directory_offset == 0xffff_ffff;
    let Some(locator_start) = end_start.checked_sub(20).filter(|_| is_full) else { return Ok(None) };
    let locator = exact(source, 20, locator_start)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let wide_start = u64_at(&locator, 8);
    if wide_start.checked_add(56).is_none_or(|e| e > locator_start) {
        return Err(damaged("zip64 记录位置不对", "the zip64 record lies elsewhere").into());
    }
    let wide = exact(source, 56, wide_start)?;
    if !wide.starts_with(b"PK\x06\x06") {
        return Err(damaged("没有 zip64 记录", "there is no zip64 record").into());
    }
    let end = End {
        entries: u64_at(&wide, 32),
        directory_size: u64_at(&wide, 40),
        directory_offset: u64_at(&wide, 48),
    };
    Ok(Some((end, wide_start)))
}

/// Reads every central header. The caller has compared `end.entries` with its limit.
///
/// # Errors
/// `archive.damaged`, `archive.truncated`.
pub(super) fn read_central(source: &dyn ReadAt, end: &End) -> Result<Vec<Central>, ReadError> {
    if end.directory_size > MAX_DIRECTORY.min(end.entries.saturating_mul(MAX_CENTRAL)) {
        return Err(damaged("目录与项数不符", "its size does not fit the number of entries").into());
    }
    let directory = exact(source, usize::try_from(end.directory_size).unwrap_or(0), end.directory_offset)?;
    let mut rest = &directory[..];
    let mut headers = Vec::new();
    for _ in 0..end.entries {
        let (header, length) = central(rest)?;
        headers.push(header);
        rest = &rest[length..];
    }
    if rest.starts_with(b"PK\x01\x02") {
        return Err(damaged("项数少报", "it holds more entries than it says").into());
    }
    Ok(headers)
}

fn central(b: &[u8]) -> Result<(Central, usize), Problem> {
    if b.len() < CENTRAL_HEADER || !b.starts_with(b"PK\x01\x02") {
        return Err(damaged("缺少目录项", "an entry is missing"));
    }
    let (name, extra, comment) = (u16_at(b, 28).into(), u16_at(b, 30).into(), usize::from(u16_at(b, 32)));
    let length = CENTRAL_HEADER + name + extra + comment;
    if b.len() < length {
        return Err(damaged("目录项不完整", "an entry is cut short"));
    }
    let raw_name = b[CENTRAL_HEADER..][..name].to_vec();
    let mut header = Central {
        made_by: b[5],
        flags: u16_at(b, 8),
        method: u16_at(b, 10),
        crc: u32_at(b, 16),
        packed: u32_at(b, 20).into(),
        bytes: u32_at(b, 24).into(),
        attributes: u32_at(b, 38),
        header_start: u32_at(b, 42).into(),
        raw_name,
        unicode_name: None,
    };
    read_extra(&mut header, &b[CENTRAL_HEADER + name..][..extra]);
    Ok((header, length))
}

fn read_extra(header: &mut Central, mut extra: &[u8]) {
    while extra.len() >= 4 {
        let (id, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(field) = extra.get(4..4 + len) else { return };
        match id {
            0x0001 => widen(header, field),
            0x7075 => header.unicode_name = unicode_path(&header.raw_name, field),
            _ => {}
        }
        extra = &extra[4 + len..];
    }
}

/// zip64 sizes stand in this order, each only if its short field is full.
fn widen(header: &mut Central, field: &[u8]) {
    let mut at = 0;
    for number in [&mut header.bytes, &mut header.packed, &mut header.header_start] {
        if *number == 0xffff_ffff && field.len() >= at + 8 {
            *number = u64_at(field, at);
            at += 8;
        }
    }
}

fn unicode_path(raw_name: &[u8], field: &[u8]) -> Option<String> {
    let is_ours = field.first() == Some(&1) && u32_at(field, 1) == crc32fast::hash(raw_name);
    is_ours.then(|| std::str::from_utf8(field.get(5..)?).ok().map(str::to_owned)).flatten()
}

/// Reads the local header of an entry.
///
/// # Errors
/// `archive.damaged`, `archive.truncated`.
pub(super) fn read_local(source: &dyn ReadAt, central: &Central) -> Result<Local, ReadError> {
    let guess = LOCAL_HEADER + central.raw_name.len();
    let b = exact(source, guess, central.header_start)?;
    if !b.starts_with(b"PK\x03\x04") {
        return Err(damaged("找不到文件头", "a local header is missing").into());
    }
    let (name, extra) = (usize::from(u16_at(&b, 26)), u64::from(u16_at(&b, 28)));
    let raw_name = b[LOCAL_HEADER..].get(..name).unwrap_or(&b[LOCAL_HEADER..]).to_vec();
    let data_start = central.header_start + (LOCAL_HEADER + name) as u64 + extra;
    // A local name longer than the central one shows as different, whatever its bytes are.
    let raw_name = if name > central.raw_name.len() { [raw_name, vec![b'?']].concat() } else { raw_name };
    Ok(Local {
        flags: u16_at(&b, 6),
        method: u16_at(&b, 8),
        crc: u32_at(&b, 14),
        packed: u32_at(&b, 18),
        bytes: u32_at(&b, 22),
        raw_name,
        data_start,
    })
}
