//! Sound: WAV by its chunks, MP3 by its frames, FLAC by its stream information. Samples are not decoded.

use super::kind::{Kind, rfind};
use super::probe::View;
use super::reading::{Found, Reading};

pub(super) fn read(kind: Kind, view: &View<'_>) -> Found {
    match kind {
        Kind::Wav => wav(view),
        Kind::Flac => flac(view),
        _ => mp3(view),
    }
}

pub(super) fn le32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(b.get(at..at + 4)?.try_into().ok()?))
}

/// One chunk of RIFF: its name, where its bytes begin, and how many.
pub(super) struct Chunk {
    pub(super) name: [u8; 4],
    pub(super) from: u64,
    pub(super) bytes: u64,
}

/// Chunks from `from` to the end, as far as they are held. The last may reach beyond the file.
pub(super) fn chunks(view: &View<'_>, from: u64) -> Vec<Chunk> {
    let mut all = Vec::new();
    let mut at = from;
    while all.len() < 10_000 {
        let Some(head) = view.at(at).and_then(|h| h.get(..8)) else { break };
        let bytes = le32(head, 4).map_or(0, u64::from);
        all.push(Chunk { name: [head[0], head[1], head[2], head[3]], from: at + 8, bytes });
        at = at.saturating_add(8 + bytes + bytes % 2);
    }
    all
}

/// The RIFF size; 0 and the greatest value are what live recorders leave behind.
pub(super) fn riff_is_cut(view: &View<'_>) -> bool {
    let stated = le32(view.head, 4).unwrap_or(0);
    stated != u32::MAX && u64::from(stated) + 8 > view.bytes.saturating_add(1)
}

fn wav(view: &View<'_>) -> Found {
    let chunks = chunks(view, 12);
    let format = chunks.iter().find(|c| &c.name == b"fmt ").and_then(|c| view.at(c.from)?.get(..16));
    let data = chunks.iter().find(|c| &c.name == b"data");
    let rate = format.and_then(|f| le32(f, 8)).filter(|r| *r > 0);
    let held = |c: &Chunk| c.bytes.min(view.bytes.saturating_sub(c.from));
    let duration = data.zip(rate).map(|(d, rate)| held(d).saturating_mul(1000) / u64::from(rate));
    let is_cut =
        data.is_some_and(|d| d.bytes != u64::from(u32::MAX) && d.from.saturating_add(d.bytes) > view.bytes);
    let mut found = if riff_is_cut(view) || is_cut {
        Found::cut("WAV 比容器所写的短，文件不完整", "a WAV shorter than its container says: cut short")
    } else if format.is_none() || data.is_none() {
        Found::unreadable("WAV 没有格式块或数据块", "a WAV without its format or its data")
    } else {
        Found::of(Reading::whole())
    };
    found.reading.duration_ms = duration;
    found
}

fn flac(view: &View<'_>) -> Found {
    let Some(info) = view.head.get(8..26).filter(|_| view.head.get(4).is_some_and(|b| b & 0x7f == 0)) else {
        return Found::unreadable("FLAC 没有流信息", "a FLAC without its stream information");
    };
    let packed = info[10..18].iter().fold(0_u64, |all, b| all << 8 | u64::from(*b));
    let (rate, samples) = (packed >> 44, packed & 0xf_ffff_ffff);
    let mut reading = Reading::part("FLAC 音频帧未逐帧解码", "FLAC frames were not decoded one by one");
    reading.duration_ms = (rate > 0 && samples > 0).then(|| samples * 1000 / rate);
    Found::of(reading)
}

const BIT_RATES: [[u32; 16]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];

/// Length in bytes and in microseconds of the frame whose header stands here (layer III).
fn frame(head: &[u8]) -> Option<(usize, u64)> {
    let &[0xff, b, c, ..] = head else { return None };
    if b & 0xe0 != 0xe0 || b & 0x18 == 0x08 || b & 0x06 != 0x02 {
        return None;
    }
    let is_one = b & 0x18 == 0x18;
    let rate = [44_100, 48_000, 32_000].get(usize::from(c >> 2 & 3))?
        / if is_one {
            1
        } else if b & 0x18 == 0x10 {
            2
        } else {
            4
        };
    let kilobits = BIT_RATES[usize::from(!is_one)][usize::from(c >> 4)];
    let samples: u32 = if is_one { 1152 } else { 576 };
    let length = (samples / 8 * kilobits * 1000 / rate) as usize + usize::from(c >> 1 & 1);
    (kilobits > 0 && length > 4).then(|| (length, u64::from(samples) * 1_000_000 / u64::from(rate)))
}

/// Bytes of the tag at the beginning.
fn tag(bytes: &[u8]) -> usize {
    match bytes {
        [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] => {
            let size = [a, b, c, d].iter().fold(0_usize, |all, b| all << 7 | usize::from(**b & 0x7f));
            10 + size + if flags & 0x10 == 0 { 0 } else { 10 }
        }
        _ => 0,
    }
}

fn mp3(view: &View<'_>) -> Found {
    let Some(bytes) = view.whole() else {
        return Found::of(Reading::part(
            "音频过大，只看了首尾",
            "a sound file too large: only its ends were seen",
        ));
    };
    let mut at = tag(bytes);
    let (mut frames, mut micros, mut lost) = (0_u64, 0_u64, 0_usize);
    let mut overrun = 0;
    while at + 4 <= bytes.len() {
        match frame(&bytes[at..]) {
            Some((length, each)) => {
                overrun = (at + length).saturating_sub(bytes.len());
                (frames, micros) = (frames + 1, micros + each);
                at += length;
            }
            None if is_trailer(&bytes[at..]) => break,
            None => {
                lost += 1;
                at += 1;
            }
        }
    }
    if frames < 2 {
        return Found::unreadable("MP3 没有音频帧", "an MP3 without sound frames");
    }
    let mut found = if overrun > 0 {
        Found::cut("MP3 最后一帧不完整", "the last frame of an MP3 is cut short")
    } else {
        Found::of(Reading::whole())
    };
    if lost > 4096 {
        found.reading = found
            .reading
            .but(format!("有 {lost} 字节不是音频帧"), format!("{lost} bytes are no sound frames"));
    }
    found.reading.duration_ms = Some(micros / 1000);
    found
}

/// Tags that may follow the sound, and silence of zeros.
fn is_trailer(rest: &[u8]) -> bool {
    rest.starts_with(b"TAG")
        || rest.starts_with(b"APETAGEX")
        || rest.starts_with(b"LYRICSBEGIN")
        || rest.starts_with(b"3DI")
        || rfind(rest, b"APETAGEX").is_some_and(|at| at + 64 > rest.len())
        || rest.iter().all(|b| *b == 0)
}
