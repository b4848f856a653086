//! OFD files sealed here with keys made here: whole they are valid for whom they are trusted and intact for others;
//! changed in any part they are never valid.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod made;

use dengbei_formats::content::{Inspection, Probe, ofd_text};
use dengbei_formats::signature::{Coverage, SignatureKind, SignatureState, Trust};
use made::ofd::{Cast, Edition, Part, SIGNATURE, VALUE, description, parts, seal, sealed, sm3, stamp, zip};
use made::{Holder, Wanted, sign};

fn inspect(parts: &[Part], trust: &Trust) -> Inspection {
    let mut probe = Probe::trusting(trust.clone());
    probe.update(&zip(parts)).unwrap();
    probe.finish()
}

fn trusting(cast: &Cast) -> Trust {
    let mut trust = Trust::nobody();
    assert_eq!(trust.add(&cast.authority.certificate), 1);
    trust
}

fn state(parts: &[Part], trust: &Trust) -> (SignatureState, String) {
    let got = inspect(parts, trust);
    assert_eq!((got.broken, got.unreadable), (None, None));
    let [one] = &got.signatures[..] else { panic!("{:?}", got.signatures) };
    (one.state, one.reason.code.clone())
}

fn replace(parts: &mut [Part], path: &str, bytes: Vec<u8>) {
    parts.iter_mut().find(|p| p.0 == path).unwrap().1 = bytes;
}

#[test]
fn a_seal_of_either_edition_is_valid_for_who_trusts_it_and_intact_for_others() {
    let cast = Cast::new();
    for edition in [Edition::V4, Edition::V1] {
        let made = sealed(&cast, edition);
        let got = inspect(&made, &trusting(&cast));
        let [one] = &got.signatures[..] else { panic!("{got:?}") };
        assert_eq!(one.state, SignatureState::Valid, "{edition:?} {one:?}");
        assert_eq!((one.kind, &one.coverage), (SignatureKind::OfdSeal, &Coverage::Whole));
        assert_eq!(one.seal_owner.as_deref(), Some("审批局电子印章"));
        assert_eq!(one.signer.as_deref(), Some("审批局"));
        assert_eq!(one.algorithm.as_deref(), Some("SM2-SM3"));
        assert_eq!(one.signed_at.unwrap().rfc3339(), "2024-01-02T11:04:05+08:00");
        assert_eq!(
            state(&made, &Trust::nobody()),
            (SignatureState::IntactUntrusted, "signature.trust".into())
        );
        let stranger = trusting(&Cast::new());
        assert_eq!(state(&made, &stranger).0, SignatureState::IntactUntrusted);
    }
}

#[test]
fn its_structure_and_text_are_read() {
    let cast = Cast::new();
    let got = inspect(&sealed(&cast, Edition::V4), &Trust::nobody());
    let facts = got.ofd.unwrap();
    assert_eq!(
        (got.pages, facts.documents, facts.missing.len(), facts.unreferenced.len()),
        (Some(1), 1, 0, 0)
    );
    let source = std::sync::Arc::new(bytes::Bytes::from(zip(&sealed(&cast, Edition::V4))));
    assert_eq!(ofd_text(source.clone(), 100).unwrap().text, "准予许可\n\u{c}");
    let cut = ofd_text(source, 4).unwrap();
    assert_eq!((cut.text.as_str(), cut.is_cut), ("准", true));
}

#[test]
fn no_byte_of_any_part_can_be_changed() {
    let cast = Cast::new();
    let trust = trusting(&cast);
    for edition in [Edition::V4, Edition::V1] {
        let whole = sealed(&cast, edition);
        let mut tried = 0;
        for part in 0..whole.len() {
            for at in (0..whole[part].1.len()).step_by(9) {
                let mut changed = whole.clone();
                changed[part].1[at] ^= 1 << (at % 8);
                let got = inspect(&changed, &trust);
                let is_valid = got.unreadable.is_none()
                    && got.broken.is_none()
                    && !got.signatures.is_empty()
                    && got.signatures.iter().all(|s| s.state == SignatureState::Valid);
                assert!(!is_valid, "{edition:?} {} byte {at}: {:?}", whole[part].0, got.signatures);
                tried += 1;
            }
        }
        assert!(tried > 300);
    }
}

#[test]
fn a_part_left_out_put_in_or_exchanged_is_told() {
    let cast = Cast::new();
    let trust = trusting(&cast);
    let whole = sealed(&cast, Edition::V4);

    let mut without = whole.clone();
    without.retain(|p| p.0 != "Doc_0/Res/a.png");
    let got = inspect(&without, &trust);
    assert_eq!(got.signatures[0].reason.code, "signature.digest");
    assert_eq!(got.ofd.unwrap().missing, ["multimedia a.png"]);

    let mut more = whole.clone();
    more.push(("Doc_0/Pages/Page_1/Content.xml".into(), b"<x/>".to_vec()));
    let got = inspect(&more, &trust);
    assert_eq!(got.signatures[0].state, SignatureState::Unverifiable);
    assert_eq!(got.signatures[0].reason.code, "signature.partial");
    assert_eq!(got.ofd.unwrap().unreferenced, ["Doc_0/Pages/Page_1/Content.xml"]);

    let mut emptied = whole.clone();
    emptied.retain(|p| p.0 != VALUE);
    assert_eq!(state(&emptied, &trust), (SignatureState::Broken, "signature.value".into()));

    let mut rewritten = whole;
    let page = "Doc_0/Pages/Page_0/Content.xml";
    let text = String::from_utf8(rewritten.iter().find(|p| p.0 == page).unwrap().1.clone()).unwrap();
    replace(&mut rewritten, page, text.replace("准予", "不予").into_bytes());
    assert_eq!(state(&rewritten, &trust), (SignatureState::Changed, "signature.digest".into()));
    // The forger also mends the list, but cannot sign it.
    let plain: Vec<Part> = rewritten.iter().filter(|p| p.0 != VALUE && p.0 != SIGNATURE).cloned().collect();
    replace(&mut rewritten, SIGNATURE, description(&plain));
    assert_eq!(state(&rewritten, &trust), (SignatureState::Changed, "signature.content".into()));
}

#[test]
fn seals_in_wrong_hands_or_out_of_time_are_broken() {
    let cast = Cast::new();
    let trust = trusting(&cast);
    let thief = Holder::new(&Wanted::signer("thief"), Some(&cast.authority));
    let with = |signer: &Holder, seal: &[u8]| {
        let mut made = parts();
        let xml = description(&made);
        made.push((VALUE.into(), stamp(signer, seal, &xml, Edition::V4)));
        made.push((SIGNATURE.into(), xml));
        state(&made, &trust)
    };
    let genuine = seal(&cast, Edition::V4, &cast.office.certificate);
    assert_eq!(with(&cast.office, &genuine).0, SignatureState::Valid);
    assert_eq!(with(&thief, &genuine), (SignatureState::Broken, "seal.holder".into()));
    // The maker may bind a seal to a certificate's digest instead.
    let by_digest = seal(&cast, Edition::V4, &sm3(&cast.office.certificate));
    assert_eq!(with(&cast.office, &by_digest).0, SignatureState::Valid);
    let old = Wanted { to: "20230101000000Z", ..Wanted::signer("审批局") };
    let old = Holder::new(&old, Some(&cast.authority));
    let sealed_by_old = seal(&cast, Edition::V4, &old.certificate);
    assert_eq!(with(&old, &sealed_by_old), (SignatureState::Broken, "signature.period".into()));
    // A maker whom nobody knows: the seal holds together, but is nobody's.
    let other = Cast::new();
    let unknown = seal(&other, Edition::V4, &cast.office.certificate);
    assert_eq!(with(&cast.office, &unknown).0, SignatureState::IntactUntrusted);
    // An office that certifies another: it is no authority.
    let minion = Holder::new(&Wanted::signer("minion"), Some(&cast.office));
    assert_eq!(
        with(&minion, &seal(&cast, Edition::V4, &minion.certificate)).0,
        SignatureState::IntactUntrusted
    );
}

#[test]
fn a_bare_signature_without_a_certificate_cannot_be_verified() {
    let cast = Cast::new();
    let mut made = parts();
    let xml = description(&made);
    made.push((VALUE.into(), sign(&cast.office.key, &xml)));
    made.push((SIGNATURE.into(), xml));
    let expected = (SignatureState::Unverifiable, "signature.no_certificate".to_owned());
    assert_eq!(state(&made, &trusting(&cast)), expected);
}

#[test]
fn weak_and_unknown_digests_prove_nothing() {
    let cast = Cast::new();
    let trust = trusting(&cast);
    let seal = seal(&cast, Edition::V4, &cast.office.certificate);
    for (method, code) in [("1.2.3.4", "signature.digest_method"), ("MD5", "signature.digest")] {
        let mut made = parts();
        let xml = String::from_utf8(description(&made)).unwrap().replace("1.2.156.10197.1.401", method);
        made.push((VALUE.into(), stamp(&cast.office, &seal, xml.as_bytes(), Edition::V4)));
        made.push((SIGNATURE.into(), xml.into_bytes()));
        assert_eq!(state(&made, &trust).1, code);
    }
}
