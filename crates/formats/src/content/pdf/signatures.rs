//! Signatures of a PDF (ISO 32000-1, 12.8; ETSI EN 319 142): which bytes they cover, whether these are what was signed,
//! and by whom. Neighbours: `facts` before, which found them; `signature::sealed` for the cryptography.

use super::facts::Signed;
use super::file::PdfFile;
use super::lexer::is_space;
use super::value::{Dict, Value, hex, text_of};
use crate::signature::sealed::{self, Sealed};
use crate::signature::{
    Coverage, Expected, Reason, SignatureFacts, SignatureKind, SignatureState, TimestampFacts, Trust,
    check_timestamp, der,
};

/// Everything that was signed and stamped.
#[derive(Default)]
pub(super) struct Found {
    pub(super) signatures: Vec<SignatureFacts>,
    pub(super) timestamps: Vec<TimestampFacts>,
}

pub(super) fn check(file: &mut PdfFile<'_>, all: &[Signed], trust: &Trust) -> Found {
    let mut found = Found::default();
    for signed in all {
        let dict = direct(file, &signed.dict);
        let place = signed.field.clone().unwrap_or_else(|| format!("object {}", signed.object));
        if dict.is(b"Type", b"DocTimeStamp") || dict.is(b"SubFilter", b"ETSI.RFC3161") {
            found.timestamps.push(stamp(file, &dict, &place, trust));
        } else {
            one(file, &dict, place, (trust, &mut found));
        }
    }
    found
}

/// The dictionary with what matters resolved.
fn direct(file: &mut PdfFile<'_>, dict: &Dict) -> Dict {
    let resolved = dict.0.iter().map(|(key, value)| {
        let value = if key == b"Cert" || key == b"Reference" {
            value.clone()
        } else {
            file.resolve(value).unwrap_or(Value::Null)
        };
        (key.clone(), value)
    });
    Dict(resolved.collect())
}

/// What the byte range covers.
struct Covered {
    content: Vec<u8>,
    /// The signature's value without what pads it.
    value: Vec<u8>,
    coverage: Coverage,
}

fn fault(state: SignatureState, code: &str, zh: &str, en: &str) -> (SignatureState, Reason) {
    (state, Reason::new(code, zh, en))
}

/// Reads the byte range: it must leave out exactly the signature's value, and nothing else.
fn covered(bytes: &[u8], dict: &Dict) -> Result<Covered, (SignatureState, Reason)> {
    let bad = || {
        fault(
            SignatureState::Broken,
            "signature.byte_range",
            "签名覆盖范围（ByteRange）不对",
            "its ByteRange is wrong",
        )
    };
    let range = || {
        let numbers: Vec<usize> = dict
            .get(b"ByteRange")?
            .array()?
            .iter()
            .filter_map(|n| usize::try_from(n.whole()?).ok())
            .collect();
        let [0, gap, after, length] = numbers[..] else { return None };
        let end = after.checked_add(length)?;
        let inside = bytes.get(gap..after)?;
        let stated = dict.get(b"Contents")?.text()?;
        let digits = inside.strip_prefix(b"<")?.strip_suffix(b">")?;
        let is_plain = digits.iter().all(|b| b.is_ascii_hexdigit() || is_space(*b));
        (is_plain && hex(digits) == stated).then_some((gap, after, end, stated.to_vec()))
    };
    let (gap, after, end, value) = range().ok_or_else(bad)?;
    let last = bytes.get(after..end).ok_or_else(bad)?;
    let rest = &bytes[end..];
    let coverage = if rest.iter().all(|b| is_space(*b)) {
        Coverage::Whole
    } else {
        Coverage::Part(vec![format!("{} bytes appended after it", rest.len())])
    };
    let value = unpadded(&value).ok_or_else(|| {
        fault(
            SignatureState::Broken,
            "signature.padding",
            "签名值后有多余数据",
            "there is data behind the signature's value",
        )
    })?;
    Ok(Covered { content: [&bytes[..gap], last].concat(), value, coverage })
}

/// The value without the zeros that pad it.
fn unpadded(value: &[u8]) -> Option<Vec<u8>> {
    match der::Cursor::new(value).next() {
        Some(whole) => {
            let (used, rest) = value.split_at(whole.whole.len());
            rest.iter().all(|b| *b == 0).then(|| used.to_vec())
        }
        None => Some(value.to_vec()),
    }
}

fn one(file: &PdfFile<'_>, dict: &Dict, place: String, (trust, found): (&Trust, &mut Found)) {
    let name = dict.get(b"Name").and_then(Value::text).map(text_of);
    let mut facts = SignatureFacts {
        signer: name,
        algorithm: dict.name(b"SubFilter").map(|s| String::from_utf8_lossy(s).into_owned()),
        signed_at: dict.get(b"M").and_then(Value::text).and_then(date),
        ..SignatureFacts::blank(SignatureKind::PdfSignature, place)
    };
    (facts.state, facts.reason) = match covered(file.bytes, dict) {
        Err(fault) => fault,
        Ok(_) if dict.is(b"SubFilter", b"adbe.x509.rsa_sha1") => fault(
            SignatureState::Unverifiable,
            "signature.weak_digest",
            "摘要算法 SHA-1 过弱，不足为凭",
            "SHA-1 is too weak to prove anything",
        ),
        Ok(covered) => {
            facts.coverage = covered.coverage.clone();
            let held = Sealed { content: &covered.content, value: Some(&covered.value), esl: None, trust };
            let by_value = sealed::check(&held, &mut facts, &mut found.timestamps);
            partly(by_value, &covered.coverage)
        }
    };
    found.signatures.push(facts);
}

/// A signature that is right says nothing about what was appended later.
fn partly(by_value: (SignatureState, Reason), coverage: &Coverage) -> (SignatureState, Reason) {
    let is_right = matches!(by_value.0, SignatureState::Valid | SignatureState::IntactUntrusted);
    match coverage {
        Coverage::Whole => by_value,
        _ if !is_right => by_value,
        _ => fault(
            SignatureState::Unverifiable,
            "signature.appended",
            "签名之后又追加了内容（增量保存），追加部分不受其保护",
            "content was appended after it was signed, which it does not protect",
        ),
    }
}

/// A document timestamp.
fn stamp(file: &PdfFile<'_>, dict: &Dict, place: &str, trust: &Trust) -> TimestampFacts {
    match covered(file.bytes, dict) {
        Ok(covered) => {
            let expected = Expected { data: Some(&covered.content), ..Expected::default() };
            let mut facts = check_timestamp(&covered.value, place, &expected, trust);
            (facts.state, facts.reason) = partly((facts.state, facts.reason), &covered.coverage);
            facts
        }
        Err((state, reason)) => {
            let mut facts = check_timestamp(&[], place, &Expected::default(), trust);
            (facts.state, facts.reason) = (state, reason);
            facts
        }
    }
}

/// `D:20240102030405+08'00'`.
fn date(text: &[u8]) -> Option<dengbei_records::Timestamp> {
    let text = text_of(text);
    let digits = text.strip_prefix("D:").unwrap_or(&text).replace('\'', "");
    der::moment(&digits)
}
