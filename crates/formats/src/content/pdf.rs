//! PDF: header, end marker, cross-reference, trailer, catalogue, root of the page tree; whether it is encrypted.
//!
//! As lenient as qpdf: what a scan of the file can mend is readable. No content stream is decoded and nothing runs.

use std::collections::HashSet;
use std::path::Path;

use super::kind::{Format, Kind, find, rfind};
use super::pdf_lexer::{Lexer, Token};
use super::pdf_objects::{Objects, Value, Work, object_at};
use super::probe::{Finding, Inspection, View};

/// Readers look for the end marker and `startxref` in the last KiB; senders append a little more.
const END: usize = 4096;
/// Earlier cross-reference tables that are followed.
const MAX_TABLES: usize = 64;
/// Nodes of the page tree that are visited; more pages are not counted.
const MAX_NODES: usize = 50_000;

/// Inspects a PDF file: `dengbei inspect pdf FILE`.
///
/// # Errors
/// When it cannot be read.
pub fn inspect_pdf(path: &Path) -> std::io::Result<Inspection> {
    let mut inspection = super::inspect_file(path)?;
    if inspection.format.kind != Kind::Pdf && inspection.unreadable.is_none() {
        inspection.unreadable = Some(Finding::new("不是 PDF 文件", "not a PDF file"));
    }
    Ok(inspection)
}

pub(super) fn inspect(format: Format, view: &View<'_>) -> Inspection {
    let mut inspection = Inspection::of(format);
    let end = &view.tail[view.tail.len().saturating_sub(END)..];
    if find(end, b"%%EOF").is_none() {
        inspection.broken =
            Some(Finding::new("PDF 没有结束标记（%%EOF），文件不完整", "a PDF without %%EOF: cut short"));
    }
    match view.whole() {
        Some(bytes) => whole(bytes, &mut inspection),
        None => ends_only(view, &mut inspection),
    }
    inspection
}

fn unreadable(zh: &str, en: &str) -> Option<Finding> {
    Some(Finding::new(format!("PDF 打不开：{zh}"), format!("the PDF does not open: {en}")))
}

/// A file that is held whole: follow its structure, or mend it by a scan.
fn whole(bytes: &[u8], inspection: &mut Inspection) {
    inspection.is_structure_checked = true;
    let shift = find(&bytes[..bytes.len().min(1024)], b"%PDF-").unwrap_or(0);
    let mut objects = Objects::new(bytes, shift);
    let mut trailers: Vec<(usize, bool)> =
        stated_trailer(&mut objects).into_iter().map(|at| (at, true)).collect();
    // Every trailer may say that the file is encrypted; a wrong cross-reference must not hide it.
    let scanned = trailers.is_empty();
    if scanned {
        trailers.extend(scan_trailers(bytes, &objects.work).into_iter().map(|at| (at, false)));
    }
    inspection.is_encrypted = trailers.iter().any(|(at, _)| is_encrypted(&objects.work, bytes, *at));
    if inspection.is_encrypted {
        return;
    }
    let first = trailers.iter().find_map(|(at, _)| page_tree(&mut objects, *at));
    let found = first.or_else(|| {
        objects.sections.clear();
        let mended = if scanned {
            trailers.iter().map(|t| t.0).collect()
        } else {
            scan_trailers(bytes, &objects.work)
        };
        mended.into_iter().find_map(|at| page_tree(&mut objects, at))
    });
    match found {
        Some(pages) => inspection.pages = Some(pages),
        None if trailers.is_empty() => {
            inspection.unreadable = unreadable("找不到文件尾（trailer）", "no trailer is found");
        }
        None => inspection.unreadable = unreadable("找不到页面树", "no page tree is found"),
    }
}

fn is_encrypted(work: &Work, bytes: &[u8], trailer: usize) -> bool {
    work.lookup(bytes, trailer, b"Encrypt").is_some_and(|value| value != Value::Null)
}

/// The dictionary that `startxref` leads to; fills the classic tables on the way.
fn stated_trailer(objects: &mut Objects<'_>) -> Option<usize> {
    let bytes = objects.bytes;
    let tail_start = bytes.len().saturating_sub(END);
    let stated = tail_start + rfind(&bytes[tail_start..], b"startxref")?;
    let mut offset = Lexer::new(bytes, stated + 9).number()?;
    let mut newest = None;
    for _ in 0..MAX_TABLES {
        let at = usize::try_from(offset).ok()?.checked_add(objects.shift)?;
        let Some(trailer) = trailer_at(objects, at) else { break };
        newest.get_or_insert(trailer);
        match objects.work.lookup(bytes, trailer, b"Prev") {
            Some(Value::Number(previous)) if previous < offset => offset = previous,
            _ => break,
        }
    }
    newest
}

/// The trailer of a cross-reference table or stream at `at`.
fn trailer_at(objects: &mut Objects<'_>, at: usize) -> Option<usize> {
    let bytes = objects.bytes;
    let mut lexer = Lexer::new(bytes, at);
    if bytes.len() <= at || lexer.next()? != Token::Word(b"xref") {
        let (_, value) = object_at(bytes, at)?;
        return (objects.work.lookup(bytes, value, b"Type") == Some(Value::CrossReferences)).then_some(value);
    }
    loop {
        let mut ahead = lexer.clone();
        match ahead.next()? {
            Token::Word(b"trailer") => {
                let mut dict = ahead.clone();
                let at = find(&bytes[ahead.at..], b"<<")? + ahead.at;
                return (dict.next()? == Token::DictOpen).then_some(at);
            }
            _ => {
                let (first, count) = (lexer.number()?, lexer.number()?);
                let rows = Lexer::new(bytes, lexer.at).skip_to_token();
                objects.note_section(first, count, rows)?;
                lexer.at = rows.checked_add(usize::try_from(count.checked_mul(20)?).ok()?)?;
            }
        }
    }
}

impl Lexer<'_> {
    /// Where the next token begins.
    fn skip_to_token(&mut self) -> usize {
        let mut ahead = self.clone();
        let end = ahead.next().map_or(self.at, |token| match token {
            Token::Word(word) => ahead.at - word.len(),
            _ => ahead.at,
        });
        self.at = end;
        end
    }
}

/// Every dictionary that names a root: after `trailer`, or of a cross-reference stream. Newest first.
fn scan_trailers(bytes: &[u8], work: &Work) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], b"/Root") {
        let at = from + at;
        from = at + 5;
        // The dictionary around it begins at one of the nearest `<<` before.
        let start = at.saturating_sub(2048);
        let mut end = at;
        while let Some(open) = rfind(&bytes[start..end], b"<<") {
            end = start + open;
            // The value stands right behind its name: nothing beyond need be read.
            let near = &bytes[..(at + 256).min(bytes.len())];
            if matches!(work.lookup(near, end, b"Root"), Some(Value::Ref(_))) {
                found.push(end);
                break;
            }
        }
        if found.len() > MAX_TABLES {
            break;
        }
    }
    found.reverse();
    found.dedup();
    found
}

/// Follows trailer → catalogue → page tree to its leaves; gives the number of pages, at least one.
fn page_tree(objects: &mut Objects<'_>, trailer: usize) -> Option<u32> {
    let Some(Value::Ref(root)) = objects.work.lookup(objects.bytes, trailer, b"Root") else { return None };
    let Some(Value::Ref(pages)) = objects.entry(root, b"Pages") else { return None };
    let mut open = kids_of(objects, pages)?;
    let mut seen = HashSet::from([pages]);
    let mut leaves = 0_u32;
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            return None; // a loop
        }
        if seen.len() > MAX_NODES {
            break;
        }
        match kids_of(objects, node) {
            Some(kids) => open.extend(kids),
            None => {
                leaves += u32::from(objects.get(node).is_some_and(|(bytes, at)| is_dictionary(bytes, at)));
            }
        }
    }
    (leaves > 0).then_some(leaves)
}

fn is_dictionary(bytes: &[u8], at: usize) -> bool {
    Lexer::new(bytes, at).next() == Some(Token::DictOpen)
}

/// The children of a node of the page tree; `None` for a leaf.
fn kids_of(objects: &mut Objects<'_>, node: u32) -> Option<Vec<u32>> {
    match objects.entry(node, b"Kids")? {
        Value::Array(at) => Some(objects.references(node, at)),
        Value::Ref(kids) => {
            let at = objects.get(kids)?.1;
            Some(objects.references(kids, at))
        }
        _ => None,
    }
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
    let offset = Lexer::new(tail, end + at + 9).number();
    let shift = find(&view.head[..1024], b"%PDF-").unwrap_or(0) as u64;
    // A classic table may begin before what is held; its trailer stands right before `startxref`.
    let from_table = rfind(tail, b"trailer").and_then(|t| Some(t + find(&tail[t..], b"<<")?));
    let from_stream = offset.and_then(|o| {
        let held = view.at(o.checked_add(shift)?)?;
        let (_, value) = object_at(held, 0)?;
        work.lookup(held, value, b"Root").map(|_| work.lookup(held, value, b"Encrypt"))
    });
    let encrypt = match (from_stream, from_table) {
        (Some(found), _) => Some(found),
        (None, Some(dict)) => work.lookup(tail, dict, b"Root").map(|_| work.lookup(tail, dict, b"Encrypt")),
        (None, None) => None,
    };
    inspection.is_structure_checked = encrypt.is_some();
    inspection.is_encrypted = encrypt.flatten().is_some_and(|value| value != Value::Null);
}

#[cfg(test)]
mod tests {
    use crate::content::{Inspection, Probe};
    use proptest::prelude::*;

    fn probe(bytes: &[u8]) -> Inspection {
        let mut probe = Probe::new();
        probe.update(bytes).unwrap();
        probe.finish()
    }

    fn pdf(trailer: &str) -> Vec<u8> {
        let body = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page >>\nendobj\n";
        let at = body.len();
        let rows = "0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n";
        format!(
            "{body}xref\n0 4\n{rows}trailer\n<< /Size 4 /Root 1 0 R {trailer}>>\nstartxref\n{at}\n%%EOF\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_sound_pdf_opens_and_says_its_pages() {
        let got = probe(&pdf(""));
        assert_eq!((got.broken, got.unreadable, got.is_encrypted, got.pages), (None, None, false, Some(1)));
        assert_eq!(got.format.to_string(), "pdf/1.4");
    }

    #[test]
    fn a_pdf_cut_short_is_broken_and_unreadable() {
        let got = probe(b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog");
        assert!(got.broken.is_some() && got.unreadable.is_some());
    }

    #[test]
    fn a_password_is_told() {
        assert!(probe(&pdf("/Encrypt 4 0 R ")).is_encrypted);
        assert!(!probe(&pdf("/Encrypt null ")).is_encrypted);
    }

    #[test]
    fn a_wrong_cross_reference_is_mended_as_readers_do() {
        let text = String::from_utf8(pdf("")).unwrap().replace("startxref\n", "startxref\n9");
        assert_eq!(probe(text.as_bytes()).unreadable, None);
    }

    #[test]
    fn a_large_pdf_is_judged_by_its_end_in_bounded_memory() {
        let small = pdf("/Encrypt 4 0 R ");
        let mut probe = Probe::new();
        probe.update(b"%PDF-1.4\n").unwrap();
        for _ in 0..20 {
            probe.update(&vec![b'x'; 1 << 20]).unwrap();
        }
        probe.update(&small).unwrap();
        let got = probe.finish();
        assert!(got.is_encrypted && got.is_structure_checked && got.broken.is_none());
    }

    #[test]
    fn files_that_refer_in_circles_cost_a_bounded_amount() {
        let repeated = |unit: &str, tail: &str| format!("%PDF-1.4\n{}{tail}", unit.repeat(20_000));
        let kids: String = (1..20_000).map(|n| format!("{n} 0 obj<</Kids[{} 0 R]/A[", n + 1)).collect();
        for text in [
            repeated("<</Root ", "startxref 9 %%EOF"),
            repeated("1 0 obj<</Type/ObjStm", "trailer<</Root 1 0 R>>%%EOF"),
            repeated("xref 0 0 ", "startxref 9 %%EOF"),
            format!("%PDF-1.4\n{kids}trailer<</Root 1 0 R>>startxref 9 %%EOF"),
            format!("%PDF-1.4\n9 0 obj<</Pages 1 0 R>>endobj {kids}trailer<</Root 9 0 R>>startxref 9 %%EOF"),
        ] {
            let _ = probe(text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(cut in 0usize..400, flip in 0usize..400, to in any::<u8>()) {
            let mut bytes = pdf("");
            let n = bytes.len();
            bytes[flip % n] = to;
            bytes.truncate(cut.min(n));
            let _ = probe(&bytes);
        }
    }
}
