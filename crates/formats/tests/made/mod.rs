//! What the tests of evidence make themselves: DER, SM2 certificates, seals, signed OFD files. Written apart from the
//! readers, so that a fault of one is not the other's.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests: each binary uses a part"
)]

pub(crate) mod ofd;
pub(crate) mod pdf;

use sm2::dsa::SigningKey;
use sm2::dsa::signature::Signer as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;

/// One DER value.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        n @ 0..=127 => bytes.push(n as u8),
        n @ 128..=255 => bytes.extend([0x81, n as u8]),
        n => bytes.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

pub(crate) fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u64> = text.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        content.extend(groups.into_iter().rev());
    }
    der(6, &content)
}

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    der(4, bytes)
}

pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    der(3, &[&[0], bytes].concat())
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    der(12, text.as_bytes())
}

pub(crate) fn time(text: &str) -> Vec<u8> {
    der(24, text.as_bytes())
}

pub(crate) const SM2_SM3: &str = "1.2.156.10197.1.501";

/// A key with its certificate.
pub(crate) struct Holder {
    pub(crate) key: SigningKey,
    pub(crate) name: String,
    pub(crate) certificate: Vec<u8>,
    /// Who signed the certificate, and its number there, as DER.
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
}

/// What a certificate says of its holder's key.
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_authority: bool,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

impl<'a> Wanted<'a> {
    pub(crate) fn signer(name: &'a str) -> Self {
        Self { name, is_authority: false, from: "20200101000000Z", to: "20300101000000Z" }
    }
    pub(crate) fn authority(name: &'a str) -> Self {
        Self { is_authority: true, ..Self::signer(name) }
    }
}

fn name(text_of: &str) -> Vec<u8> {
    seq(&[&der(0x31, &seq(&[&oid("2.5.4.3"), &text(text_of)]))])
}

impl Holder {
    /// A fresh key; signed by `issuer`, or by itself.
    pub(crate) fn new(wanted: &Wanted<'_>, issuer: Option<&Self>) -> Self {
        let secret = loop {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).unwrap();
            if let Ok(secret) = sm2::SecretKey::from_slice(&bytes) {
                break secret;
            }
        };
        let key = SigningKey::new("1234567812345678", &secret).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let algorithm = seq(&[&oid(SM2_SM3)]);
        let info =
            seq(&[&seq(&[&oid("1.2.840.10045.2.1"), &oid("1.2.156.10197.1.301")]), &bits(point.as_bytes())]);
        let usage: &[u8] = if wanted.is_authority { &[3, 2, 1, 6] } else { &[3, 2, 6, 0xc0] };
        let basic = if wanted.is_authority { seq(&[&[1, 1, 0xff]]) } else { seq(&[]) };
        let extensions =
            seq(&[&seq(&[&oid("2.5.29.19"), &octets(&basic)]), &seq(&[&oid("2.5.29.15"), &octets(usage)])]);
        let serial = der(2, &point.as_bytes()[1..9].iter().map(|b| b & 0x7f | 1).collect::<Vec<_>>());
        let issued_by = name(issuer.map_or(wanted.name, |i| &i.name));
        let body = seq(&[
            &der(0xa0, &[2, 1, 2]),
            &serial,
            &algorithm,
            &issued_by,
            &seq(&[&time(wanted.from), &time(wanted.to)]),
            &name(wanted.name),
            &info,
            &der(0xa3, &extensions),
        ]);
        let value = sign(issuer.map_or(&key, |i| &i.key), &body);
        let certificate = seq(&[&body, &algorithm, &bits(&value)]);
        Self { key, name: wanted.name.to_owned(), certificate, issuer: issued_by, serial }
    }
}

/// An SM2 signature as a SEQUENCE of two numbers.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: sm2::dsa::Signature = key.try_sign(message).unwrap();
    let bytes = signature.to_bytes();
    let number = |half: &[u8]| {
        let half = &half[half.iter().take_while(|b| **b == 0).count()..];
        let pad: &[u8] = if half[0] & 0x80 == 0 { &[] } else { &[0] };
        der(2, &[pad, half].concat())
    };
    seq(&[&number(&bytes[..32]), &number(&bytes[32..])])
}
