//! A PDF of one page with a detached signature, made byte by byte: SM2 signed data by our own writer, or RSA and ECDSA by
//! openssl where that is there.

use std::process::Command;

use super::{Holder, SM2_SM3, der, octets, oid, seq, sign};

const SM3: &str = "1.2.156.10197.1.401";
/// Hexadecimal digits kept for the signature's value.
const ROOM: usize = 16_000;

/// A signed document before its value is filled in.
pub(crate) struct Unsigned {
    bytes: Vec<u8>,
    /// Where `<` of the value stands.
    gap: usize,
}

/// `extra` objects come after the fixed ones (numbered from 7), `catalogue` entries into the catalogue.
pub(crate) fn document(objects: &[String], catalogue: &str, sub_filter: &str) -> Unsigned {
    let fixed = [
        format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>{catalogue}>>"),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 6 0 R/Annots[4 0 R]>>".to_owned(),
        "<</FT/Sig/T(Approval)/V 5 0 R/Type/Annot/Subtype/Widget/Rect[0 0 0 0]/P 3 0 R>>".to_owned(),
        format!(
            "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/{sub_filter}/M(D:20240102110405+08'00')/ByteRange[0 @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@]/Contents<{}>>>",
            "0".repeat(ROOM)
        ),
        "<</Length 26>>stream\nBT (approved 8000 yuan) Tj ET\nendstream".to_owned(),
    ];
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (n, object) in fixed.iter().chain(objects).enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).into_bytes());
    }
    let at = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).into_bytes());
    for place in &places {
        bytes.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    bytes.extend(
        format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n", places.len() + 1).into_bytes(),
    );
    let gap = find(&bytes, b"/Contents<") + 9;
    let mut unsigned = Unsigned { bytes, gap };
    unsigned.fill_range();
    unsigned
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).unwrap()
}

impl Unsigned {
    fn fill_range(&mut self) {
        let after = self.gap + ROOM + 2;
        for number in [self.gap, after, self.bytes.len() - after] {
            let at = find(&self.bytes, b"@@@@@@@@@@");
            self.bytes[at..at + 10].copy_from_slice(format!("{number:<10}").as_bytes());
        }
    }

    /// What is signed.
    pub(crate) fn content(&self) -> Vec<u8> {
        [&self.bytes[..self.gap], &self.bytes[self.gap + ROOM + 2..]].concat()
    }

    pub(crate) fn with(&self, value: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let digits: String = value.iter().map(|b| format!("{b:02x}")).collect();
        bytes[self.gap + 1..self.gap + 1 + digits.len()].copy_from_slice(digits.as_bytes());
        bytes
    }

    /// Where the value stands.
    pub(crate) fn value_range(&self) -> std::ops::Range<usize> {
        self.gap..self.gap + ROOM + 2
    }
}

/// Signed data by an SM2 key over `content`, detached.
pub(crate) fn signed_data(signer: &Holder, issuer_name: &[u8], serial: &[u8], content: &[u8]) -> Vec<u8> {
    let digest = super::ofd::sm3(content);
    let attribute = |kind: &str, value: &[u8]| seq(&[&oid(kind), &der(0x31, value)]);
    let attributes = [
        attribute("1.2.840.113549.1.9.3", &oid("1.2.840.113549.1.7.1")),
        attribute("1.2.840.113549.1.9.5", &der(23, b"240102030405Z")),
        attribute("1.2.840.113549.1.9.4", &octets(&digest)),
    ]
    .concat();
    let value = sign(&signer.key, &der(0x31, &attributes));
    let sm3 = seq(&[&oid(SM3)]);
    let info = seq(&[
        &[2, 1, 1],
        &seq(&[issuer_name, serial]),
        &sm3,
        &der(0xa0, &attributes),
        &seq(&[&oid(SM2_SM3)]),
        &octets(&value),
    ]);
    let data = seq(&[
        &[2, 1, 1],
        &der(0x31, &sm3),
        &seq(&[&oid("1.2.840.113549.1.7.1")]),
        &der(0xa0, &signer.certificate),
        &der(0x31, &info),
    ]);
    seq(&[&oid("1.2.840.113549.1.7.2"), &der(0xa0, &data)])
}

/// Signed data by openssl with a key of this kind (`rsa:2048`, `ec:prime256v1`, …) and the certificate; `None` without
/// openssl.
pub(crate) fn by_openssl(kind: &str, content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let run = |args: &[&str]| {
        let done = Command::new("openssl").args(args).current_dir(folder.path()).output().ok()?;
        done.status.success().then_some(())
    };
    let (algorithm, parameter) = kind.split_once(':')?;
    let parameter = match algorithm {
        "ec" => format!("ec_paramgen_curve:{parameter}"),
        _ => format!("rsa_keygen_bits:{parameter}"),
    };
    std::fs::write(file("content"), content).unwrap();
    run(&["genpkey", "-algorithm", algorithm, "-pkeyopt", &parameter, "-out", "key.pem"])?;
    let usage = "keyUsage=critical,digitalSignature,keyCertSign";
    run(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "key.pem",
        "-subj",
        "/CN=Trial Office",
        "-days",
        "3650",
        "-out",
        "cert.pem",
        "-addext",
        usage,
    ])?;
    run(&[
        "cms", "-sign", "-binary", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem", "-outform",
        "DER", "-out", "value", "-md", "sha256",
    ])?;
    Some((std::fs::read(file("value")).unwrap(), std::fs::read(file("cert.pem")).unwrap()))
}
