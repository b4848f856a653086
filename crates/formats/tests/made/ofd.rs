//! An OFD of one page under a seal, made part by part: each may be changed before or after it is signed.

use std::io::{Cursor, Write as _};

use base64::Engine as _;

use super::{Holder, SM2_SM3, Wanted, bits, der, octets, oid, seq, sign, text, time};

/// Which edition of the seal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edition {
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2014.
    V1,
}

/// Those who take part: an authority, the maker of seals, the office that seals.
pub(crate) struct Cast {
    pub(crate) authority: Holder,
    pub(crate) maker: Holder,
    pub(crate) office: Holder,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let authority = Holder::new(&Wanted::authority("Trial Authority"), None);
        let maker = Holder::new(&Wanted::signer("Trial Seal Maker"), Some(&authority));
        let office = Holder::new(&Wanted::signer("审批局"), Some(&authority));
        Self { authority, maker, office }
    }
}

pub(crate) type Part = (String, Vec<u8>);

const NAMESPACE: &str = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";
pub(crate) const SIGNATURE: &str = "Doc_0/Signs/Sign_0/Signature.xml";
pub(crate) const VALUE: &str = "Doc_0/Signs/Sign_0/SignedValue.dat";

/// The parts of an unsigned document.
pub(crate) fn parts() -> Vec<Part> {
    let xml = |path: &str, body: &str| {
        (path.to_owned(), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}").into_bytes())
    };
    vec![
        xml(
            "OFD.xml",
            &format!(
                "<ofd:OFD {NAMESPACE} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot><ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody></ofd:OFD>"
            ),
        ),
        xml(
            "Doc_0/Document.xml",
            &format!(
                "<ofd:Document {NAMESPACE}><ofd:CommonData><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages><ofd:Page ID=\"1\" BaseLoc=\"Pages/Page_0/Content.xml\"/></ofd:Pages></ofd:Document>"
            ),
        ),
        xml(
            "Doc_0/PublicRes.xml",
            &format!(
                "<ofd:Res {NAMESPACE} BaseLoc=\"Res\"><ofd:MultiMedias><ofd:MultiMedia ID=\"3\" Type=\"Image\"><ofd:MediaFile>a.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>"
            ),
        ),
        ("Doc_0/Res/a.png".to_owned(), b"\x89PNG\r\n\x1a\nimage".to_vec()),
        xml(
            "Doc_0/Pages/Page_0/Content.xml",
            &format!(
                "<ofd:Page {NAMESPACE}><ofd:Content><ofd:Layer><ofd:TextObject><ofd:TextCode X=\"1\" Y=\"1\">准予许可</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>"
            ),
        ),
        xml(
            "Doc_0/Signs/Signatures.xml",
            &format!(
                "<ofd:Signatures {NAMESPACE}><ofd:MaxSignId>1</ofd:MaxSignId><ofd:Signature ID=\"1\" Type=\"Seal\" BaseLoc=\"Sign_0/Signature.xml\"/></ofd:Signatures>"
            ),
        ),
    ]
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub(crate) fn sm3(bytes: &[u8]) -> Vec<u8> {
    use sm3::Digest as _;
    sm3::Sm3::digest(bytes).to_vec()
}

/// Signature.xml over these parts.
pub(crate) fn description(parts: &[Part]) -> Vec<u8> {
    let rows: String = parts
        .iter()
        .map(|(path, bytes)| {
            format!(
                "<ofd:Reference FileRef=\"/{path}\"><ofd:CheckValue>{}</ofd:CheckValue></ofd:Reference>",
                base64(&sm3(bytes))
            )
        })
        .collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ofd:Signature {NAMESPACE}><ofd:SignedInfo><ofd:Provider ProviderName=\"trial\"/><ofd:SignatureMethod>{SM2_SM3}</ofd:SignatureMethod><ofd:SignatureDateTime>20240102030405Z</ofd:SignatureDateTime><ofd:References CheckMethod=\"1.2.156.10197.1.401\">{rows}</ofd:References></ofd:SignedInfo><ofd:SignedValue>/{VALUE}</ofd:SignedValue></ofd:Signature>").into_bytes()
}

/// A seal made by the maker for its holders.
pub(crate) fn seal(cast: &Cast, edition: Edition, holder: &[u8]) -> Vec<u8> {
    let header = seq(&[&der(22, b"ES"), &[2, 1, 4], &der(22, b"TRIAL")]);
    let list = seq(&[&octets(holder)]);
    let property = match edition {
        Edition::V4 => seq(&[
            &[2, 1, 3],
            &text("审批局电子印章"),
            &[2, 1, 1],
            &list,
            &time("20200101000000Z"),
            &time("20200101000000Z"),
            &time("20290101000000Z"),
        ]),
        Edition::V1 => {
            let short = |t: &str| der(23, t.as_bytes());
            seq(&[
                &[2, 1, 3],
                &text("审批局电子印章"),
                &list,
                &short("200101000000Z"),
                &short("200101000000Z"),
                &short("290101000000Z"),
            ])
        }
    };
    let picture = seq(&[&der(22, b"PNG"), &octets(b"picture"), &[2, 1, 40], &[2, 1, 40]]);
    let info = seq(&[&header, &der(22, b"33070000000001"), &property, &picture]);
    let (maker, algorithm) = (octets(&cast.maker.certificate), oid(SM2_SM3));
    match edition {
        Edition::V4 => seq(&[&info, &maker, &algorithm, &bits(&sign(&cast.maker.key, &info))]),
        Edition::V1 => {
            let signed = seq(&[&info, &maker, &algorithm]);
            seq(&[&info, &seq(&[&maker, &algorithm, &bits(&sign(&cast.maker.key, &signed))])])
        }
    }
}

/// SignedValue.dat: `seal` put under Signature.xml by `signer`.
pub(crate) fn stamp(signer: &Holder, seal: &[u8], xml: &[u8], edition: Edition) -> Vec<u8> {
    let (certificate, algorithm) = (octets(&signer.certificate), oid(SM2_SM3));
    let (digest, place) = (bits(&sm3(xml)), der(22, format!("/{SIGNATURE}").as_bytes()));
    match edition {
        Edition::V4 => {
            let to_sign = seq(&[&[2, 1, 4], seal, &time("20240102030405Z"), &digest, &place]);
            seq(&[&to_sign, &certificate, &algorithm, &bits(&sign(&signer.key, &to_sign))])
        }
        Edition::V1 => {
            let at = bits(b"20240102030405Z");
            let to_sign = seq(&[&[2, 1, 1], seal, &at, &digest, &place, &certificate, &algorithm]);
            seq(&[&to_sign, &bits(&sign(&signer.key, &to_sign))])
        }
    }
}

/// The whole document under the office's seal.
pub(crate) fn sealed(cast: &Cast, edition: Edition) -> Vec<Part> {
    let mut parts = parts();
    let xml = description(&parts);
    let seal = seal(cast, edition, &cast.office.certificate);
    parts.push((VALUE.to_owned(), stamp(&cast.office, &seal, &xml, edition)));
    parts.push((SIGNATURE.to_owned(), xml));
    parts
}

pub(crate) fn zip(parts: &[Part]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (path, bytes) in parts {
        writer.start_file(path.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
