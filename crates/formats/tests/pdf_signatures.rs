//! PDFs signed here: whole they are valid for who trusts the signer and intact for others; changed in any part they are
//! never valid. And what a PDF may do, hidden as it is hidden in the wild.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod made;

use dengbei_formats::content::{Inspection, Probe, pdf_text};
use dengbei_formats::signature::{Coverage, SignatureFacts, SignatureState, Trust};
use made::ofd::Cast;
use made::pdf::{Unsigned, by_openssl, document, signed_data};

fn inspect(bytes: &[u8], trust: &Trust) -> Inspection {
    let mut probe = Probe::trusting(trust.clone());
    probe.update(bytes).unwrap();
    probe.finish()
}

fn only(bytes: &[u8], trust: &Trust) -> SignatureFacts {
    let got = inspect(bytes, trust);
    let [one] = &got.signatures[..] else { panic!("{got:?}") };
    one.clone()
}

fn trusting(file: &[u8]) -> Trust {
    let mut trust = Trust::nobody();
    assert_eq!(trust.add(file), 1);
    trust
}

fn by_sm2(cast: &Cast, unsigned: &Unsigned) -> Vec<u8> {
    let office = &cast.office;
    unsigned.with(&signed_data(office, &office.issuer, &office.serial, &unsigned.content()))
}

fn plain() -> Unsigned {
    document(&[], "", "ETSI.CAdES.detached")
}

#[test]
fn an_sm2_signature_is_valid_for_who_trusts_it_and_intact_for_others() {
    let cast = Cast::new();
    let bytes = by_sm2(&cast, &plain());
    let one = only(&bytes, &trusting(&cast.authority.certificate));
    assert_eq!((one.state, &one.coverage), (SignatureState::Valid, &Coverage::Whole), "{one:?}");
    assert_eq!((one.place.as_str(), one.signer.as_deref()), ("Approval", Some("审批局")));
    assert_eq!(one.algorithm.as_deref(), Some("SM2-SM3"));
    assert_eq!(one.signed_at.unwrap().rfc3339(), "2024-01-02T11:04:05+08:00");
    assert_eq!(only(&bytes, &Trust::nobody()).state, SignatureState::IntactUntrusted);
}

#[test]
fn rsa_and_ecdsa_signatures_by_openssl_verify() {
    for kind in ["rsa:2048", "ec:prime256v1", "ec:secp384r1"] {
        let unsigned = document(&[], "", "adbe.pkcs7.detached");
        let Some((value, certificate)) = by_openssl(kind, &unsigned.content()) else {
            println!("skipped: openssl is not there");
            return;
        };
        let bytes = unsigned.with(&value);
        let one = only(&bytes, &trusting(&certificate));
        assert_eq!(
            (one.state, one.signer.as_deref()),
            (SignatureState::Valid, Some("Trial Office")),
            "{kind} {one:?}"
        );
        assert_eq!(only(&bytes, &Trust::nobody()).state, SignatureState::IntactUntrusted);
        let mut changed = bytes;
        let at = changed.windows(4).position(|w| w == b"8000").unwrap();
        changed[at] = b'9';
        assert_eq!(only(&changed, &trusting(&certificate)).state, SignatureState::Changed);
    }
}

#[test]
fn no_byte_that_is_signed_can_be_changed() {
    let cast = Cast::new();
    let trust = trusting(&cast.authority.certificate);
    let unsigned = plain();
    let bytes = by_sm2(&cast, &unsigned);
    let value = unsigned.value_range();
    let mut tried = 0;
    for at in (0..bytes.len()).filter(|at| !value.contains(at)).step_by(2) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 7);
        let got = inspect(&changed, &trust);
        let is_valid = got.signatures.iter().any(|s| s.state == SignatureState::Valid);
        assert!(!is_valid, "byte {at}: {:?}", got.signatures);
        tried += 1;
    }
    assert!(tried > 300);
}

#[test]
fn a_changed_value_is_never_another_signers_and_mostly_nobodys() {
    let cast = Cast::new();
    let trust = trusting(&cast.authority.certificate);
    let unsigned = plain();
    let bytes = by_sm2(&cast, &unsigned);
    let whole = only(&bytes, &trust);
    let value = unsigned.value_range();
    let mut still = 0;
    let used = value.start..value.start + 1_800;
    for at in used.step_by(5) {
        let mut changed = bytes.clone();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        let got = inspect(&changed, &trust);
        for one in got.signatures.iter().filter(|s| s.state == SignatureState::Valid) {
            // Version numbers of the container are signed by nobody.
            assert_eq!((&one.signer, one.signed_at), (&whole.signer, whole.signed_at), "digit {at}");
            still += 1;
        }
    }
    assert!(still < 12, "{still} changes of the container went unseen");
}

#[test]
fn what_is_appended_after_signing_is_not_protected() {
    let cast = Cast::new();
    let trust = trusting(&cast.authority.certificate);
    let bytes = by_sm2(&cast, &plain());
    let at = bytes.len();
    let appended = format!(
        "6 0 obj\n<</Length 26>>stream\nBT (approved 9000 yuan) Tj ET\nendstream\nendobj\nxref\n6 1\n{at:010} 00000 n \ntrailer\n<</Size 7/Root 1 0 R/Prev 9>>\nstartxref\n{}\n%%EOF\n",
        at + 82
    );
    let grown = [&bytes[..], appended.as_bytes()].concat();
    let one = only(&grown, &trust);
    assert_eq!((one.state, one.reason.code.as_str()), (SignatureState::Unverifiable, "signature.appended"));
    assert!(matches!(one.coverage, Coverage::Part(_)));
    // A line's end after the last mark is none of that.
    assert_eq!(only(&[&bytes[..], b"\r\n"].concat(), &trust).state, SignatureState::Valid);
}

#[test]
fn a_byte_range_that_leaves_out_more_than_the_value_is_broken() {
    let cast = Cast::new();
    let trust = trusting(&cast.authority.certificate);
    let unsigned = plain();
    let text = by_sm2(&cast, &unsigned);
    let value = unsigned.value_range();
    // The gap begins a byte earlier, ends a byte later; the range begins later; the last part is shorter.
    for (from, to) in [
        (format!("{:<10}", value.start), format!("{:<10}", value.start - 1)),
        (format!("{:<10}", value.end), format!("{:<10}", value.end + 1)),
        ("ByteRange[0 ".to_owned(), "ByteRange[1 ".to_owned()),
    ] {
        let at = text.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = text.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        let one = only(&changed, &trust);
        assert_eq!((one.state, one.reason.code.as_str()), (SignatureState::Broken, "signature.byte_range"));
    }
    let mut padded = text;
    padded[value.end - 3] = b'1';
    assert_eq!(only(&padded, &trust).reason.code, "signature.padding");
}

fn facts_of(objects: &[&str], catalogue: &str) -> dengbei_formats::content::PdfFacts {
    let objects: Vec<String> = objects.iter().map(|o| (*o).to_owned()).collect();
    let bytes = document(&objects, catalogue, "x").with(b"");
    inspect(&bytes, &Trust::nobody()).pdf.unwrap()
}

/// An object stream that holds one object.
fn packed(n: u32, object: &str) -> String {
    use std::io::Write as _;
    let head = format!("{n} 0 ");
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(format!("{head}{object}").as_bytes()).unwrap();
    let hexed: String = packer.finish().unwrap().iter().map(|b| format!("{b:02x}")).collect();
    let length = hexed.len() + 1;
    format!(
        "<</Type/ObjStm/N 1/First {}/Filter[/ASCIIHexDecode/FlateDecode]/Length {length}>>stream\n{hexed}>\nendstream",
        head.len()
    )
}

#[test]
fn scripts_are_found_plain_hidden_in_names_and_packed() {
    let script = "<</S/JavaScript/JS(app.alert\\(1\\))>>";
    assert_eq!(facts_of(&[script], "").scripts, ["object 7"]);
    assert_eq!(facts_of(&["<</S/J#61va#53cript/J#53 8 0 R>>"], "").scripts, ["object 7"]);
    assert!(facts_of(&["<<>>"], "").scripts.is_empty());
    let opens = facts_of(&[script], "/OpenAction 7 0 R");
    assert!(opens.has_open_action);
    assert!(!facts_of(&[], "/OpenAction[3 0 R/Fit]").has_open_action);
    assert_eq!(facts_of(&["<</S/Launch/F(cmd.exe)>>"], "").launches, ["Launch object 7"]);
    // Only a scan reaches what the table does not list: the file is mended, and the script told.
    let bytes = document(&[packed(20, script)], "/OpenAction 20 0 R", "x").with(b"");
    let facts = inspect(&bytes, &Trust::nobody()).pdf.unwrap();
    assert!(facts.scripts.contains(&"object 20".to_owned()) && facts.has_open_action, "{facts:?}");
}

#[test]
fn embedded_files_forms_claims_and_fonts_are_told() {
    let file = "<</Type/Filespec/F(a.exe)/UF(\\376\\377\\116\\055)/EF<</F 9 0 R>>>>";
    assert_eq!(facts_of(&[file], "").embedded_files, ["中"]);
    let form = facts_of(&[], "");
    assert!(form.has_form && !form.has_xfa);
    assert!(facts_of(&["<</XFA 9 0 R>>"], "").has_xfa);
    let xmp = "<rdf><pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf>";
    let metadata = format!("<</Type/Metadata/Length {}>>stream\n{xmp}\nendstream", xmp.len());
    assert_eq!(facts_of(&[&metadata], "/Metadata 7 0 R").pdf_a.as_deref(), Some("2b"));
    let fonts = facts_of(
        &[
            "<</Type/Font/Subtype/TrueType/BaseFont/SimSun>>",
            "<</Type/Font/Subtype/TrueType/BaseFont/A/FontDescriptor<</FontFile2 9 0 R>>>>",
        ],
        "",
    );
    assert_eq!((fonts.fonts_missing, fonts.fonts_embedded), (vec!["SimSun".to_owned()], 1));
}

#[test]
fn text_of_chinese_fonts_is_read_in_order_and_cut_where_asked() {
    let page = "BT /F1 12 Tf 1 0 0 1 20 700 Tm <4e2d6587> Tj 0 -20 Td (AB) ' ET";
    let font = "<</Type/Font/Subtype/Type0/Encoding/UniGB-UCS2-H/BaseFont/STSong-Light>>";
    let stream = format!("<</Length {}>>stream\n{page}\nendstream", page.len());
    let mut bytes = document(&[font.to_owned(), stream], "", "x").with(b"");
    let text = String::from_utf8(bytes.clone()).unwrap();
    bytes = text.replace("/Contents 6 0 R/", "/Contents 8 0 R/Resources<</Font<</F1 7 0 R>>>>/").into_bytes();
    assert!(pdf_text(&bytes, 1_000).unwrap().text.starts_with("中文\n"), "{:?}", pdf_text(&bytes, 1_000));
    let cut = pdf_text(&bytes, 4).unwrap();
    assert_eq!((cut.text.as_str(), cut.is_cut), ("中", true));
}
