//! The value of a document's signature, held against what it signs: Signature.xml of an OFD, the byte range of a PDF. A
//! seal (GB/T 38540, GM/T 0031), signed data (GB/T 35275, CMS) or a bare SM2 signature. Neighbours: `content::ofd_signatures`
//! and `content::pdf::signatures` before; `seal`, `cms`, `verify` for the forms.

use dengbei_records::Timestamp;

use super::cms::{Checked, SignedData, algorithm_name};
use super::der::{Cursor, INTEGER, SEQUENCE};
use super::seal::{Seal, Stamped};
use super::verify::Outcome;
use super::{
    Certificate, Coverage, DigestMethod, Expected, Reason, SignatureFacts, SignatureKind, SignatureState,
    TimestampFacts, Trust, check_timestamp,
};

/// What the value is held against.
pub(crate) struct Sealed<'a> {
    /// What is signed, as it stands.
    pub(crate) content: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
    /// Seal.esl, if the file keeps the seal apart too.
    pub(crate) esl: Option<Vec<u8>>,
    pub(crate) trust: &'a Trust,
}

/// What a digest that stands for the content may be of.
const DIGESTS: [DigestMethod; 3] = [DigestMethod::Sm3, DigestMethod::Sha256, DigestMethod::Sha1];

type Verdict = (SignatureState, Reason);

fn verdict(state: SignatureState, code: &str, zh: &str, en: &str) -> Verdict {
    (state, Reason::new(code, zh, en))
}

fn broken(code: &str, zh: &str, en: &str) -> Option<Verdict> {
    Some(verdict(SignatureState::Broken, code, zh, en))
}

/// Checks a signature that lies beside what it signs: `value` is signed data (CMS, GB/T 35275) or a seal over `content`.
pub fn check_detached(
    content: &[u8],
    value: &[u8],
    place: &str,
    trust: &Trust,
) -> (SignatureFacts, Vec<TimestampFacts>) {
    let mut facts = SignatureFacts {
        coverage: Coverage::Whole,
        ..SignatureFacts::blank(SignatureKind::Detached, shown(place))
    };
    let mut stamps = Vec::new();
    let held = Sealed { content, value: Some(value), esl: None, trust };
    (facts.state, facts.reason) = check(&held, &mut facts, &mut stamps);
    (facts, stamps)
}

/// Checks the value; fills in what it says of signer and seal.
pub(crate) fn check(
    sealed: &Sealed<'_>,
    facts: &mut SignatureFacts,
    stamps: &mut Vec<TimestampFacts>,
) -> Verdict {
    let Some(value) = sealed.value else {
        return verdict(
            SignatureState::Broken,
            "signature.value",
            "签名值缺失",
            "the signature's value is missing",
        );
    };
    if let Some(stamped) = Stamped::read(value) {
        return by_seal(sealed, &stamped, facts, stamps);
    }
    if let Some(data) = SignedData::read(value) {
        return by_signed_data(sealed, &data, facts, stamps);
    }
    let is_pair = Cursor::new(value).enter(SEQUENCE).is_some_and(|mut pair| pair.take(INTEGER).is_some());
    if value.len() == 64 || is_pair && value.len() < 200 {
        return verdict(
            SignatureState::Unverifiable,
            "signature.no_certificate",
            "签名值不含签名人证书，无法核验",
            "a bare signature without its signer's certificate",
        );
    }
    verdict(SignatureState::Broken, "signature.value", "签名值格式不对", "the signature's value is malformed")
}

fn by_seal(
    sealed: &Sealed<'_>,
    stamped: &Stamped<'_>,
    facts: &mut SignatureFacts,
    stamps: &mut Vec<TimestampFacts>,
) -> Verdict {
    if facts.kind == SignatureKind::OfdSignature {
        facts.kind = SignatureKind::OfdSeal;
    }
    facts.seal_owner = Some(shown(&stamped.seal.owner));
    facts.seal_id = Some(shown(&stamped.seal.id));
    facts.signed_at = stamped.signed_at.or(facts.signed_at);
    if let Some(certificate) = &stamped.certificate {
        facts.signer = Some(certificate.subject_name().to_owned());
        facts.certificate_ends = Some(certificate.not_after);
        let digest =
            if stamped.algorithm.starts_with("1.2.156.10197") { "SM3" } else { stamped.algorithm.as_str() };
        facts.algorithm = Some(algorithm_name(&certificate.key, digest));
    }
    if let Some(token) = stamped.timestamp {
        let expected = Expected { data: Some(stamped.value), ..Expected::default() };
        stamps.push(check_timestamp(token, &facts.place, &expected, sealed.trust));
    }
    if let Some(fault) = seal_fault(sealed, stamped) {
        return fault;
    }
    match (stamped.check(), stamped.seal.check()) {
        (Some(Outcome::Right), Some(Outcome::Right)) => {}
        (Some(Outcome::Wrong), _) => {
            return verdict(
                SignatureState::Broken,
                "signature.wrong",
                "签章人的签名不对",
                "the signer's signature is wrong",
            );
        }
        (_, Some(Outcome::Wrong)) => {
            return verdict(
                SignatureState::Broken,
                "seal.maker",
                "印章的制章人签名不对",
                "the seal maker's signature is wrong",
            );
        }
        _ => {
            return verdict(
                SignatureState::Unverifiable,
                "signature.algorithm",
                "签名算法或证书无法核验",
                "an algorithm or a certificate that cannot be checked",
            );
        }
    }
    let (Some(signer), Some(maker)) = (&stamped.certificate, stamped.seal.maker()) else {
        return verdict(
            SignatureState::Unverifiable,
            "signature.no_certificate",
            "缺证书",
            "a certificate is missing",
        );
    };
    let others = [signer.clone(), maker.clone()];
    period(signer, facts.signed_at).or_else(|| seal_period(&stamped.seal, facts.signed_at)).unwrap_or_else(
        || {
            let reaches = |certificate: &Certificate| {
                facts.signed_at.is_some_and(|at| sealed.trust.reaches(certificate, &others, at))
            };
            trusted(reaches(signer) && reaches(maker))
        },
    )
}

/// What does not fit between seal, signer and document.
fn seal_fault(sealed: &Sealed<'_>, stamped: &Stamped<'_>) -> Option<Verdict> {
    if !DIGESTS.iter().any(|method| method.digest(&[sealed.content]) == stamped.digest) {
        return Some(verdict(
            SignatureState::Changed,
            "signature.content",
            "被签名的内容签名后被改动",
            "what was signed has changed since",
        ));
    }
    let esl = sealed.esl.as_deref();
    if esl.is_some_and(|esl| Seal::read(esl).is_none_or(|seal| seal.whole != stamped.seal.whole)) {
        return broken(
            "seal.other",
            "Seal.esl 与签名值内的印章不同",
            "Seal.esl is another seal than the value's",
        );
    }
    let certificate = stamped.certificate.as_ref()?;
    if !stamped.seal.is_held_by(certificate) {
        return broken("seal.holder", "签章人不是印章的持有人", "the signer may not use this seal");
    }
    if !certificate.may_sign() {
        return broken(
            "signature.usage",
            "签章人证书不可用于签名",
            "the signer's certificate is not for signing",
        );
    }
    None
}

fn by_signed_data(
    sealed: &Sealed<'_>,
    data: &SignedData<'_>,
    facts: &mut SignatureFacts,
    stamps: &mut Vec<TimestampFacts>,
) -> Verdict {
    let [signer] = &data.signers[..] else {
        return verdict(
            SignatureState::Broken,
            "signature.form",
            "须有且只有一个签名人",
            "exactly one signer is expected",
        );
    };
    let digest = DigestMethod::Sm3.digest(&[sealed.content]);
    let checked = match &data.content {
        Some(content) => {
            let is_ours = **content == *sealed.content
                || DIGESTS.iter().any(|method| method.digest(&[sealed.content]) == **content);
            if is_ours { data.check(signer, &[content]) } else { Checked::Changed }
        }
        // Detached: over Signature.xml, or over its digest, as some signers do.
        None => match data.check(signer, &[sealed.content]) {
            Checked::Changed | Checked::Wrong => match data.check(signer, &[&digest]) {
                Checked::Wrong => Checked::Changed,
                other => other,
            },
            other => other,
        },
    };
    facts.signed_at = signer.signing_time().or(facts.signed_at);
    facts.algorithm = Some(signer.algorithm(None));
    if let Some(token) = signer.timestamp {
        let expected = Expected { data: Some(signer.value()), ..Expected::default() };
        stamps.push(check_timestamp(token, &facts.place, &expected, sealed.trust));
    }
    let place = match signed_data_verdict(checked) {
        Ok(place) => place,
        Err(verdict) => return verdict,
    };
    let certificate = &data.certificates[place];
    facts.signer = Some(certificate.subject_name().to_owned());
    facts.certificate_ends = Some(certificate.not_after);
    facts.algorithm = Some(signer.algorithm(Some(certificate)));
    facts.digest = facts.digest.or(signer.digest);
    if !certificate.may_sign() {
        return verdict(
            SignatureState::Broken,
            "signature.usage",
            "证书不可用于签名",
            "the certificate is not for signing",
        );
    }
    let is_weak = [signer.digest, signer.scheme.digest].iter().flatten().any(|method| method.is_weak());
    if is_weak {
        return verdict(
            SignatureState::Unverifiable,
            "signature.weak_digest",
            "摘要算法过弱（MD5、SHA-1），不足为凭",
            "MD5 or SHA-1 are too weak to prove anything",
        );
    }
    period(certificate, facts.signed_at).unwrap_or_else(|| {
        let at = facts.signed_at;
        trusted(at.is_some_and(|at| sealed.trust.reaches(certificate, &data.certificates, at)))
    })
}

/// The certificate's place, or why there is none.
pub(crate) fn signed_data_verdict(checked: Checked) -> Result<usize, Verdict> {
    Err(match checked {
        Checked::Right(place) => return Ok(place),
        Checked::Changed => verdict(
            SignatureState::Changed,
            "signature.content",
            "被签名的内容签名后被改动",
            "what was signed has changed since",
        ),
        Checked::Wrong => {
            verdict(SignatureState::Broken, "signature.wrong", "签名不对", "the signature is wrong")
        }
        Checked::NoCertificate => verdict(
            SignatureState::Unverifiable,
            "signature.no_certificate",
            "签名不含签名人证书，无法核验",
            "the signer's certificate is not enclosed",
        ),
        Checked::Unsupported(what) => {
            let (zh, en) = (format!("算法无法核验：{what}"), format!("cannot check {what}"));
            (SignatureState::Unverifiable, Reason::new("signature.algorithm", zh, en))
        }
    })
}

/// A certificate that was not valid when it signed.
pub(crate) fn period(certificate: &Certificate, at: Option<Timestamp>) -> Option<Verdict> {
    match at {
        None => Some(verdict(
            SignatureState::Unverifiable,
            "signature.no_time",
            "没有签名时间",
            "it does not say when it was signed",
        )),
        Some(at) if certificate.not_before <= at && at <= certificate.not_after => None,
        Some(_) => broken(
            "signature.period",
            "签名时证书不在有效期内",
            "the certificate was not valid when it signed",
        ),
    }
}

fn seal_period(seal: &Seal<'_>, at: Option<Timestamp>) -> Option<Verdict> {
    let (Some(from), Some(to), Some(at)) = (seal.from, seal.to, at) else {
        return broken("seal.form", "印章没有有效期", "the seal has no period");
    };
    if from <= at && at <= to {
        return None;
    }
    broken("seal.period", "签章时印章不在有效期内", "the seal was not valid when it was used")
}

/// Intact: what is left is whether somebody trusts its signer.
pub(crate) fn trusted(is_trusted: bool) -> Verdict {
    if is_trusted {
        verdict(
            SignatureState::Valid,
            "signature.valid",
            "有效（未查吊销）",
            "valid (revocation was not asked)",
        )
    } else {
        verdict(
            SignatureState::IntactUntrusted,
            "signature.trust",
            "完好，签名人不在信任名单，无法验证",
            "intact; its signer is not trusted here, so it cannot be verified",
        )
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
