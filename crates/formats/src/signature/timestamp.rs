//! Timestamps (RFC 3161, GB/T 20520): a token says that a digest existed at a moment. Read, compared with what it should
//! stamp, its signature, its authority's certificate and policy checked. Neighbours: `cms` for the container.

use dengbei_records::Timestamp;

use super::certificate::Certificate;
use super::cms::{Checked, SignedData};
use super::der::{Cursor, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE};
use super::digest::DigestMethod;
use super::facts::{Reason, SignatureState, TimestampFacts};
use super::trust::Trust;

const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

/// What a timestamp is held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The data that it should stamp.
    pub data: Option<&'a [u8]>,
    /// The request (RFC 3161 2.4.1) that it should answer: same digest, same number used once.
    pub request: Option<&'a [u8]>,
    /// Policies that are taken; empty: any.
    pub policies: &'a [String],
    /// Certificates that did not come with the token, PEM or DER: believed no more than those that did.
    pub certificates: &'a [Certificate],
}

/// TSTInfo.
#[derive(Debug)]
struct Token<'a> {
    policy: String,
    imprint: Imprint<'a>,
    serial: &'a [u8],
    time: Timestamp,
    nonce: Option<&'a [u8]>,
}

#[derive(Debug, PartialEq, Eq)]
struct Imprint<'a> {
    oid: String,
    digest: &'a [u8],
}

/// Checks a token or a reply that holds one.
pub fn check_timestamp(bytes: &[u8], place: &str, expected: &Expected<'_>, trust: &Trust) -> TimestampFacts {
    let mut facts = TimestampFacts {
        place: place.to_owned(),
        time: None,
        policy: None,
        authority: None,
        serial: None,
        digest: None,
        certificate_ends: None,
        state: SignatureState::Broken,
        reason: Reason::new("timestamp.form", "时间戳格式不对", "the timestamp is malformed"),
    };
    let read = token_of(bytes).and_then(SignedData::read).filter(|data| data.content_type == TST_INFO);
    let Some(mut data) = read else { return facts };
    data.certificates.extend_from_slice(expected.certificates);
    let Some(content) = data.content.take() else { return facts };
    let Some(token) = token(&content) else { return facts };
    facts.time = Some(token.time);
    facts.serial = Some(hex::encode(token.serial));
    facts.digest = DigestMethod::of(&token.imprint.oid);
    facts.policy = Some(token.policy.clone());
    (facts.state, facts.reason) = judge(&data, &content, &token, &mut facts, (expected, trust));
    facts
}

type Verdict = (SignatureState, Reason);

fn verdict(state: SignatureState, code: &str, zh: &str, en: &str) -> Verdict {
    (state, Reason::new(code, zh, en))
}

fn judge(
    data: &SignedData<'_>,
    content: &[u8],
    token: &Token<'_>,
    facts: &mut TimestampFacts,
    (expected, trust): (&Expected<'_>, &Trust),
) -> Verdict {
    use SignatureState::{Broken, IntactUntrusted, Unverifiable, Valid};
    let [signer] = &data.signers[..] else {
        return verdict(
            Broken,
            "timestamp.form",
            "时间戳须有且只有一个签名",
            "a timestamp has exactly one signer",
        );
    };
    if let Some(wrong) = compare(token, expected) {
        return wrong;
    }
    let certificate = match data.check(signer, &[content]) {
        Checked::Right(place) => &data.certificates[place],
        Checked::NoCertificate => {
            return verdict(
                Unverifiable,
                "timestamp.no_certificate",
                "时间戳不含时间戳机构的证书",
                "the authority's certificate is not enclosed",
            );
        }
        Checked::Unsupported(what) => {
            return (
                Unverifiable,
                Reason::new(
                    "timestamp.algorithm",
                    format!("算法无法核验：{what}"),
                    format!("cannot check {what}"),
                ),
            );
        }
        Checked::Changed | Checked::Wrong => {
            return verdict(
                Broken,
                "timestamp.signature",
                "时间戳签名不对",
                "the timestamp's signature is wrong",
            );
        }
    };
    facts.authority = Some(certificate.subject_name().to_owned());
    facts.certificate_ends = Some(certificate.not_after);
    if !certificate.is_for_timestamps_only() {
        return verdict(
            Broken,
            "timestamp.usage",
            "证书不是时间戳专用证书",
            "the certificate is not for timestamps",
        );
    }
    if !certificate.is_valid_at(token.time) {
        return verdict(
            Broken,
            "timestamp.period",
            "出具时证书不在有效期",
            "the certificate was not valid then",
        );
    }
    if signer.digest.is_some_and(DigestMethod::is_weak) || facts.digest.is_none_or(DigestMethod::is_weak) {
        return verdict(
            Unverifiable,
            "timestamp.weak_digest",
            "摘要算法过弱或未知",
            "a weak or unknown digest",
        );
    }
    if trust.reaches(certificate, &data.certificates, token.time) {
        return verdict(
            Valid,
            "timestamp.valid",
            "时间戳有效（未查吊销）",
            "valid (revocation was not asked)",
        );
    }
    verdict(
        IntactUntrusted,
        "timestamp.trust",
        "时间戳完好，机构不在信任名单",
        "intact; its authority is not trusted",
    )
}

/// What is wrong between a token and what was expected.
fn compare(token: &Token<'_>, expected: &Expected<'_>) -> Option<Verdict> {
    use SignatureState::{Broken, Changed, Unverifiable};
    if let Some(bytes) = expected.request {
        let is_same = request(bytes).is_some_and(|r| r.0 == token.imprint && r.1 == token.nonce);
        if !is_same {
            return Some(verdict(
                Broken,
                "timestamp.request",
                "与申请不符",
                "it does not answer the request",
            ));
        }
    }
    if let Some(data) = expected.data {
        let Some(method) = DigestMethod::of(&token.imprint.oid) else {
            return Some(verdict(Unverifiable, "timestamp.algorithm", "摘要算法未知", "an unknown digest"));
        };
        if method.digest(&[data]) != token.imprint.digest {
            return Some(verdict(
                Changed,
                "timestamp.imprint",
                "摘要与原文不符",
                "its digest is of other data",
            ));
        }
    }
    let is_taken = expected.policies.is_empty() || expected.policies.contains(&token.policy);
    (!is_taken).then(|| {
        verdict(Unverifiable, "timestamp.policy", "时间戳策略未获认可", "its policy is not accepted")
    })
}

/// The token: the bytes themselves, or what a granted reply holds.
fn token_of(bytes: &[u8]) -> Option<&[u8]> {
    let mut inside = Cursor::new(bytes).enter(SEQUENCE)?;
    if inside.peek() != Some(SEQUENCE) {
        return Some(bytes);
    }
    let status = inside.enter(SEQUENCE)?.take(INTEGER)?.number()?;
    // 0 granted, 1 granted with modifications.
    if status > 1 {
        return None;
    }
    Some(inside.take(SEQUENCE)?.whole)
}

fn token(content: &[u8]) -> Option<Token<'_>> {
    let mut inside = Cursor::new(content).enter(SEQUENCE)?;
    inside.take(INTEGER)?;
    let policy = inside.take(OID)?.oid()?;
    let imprint = imprint(&mut inside)?;
    let serial = inside.take(INTEGER)?.content;
    let time = inside.take(GENERALIZED_TIME)?.time()?;
    let mut nonce = None;
    while let Some(field) = inside.next() {
        if field.tag == INTEGER {
            nonce = Some(field.content);
        }
    }
    Some(Token { policy, imprint, serial, time, nonce })
}

fn imprint<'a>(inside: &mut Cursor<'a>) -> Option<Imprint<'a>> {
    let mut imprint = inside.enter(SEQUENCE)?;
    let (oid, _) = imprint.algorithm()?;
    Some(Imprint { oid, digest: imprint.take(OCTET_STRING)?.content })
}

/// What a request asks for: the digest and the number used once.
fn request(bytes: &[u8]) -> Option<(Imprint<'_>, Option<&[u8]>)> {
    let mut inside = Cursor::new(bytes).enter(SEQUENCE)?;
    inside.take(INTEGER)?;
    let imprint = imprint(&mut inside)?;
    let mut nonce = None;
    while let Some(field) = inside.next() {
        if field.tag == INTEGER {
            nonce = Some(field.content);
        }
    }
    Some((imprint, nonce))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let facts = check_timestamp(&bytes, "x", &Expected::default(), &Trust::nobody());
            prop_assert!(facts.state != SignatureState::Valid);
        }
    }
}
