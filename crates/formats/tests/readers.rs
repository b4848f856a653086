//! Readers: what is whole, what is cut short, what acts or is locked. Files are made here, byte by byte.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;

use dengbei_formats::content::{Active, Inspection, Kind, Probe, Reach};
use proptest::prelude::*;

fn look(name: &str, bytes: &[u8]) -> Inspection {
    let mut probe = Probe::new().named(name);
    for piece in bytes.chunks(4096) {
        probe.update(piece).unwrap();
    }
    probe.finish()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

fn png(rows: usize) -> Vec<u8> {
    let header = [0, 0, 0, 4, 0, 0, 0, 4, 8, 0, 0, 0, 0];
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 5 * rows]).unwrap();
    let data = packed.finish().unwrap();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &data), &chunk(b"IEND", b"")]
        .concat()
}

fn gif() -> Vec<u8> {
    [&b"GIF89a\x01\0\x01\0\0\0\0"[..], b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0", b"\x3b"].concat()
}

fn tiff() -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0\x04\0".to_vec();
    for (tag, value) in [(256_u16, 2_u32), (257, 1), (273, 62), (279, 2)] {
        file.extend(tag.to_le_bytes());
        file.extend([4, 0, 1, 0, 0, 0]);
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend([1, 2]);
    file
}

fn jpeg() -> Vec<u8> {
    let frame =
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x0b\x08\0\x02\0\x03\x01\x01\x11\0";
    [&frame[..], b"\xff\xda\0\x08\x01\x01\0\0\x3f\0", b"abc\xff\0def\xff\xd0ghi", b"\xff\xd9"].concat()
}

fn wav() -> Vec<u8> {
    let format = [1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    let rates = [8000_u32.to_le_bytes(), 8000_u32.to_le_bytes()].concat();
    let body = [
        &b"WAVEfmt \x10\0\0\0"[..],
        &format,
        &rates,
        &[1, 0, 8, 0],
        b"data",
        &4000_u32.to_le_bytes(),
        &[0x80; 4000],
    ]
    .concat();
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn mp3(frames: usize) -> Vec<u8> {
    // 128 kbit/s at 44.1 kHz: 417 bytes a frame.
    let frame = [&[0xff, 0xfb, 0x90, 0][..], &[0; 413]].concat();
    frame.repeat(frames)
}

fn atom(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32 + 8).to_be_bytes()[..], name, data].concat()
}

fn mp4() -> Vec<u8> {
    let head = [&[0; 12][..], &1000_u32.to_be_bytes(), &2500_u32.to_be_bytes(), &[0; 80]].concat();
    let movie = atom(b"moov", &atom(b"mvhd", &head));
    [atom(b"ftyp", b"isom\0\0\x02\0mp41"), atom(b"mdat", &[0; 64]), movie].concat()
}

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in parts {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const TYPES: &str = "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

fn docx(more: &[(&str, &str)]) -> Vec<u8> {
    let app = "<Properties><Pages>3</Pages></Properties>";
    zipped(
        &[
            &[("[Content_Types].xml", TYPES), ("word/document.xml", "<w/>"), ("docProps/app.xml", app)][..],
            more,
        ]
        .concat(),
    )
}

/// A compound file of the named streams, each of one sector of 4096 bytes that begins with its text.
fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    const SECTORS: usize = 8;
    let directory = (streams.len() + 4) / 4;
    let mut fat = vec![0xffff_fffd_u32];
    fat.extend((0..directory).map(|n| if n + 1 < directory { n as u32 + 2 } else { 0xffff_fffe }));
    let starts: Vec<u32> =
        streams.iter().enumerate().map(|(n, _)| (1 + directory + n * SECTORS) as u32).collect();
    for start in &starts {
        fat.extend((1..SECTORS as u32).map(|n| start + n).chain([0xffff_fffe]));
    }
    let mut head = vec![0_u8; 512];
    head[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    head[28..34].copy_from_slice(&[0xfe, 0xff, 9, 0, 6, 0]);
    for (at, value) in [(44, 1_u32), (48, 1), (56, 4096), (60, 0xffff_fffe), (68, 0xffff_fffe)] {
        head[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    head[76..].fill(0xff);
    head[76..80].fill(0);
    let entry = |name: &str, kind: u8, links: [u32; 3], start: u32, bytes: u32| {
        let mut entry = vec![0_u8; 128];
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..units.len()].copy_from_slice(&units);
        entry[64] = units.len() as u8 + 2;
        entry[66] = kind;
        for (n, link) in links.into_iter().enumerate() {
            entry[68 + 4 * n..][..4].copy_from_slice(&link.to_le_bytes());
        }
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&bytes.to_le_bytes());
        entry
    };
    let none = u32::MAX;
    let mut entries = entry("Root Entry", 5, [none, none, 1], 0xffff_fffe, 0);
    for (n, (name, _)) in streams.iter().enumerate() {
        let right = if n + 1 < streams.len() { n as u32 + 2 } else { none };
        entries.extend(entry(name, 2, [none, right, none], starts[n], 4096));
    }
    entries.resize(directory * 512, 0);
    let mut table: Vec<u8> = fat.into_iter().flat_map(u32::to_le_bytes).collect();
    table.resize(512, 0xff);
    let mut file = [head, table, entries].concat();
    for (_, text) in streams {
        let mut bytes = text.to_vec();
        bytes.resize(4096, 0);
        file.extend(bytes);
    }
    file
}

/// Whole, then cut by so many bytes.
fn whole_and_cut(name: &str, bytes: &[u8], by: usize) {
    let whole = look(name, bytes);
    assert_eq!((whole.broken.clone(), whole.unreadable.clone()), (None, None), "{name}: {whole:?}");
    assert!(whole.reading.reach != Reach::None && !whole.reading.is_truncated, "{name}: {whole:?}");
    let cut = look(name, &bytes[..bytes.len() - by]);
    assert!(cut.broken.is_some() || cut.unreadable.is_some(), "{name} cut: {cut:?}");
    assert!(cut.reading.reach != Reach::Whole, "{name} cut: {cut:?}");
}

#[test]
fn files_cut_short_are_told_from_whole_ones() {
    for (name, bytes, by) in [
        ("a.png", png(4), 5),
        ("a.gif", gif(), 4),
        ("a.tif", tiff(), 1),
        ("a.jpg", jpeg(), 2),
        ("a.wav", wav(), 100),
        ("a.mp3", mp3(9), 10),
        ("a.mp4", mp4(), 40),
        ("a.rtf", b"{\\rtf1\\ansi {\\b a}}".to_vec(), 2),
        ("a.docx", docx(&[]), 30),
        ("a.doc", compound(&[("WordDocument", b"\xec\xa5")]), 4096),
        ("a.xml", b"<?xml version=\"1.0\"?><a><b/></a>".to_vec(), 3),
        ("a.csv", b"a,b\r\n\"1\",\"2\"".to_vec(), 1),
        ("a.dxf", b"0\r\nSECTION\r\n2\r\nHEADER\r\n0\r\nENDSEC\r\n0\r\nEOF\r\n".to_vec(), 6),
        ("a.zip", zipped(&[("a", "1"), ("b", "2")]), 9),
    ] {
        whole_and_cut(name, &bytes, by);
    }
}

#[test]
fn pictures_tell_their_size_and_pages() {
    let size = |i: &Inspection| (i.reading.width, i.reading.height);
    assert_eq!(size(&look("a.png", &png(4))), (Some(4), Some(4)));
    assert_eq!(size(&look("a.jpg", &jpeg())), (Some(3), Some(2)));
    let scan = look("a.tif", &tiff());
    assert_eq!((size(&scan), scan.pages), ((Some(2), Some(1)), Some(1)));
}

#[test]
fn a_png_without_its_last_rows_is_broken() {
    let found = look("a.png", &png(3));
    assert!(found.broken.is_some() && found.reading.is_truncated, "{found:?}");
}

#[test]
fn sound_and_film_tell_how_long_they_last() {
    assert_eq!(look("a.wav", &wav()).reading.duration_ms, Some(500));
    assert_eq!(look("a.mp3", &mp3(10)).reading.duration_ms, Some(261));
    assert_eq!(look("a.mp4", &mp4()).reading.duration_ms, Some(2500));
    let no_index = [atom(b"ftyp", b"isom\0\0\x02\0mp41"), atom(b"mdat", &[0; 64])].concat();
    assert!(look("a.mp4", &no_index).unreadable.is_some());
}

#[test]
fn office_files_tell_macros_links_and_objects() {
    let plain = look("a.docx", &docx(&[]));
    assert_eq!((plain.format.kind, plain.pages), (Kind::Docx, Some(3)));
    assert!(plain.reading.active.is_empty());
    let macros = look("a.docx", &docx(&[("word/vbaProject.bin", "x"), ("word/embeddings/a.bin", "y")]));
    assert_eq!(macros.reading.active, [Active::Macros, Active::EmbeddedObjects]);
    let relation = "<Relationships><Relationship Type=\"http://x/attachedTemplate\" TargetMode=\"External\" Target=\"http://y\"/></Relationships>";
    let linked = look("a.docx", &docx(&[("word/_rels/settings.xml.rels", relation)]));
    assert_eq!(linked.reading.active, [Active::ExternalLinks]);
    let hyperlink = relation.replace("attachedTemplate", "hyperlink");
    assert!(look("a.docx", &docx(&[("word/_rels/document.xml.rels", &hyperlink)])).reading.active.is_empty());
}

#[test]
fn passwords_of_office_files_are_told() {
    let word = look("a.doc", &compound(&[("WordDocument", b"\xec\xa5\0\0\0\0\0\0\0\0\0\x01")]));
    assert!(word.is_encrypted && word.reading.reach == Reach::Part, "{word:?}");
    assert!(!look("a.doc", &compound(&[("WordDocument", b"\xec\xa5\0\0")])).is_encrypted);
    let package = look("a.docx", &compound(&[("EncryptedPackage", b"x")]));
    assert!(package.is_encrypted && package.identification.puid.as_deref() == Some("fmt/494"), "{package:?}");
    let excel = look("a.xls", &compound(&[("Workbook", b"\x09\x08\x04\0\0\x06\x05\0\x2f\0\x02\0aa")]));
    assert!(excel.is_encrypted, "{excel:?}");
    let powerpoint = compound(&[
        ("Current User", b"\x14\0\0\0\0\0\0\0\0\0\0\0\xdf\xc4\xd1\xf3"),
        ("PowerPoint Document", b""),
    ]);
    assert!(look("a.ppt", &powerpoint).is_encrypted);
}

#[test]
fn text_tells_its_encoding() {
    let encoding = |bytes: &[u8]| look("a.txt", bytes).reading.encoding;
    assert_eq!(encoding("申请书".as_bytes()).as_deref(), Some("UTF-8"));
    assert_eq!(encoding(&encoding_rs::GB18030.encode("申请书").0).as_deref(), Some("gb18030"));
}

#[test]
fn html_and_mail_tell_what_acts_and_what_they_bring() {
    let page = look("a.html", b"<html><SCRIPT>x</SCRIPT><img src=\"http://x/y\"></html>");
    assert_eq!(page.reading.active, [Active::Scripts, Active::ExternalLinks]);
    let mail = "From: a@b\r\nDate: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"q\"\r\n\r\n--q\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n..\r\n--q--\r\n";
    let whole = look("a.eml", mail.as_bytes());
    assert_eq!((whole.format.kind, &whole.reading.active[..]), (Kind::Eml, &[Active::Attachments][..]));
    assert!(!whole.reading.unverified.is_empty());
    assert!(look("a.eml", &mail.as_bytes()[..mail.len() - 9]).broken.is_some());
}

#[test]
fn xml_with_a_dtd_is_read_only_in_part() {
    let found = look("a.xml", b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>");
    assert!(found.unreadable.is_none() && found.reading.reach == Reach::Part, "{found:?}");
}

#[test]
fn what_no_reader_knows_is_said() {
    let found = look("公文.ceb", &[1, 2, 3, 250, 0, 7]);
    assert_eq!((found.format.kind, found.reading.reach), (Kind::Ceb, Reach::None));
    assert_eq!(found.reading.unverified.len(), 1);
    let drawing = look("a.dwg", b"AC1032\0\0\0\0\0");
    assert_eq!(drawing.identification.puid.as_deref(), Some("fmt/1395"));
    assert!(!drawing.reading.unverified.is_empty());
    let program = look("a.exe", &[b"MZ".to_vec(), vec![0; 300]].concat());
    assert!(program.reading.has_scripts_or_macros());
}

#[test]
fn every_kind_carries_its_id() {
    let puid = |name: &str, bytes: &[u8]| look(name, bytes).identification.puid;
    assert_eq!(puid("a.jpg", &jpeg()).as_deref(), Some("fmt/43"));
    assert_eq!(puid("a.docx", &docx(&[])).as_deref(), Some("fmt/412"));
    assert_eq!(puid("a.wav", &wav()).as_deref(), Some("fmt/141"));
    assert_eq!(puid("a.mp3", &mp3(9)).as_deref(), Some("fmt/134"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_changed_byte_makes_a_reader_panic(which in 0usize..13, at in any::<usize>(), to in any::<u8>(), cut in any::<usize>()) {
        let files = [png(4), gif(), tiff(), jpeg(), wav(), mp3(4), mp4(), docx(&[]), compound(&[("WordDocument", b"\xec\xa5")]),
            zipped(&[("a.zip", "x")]), b"{\\rtf1\\bin9 {}}".to_vec(), b"0\nSECTION\n0\nEOF".to_vec(), b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x00jp2c\xff\x4f\xff\xd9".to_vec()];
        let mut bytes = files[which].clone();
        let n = bytes.len();
        bytes[at % n] = to;
        if cut % 3 == 0 { bytes.truncate(cut % n); }
        let _ = look("a.bin", &bytes);
    }
}
