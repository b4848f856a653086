//! Archives inside archives: counted together, refused beyond a depth, told where one stays closed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::archive::{MAX_NESTING, Nested, judge_nested, validate_archive};
use dengbei_formats::{Limits, ReadAt};

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn judge(bytes: Vec<u8>, limits: &Limits) -> Nested {
    let source: Arc<dyn ReadAt> = Arc::new(Bytes::from(bytes));
    judge_nested(&source, limits).unwrap()
}

fn code(nested: Nested) -> String {
    match nested {
        Nested::Refused(problem) => problem.code,
        other => format!("{other:?}"),
    }
}

/// A file within so many archives.
fn wrapped(times: usize) -> Vec<u8> {
    (0..times).fold(b"text".to_vec(), |inner, n| zip(&[(if n == 0 { "a.txt" } else { "a.zip" }, &inner)]))
}

#[test]
fn inner_archives_are_read_to_their_end_and_counted() {
    let inner = zip(&[("a.txt", b"1"), ("b.txt", b"2")]);
    let nested = judge(zip(&[("inner.zip", &inner), ("c.txt", b"3")]), &Limits::PACKAGE);
    assert!(matches!(nested, Nested::Sound { entries: 4, depth: 2 }), "{nested:?}");
}

#[test]
fn a_depth_too_many_is_refused() {
    assert!(matches!(
        judge(wrapped(MAX_NESTING), &Limits::PACKAGE),
        Nested::Sound { depth: MAX_NESTING, .. }
    ));
    assert_eq!(code(judge(wrapped(MAX_NESTING + 1), &Limits::PACKAGE)), "archive.too_nested");
}

#[test]
fn totals_hold_over_all_levels() {
    let inner = zip(&[("a", &[1; 600]), ("b", &[2; 600])]);
    let outer = zip(&[("one.zip", &inner), ("two.zip", &inner)]);
    let bytes = Limits { total_bytes: 2_500, ..Limits::PACKAGE };
    assert_eq!(code(judge(outer.clone(), &bytes)), "archive.too_large");
    let entries = Limits { entries: 5, ..Limits::PACKAGE };
    assert_eq!(code(judge(outer, &entries)), "archive.too_many_entries");
}

#[test]
fn a_hazard_deep_inside_refuses_the_whole_and_says_where() {
    let escaping = zip(&[("../../etc/passwd", b"x")]);
    let Nested::Refused(problem) = judge(zip(&[("材料.zip", &escaping)]), &Limits::PACKAGE) else {
        panic!()
    };
    assert_eq!(problem.code, "archive.path_escape");
    assert!(problem.message.contains("材料.zip"), "{}", problem.message);
    let mut damaged = zip(&[("a", &[9; 100])]);
    let n = damaged.len();
    damaged[n / 4] ^= 1;
    assert!(matches!(judge(zip(&[("b.zip", &damaged)]), &Limits::PACKAGE), Nested::Refused(_)));
}

#[test]
fn what_is_not_opened_inside_is_named() {
    let nested = judge(zip(&[("a.rar", b"Rar!\x1a\x07\0.....")]), &Limits::PACKAGE);
    assert!(matches!(&nested, Nested::Closed { path, .. } if path == "a.rar"), "{nested:?}");
}

#[test]
fn a_tar_inside_a_zip_is_judged_as_a_tar() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "link", "/etc/passwd").unwrap();
    let bytes = tar.into_inner().unwrap();
    assert_eq!(code(judge(zip(&[("a.tar", &bytes)]), &Limits::PACKAGE)), "archive.link");
}

#[test]
fn a_document_that_is_a_zip_inside_is_no_archive() {
    let ofd = zip(&[("OFD.xml", b"<OFD/>")]);
    let deep = (0..3).fold(ofd, |inner, _| zip(&[("a.ofd", &inner)]));
    let nested = judge(zip(&[("b.ofd", &deep)]), &Limits::PACKAGE);
    assert!(matches!(nested, Nested::Sound { entries: 1, depth: 1 }), "{nested:?}");
}

#[test]
fn the_validator_looks_inside_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrapped(MAX_NESTING + 1)).unwrap();
    assert_eq!(validate_archive(file.path(), &Limits::PACKAGE).codes, ["archive.too_nested"]);
}
