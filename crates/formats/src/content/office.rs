//! Office files: Open XML and OpenDocument by their parts, the older ones (and WPS, ET, DPS) by their streams.
//! Told are macros, links, embedded objects, passwords; text and layout are not looked at.

use std::io::Read as _;
use std::sync::Arc;

use super::kind::Kind;
use super::reading::{Active, Found, Held, Reading};
use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::identify::cfb::CompoundFile;
use crate::xml::{self, Node};

/// Bytes of one part that are looked at.
const PART: u64 = 4 << 20;

pub(super) fn read(kind: Kind, held: &Held<'_>) -> Found {
    let Some(source) = &held.source else {
        return Found::of(Reading::part("文件过大，只看了首尾", "too large: only its ends were seen"));
    };
    match kind {
        Kind::Ole2 => compound(&**source),
        Kind::Odf => zipped(source, opendocument),
        _ => zipped(source, |archive| open_xml(kind, archive)),
    }
}

fn zipped(source: &Arc<dyn ReadAt>, look: impl FnOnce(&ZipArchive) -> Found) -> Found {
    // A directory that does not open was told by the zip's own inspector.
    ZipArchive::open(Arc::clone(source), &Limits::DOCUMENT)
        .map_or_else(|_| Found::default(), |archive| look(&archive))
}

fn part(archive: &ZipArchive, path: &str) -> Option<Vec<u8>> {
    let index = archive.entries().iter().position(|e| e.path == path)?;
    let mut bytes = Vec::new();
    archive.read(index).take(PART).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn open_xml(kind: Kind, archive: &ZipArchive) -> Found {
    let main = match kind {
        Kind::Docx => "word/document.xml",
        Kind::Xlsx => "xl/workbook.xml",
        _ => "ppt/presentation.xml",
    };
    if part(archive, "[Content_Types].xml").is_none() {
        return Found::unreadable("缺少 [Content_Types].xml", "[Content_Types].xml is missing");
    }
    // A long text has more elements than our reader follows: that is no fault of the file.
    let is_broken = |bytes: &[u8]| {
        let fault = (bytes.len() as u64) < PART.min(xml::MAX_BYTES);
        fault && xml::read(main, bytes).fault.is_some_and(|f| f.kind == xml::XmlFaultKind::NotWellFormed)
    };
    match part(archive, main) {
        Some(bytes) if is_broken(&bytes) => {
            return Found::unreadable(format!("{main} 不是规范的 XML"), format!("{main} is not well-formed"));
        }
        None => return Found::unreadable(format!("缺少 {main}"), format!("{main} is missing")),
        Some(_) => {}
    }
    let mut reading = Reading::whole();
    for entry in archive.entries() {
        let path = entry.path.to_lowercase();
        if path.ends_with("vbaproject.bin") || path.contains("/macrosheets/") {
            reading.mark(Active::Macros);
        } else if path.contains("/embeddings/") || path.contains("/activex/") {
            reading.mark(Active::EmbeddedObjects);
        }
        if path.ends_with(".rels") && part(archive, &entry.path).is_some_and(|bytes| links_out(&bytes)) {
            reading.mark(Active::ExternalLinks);
        }
    }
    let pages = part(archive, "docProps/app.xml").and_then(|bytes| {
        let root = xml::read("docProps/app.xml", &bytes).root;
        [root.text_of("pages"), root.text_of("slides")].into_iter().find_map(|text| text.parse().ok())
    });
    Found { pages, ..Found::of(reading) }
}

/// A relation to something outside that is no mere hyperlink.
fn links_out(bytes: &[u8]) -> bool {
    let is_outside = |relation: &Node| {
        relation.attribute("targetmode") == Some("External")
            && !relation.attribute("type").is_some_and(|kind| kind.ends_with("/hyperlink"))
    };
    xml::read("rels", bytes).root.children.iter().any(is_outside)
}

fn opendocument(archive: &ZipArchive) -> Found {
    if part(archive, "content.xml").is_none() {
        return Found::unreadable("缺少 content.xml", "content.xml is missing");
    }
    let mut found = Found::of(Reading::whole());
    let manifest = part(archive, "META-INF/manifest.xml").unwrap_or_default();
    found.is_encrypted = super::kind::find(&manifest, b"encryption-data").is_some();
    for entry in archive.entries() {
        if entry.path.starts_with("Basic/") && entry.path.ends_with(".xml")
            || entry.path.starts_with("Scripts/")
        {
            found.reading.mark(Active::Macros);
        } else if entry.path.starts_with("Object ") {
            found.reading.mark(Active::EmbeddedObjects);
        }
    }
    found
}

/// doc, xls, ppt, wps, et, dps, msg: told apart by their streams.
fn compound(source: &dyn ReadAt) -> Found {
    let Ok(file) = CompoundFile::open(source) else {
        return Found::unreadable(
            "复合文档的目录无法读出",
            "the directory of the compound file does not read",
        );
    };
    let mut found = if file.is_whole() {
        Found::of(Reading::whole())
    } else {
        Found::cut("复合文档的数据流不完整", "a stream of the compound file is cut short")
    };
    found.is_encrypted = is_locked(&file);
    let has = |test: &dyn Fn(&str) -> bool| file.parts().iter().any(|part| test(&part.path));
    if has(&|path| path.ends_with("VBA/dir") || path.ends_with("_VBA_PROJECT") || path == "Macros") {
        found.reading.mark(Active::Macros);
    }
    if has(&|path| path.starts_with("ObjectPool/") || path.contains("MBD") || path.ends_with("Ole10Native")) {
        found.reading.mark(Active::EmbeddedObjects);
    }
    if has(&|path| path.starts_with("__attach_version1.0")) {
        found.reading.mark(Active::Attachments);
        found.reading = found.reading.but("邮件附件未打开检查", "attachments of the mail were not opened");
    }
    let known = [
        "WordDocument",
        "Workbook",
        "Book",
        "PowerPoint Document",
        "__properties_version1.0",
        "EncryptedPackage",
        "VisioDocument",
    ];
    if !known.iter().any(|name| file.has(name)) {
        found.reading = found.reading.but(
            "复合文档的种类未知，内容无法验证",
            "a compound file of an unknown kind: its content is not verified",
        );
    }
    found
}

/// A password: an encrypted package, Word's flag, Excel's record, PowerPoint's mark.
fn is_locked(file: &CompoundFile<'_>) -> bool {
    let flags = file
        .read("WordDocument", 12)
        .and_then(|head| Some(u16::from_le_bytes([*head.get(10)?, *head.get(11)?])));
    let show = file
        .read("Current User", 32)
        .and_then(|head| Some(u32::from_le_bytes(head.get(12..16)?.try_into().ok()?)));
    file.has("EncryptedPackage")
        || file.has("EncryptionInfo")
        || file.has("EncryptedSummary")
        || flags.is_some_and(|flags| flags & 0x0100 != 0)
        || show == Some(0xf3d1_c4df)
        || ["Workbook", "Book"]
            .iter()
            .any(|name| file.read(name, 8192).is_some_and(|head| has_filepass(&head)))
}

/// Records of the workbook's beginning, up to the one that asks for a password (0x2F).
fn has_filepass(mut records: &[u8]) -> bool {
    for _ in 0..32 {
        let &[a, b, c, d, ref rest @ ..] = records else { return false };
        match u16::from_le_bytes([a, b]) {
            0x2f => return true,
            0x0a => return false,
            _ => {}
        }
        let Some(next) = rest.get(usize::from(u16::from_le_bytes([c, d]))..) else { return false };
        records = next;
    }
    false
}
