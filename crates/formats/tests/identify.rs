//! Formats by content: the third-party skeleton files, each with the id that PRONOM gives it, by our own table and by the
//! official signature files. Skipped in one line when `../shared` is not beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shared;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::ReadAt;
use dengbei_formats::identify::{Basis, Identification, Seen, Signatures};
use proptest::prelude::*;
use shared::suite;

/// Rows that differ by our own table, with the reason. None.
const KNOWN: &[(&str, &str)] = &[];

fn official(folder: &Path) -> Signatures {
    let read = |prefix: &str| {
        let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let file = entries.into_iter().find(|p| p.file_name().unwrap().to_string_lossy().starts_with(prefix));
        std::fs::read(file.unwrap()).unwrap()
    };
    Signatures::from_droid(&read("DROID_SignatureFile"))
        .unwrap()
        .with_containers(&read("container-"))
        .unwrap()
}

fn tell(signatures: &Signatures, bytes: Vec<u8>, ending: Option<&str>) -> Identification {
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|t| !t.contains('\0'));
    let bytes = Bytes::from(bytes);
    let source: Arc<dyn ReadAt> = Arc::new(bytes.clone());
    signatures.identify(&Seen { head: &bytes, tail: &bytes, source: Some(source), ending, is_text })
}

/// What each row was told as, where that differs.
fn differing(signatures: &Signatures, folder: &Path) -> (usize, Vec<(String, String)>) {
    let visible = folder.join("visible");
    let table = std::fs::read_to_string(visible.join("expected_puid.tsv")).unwrap();
    let rows: Vec<&str> = table.lines().skip(1).collect();
    let mut wrong = Vec::new();
    for row in &rows {
        let fields: Vec<&str> = row.split('\t').collect();
        let path = visible.join(fields[0]);
        let ending = path.extension().map(|e| e.to_string_lossy().into_owned());
        let told = tell(signatures, std::fs::read(&path).unwrap(), ending.as_deref());
        if told.puid.as_deref() != Some(fields[1]) {
            wrong.push((fields[0].to_owned(), format!("expected {}, got {told:?}", fields[1])));
        }
    }
    (rows.len(), wrong)
}

#[test]
fn every_skeleton_file_is_told_by_our_own_table() {
    let Some(folder) = suite("formats.tar.xz") else { return };
    let (rows, wrong) = differing(Signatures::builtin(), folder.path());
    println!(
        "formats: {}/{rows}, {} formats in the table",
        rows - wrong.len(),
        Signatures::builtin().count()
    );
    let unexplained: Vec<_> =
        wrong.iter().filter(|(file, _)| !KNOWN.iter().any(|(k, _)| k == file)).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

#[test]
fn every_skeleton_file_is_told_by_the_official_signatures() {
    let Some(folder) = suite("formats.tar.xz") else { return };
    let signatures = official(folder.path());
    let (rows, wrong) = differing(&signatures, folder.path());
    println!(
        "formats by {}: {}/{rows}, {} formats",
        signatures.source(),
        rows - wrong.len(),
        signatures.count()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn text_is_known_by_its_name_and_other_bytes_are_only_guessed() {
    let table = Signatures::builtin();
    let csv = tell(table, b"a,b\n1,2\n".to_vec(), Some("CSV"));
    assert_eq!((csv.puid.as_deref(), csv.basis), (Some("x-fmt/18"), Some(Basis::Extension)));
    let unnamed = tell(table, "甲乙".as_bytes().to_vec(), None);
    assert!(!unnamed.is_known() && unnamed.alternatives[0].puid == "x-fmt/111");
    let bytes = tell(table, vec![7, 0, 200, 3], Some("dwg"));
    assert!(!bytes.is_known() && bytes.alternatives.iter().any(|c| c.puid == "fmt/36"));
}

#[test]
fn an_ofd_is_told_by_its_entry_document() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("OFD.xml", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, b"<ofd:OFD Version=\"1.1\"/>").unwrap();
    let told = tell(Signatures::builtin(), zip.finish().unwrap().into_inner(), Some("zip"));
    assert_eq!((told.puid, told.mime.as_deref()), (None, Some("application/ofd")));
    assert_eq!(told.basis, Some(Basis::Container));
}

#[test]
fn a_signature_file_that_is_none_is_refused_by_its_code() {
    for bytes in [&b"<a/>"[..], b"", b"PK\x03\x04", b"<FFSignatureFile>"] {
        assert_eq!(Signatures::from_droid(bytes).unwrap_err().code, "signatures.unreadable");
    }
}

/// A compound file of one stream with the bytes `Word.Document.8`, its length, directory and table as the format asks.
fn compound() -> Vec<u8> {
    let mut file = vec![0_u8; 512 * 3];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    file[28..34].copy_from_slice(&[0xfe, 0xff, 9, 0, 6, 0]);
    for (at, value) in [(44, 1_u32), (48, 1), (56, 4096), (60, 0xffff_fffe), (68, 0xffff_fffe)] {
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    file[76..512].fill(0xff);
    file[76..80].copy_from_slice(&0_u32.to_le_bytes());
    for (index, value) in [0xffff_fffd_u32, 0xffff_fffe].into_iter().enumerate() {
        file[512 + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    }
    for (index, (name, kind, child)) in
        [("Root Entry", 5, 1_u32), ("WordDocument", 2, u32::MAX)].into_iter().enumerate()
    {
        let entry = &mut file[1024 + 128 * index..][..128];
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..units.len()].copy_from_slice(&units);
        entry[64] = u8::try_from(units.len() + 2).unwrap();
        entry[66] = kind;
        entry[68..76].fill(0xff);
        entry[76..80].copy_from_slice(&child.to_le_bytes());
        entry[116..120].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    }
    file
}

#[test]
fn a_compound_file_is_told_by_its_streams() {
    let told = tell(Signatures::builtin(), compound(), Some("doc"));
    assert_eq!((told.puid.as_deref(), told.basis), (Some("fmt/609"), Some(Basis::Container)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_engine_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = tell(Signatures::builtin(), bytes, Some("doc"));
    }

    #[test]
    fn no_changed_compound_file_makes_it_panic_or_loop(at in 0usize..1536, to in any::<u8>(), cut in 0usize..1536) {
        let mut bytes = compound();
        bytes[at] = to;
        bytes.truncate(1536 - cut % 700);
        let _ = tell(Signatures::builtin(), bytes, None);
    }
}
