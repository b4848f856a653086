//! The binary itself as a reader (读者进程): it reads as a service would, finds what large PDFs hold, and ends with whoever
//! started it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dengbei_formats::content::{Collected, Probe, Reach, Readers};
use dengbei_worker::{COMMAND, Pool, Program, Terms};

const PATIENCE: Duration = Duration::from_secs(60);

fn pool() -> Pool {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_dengbei"));
    Pool::new("test", Program { path, args: vec![COMMAND.into()] }, Terms::default())
}

/// A PDF with a script, padded to so many bytes.
fn pdf(bytes: usize) -> Collected {
    let mut text = String::from("%PDF-1.7\n");
    let mut places = Vec::new();
    for body in [
        "1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>endobj\n",
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n",
        "4 0 obj<</S/JavaScript/JS(app.alert\\(1\\))>>endobj\n",
    ] {
        places.push(text.len());
        text.push_str(body);
    }
    text.push('%');
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    text.push('\n');
    let table = text.len();
    text.push_str("xref\n0 5\n0000000000 65535 f \n");
    places.iter().for_each(|at| text.push_str(&format!("{at:010} 00000 n \n")));
    text.push_str(&format!("trailer<</Size 5/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n"));
    let mut probe = Probe::new().named("a.pdf");
    text.as_bytes().chunks(1 << 20).for_each(|chunk| probe.update(chunk).unwrap());
    probe.collected()
}

#[test]
fn the_binary_reads_files_for_whoever_starts_it() {
    let pool = pool();
    let told = pool.inspect(pdf(0)).unwrap();
    assert!(told.reading.is_apart && told.reading.reach == Reach::Whole, "{told:?}");
    assert_eq!((told.pages, told.pdf.unwrap().scripts.len()), (Some(1), 1));
    let idle = pool.idle();
    pool.inspect(pdf(0)).unwrap();
    assert_eq!(pool.idle(), idle, "it stays warm");
}

#[test]
fn what_a_pdf_over_sixteen_mebibytes_holds_is_found() {
    let told = pool().inspect(pdf(17 << 20)).unwrap();
    assert!(told.is_evidence_checked && told.is_structure_checked, "{told:?}");
    assert_eq!((told.pages, told.pdf.unwrap().scripts.len()), (Some(1), 1));
}

#[test]
fn a_reader_ends_when_nobody_is_at_its_other_end() {
    let mut reader = Command::new(env!("CARGO_BIN_EXE_dengbei"));
    reader.arg(COMMAND).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut reader = reader.spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    while reader.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it went on alone");
        std::thread::yield_now();
    }
}
