//! Images: the end marker is there, PNG chunks carry their checksums, TIFF directories lie inside the file.

use super::kind::{Format, Kind, find, rfind};
use super::probe::{Finding, Inspection, View};

pub(super) fn inspect(format: Format, view: &View<'_>) -> Inspection {
    let mut inspection = Inspection::of(format);
    let faults = match inspection.format.kind {
        Kind::Jpeg => jpeg(view),
        Kind::Png => png(view),
        Kind::Gif => gif(view),
        Kind::Tiff => tiff(view),
        _ => bmp(view),
    };
    inspection.is_structure_checked = view.whole().is_some();
    inspection.broken = faults.broken;
    inspection.unreadable = faults.unreadable;
    inspection
}

#[derive(Default)]
struct Faults {
    broken: Option<Finding>,
    unreadable: Option<Finding>,
}

impl Faults {
    fn cut(zh: &str, en: &str) -> Self {
        Self { broken: Some(Finding::new(zh, en)), unreadable: None }
    }
}

/// Cameras and scanners append a little after the end marker; 64 KiB of it are allowed.
const AFTER_END: usize = 64 << 10;

fn jpeg(view: &View<'_>) -> Faults {
    let tail = &view.tail[view.tail.len().saturating_sub(AFTER_END)..];
    if rfind(tail, b"\xff\xd9").is_none() {
        return Faults::cut(
            "JPEG 没有结束标记（EOI），文件不完整",
            "a JPEG without its end marker (EOI): cut short",
        );
    }
    let unreadable =
        (!jpeg_has_scan(view.head)).then(|| Finding::new("JPEG 没有图像数据", "a JPEG without image data"));
    Faults { broken: None, unreadable }
}

/// Walks the segments to a frame header and a scan.
fn jpeg_has_scan(bytes: &[u8]) -> bool {
    let mut at = 2;
    let mut has_frame = false;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => {
                at += 1;
                continue;
            }
            0xda => return has_frame,
            0xd9 => return false,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => has_frame = true,
            _ => {}
        }
        let is_bare = matches!(marker, 0x01 | 0xd0..=0xd8);
        let length = bytes.get(at + 2..at + 4).map_or(2, |l| usize::from(u16::from_be_bytes([l[0], l[1]])));
        at += 2 + if is_bare { 0 } else { length.max(2) };
    }
    // A segment (a thumbnail, a profile) longer than what was held.
    has_frame || bytes.get(at).is_none()
}

fn png(view: &View<'_>) -> Faults {
    let tail = &view.tail[view.tail.len().saturating_sub(AFTER_END)..];
    let Some(whole) = view.whole() else {
        let has_end = find(tail, b"IEND\xae\x42\x60\x82").is_some();
        return if has_end { Faults::default() } else { png_cut() };
    };
    let mut at = 8;
    let mut has_data = false;
    loop {
        let Some(head) = whole.get(at..at + 8) else { return png_cut() };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = &head[4..8];
        let Some(rest) = whole.get(at + 4..).filter(|r| r.len() >= length.saturating_add(8)) else {
            return png_cut();
        };
        let stated = &rest[4 + length..8 + length];
        if crc32fast::hash(&rest[..4 + length]).to_be_bytes() != stated {
            return Faults::cut("PNG 数据块校验和不符", "a PNG chunk's checksum differs");
        }
        has_data |= kind == b"IDAT";
        if kind == b"IEND" {
            let unreadable =
                (!has_data).then(|| Finding::new("PNG 没有图像数据", "a PNG without image data"));
            return Faults { broken: None, unreadable };
        }
        at += 12 + length;
    }
}

fn png_cut() -> Faults {
    Faults::cut("PNG 没有结束块（IEND），文件不完整", "a PNG without its end chunk (IEND): cut short")
}

fn gif(view: &View<'_>) -> Faults {
    let tail = &view.tail[view.tail.len().saturating_sub(16)..];
    if view.bytes < 14 || !tail.contains(&0x3b) {
        return Faults::cut("GIF 没有结束标记，文件不完整", "a GIF without its trailer: cut short");
    }
    Faults::default()
}

/// The first directory lies inside the file. Strips may lie anywhere, so that is what can be said without decoding.
fn tiff(view: &View<'_>) -> Faults {
    let Some(head) = view.head.get(..8) else {
        return Faults::cut("TIFF 文件头不完整", "a TIFF header cut short");
    };
    let number: [u8; 4] = [head[4], head[5], head[6], head[7]];
    let is_big = head[2] == 43 || head[3] == 43;
    let offset = if head[0] == b'I' { u32::from_le_bytes(number) } else { u32::from_be_bytes(number) };
    if !is_big && (offset < 8 || u64::from(offset) + 2 > view.bytes) {
        return Faults::cut(
            "TIFF 目录在文件之外，文件不完整",
            "a TIFF directory lies beyond the file: cut short",
        );
    }
    Faults::default()
}

fn bmp(view: &View<'_>) -> Faults {
    let stated = view.head.get(2..6).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    if u64::from(stated) > view.bytes {
        return Faults::cut("BMP 比文件头所写的短", "a BMP shorter than its header says");
    }
    Faults::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::probe::Probe;

    fn probe(bytes: &[u8]) -> Inspection {
        let mut probe = Probe::new();
        probe.update(bytes).unwrap();
        probe.finish()
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [&kind[..], data].concat();
        [&(data.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
    }

    #[test]
    fn a_png_is_whole_only_with_its_last_chunk_and_checksums() {
        let whole = [
            &b"\x89PNG\r\n\x1a\n"[..],
            &chunk(b"IHDR", &[0; 13]),
            &chunk(b"IDAT", b"x"),
            &chunk(b"IEND", b""),
        ]
        .concat();
        assert_eq!(probe(&whole).broken, None);
        assert!(probe(&whole[..whole.len() - 5]).broken.is_some());
        let mut flipped = whole.clone();
        flipped[20] ^= 1;
        assert!(probe(&flipped).broken.is_some());
    }

    #[test]
    fn a_jpeg_needs_its_end_marker_and_a_scan() {
        let frame = b"\xff\xd8\xff\xc0\x00\x04\0\0\xff\xda\x00\x02abc";
        assert!(probe(frame).broken.is_some());
        let whole = [&frame[..], b"\xff\xd9"].concat();
        assert_eq!((probe(&whole).broken, probe(&whole).unreadable), (None, None));
        assert!(probe(b"\xff\xd8\xff\xd9").unreadable.is_some());
    }

    #[test]
    fn gif_and_tiff_cut_short_are_told() {
        assert!(probe(b"GIF89a\0\0\0\0\0\0\0\0\0\0").broken.is_some());
        assert!(probe(b"II*\0\xff\xff\0\0").broken.is_some());
    }
}
