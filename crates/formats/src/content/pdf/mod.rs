//! PDF (ISO 32000): header, end marker, cross-reference, pages; whether it is encrypted; and for a file that is held
//! whole what it does (scripts, embedded files), claims (PDF/A), shows (fonts, text) and who signed it.
//!
//! As lenient as common readers, but it says so: a file whose cross-reference had to be rebuilt is `repaired`. Nothing
//! runs, no picture is decoded, and everything is bounded: bytes, objects, depth.
//!
//! `lexer` → `value`, `filters` → `file` → `pages` → `facts`, `signatures`, `text`.

mod cmap;
mod content;
mod facts;
mod file;
mod filters;
mod font;
mod lexer;
mod pages;
mod scan;
mod signatures;
mod text;
mod value;

use std::path::Path;

pub use facts::PdfFacts;
pub use text::pdf_text;

use super::kind::{Format, Kind, find, rfind};
use super::probe::{Finding, Inspection, View};
use crate::signature::Trust;
use file::{END, PdfFile};
use lexer::Lexer;
use pages::Opened;
use value::{Dict, Parser, Value, Work};

/// Inspects a PDF file: `dengbei inspect pdf FILE`. A file whose header is damaged is read as a PDF if its structure is.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_pdf_trusting(path: &Path, trust: &Trust) -> std::io::Result<Inspection> {
    let mut inspection = super::inspect_file_trusting(path, trust)?;
    if inspection.format.kind == Kind::Pdf || inspection.unreadable.is_some() {
        return Ok(inspection);
    }
    if matches!(inspection.format.kind, Kind::Text | Kind::Unknown)
        && let Some(found) = without_header(path, trust)?
    {
        return Ok(found);
    }
    inspection.unreadable = Some(Finding::new("不是 PDF 文件", "not a PDF file"));
    Ok(inspection)
}

/// As [`inspect_pdf_trusting`], trusting nobody.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_pdf(path: &Path) -> std::io::Result<Inspection> {
    inspect_pdf_trusting(path, &Trust::nobody())
}

/// A small file that ends as a PDF does and has its pages, with no header that says so.
fn without_header(path: &Path, trust: &Trust) -> std::io::Result<Option<Inspection>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(super::probe::WHOLE as u64 + 1).read_to_end(&mut bytes)?;
    let end = &bytes[bytes.len().saturating_sub(END)..];
    if bytes.len() > super::probe::WHOLE || find(end, b"startxref").is_none() {
        return Ok(None);
    }
    let view = View { head: &bytes, tail: &bytes, bytes: bytes.len() as u64, trust };
    let mut inspection = inspect(Format::plain(Kind::Pdf), &view);
    if let Some(facts) = &mut inspection.pdf {
        facts.repaired =
            Some(Finding::new("文件头损坏，按 PDF 读取", "its header is damaged; read as a PDF"));
    }
    Ok(inspection.unreadable.is_none().then_some(inspection))
}

pub(super) fn inspect(format: Format, view: &View<'_>) -> Inspection {
    let mut inspection = Inspection::of(format);
    let end = &view.tail[view.tail.len().saturating_sub(END)..];
    if find(end, b"%%EOF").is_none() {
        inspection.broken =
            Some(Finding::new("PDF 没有结束标记（%%EOF），文件不完整", "a PDF without %%EOF: cut short"));
    }
    match view.whole() {
        Some(bytes) => whole(bytes, view.trust, &mut inspection),
        None => ends_only(view, &mut inspection),
    }
    inspection
}

fn unreadable(zh: &str, en: &str) -> Option<Finding> {
    Some(Finding::new(format!("PDF 打不开：{zh}"), format!("the PDF does not open: {en}")))
}

/// A file that is held whole: follow its structure, or mend it by a scan.
fn whole(bytes: &[u8], trust: &Trust, inspection: &mut Inspection) {
    inspection.is_structure_checked = true;
    let mut file = PdfFile::open(bytes);
    inspection.is_encrypted = is_encrypted(&file);
    if inspection.is_encrypted {
        return;
    }
    let Some((opened, repaired)) = enter(&mut file) else {
        let is_lost = file.trailers.is_empty() && file.scan_trailers().is_empty();
        inspection.unreadable = if is_lost {
            unreadable("找不到文件尾（trailer）", "no trailer is found")
        } else {
            unreadable("找不到页面树", "no page tree is found")
        };
        return;
    };
    inspection.pages = u32::try_from(opened.pages.len()).ok();
    let mut found = facts::gather(&mut file, &opened);
    let signed = signatures::check(&mut file, &found.signatures, trust);
    found.facts.repaired = repaired.or_else(|| file.is_mended.then(rebuilt));
    inspection.signatures = signed.signatures;
    inspection.timestamps = signed.timestamps;
    inspection.is_evidence_checked = !file.work.is_spent();
    inspection.pdf = Some(found.facts);
}

fn rebuilt() -> Finding {
    Finding::new(
        "交叉引用表有误，已按扫描重建后读取",
        "its cross-reference is wrong; it was rebuilt by a scan",
    )
}

/// Every trailer may say that the file is encrypted; a wrong cross-reference must not hide it.
fn is_encrypted(file: &PdfFile<'_>) -> bool {
    let says_so = |all: &[Dict]| all.iter().any(|trailer| trailer.has(b"Encrypt"));
    if file.trailers.is_empty() { says_so(&file.scan_trailers()) } else { says_so(&file.trailers) }
}

/// The document by the newest trailer that leads to pages; else mended: by trailers found in a scan, then by whatever
/// calls itself a catalogue.
fn enter(file: &mut PdfFile<'_>) -> Option<(Opened, Option<Finding>)> {
    let stated = file.trailers.clone();
    if let Some(opened) = stated.iter().find_map(|trailer| pages::by_trailer(file, trailer)) {
        return Some((opened, None));
    }
    file.mend();
    let scanned = file.scan_trailers();
    if let Some(opened) = scanned.iter().chain(&stated).find_map(|trailer| pages::by_trailer(file, trailer)) {
        return Some((opened, Some(rebuilt())));
    }
    // A trailer that names something else as its root is believed: what it hides is not guessed.
    let names_other =
        stated.iter().chain(&scanned).filter_map(|trailer| trailer.get(b"Root")).any(|root| match root {
            Value::Ref(n) => file.get(*n).is_some(),
            _ => true,
        });
    if names_other {
        return None;
    }
    let catalogues = file.scan_catalogues();
    let opened = catalogues.into_iter().find_map(|root| pages::by_catalogue(file, root))?;
    let finding =
        Finding::new("文件尾有误，按文档目录读取", "its trailer is wrong; it was entered by its catalogue");
    Some((opened, Some(finding)))
}

/// A file too large to hold: its trailer lies in the part that is held, or nothing is said about its structure.
fn ends_only(view: &View<'_>, inspection: &mut Inspection) {
    let tail = view.tail;
    let end = tail.len().saturating_sub(END);
    let Some(at) = rfind(&tail[end..], b"startxref") else {
        inspection.unreadable = unreadable("找不到 startxref", "no startxref is found");
        return;
    };
    let work = Work::new();
    let dict_at = |bytes: &[u8], at: usize| match Parser::value_at(bytes, at, &work) {
        Some((Value::Dict(dict), _)) if dict.has(b"Root") => Some(dict),
        _ => None,
    };
    let offset = Lexer::new(tail, end + at + 9).number();
    let shift = find(&view.head[..view.head.len().min(1024)], b"%PDF-").unwrap_or(0) as u64;
    // A classic table may begin before what is held; its trailer stands right before `startxref`.
    let by_stream = offset.and_then(|o| {
        let held = view.at(o.checked_add(shift)?)?;
        dict_at(held, find(&held[..held.len().min(64)], b"obj")? + 3)
    });
    let trailer = by_stream.or_else(|| dict_at(tail, rfind(tail, b"trailer")? + 7));
    inspection.is_structure_checked = trailer.is_some();
    inspection.is_encrypted = trailer.is_some_and(|trailer| trailer.has(b"Encrypt"));
}

#[cfg(test)]
mod tests;
