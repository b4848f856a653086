//! Small documents that open: an OFD (GB/T 33190) of one page and a PDF of one scanned page.

use std::io::Write as _;

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::people::noise;

/// Options of every zip that the sample writes: a fixed time, so that the same seed gives the same bytes.
pub(crate) fn zip_options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
}

/// A document of about `kib` KiB: OFD or PDF, by the dice. Returns its ending and its bytes.
pub(crate) fn document(rng: &mut StdRng, title: &str, kib: u32) -> (&'static str, Vec<u8>) {
    let bytes = kib as usize * 1024;
    if rng.random_bool(0.5) { ("ofd", ofd(rng, title, bytes)) } else { ("pdf", pdf(rng, bytes)) }
}

fn ofd(rng: &mut StdRng, title: &str, bytes: usize) -> Vec<u8> {
    const NS: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;
    let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let root = format!(
        r#"{head}<ofd:OFD {NS} Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>{:032x}</ofd:DocID><ofd:Title>{title}</ofd:Title></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"#,
        u128::from(rng.next_u64())
    );
    let document = format!(
        r#"{head}<ofd:Document {NS}><ofd:CommonData><ofd:MaxUnitID>10</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea><ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>"#
    );
    let resources = format!(
        r#"{head}<ofd:Res {NS} BaseLoc="Res"><ofd:MultiMedias><ofd:MultiMedia ID="3" Type="Image" Format="RAW"><ofd:MediaFile>scan.raw</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>"#
    );
    let page = format!(
        r#"{head}<ofd:Page {NS}><ofd:Content><ofd:Layer ID="2"><ofd:TextObject ID="4" Boundary="20 20 170 10" Font="5" Size="5"><ofd:TextCode X="0" Y="5">{title}</ofd:TextCode></ofd:TextObject><ofd:ImageObject ID="6" Boundary="20 40 100 100" ResourceID="3"/></ofd:Layer></ofd:Content></ofd:Page>"#
    );
    let entries = [
        ("OFD.xml", root.into_bytes()),
        ("Doc_0/Document.xml", document.into_bytes()),
        ("Doc_0/DocumentRes.xml", resources.into_bytes()),
        ("Doc_0/Pages/Page_0/Content.xml", page.into_bytes()),
        ("Doc_0/Res/scan.raw", noise(rng, bytes.saturating_sub(1900))),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let written: Result<(), zip::result::ZipError> = entries.iter().try_for_each(|(path, body)| {
        zip.start_file(*path, zip_options())?;
        Ok(zip.write_all(body)?)
    });
    // Writing to memory cannot fail; an empty document would be found by the checks.
    written.and_then(|()| zip.finish()).map(std::io::Cursor::into_inner).unwrap_or_default()
}

fn pdf(rng: &mut StdRng, bytes: usize) -> Vec<u8> {
    let side = (bytes.saturating_sub(700).max(64) as f64).sqrt() as usize;
    let mut image = format!(
        "<< /Type /XObject /Subtype /Image /Width {side} /Height {side} /ColorSpace /DeviceGray /BitsPerComponent 8 /Length {} >>\nstream\n",
        side * side
    )
    .into_bytes();
    image.extend(noise(rng, side * side));
    image.extend(b"\nendstream");
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /I 4 0 R >> >> /Contents 5 0 R >>";
    let parts: [Vec<u8>; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into(),
        image,
        b"<< /Length 30 >>\nstream\nq 595 0 0 842 0 0 cm /I Do Q  \nendstream".to_vec(),
    ];
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = String::new();
    for (n, part) in parts.iter().enumerate() {
        offsets.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend(format!("{} 0 obj\n", n + 1).bytes());
        out.extend(part);
        out.extend(b"\nendobj\n");
    }
    let xref = out.len();
    out.extend(
        format!("xref\n0 6\n0000000000 65535 f \n{offsets}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").bytes(),
    );
    out
}
