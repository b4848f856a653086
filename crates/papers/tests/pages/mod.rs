//! Reads a PDF back with poppler (`apt-get install poppler-utils`), which shares no code with what wrote it.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::path::Path;
use std::process::Command;

/// The words of a PDF in the order they were set, without spaces and line breaks.
pub(crate) fn words(pdf: &[u8]) -> String {
    text(pdf).chars().filter(|c| !c.is_whitespace()).collect()
}

/// The text of a PDF, pages apart by form feeds.
pub(crate) fn text(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    String::from_utf8(run("pdftotext", &["-raw", "-enc", "UTF-8"], &file, Some(Path::new("-")))).unwrap()
}

/// The first attachment of a PDF.
pub(crate) fn attachment(pdf: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    let out = folder.path().join("data.json");
    std::fs::write(&file, pdf).unwrap();
    run("pdfdetach", &["-save", "1", "-o", out.to_str().unwrap()], &file, None);
    std::fs::read(out).unwrap()
}

fn run(program: &str, options: &[&str], file: &Path, out: Option<&Path>) -> Vec<u8> {
    let done = Command::new(program).args(options).arg(file).args(out).output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install poppler-utils"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}
