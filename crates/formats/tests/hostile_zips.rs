//! Zips that no careful sender writes: each refused by its stable code, nothing written, nothing inflated beyond its limits.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::{Limits, PackageSource, ReadError, ZipArchive, ZipSource};
use dengbei_records::{ErrorClass, Problem};
use proptest::prelude::*;

/// One entry of a hand-made zip; whatever is not said is as an honest writer does it.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    data: Vec<u8>,
    method: u16,
    flags: u16,
    mode: u32,
    crc: Option<u32>,
    bytes: Option<u32>,
    header_start: Option<u32>,
    extra: Vec<u8>,
}

fn file(name: &str, data: &[u8]) -> Raw {
    let name = name.as_bytes().to_vec();
    Raw {
        name,
        local_name: None,
        data: data.to_vec(),
        method: 0,
        flags: 0x800,
        mode: 0o100_644,
        crc: None,
        bytes: None,
        header_start: None,
        extra: Vec::new(),
    }
}

fn deflated(name: &str, data: &[u8]) -> Raw {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    let packed = encoder.finish().unwrap();
    Raw {
        data: packed,
        method: 8,
        crc: Some(crc32fast::hash(data)),
        bytes: Some(data.len() as u32),
        ..file(name, b"")
    }
}

fn zip(entries: &[Raw]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for e in entries {
        let start = out.len() as u32;
        let crc = e.crc.unwrap_or_else(|| crc32fast::hash(&e.data));
        let (packed, bytes) = (e.data.len() as u32, e.bytes.unwrap_or(e.data.len() as u32));
        let shared = |name: &[u8], extra: &[u8]| {
            let mut h = Vec::new();
            for n in [20, e.flags, e.method, 0, 0x5c21] {
                h.extend(n.to_le_bytes());
            }
            for n in [crc, packed, bytes] {
                h.extend(n.to_le_bytes());
            }
            h.extend((name.len() as u16).to_le_bytes());
            h.extend((extra.len() as u16).to_le_bytes());
            h
        };
        let local_name = e.local_name.as_ref().unwrap_or(&e.name);
        out.extend([b"PK\x03\x04", &shared(local_name, b"")[..], local_name, &e.data].concat());
        directory.extend([b"PK\x01\x02\x14\x03", &shared(&e.name, &e.extra)[..], &[0; 6]].concat());
        directory.extend((e.mode << 16).to_le_bytes());
        directory.extend(e.header_start.unwrap_or(start).to_le_bytes());
        directory.extend([&e.name[..], &e.extra].concat());
    }
    let (count, offset) = (entries.len() as u16, out.len() as u32);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn open(bytes: Vec<u8>) -> Result<ZipArchive, ReadError> {
    ZipArchive::open(Arc::new(Bytes::from(bytes)), &Limits::PACKAGE)
}

fn problem(error: ReadError) -> Problem {
    match error {
        ReadError::Refused(problem) => problem,
        ReadError::Io(e) => panic!("an I/O error: {e}"),
    }
}

fn code(entries: &[Raw]) -> String {
    code_of(zip(entries))
}

fn code_of(bytes: Vec<u8>) -> String {
    let problem = problem(open(bytes).map(|_| ()).unwrap_err());
    assert_eq!(problem.class, ErrorClass::Invalid);
    assert!(!problem.message.is_empty() && !problem.message_en.is_empty());
    problem.code
}

fn read(archive: &ZipArchive, index: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    archive.read(index).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn an_honest_zip_is_read() {
    let archive =
        open(zip(&[file("a/", b""), file("a/甲.txt", b"1"), deflated("b.txt", &[b'x'; 5000])])).unwrap();
    let paths: Vec<&str> = archive.entries().iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["a/甲.txt", "b.txt"]);
    assert_eq!(read(&archive, 1).unwrap(), [b'x'; 5000]);
    assert_eq!(read(&archive, 0).unwrap(), b"1");
}

#[test]
fn what_another_writer_makes_is_read_zip64_and_descriptors_included() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    writer.start_file("材料/申请表.txt", options.large_file(true)).unwrap();
    writer.write_all(&vec![b'y'; 300_000]).unwrap();
    let archive = open(writer.finish().unwrap().into_inner()).unwrap();
    assert_eq!(read(&archive, 0).unwrap().len(), 300_000);
    let mut stream = zip::ZipWriter::new_stream(Vec::new());
    stream.start_file("a.txt", options).unwrap();
    stream.write_all(b"by stream").unwrap();
    let archive = open(stream.finish().unwrap().into_inner()).unwrap();
    assert_eq!(read(&archive, 0).unwrap(), b"by stream");
}

#[test]
fn names_that_leave_the_package_are_refused() {
    assert_eq!(code(&[file("../etc/passwd", b"x")]), "archive.path_escape");
    assert_eq!(code(&[file("a/../../x", b"x")]), "archive.path_escape");
    assert_eq!(code(&[file("/etc/passwd", b"x")]), "archive.absolute_path");
    assert_eq!(code(&[file("C:\\windows\\x", b"x")]), "archive.drive_letter");
    assert_eq!(code(&[file("a\nb", b"x")]), "archive.control_character");
    assert_eq!(code(&[file("a\0b", b"x")]), "archive.control_character");
    assert_eq!(code(&[file(&"名".repeat(100), b"x")]), "archive.name_too_long");
    assert_eq!(code(&[file(&"n".repeat(60_000), b"x")]), "archive.name_too_long");
    assert_eq!(code(&[file(&"d/".repeat(30), b"")]), "archive.too_deep");
    assert_eq!(code(&[Raw { name: vec![0xff, 0xfe], ..file("", b"x") }]), "archive.bad_name");
}

#[test]
fn links_and_devices_are_refused() {
    assert_eq!(code(&[Raw { mode: 0o120_777, ..file("link", b"/etc/passwd") }]), "archive.link");
    assert_eq!(code(&[Raw { mode: 0o020_666, ..file("tty", b"") }]), "archive.device");
    assert_eq!(code(&[Raw { mode: 0o010_666, ..file("pipe", b"") }]), "archive.device");
}

#[test]
fn two_stories_in_one_zip_are_refused() {
    assert_eq!(code(&[file("a", b"1"), file("a", b"2")]), "archive.duplicate_name");
    assert_eq!(code(&[file("e\u{301}", b"1"), file("\u{e9}", b"2")]), "archive.duplicate_name");
    assert_eq!(code(&[file("a", b"1"), file("a/b", b"2")]), "archive.duplicate_name");
    let masked = Raw { local_name: Some(b"other.txt".to_vec()), ..file("shown.txt", b"x") };
    assert_eq!(code(&[masked]), "archive.header_mismatch");
}

#[test]
fn entries_that_share_bytes_are_refused() {
    // A stored entry whose data holds the second entry's whole local header and data.
    let inner = zip(&[file("in", b"secret")]);
    let outer = file("out", &inner[..30 + 2 + 6]);
    let hidden = Raw { header_start: Some(30 + 3), data: b"secret".to_vec(), ..file("in", b"") };
    // The hidden entry's own copy lies after the first; the directory points into the first.
    assert_eq!(code(&[outer, hidden]), "archive.overlap");
}

#[test]
fn encryption_and_odd_methods_are_refused() {
    assert_eq!(code(&[Raw { flags: 0x801, ..file("a", b"x") }]), "archive.encrypted");
    assert_eq!(code(&[Raw { method: 99, ..file("a", b"x") }]), "archive.encrypted");
    assert_eq!(code(&[Raw { method: 12, ..file("a", b"x") }]), "archive.method");
}

#[test]
fn no_zip_and_a_zip_cut_short_are_told_apart() {
    assert_eq!(code_of(b"%PDF-1.4".to_vec()), "archive.not_a_zip");
    assert_eq!(code_of(Vec::new()), "archive.not_a_zip");
    let whole = zip(&[file("a", &[7; 1000])]);
    assert_eq!(code_of(whole[..500].to_vec()), "archive.truncated");
}

#[test]
fn ten_thousand_entries_are_refused_and_two_thousand_are_not() {
    let many: Vec<Raw> = (0..10_000).map(|n| file(&format!("f{n}"), b"")).collect();
    assert_eq!(code(&many), "archive.too_many_entries");
    assert!(open(zip(&many[..2_000])).is_ok());
}

#[test]
fn a_bomb_is_refused_by_its_directory_and_never_inflated() {
    assert_eq!(code(&[deflated("zeros", &vec![0; 64 << 20])]), "archive.bomb");
    // 10 GB declared through zip64, in a few bytes.
    let mut widened = vec![1, 0, 8, 0];
    widened.extend(10_000_000_000_u64.to_le_bytes());
    let giant = Raw { bytes: Some(u32::MAX), extra: widened, ..deflated("zeros", &[0; 100]) };
    assert_eq!(code(&[giant]), "archive.too_large");
    let each = Limits { total_bytes: 1500, ..Limits::PACKAGE };
    let two = zip(&[file("a", &[1; 1000]), file("b", &[1; 1000])]);
    let error = ZipArchive::open(Arc::new(Bytes::from(two)), &each).unwrap_err();
    assert_eq!(problem(error).code, "archive.too_large");
}

#[test]
fn a_lie_about_size_or_checksum_stops_the_reading() {
    let small = open(zip(&[Raw { bytes: Some(10), ..deflated("a", &vec![0; 1 << 20]) }])).unwrap();
    assert_eq!(problem(read(&small, 0).unwrap_err()).code, "archive.corrupt");
    let large = open(zip(&[Raw { bytes: Some(5000), ..deflated("a", &[0; 4000]) }])).unwrap();
    assert_eq!(problem(read(&large, 0).unwrap_err()).code, "archive.corrupt");
    let flipped = open(zip(&[Raw { crc: Some(1), ..file("a", b"x") }])).unwrap();
    assert_eq!(problem(read(&flipped, 0).unwrap_err()).code, "archive.corrupt");
    let garbage = open(zip(&[Raw { method: 8, bytes: Some(9), ..file("a", b"garbage!!") }])).unwrap();
    assert_eq!(problem(read(&garbage, 0).unwrap_err()).code, "archive.corrupt");
}

#[test]
fn the_top_folder_is_the_package_name_and_files_reopen() {
    let bytes = Bytes::from(zip(&[
        file("号-1/基本信息描述.XML", b"<d/>"),
        deflated("号-1/申请材料/表.txt", b"text"),
    ]));
    let source = ZipSource::open(Arc::new(bytes), "upload.zip", &Limits::PACKAGE).unwrap();
    assert_eq!(source.name(), "号-1");
    assert_eq!(source.entries()[1].path, "申请材料/表.txt");
    for _ in 0..2 {
        let (mut one, mut two) = (source.open(1).unwrap(), source.open(0).unwrap());
        let mut text = String::new();
        two.read_to_string(&mut String::new()).unwrap();
        one.read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = open(bytes);
    }

    #[test]
    fn no_flipped_byte_makes_it_panic_or_give_wrong_content(at in 0usize..400, to in any::<u8>(), cut in 0usize..400) {
        let mut bytes = zip(&[file("号/甲.txt", b"one"), deflated("号/乙.txt", &[b'x'; 3000])]);
        let n = bytes.len();
        bytes[at % n] = to;
        bytes.truncate(n - cut % 8);
        if let Ok(archive) = open(bytes) {
            for index in 0..archive.entries().len() {
                if let Ok(content) = read(&archive, index) {
                    // Whatever is given has the declared length; other content would need a matching checksum too.
                    prop_assert_eq!(content.len() as u64, archive.entries()[index].bytes);
                }
            }
        }
    }
}
