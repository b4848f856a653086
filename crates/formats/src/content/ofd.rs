//! OFD (GB/T 33190): a zip with `OFD.xml`. Every part's checksum, the entry document, its root documents and pages.
//! Office documents and plain zips are told apart here too.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::kind::{Format, Kind, find};
use super::probe::{Finding, Inspection, View};
use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::error::ReadError;
use crate::xml::{self, Node};

/// Whether a zip's first bytes look like an OFD's: decides if a large one is worth a temporary file.
pub(super) fn seems_ofd(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") && (find(head, b"OFD.xml").is_some() || find(head, b"Doc_0/").is_some())
}

/// Inspects an OFD file: `dengbei inspect ofd FILE`.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_ofd(path: &Path) -> std::io::Result<Inspection> {
    let mut inspection = super::inspect_file(path)?;
    if inspection.format.kind != Kind::Ofd && inspection.unreadable.is_none() {
        inspection.unreadable = Some(Finding::new("不是 OFD 文件", "not an OFD file"));
    }
    Ok(inspection)
}

/// Inspects something that begins as a zip.
pub(super) fn inspect_zip(source: Arc<dyn ReadAt>, view: &View<'_>) -> Inspection {
    let archive = match ZipArchive::open(source, &Limits::DOCUMENT) {
        Ok(archive) => archive,
        Err(error) => return refused(&error, view),
    };
    let parts: Parts<'_> = archive.entries().iter().enumerate().map(|(i, e)| (e.path.as_str(), i)).collect();
    let has = |name: &str| parts.contains_key(name);
    let kind = if has("OFD.xml") {
        Kind::Ofd
    } else if has("word/document.xml") {
        Kind::Docx
    } else if has("xl/workbook.xml") {
        Kind::Xlsx
    } else if has("ppt/presentation.xml") {
        Kind::Pptx
    } else if has("META-INF/manifest.xml") && has("mimetype") {
        Kind::Odf
    } else {
        Kind::Zip
    };
    let mut inspection = Inspection::of(Format::plain(kind));
    inspection.is_structure_checked = true;
    inspection.broken = first_corrupt(&archive);
    if kind == Kind::Ofd && inspection.broken.is_none() {
        match structure(&archive, &parts) {
            Ok(found) => {
                inspection.format.version = found.version;
                inspection.pages = Some(found.pages);
                inspection.is_encrypted = has("Encryptions.xml");
            }
            Err(finding) => inspection.unreadable = Some(finding),
        }
    }
    inspection
}

/// A zip whose directory is bad: what it was meant to be shows in its first bytes.
fn refused(error: &ReadError, view: &View<'_>) -> Inspection {
    let kind = if seems_ofd(view.head) { Kind::Ofd } else { Kind::Zip };
    let mut inspection = Inspection::of(Format::plain(kind));
    inspection.is_structure_checked = true;
    let finding = match error {
        ReadError::Refused(problem) => {
            inspection.is_encrypted = problem.code == "archive.encrypted";
            Finding::new(problem.message.clone(), problem.message_en.clone())
        }
        ReadError::Io(e) => Finding::new("无法读取", format!("cannot be read: {e}")),
    };
    if !inspection.is_encrypted {
        inspection.broken = Some(finding.clone());
    }
    inspection.unreadable = Some(finding);
    inspection
}

/// Reads every part to its end: lengths and checksums.
fn first_corrupt(archive: &ZipArchive) -> Option<Finding> {
    let mut buffer = vec![0; 64 << 10];
    for (index, entry) in archive.entries().iter().enumerate() {
        let mut reader = archive.read(index);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    let path = &entry.path;
                    return Some(Finding::new(
                        format!("内部文件损坏：{path}"),
                        format!("a part is corrupt: {path}"),
                    ));
                }
            }
        }
    }
    None
}

/// Path → index in the archive.
type Parts<'a> = HashMap<&'a str, usize>;

struct Structure {
    version: Option<String>,
    pages: u32,
}

/// `OFD.xml` → DocBody → DocRoot → Pages → each page's content.
fn structure(archive: &ZipArchive, parts: &Parts<'_>) -> Result<Structure, Finding> {
    let root = document(archive, parts, "OFD.xml")?;
    let version = root.attribute("version").map(str::to_owned);
    let bodies: Vec<&Node> = root.children.iter().filter(|n| n.name == "docbody").collect();
    if bodies.is_empty() {
        return Err(Finding::new("OFD.xml 没有文档（DocBody）", "OFD.xml lists no document (DocBody)"));
    }
    let mut pages = 0_usize;
    for body in bodies {
        let path = body.text_of("docroot").trim_start_matches('/');
        let main = document(archive, parts, path)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for page in main.child("pages").map_or(&[][..], |p| &p.children[..]) {
            let location = page.attribute("baseloc").unwrap_or_default();
            if index_of(parts, folder, location).is_none() {
                return Err(Finding::new(
                    format!("缺少页面 {location}"),
                    format!("a page is missing: {location}"),
                ));
            }
            pages += 1;
        }
    }
    Ok(Structure { version, pages: u32::try_from(pages).unwrap_or(u32::MAX) })
}

/// A part by its place: absolute with `/`, else relative to `folder` (some writers give it from the top).
fn index_of(parts: &Parts<'_>, folder: &str, location: &str) -> Option<usize> {
    let position = |path: &str| parts.get(path).copied();
    match location.strip_prefix('/') {
        Some(absolute) => position(absolute),
        None if folder.is_empty() => position(location),
        None => position(&format!("{folder}/{location}")).or_else(|| position(location)),
    }
}

fn document(archive: &ZipArchive, parts: &Parts<'_>, path: &str) -> Result<Node, Finding> {
    let Some(index) = index_of(parts, "", path) else {
        return Err(Finding::new(format!("缺少 {path}"), format!("{path} is missing")));
    };
    let mut bytes = Vec::new();
    let read = archive.read(index).take(xml::MAX_BYTES).read_to_end(&mut bytes);
    let document = xml::read(path, &bytes);
    if read.is_err() || document.fault.is_some() {
        return Err(Finding::new(format!("{path} 不是规范的 XML"), format!("{path} is not well-formed XML")));
    }
    Ok(document.root)
}
