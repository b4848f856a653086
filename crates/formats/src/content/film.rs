//! Film: MP4 and QuickTime by their boxes, AVI by its chunks, MPEG by packs and packets. Pictures are not decoded.

use super::kind::{Kind, find, rfind};
use super::probe::View;
use super::reading::{Found, Reading};
use super::sound::{chunks, le32, riff_is_cut};

pub(super) fn read(kind: Kind, view: &View<'_>) -> Found {
    match kind {
        Kind::Mp4 => mp4(view),
        Kind::Avi => avi(view),
        _ if view.head.first() == Some(&0x47) => transport(view),
        _ => program(view),
    }
}

fn be(b: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(b.get(at..at + length)?.iter().fold(0, |all, b| all << 8 | u64::from(*b)))
}

/// A box: its name and what it holds.
struct Atom {
    name: [u8; 4],
    from: u64,
    end: u64,
}

/// Top boxes from `from` to `end`, as far as they are held; `false` when the last leads beyond.
fn atoms(view: &View<'_>, from: u64, end: u64) -> (Vec<Atom>, bool) {
    let mut all = Vec::new();
    let mut at = from;
    while at < end && all.len() < 10_000 {
        let Some(head) = view.at(at).filter(|h| h.len() >= 8) else { return (all, at + 8 <= end) };
        let (start, size) = match be(head, 0, 4).unwrap_or(0) {
            0 => (8, end - at),
            1 => (16, be(head, 8, 8).unwrap_or(0)),
            n => (8, n),
        };
        if size < start || at.checked_add(size).is_none_or(|to| to > end) {
            return (all, false);
        }
        all.push(Atom { name: [head[4], head[5], head[6], head[7]], from: at + start, end: at + size });
        at += size;
    }
    (all, true)
}

fn mp4(view: &View<'_>) -> Found {
    let (top, is_whole) = atoms(view, 0, view.bytes);
    let movie = top.iter().find(|a| &a.name == b"moov");
    let reached = top.last().map_or(0, |a| a.end);
    if !is_whole {
        return Found::cut(
            "视频比容器所写的短，文件不完整",
            "film shorter than its container says: cut short",
        );
    }
    let Some(movie) = movie else {
        return if reached >= view.bytes {
            Found::unreadable(
                "视频没有索引（moov），无法播放",
                "film without its index (moov): it does not play",
            )
        } else {
            Found::of(Reading::part("视频过大，索引未查看", "film too large: its index was not seen"))
        };
    };
    let mut reading = Reading::whole();
    let mut found = Found::default();
    let (inner, _) = atoms(view, movie.from, movie.end);
    reading.duration_ms = inner.iter().find(|a| &a.name == b"mvhd").and_then(|a| duration(view.at(a.from)?));
    let length = usize::try_from(movie.end - movie.from).unwrap_or(usize::MAX);
    match view.at(movie.from).map(|held| &held[..held.len().min(length)]) {
        Some(held) if held.len() == length => {
            found.is_encrypted = [&b"encv"[..], b"enca", b"sinf"].iter().any(|n| find(held, n).is_some());
            (reading.width, reading.height) = size_of_picture(held).unzip();
        }
        _ => reading = reading.but("视频索引过大，未全部查看", "the index of the film was not seen whole"),
    }
    if reached < view.bytes {
        reading = reading.but("视频过大，只看了首尾", "film too large: only its ends were seen");
    }
    found.reading = reading;
    found
}

/// `mvhd`: time scale and duration.
fn duration(head: &[u8]) -> Option<u64> {
    let (scale, length) = if head.first()? == &1 {
        (be(head, 20, 4)?, be(head, 24, 8)?)
    } else {
        (be(head, 12, 4)?, be(head, 16, 4)?)
    };
    (scale > 0).then(|| length.saturating_mul(1000) / scale)
}

/// Width and height of the first track that shows something (`tkhd`).
fn size_of_picture(movie: &[u8]) -> Option<(u32, u32)> {
    let mut from = 0;
    while let Some(at) = find(movie.get(from..)?, b"tkhd") {
        let head = movie.get(from + at + 4..)?;
        let place = if head.first()? == &1 { 88 } else { 76 };
        let (w, h) = (be(head, place, 2)?, be(head, place + 4, 2)?);
        if w > 0 && h > 0 {
            return Some((u32::try_from(w).ok()?, u32::try_from(h).ok()?));
        }
        from += at + 4;
    }
    None
}

fn avi(view: &View<'_>) -> Found {
    if riff_is_cut(view) {
        return Found::cut(
            "AVI 比容器所写的短，文件不完整",
            "an AVI shorter than its container says: cut short",
        );
    }
    let all = chunks(view, 12);
    let has_header = all.first().is_some_and(|c| &c.name == b"LIST")
        && find(&view.head[..view.head.len().min(512)], b"hdrlavih").is_some();
    let is_cut = all.iter().any(|c| c.from.saturating_add(c.bytes) > view.bytes.saturating_add(1));
    if !has_header {
        return Found::unreadable("AVI 没有文件头", "an AVI without its header");
    }
    if is_cut {
        return Found::cut("AVI 数据块不完整", "a chunk of an AVI is cut short");
    }
    let mut reading = Reading::whole();
    // avih: microseconds a frame, …, frames in all, …, width, height.
    if let Some(head) = find(view.head, b"avih").and_then(|at| view.head.get(at + 8..)) {
        let (each, frames) = (le32(head, 0).map_or(0, u64::from), le32(head, 16).map_or(0, u64::from));
        reading.duration_ms = (each > 0).then(|| each.saturating_mul(frames) / 1000);
        (reading.width, reading.height) = (le32(head, 32), le32(head, 36));
    }
    Found::of(reading)
}

/// Packs with their packets; the end code is wished for, not required.
fn program(view: &View<'_>) -> Found {
    let end = &view.tail[view.tail.len().saturating_sub(4096)..];
    let has_end = rfind(end, b"\0\0\x01\xb9").is_some() || rfind(end, b"\0\0\x01\xb7").is_some();
    let reading = Reading::part("MPEG 图像未解码", "MPEG pictures were not decoded");
    Found::of(if has_end {
        reading
    } else {
        reading.but(
            "MPEG 没有结束码，无法确认是否完整",
            "an MPEG without its end code: whether it is whole is not known",
        )
    })
}

/// Packets of 188 bytes, each with its first byte.
fn transport(view: &View<'_>) -> Found {
    const PACKET: usize = 188;
    let held = &view.head[..view.head.len() / PACKET * PACKET];
    let lost = held.chunks_exact(PACKET).filter(|p| p[0] != 0x47).count();
    if lost > 0 {
        return Found::unreadable("传输流失步", "a transport stream out of step");
    }
    if !view.bytes.is_multiple_of(PACKET as u64) {
        return Found::cut("传输流最后一包不完整", "the last packet of a transport stream is cut short");
    }
    Found::of(Reading::part("MPEG 图像未解码", "MPEG pictures were not decoded"))
}
