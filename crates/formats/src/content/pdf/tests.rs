//! Small PDFs made here: what opens, what is mended, what is told.

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
    format!("{body}xref\n0 4\n{rows}trailer\n<< /Size 4 /Root 1 0 R {trailer}>>\nstartxref\n{at}\n%%EOF\n")
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

/// 64 MiB of blanks in two layers, as a stream.
fn bomb(dict: &str) -> Vec<u8> {
    use std::io::Write as _;
    let pack = |bytes: &mut dyn std::io::Read| {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::copy(bytes, &mut packer).unwrap();
        packer.flush().unwrap();
        packer.finish().unwrap()
    };
    let once = pack(&mut std::io::Read::take(std::io::repeat(b' '), 64 << 20));
    let twice = pack(&mut once.as_slice());
    let head = format!("<<{dict}/Filter[/FlateDecode/FlateDecode]/Length {}>>stream\n", twice.len());
    [head.as_bytes(), &twice, b"\nendstream"].concat()
}

#[test]
fn streams_that_unpack_without_end_cost_a_bounded_amount() {
    let start = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Kids[3 0 R]>>endobj 3 0 obj<</Type/Page/Contents[4 0 R 5 0 R]>>endobj\n";
    let end = b"endobj trailer<</Root 1 0 R>>startxref 9 %%EOF";
    let both = [
        &start[..],
        b"4 0 obj",
        &bomb("/Type/ObjStm/N 1/First 5"),
        b"endobj 5 0 obj",
        &bomb("/Type/ObjStm/N 9999999/First 0"),
        end,
    ]
    .concat();
    let got = probe(&both);
    assert_eq!(got.pages, Some(1));
    assert!(crate::content::pdf_text(&both, 1_000).is_some());
}

#[test]
fn a_tree_whose_branches_meet_again_is_refused() {
    let nodes: String =
        (2..60).map(|n| format!("{n} 0 obj<</Kids[{0} 0 R {0} 0 R]>>endobj ", n + 1)).collect();
    let text = format!(
        "%PDF-1.4\n1 0 obj<</Pages 2 0 R>>endobj {nodes} 60 0 obj<</Type/Page>>endobj trailer<</Root 1 0 R>>startxref 9 %%EOF"
    );
    assert!(probe(text.as_bytes()).unreadable.is_some());
}
