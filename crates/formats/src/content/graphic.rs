//! Pictures read to their end: every segment, chunk, block, strip or box; PNG rows are inflated and counted.
//! Colours are not decoded: a picture may still look wrong.

use flate2::read::ZlibDecoder;
use std::io::Read;

use super::kind::Kind;
use super::probe::View;
use super::reading::{Found, Reading};

/// Steps of a walk: more than any honest file has.
const STEPS: usize = 2_000_000;

pub(super) fn read(kind: Kind, view: &View<'_>) -> Found {
    match kind {
        Kind::Tiff => tiff(view),
        Kind::Bmp => bmp(view),
        _ => {
            let Some(bytes) = view.whole() else {
                return Found::of(Reading::part(
                    "图像过大，只看了首尾",
                    "a picture too large: only its ends were seen",
                ));
            };
            match kind {
                Kind::Jpeg => jpeg(bytes),
                Kind::Png => png(bytes),
                Kind::Gif => gif(bytes),
                _ => jp2(bytes),
            }
        }
    }
}

fn be16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(b.get(at..at + 2)?.try_into().ok()?))
}

fn be32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(b.get(at..at + 4)?.try_into().ok()?))
}

fn le16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(b.get(at..at + 2)?.try_into().ok()?))
}

fn le32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(b.get(at..at + 4)?.try_into().ok()?))
}

/// Segments to the scan, then entropy-coded data up to the next marker, to the end of the image.
fn jpeg(bytes: &[u8]) -> Found {
    let mut reading = Reading::whole();
    let mut at = 2;
    for _ in 0..STEPS {
        let Some(&[0xff, marker]) = bytes.get(at..at + 2) else { break };
        match marker {
            0xd9 => return Found::of(reading),
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let Some(length) = be16(bytes, at + 2).filter(|l| *l >= 2) else { break };
                if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                    reading.height = be16(bytes, at + 5).map(u32::from);
                    reading.width = be16(bytes, at + 7).map(u32::from);
                }
                at += 2 + usize::from(length);
                if marker == 0xda {
                    at = after_scan(bytes, at);
                }
            }
        }
    }
    let mut found =
        Found::cut("JPEG 图像数据在结束标记之前中断", "a JPEG whose data ends before its end marker");
    (found.reading.width, found.reading.height) = (reading.width, reading.height);
    found
}

/// Where entropy-coded data ends: at a marker that is neither stuffing nor a restart.
fn after_scan(bytes: &[u8], mut at: usize) -> usize {
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff)) {
        at += step;
        match bytes.get(at + 1) {
            Some(0 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            _ => return at,
        }
    }
    bytes.len()
}

/// What a PNG's header promises.
struct PngHead {
    width: u32,
    height: u32,
    bits: u64,
    is_interlaced: bool,
}

fn png_head(bytes: &[u8]) -> Option<PngHead> {
    let channels = match bytes.get(25)? {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    let (width, height) = (be32(bytes, 16)?, be32(bytes, 20)?);
    let bits = u64::from(*bytes.get(24)?) * channels;
    (width > 0 && height > 0).then_some(PngHead { width, height, bits, is_interlaced: *bytes.get(28)? != 0 })
}

/// Bytes of all rows, filters included; `None` for interlaced pictures, whose passes are not added up here.
fn png_rows(head: &PngHead) -> Option<u64> {
    let row = (u64::from(head.width).checked_mul(head.bits)?).div_ceil(8).checked_add(1)?;
    (!head.is_interlaced).then_some(row.checked_mul(head.height.into())?)
}

fn png(bytes: &[u8]) -> Found {
    let Some(head) = png_head(bytes) else {
        return Found::unreadable("PNG 文件头不合规范", "a PNG header that does not hold");
    };
    let mut data: Vec<&[u8]> = Vec::new();
    let mut at = 8;
    while let Some(length) = be32(bytes, at) {
        let (kind, from) = (bytes.get(at + 4..at + 8), at + 8);
        let Some(chunk) = bytes.get(from..from + length as usize) else { break };
        match kind {
            Some(b"IDAT") => data.push(chunk),
            Some(b"IEND") => break,
            _ => {}
        }
        at = from + length as usize + 4;
    }
    let reading = Reading { width: Some(head.width), height: Some(head.height), ..Reading::whole() };
    match (inflated(&data, png_rows(&head)), png_rows(&head)) {
        (Ok(seen), Some(rows)) if seen < rows => {
            let (zh, en) = ("PNG 图像数据缺少最后几行", "a PNG whose last rows are missing");
            Found { reading: Reading { is_truncated: true, ..reading }, ..Found::cut(zh, en) }
        }
        (Err(_), _) => Found::unreadable("PNG 图像数据无法解压", "PNG data that does not unpack"),
        _ => Found::of(reading),
    }
}

/// Unpacks without keeping; stops at what the header promises, or at 1 GiB.
fn inflated(data: &[&[u8]], rows: Option<u64>) -> std::io::Result<u64> {
    let joined = data
        .iter()
        .fold(Box::new(std::io::empty()) as Box<dyn Read + '_>, |all, part| Box::new(all.chain(*part)));
    let joined = if data.len() > 4096 { Box::new(std::io::Cursor::new(data.concat())) } else { joined };
    let mut decoder = ZlibDecoder::new(joined).take(rows.unwrap_or(u64::MAX).min(1 << 30));
    match std::io::copy(&mut decoder, &mut std::io::sink()) {
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
        result => result,
    }
}

/// Blocks to the trailer.
fn gif(bytes: &[u8]) -> Found {
    let (Some(width), Some(height), Some(flags)) = (le16(bytes, 6), le16(bytes, 8), bytes.get(10)) else {
        return Found::cut("GIF 文件头不完整", "a GIF header cut short");
    };
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let reading = Reading { width: Some(width.into()), height: Some(height.into()), ..Reading::whole() };
    let mut at = 13 + table(*flags);
    let mut pictures = 0_u32;
    for _ in 0..STEPS {
        match bytes.get(at) {
            Some(0x3b) if pictures == 0 => {
                return Found::unreadable("GIF 没有图像数据", "a GIF without image data");
            }
            Some(0x3b) => return Found { pages: Some(pictures), ..Found::of(reading) },
            Some(0x21) => at = after_blocks(bytes, at + 2),
            Some(0x2c) => {
                pictures += 1;
                let local = bytes.get(at + 9).map_or(0, |flags| table(*flags));
                at = after_blocks(bytes, at + 11 + local);
            }
            _ => break,
        }
    }
    Found::cut("GIF 在结束标记之前中断", "a GIF that ends before its trailer")
}

/// Sub-blocks with their lengths, to the empty one.
fn after_blocks(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(0) => return at + 1,
            Some(length) => at += 1 + usize::from(*length),
            None => return bytes.len(),
        }
    }
}

fn bmp(view: &View<'_>) -> Found {
    let head = view.head;
    let Some(size) = le32(head, 14) else {
        return Found::cut("BMP 文件头不完整", "a BMP header cut short");
    };
    let (width, height, bits) = if size == 12 {
        (le16(head, 18).map(u32::from), le16(head, 20).map(u32::from), le16(head, 24))
    } else {
        let height = le32(head, 22).map(|h| if h > 1 << 31 { h.wrapping_neg() } else { h });
        (le32(head, 18), height, le16(head, 28))
    };
    let (Some(w), Some(h), Some(bits)) = (width, height, bits) else {
        return Found::cut("BMP 文件头不完整", "a BMP header cut short");
    };
    let reading = Reading { width, height, ..Reading::whole() };
    let is_packed = size > 12 && le32(head, 30).is_some_and(|c| !matches!(c, 0 | 3));
    let row = (u64::from(w) * u64::from(bits)).div_ceil(32) * 4;
    let wanted = le32(head, 10).map_or(0, u64::from).saturating_add(row.saturating_mul(h.into()));
    if !is_packed && wanted > view.bytes {
        return Found {
            reading: Reading { is_truncated: true, ..reading },
            ..Found::cut("BMP 图像数据不足", "a BMP with fewer rows than it says")
        };
    }
    Found::of(reading)
}

/// One byte order of TIFF.
struct Tiff<'v> {
    view: &'v View<'v>,
    is_little: bool,
    is_big: bool,
}

impl Tiff<'_> {
    fn number(&self, at: u64, length: usize) -> Option<u64> {
        let bytes = self.view.at(at)?.get(..length)?;
        let fold = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
        Some(if self.is_little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
    }

    /// The values of a directory entry, at most so many.
    fn values(&self, entry: u64, most: u64) -> Option<Vec<u64>> {
        let size = match self.number(entry + 2, 2)? {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            16..=18 | 5 | 10 | 12 => 8,
            _ => return None,
        };
        let (count, place, room) = if self.is_big {
            (self.number(entry + 4, 8)?, entry + 12, 8)
        } else {
            (self.number(entry + 4, 4)?, entry + 8, 4)
        };
        let length = count.checked_mul(size)?;
        let start = if length <= room { place } else { self.number(place, room as usize)? };
        (0..count.min(most)).map(|n| self.number(start.checked_add(n * size)?, size as usize)).collect()
    }
}

/// One directory: a page.
#[derive(Default)]
struct Page {
    width: Option<u64>,
    height: Option<u64>,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

/// Every directory and the place of every strip and tile.
fn tiff(view: &View<'_>) -> Found {
    let (is_little, is_big) =
        (view.head.first() == Some(&b'I'), view.head.get(2..4).is_some_and(|v| v.contains(&43)));
    let tiff = Tiff { view, is_little, is_big };
    let mut reading = Reading::whole();
    let mut next = if is_big { tiff.number(8, 8) } else { tiff.number(4, 4) };
    let mut pages = 0_u32;
    let mut seen = std::collections::HashSet::new();
    while let Some(at) = next.filter(|at| *at != 0) {
        if !seen.insert(at) || pages > 100_000 {
            return Found::unreadable("TIFF 目录循环", "TIFF directories in a loop");
        }
        let Some((page, after)) = directory(&tiff, at) else {
            let is_beyond = at.saturating_add(2) > view.bytes;
            return if view.whole().is_some() || is_beyond {
                Found {
                    pages: Some(pages), ..Found::cut("TIFF 目录不完整", "a TIFF directory is cut short")
                }
            } else {
                Found::of(Reading::part(
                    "图像过大，目录未全部查看",
                    "too large: not every directory was seen",
                ))
            };
        };
        pages += 1;
        reading.width = reading.width.or(page.width.and_then(|w| u32::try_from(w).ok()));
        reading.height = reading.height.or(page.height.and_then(|h| u32::try_from(h).ok()));
        let ends = page.offsets.iter().zip(&page.counts).map(|(from, length)| from.saturating_add(*length));
        if ends.max().is_some_and(|end| end > view.bytes) {
            return Found {
                pages: Some(pages),
                ..Found::cut("TIFF 图像数据超出文件", "TIFF image data lies beyond the file")
            };
        }
        next = Some(after);
    }
    if pages == 0 {
        return Found::unreadable("TIFF 没有图像目录", "a TIFF without a directory");
    }
    Found { pages: Some(pages), ..Found::of(reading) }
}

fn directory(tiff: &Tiff<'_>, at: u64) -> Option<(Page, u64)> {
    let (count, first, size) = if tiff.is_big {
        (tiff.number(at, 8)?, at.checked_add(8)?, 20)
    } else {
        (tiff.number(at, 2)?, at.checked_add(2)?, 12)
    };
    let mut page = Page::default();
    for n in 0..count.min(4096) {
        let entry = first.checked_add(n * size)?;
        let values = |most| tiff.values(entry, most);
        match tiff.number(entry, 2)? {
            256 => page.width = values(1).and_then(|v| v.first().copied()),
            257 => page.height = values(1).and_then(|v| v.first().copied()),
            273 | 324 => page.offsets = values(100_000).unwrap_or_default(),
            279 | 325 => page.counts = values(100_000).unwrap_or_default(),
            _ => {}
        }
    }
    let link = first.checked_add(count.checked_mul(size)?)?;
    Some((page, tiff.number(link, if tiff.is_big { 8 } else { 4 })?))
}

/// Boxes to the end; the codestream ends with its marker.
fn jp2(bytes: &[u8]) -> Found {
    let mut reading = Reading::whole();
    if bytes.starts_with(b"\xff\x4f") {
        return codestream(bytes, reading);
    }
    let mut at = 0;
    let mut stream = None;
    for _ in 0..10_000 {
        let (Some(short), Some(kind)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) else { break };
        let (head, size) = match short {
            0 => (8, bytes.len() - at),
            1 => {
                let wide =
                    bytes.get(at + 8..at + 16).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes);
                (16, usize::try_from(wide).unwrap_or(usize::MAX))
            }
            n => (8, n as usize),
        };
        let Some(body) = at.checked_add(size).and_then(|end| bytes.get(at + head..end)) else {
            return Found::cut("JP2 数据块不完整", "a JP2 box is cut short");
        };
        match kind {
            b"jp2c" => stream = Some(body),
            b"jp2h" => {
                (reading.height, reading.width) = (be32(body, 8), be32(body, 12));
            }
            _ => {}
        }
        at += size;
    }
    match stream {
        Some(stream) => codestream(stream, reading),
        None => Found::unreadable("JP2 没有图像数据", "a JP2 without a codestream"),
    }
}

fn codestream(bytes: &[u8], mut reading: Reading) -> Found {
    if let (Some(w), Some(h), None) = (be32(bytes, 8), be32(bytes, 12), reading.width) {
        (reading.width, reading.height) = (Some(w), Some(h));
    }
    if bytes.ends_with(b"\xff\xd9") {
        Found::of(reading)
    } else {
        Found {
            reading: Reading { is_truncated: true, ..reading },
            ..Found::cut("JPEG 2000 码流没有结束标记", "a JPEG 2000 codestream without its end marker")
        }
    }
}
