//! Sound and film: the container's sizes fit the file. Old Office documents: encrypted or not.

use super::kind::{Format, Kind, find};
use super::probe::{Finding, Inspection, View};

pub(super) fn inspect(format: Format, view: &View<'_>) -> Inspection {
    let mut inspection = Inspection::of(format);
    inspection.broken = match inspection.format.kind {
        Kind::Wav | Kind::Avi => riff(view),
        Kind::Mp4 => mp4(view),
        _ => None,
    };
    inspection.is_structure_checked = inspection.format.kind != Kind::Mp3;
    inspection
}

fn cut() -> Finding {
    Finding::new("比容器所写的短，文件不完整", "shorter than its container says: cut short")
}

/// The RIFF size; 0 and the greatest value are what live recorders leave behind.
fn riff(view: &View<'_>) -> Option<Finding> {
    let stated = view.head.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let is_cut = stated != u32::MAX && u64::from(stated) + 8 > view.bytes.saturating_add(1);
    is_cut.then(cut)
}

/// Walks the top boxes as far as they are held; the last must end with the file.
fn mp4(view: &View<'_>) -> Option<Finding> {
    let mut at = 0_u64;
    while at < view.bytes {
        let Some(head) = view.at(at).filter(|h| h.len() >= 8) else {
            return (at + 8 > view.bytes).then(cut);
        };
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let size = match short {
            0 => return None, // to the end of the file
            1 => head.get(8..16).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes),
            n => n,
        };
        if size < 8 || at.checked_add(size).is_none_or(|end| end > view.bytes) {
            return Some(cut());
        }
        at += size;
    }
    None
}

/// OLE2: a package with a stream `EncryptedPackage` asks for a password.
pub(super) fn inspect_ole2(format: Format, view: &View<'_>) -> Inspection {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let is_encrypted = find(view.head, &name).or_else(|| find(view.tail, &name)).is_some();
    Inspection { is_encrypted, ..Inspection::of(format) }
}
