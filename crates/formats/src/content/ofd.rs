//! OFD (GB/T 33190): a zip with `OFD.xml`. Every part's checksum, the entry document, its root documents and pages.
//! Office documents and plain zips are told apart here too.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::kind::{Format, Kind, find};
use super::ofd_document::{self, OfdFacts};
use super::ofd_parts::Parts;
use super::ofd_signatures;
use super::probe::{Finding, Inspection, View};
use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::error::ReadError;
use crate::signature::Trust;

/// Whether a zip's first bytes look like an OFD's: decides if a large one is worth a temporary file.
pub(super) fn seems_ofd(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") && (find(head, b"OFD.xml").is_some() || find(head, b"Doc_0/").is_some())
}

/// Inspects an OFD file: `dengbei inspect ofd FILE`.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_ofd_trusting(path: &Path, trust: &Trust) -> std::io::Result<Inspection> {
    let mut inspection = super::probe::inspect_file_trusting(path, trust)?;
    if inspection.format.kind != Kind::Ofd && inspection.unreadable.is_none() {
        inspection.unreadable = Some(Finding::new("不是 OFD 文件", "not an OFD file"));
    }
    Ok(inspection)
}

/// As [`inspect_ofd_trusting`], trusting nobody.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_ofd(path: &Path) -> std::io::Result<Inspection> {
    inspect_ofd_trusting(path, &Trust::nobody())
}

/// Inspects something that begins as a zip.
pub(super) fn inspect_zip(source: Arc<dyn ReadAt>, view: &View<'_>) -> Inspection {
    let archive = match ZipArchive::open(source, &Limits::DOCUMENT) {
        Ok(archive) => archive,
        Err(error) => return refused(&error, view),
    };
    let parts = Parts::of(&archive);
    let has = |name: &str| parts.has(name);
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
        inspection.is_encrypted = has("Encryptions.xml");
        open(&parts, view, &mut inspection);
    }
    inspection
}

/// Structure, then signatures: these say also what the structure does not need.
fn open(parts: &Parts<'_>, view: &View<'_>, inspection: &mut Inspection) {
    match ofd_document::structure(parts) {
        Ok(found) => {
            inspection.format.version = found.version;
            inspection.pages = Some(found.pages);
            let signed = ofd_signatures::check(parts, &found.signatures, view.trust);
            inspection.signatures = signed.signatures;
            inspection.timestamps = signed.timestamps;
            inspection.is_evidence_checked = true;
            let unreferenced = ofd_document::unreferenced(parts);
            inspection.ofd = Some(OfdFacts { unreferenced, ..found.facts });
        }
        Err(finding) => inspection.unreadable = Some(finding),
    }
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
