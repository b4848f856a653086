//! Signatures and seals of an OFD (GB/T 33190 17): every reference's digest recomputed, then the value over
//! Signature.xml: a seal (GB/T 38540, GM/T 0031), signed data (GB/T 35275) or a bare SM2 signature. Neighbours:
//! `ofd_parts` before, `signature` for the cryptography, `ofd` after.

use std::collections::BTreeSet;

use base64::Engine as _;
use dengbei_records::Timestamp;

use super::ofd_parts::{Parts, folder_of};
use crate::signature::sealed::{self, Sealed};
use crate::signature::{
    Coverage, DigestMethod, Reason, SignatureFacts, SignatureKind, SignatureState, TimestampFacts, Trust, der,
};
use crate::xml::Node;

const MAX_SIGNATURES: usize = 64;
const MAX_REFERENCES: usize = 20_000;
const MAX_LISTED: usize = 20;

/// Everything that was signed and stamped.
#[derive(Default)]
pub(super) struct Found {
    pub(super) signatures: Vec<SignatureFacts>,
    pub(super) timestamps: Vec<TimestampFacts>,
}

/// One signature's parts.
struct Entry {
    part: usize,
    description: Option<Node>,
    value: Option<usize>,
    seal: Option<usize>,
}

/// Checks every signature that the lists at `lists` name.
pub(super) fn check(parts: &Parts<'_>, lists: &[String], trust: &Trust) -> Found {
    let mut found = Found::default();
    let mut machinery = BTreeSet::new();
    let mut entries = Vec::new();
    for list in lists {
        match parts.document("", list) {
            Ok((part, node)) => {
                machinery.insert(part);
                let folder = folder_of(parts.path(part));
                for item in node.children.iter().filter(|n| n.name == "signature") {
                    let location = item.attribute("baseloc").unwrap_or_default();
                    match entry(parts, folder, location).filter(|_| entries.len() < MAX_SIGNATURES) {
                        Some(entry) => entries.push(entry),
                        None => found.signatures.push(missing(location)),
                    }
                    if found.signatures.len() > MAX_SIGNATURES {
                        return found;
                    }
                }
            }
            Err(_) => found.signatures.push(missing(list)),
        }
    }
    for entry in &entries {
        machinery.extend([Some(entry.part), entry.value, entry.seal].into_iter().flatten());
    }
    for entry in entries {
        one(parts, &entry, &machinery, (trust, &mut found));
    }
    found
}

fn entry(parts: &Parts<'_>, folder: &str, location: &str) -> Option<Entry> {
    let part = parts.find(folder, location)?;
    let own = folder_of(parts.path(part));
    let description = parts.xml(part).ok();
    let (mut value, mut seal) = (None, None);
    if let Some(node) = &description {
        value = parts.find(own, node.text_of("signedvalue"));
        let signed_info = node.child("signedinfo");
        seal = signed_info.and_then(|i| i.child("seal")).and_then(|s| parts.find(own, s.text_of("baseloc")));
    }
    Some(Entry { part, description, value, seal })
}

fn blank(place: &str, state: SignatureState, reason: Reason) -> SignatureFacts {
    let place = place.chars().filter(|c| !c.is_control()).take(200).collect();
    SignatureFacts { state, reason, ..SignatureFacts::blank(SignatureKind::OfdSignature, place) }
}

fn missing(location: &str) -> SignatureFacts {
    let reason = Reason::new(
        "signature.missing",
        format!("签名文件缺失或无法读取：{location}"),
        format!("a signature's file is missing or does not read: {location}"),
    );
    blank(location, SignatureState::Broken, reason)
}

fn one(parts: &Parts<'_>, entry: &Entry, machinery: &BTreeSet<usize>, (trust, found): (&Trust, &mut Found)) {
    let place = parts.path(entry.part);
    let form = || Reason::new("signature.form", "签名文件格式不对", "the signature's file is malformed");
    let mut facts = blank(place, SignatureState::Broken, form());
    let (Some(description), Some(xml)) = (&entry.description, parts.bytes(entry.part)) else {
        found.signatures.push(facts);
        return;
    };
    let Some(info) = description.child("signedinfo") else {
        found.signatures.push(facts);
        return;
    };
    facts.algorithm = Some(info.text_of("signaturemethod").chars().take(60).collect());
    facts.signed_at = stated_time(info.text_of("signaturedatetime"));
    let references = references(parts, place, info);
    facts.digest = references.method;
    facts.coverage = coverage(parts, machinery, &references.covered);
    let value = entry.value.and_then(|part| parts.bytes(part));
    let held = Sealed {
        content: &xml,
        value: value.as_deref(),
        esl: entry.seal.and_then(|part| parts.bytes(part)),
        trust,
    };
    let by_value = sealed::check(&held, &mut facts, &mut found.timestamps);
    (facts.state, facts.reason) = verdict(references.fault, by_value, &facts);
    found.signatures.push(facts);
}

type Verdict = (SignatureState, Reason);

/// The worst of what references, value and coverage say.
fn verdict(references: Option<Verdict>, by_value: Verdict, facts: &SignatureFacts) -> Verdict {
    let partly = match &facts.coverage {
        Coverage::Part(uncovered) => Some((
            SignatureState::Unverifiable,
            Reason::new(
                "signature.partial",
                format!("签名未保护全部内容：{}", uncovered.join("、")),
                format!("it does not protect everything: {}", uncovered.join(", ")),
            ),
        )),
        _ => None,
    };
    let mut all: Vec<Verdict> = references.into_iter().chain([by_value]).collect();
    // That only a part is protected matters once the part is right and trusted.
    if all.iter().all(|v| v.0 == SignatureState::Valid) {
        all.extend(partly);
    }
    let rank = |state: SignatureState| match state {
        SignatureState::Changed => 4,
        SignatureState::Broken => 3,
        SignatureState::Unverifiable => 2,
        SignatureState::IntactUntrusted => 1,
        SignatureState::Valid => 0,
    };
    // The first of the worst: digests come before the value.
    all.into_iter().rev().max_by_key(|v| rank(v.0)).unwrap_or_else(|| {
        (SignatureState::Unverifiable, Reason::new("signature.unknown", "无法核验", "it cannot be checked"))
    })
}

#[derive(Default)]
struct References {
    method: Option<DigestMethod>,
    covered: BTreeSet<usize>,
    fault: Option<Verdict>,
}

/// Recomputes every digest.
fn references(parts: &Parts<'_>, place: &str, info: &Node) -> References {
    let mut found = References::default();
    let lists = info.children.iter().filter(|n| n.name == "references");
    let mut changed: Vec<String> = Vec::new();
    let mut count = 0;
    for list in lists {
        // The schema's default.
        let stated = list.attribute("checkmethod").filter(|m| !m.is_empty()).unwrap_or("MD5");
        let method = DigestMethod::of(stated);
        found.method = found.method.filter(|m| m.is_weak()).or(method);
        for reference in list.children.iter().filter(|n| n.name == "reference") {
            count += 1;
            let file = reference.attribute("fileref").unwrap_or_default();
            let part = parts.find(folder_of(place), file);
            let Some(method) = method else {
                found.fault = Some(unknown_method(stated));
                continue;
            };
            let stated = decode(reference.text_of("checkvalue"));
            let computed = part.and_then(|part| parts.digest(part, method));
            match (part, stated.is_some() && stated == computed) {
                (Some(part), true) => {
                    found.covered.insert(part);
                }
                _ => changed.push(file.to_owned()),
            }
        }
    }
    if count == 0 || count > MAX_REFERENCES {
        found.fault = Some((
            SignatureState::Broken,
            Reason::new("signature.references", "签名没有保护任何文件", "the signature protects nothing"),
        ));
    } else if !changed.is_empty() {
        found.fault = Some(changed_parts(&changed));
    } else if let (None, Some(weak)) = (&found.fault, found.method.filter(|m| m.is_weak())) {
        found.fault = Some((
            SignatureState::Unverifiable,
            Reason::new(
                "signature.weak_digest",
                format!("摘要算法 {} 过弱，不足为凭", weak.name()),
                format!("{} is too weak to prove anything", weak.name()),
            ),
        ));
    }
    found
}

fn unknown_method(stated: &str) -> Verdict {
    let stated: String = stated.chars().filter(|c| !c.is_control()).take(60).collect();
    let reason = Reason::new(
        "signature.digest_method",
        format!("摘要算法未知：{stated}"),
        format!("an unknown digest method: {stated}"),
    );
    (SignatureState::Unverifiable, reason)
}

fn changed_parts(changed: &[String]) -> Verdict {
    let listed = changed.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>();
    let reason = Reason::new(
        "signature.digest",
        format!("签名后被改动或缺失：{}", listed.join("、")),
        format!("changed or missing since it was signed: {}", listed.join(", ")),
    );
    (SignatureState::Changed, reason)
}

/// What is not protected, the signatures' own files apart.
fn coverage(parts: &Parts<'_>, machinery: &BTreeSet<usize>, covered: &BTreeSet<usize>) -> Coverage {
    let open = parts.all().filter(|part| !covered.contains(part) && !machinery.contains(part));
    let open: Vec<String> = open.take(MAX_LISTED).map(|part| parts.path(part).to_owned()).collect();
    if open.is_empty() { Coverage::Whole } else { Coverage::Part(open) }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// `20200817111329Z`, or `2021-05-19 20:53:44`, which is Beijing time: it names no zone and offices write so.
fn stated_time(text: &str) -> Option<Timestamp> {
    if !text.contains('-') {
        return der::moment(text);
    }
    let text = text.replace('T', " ");
    let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
    der::moment(&format!("{digits}+0800"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_hyphens_is_beijing_time() {
        assert_eq!(stated_time("2021-05-19 20:53:44"), der::moment("20210519125344Z"));
        assert_eq!(stated_time("20210519125344Z"), der::moment("20210519125344Z"));
        assert_eq!(stated_time("2021年"), None);
    }
}
