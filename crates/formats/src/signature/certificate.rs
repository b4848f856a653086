//! X.509 certificates (RFC 5280, GB/T 20518), read as far as a signature's check needs: names, period, key, what the
//! key may be used for. No revocation: that takes the network. Neighbours: `verify` uses the key, `trust` the chain.

use dengbei_records::Timestamp;

use super::der::{BIT_STRING, BOOLEAN, Cursor, INTEGER, OCTET_STRING, SEQUENCE, SET, Value};
use super::verify::{Outcome, PublicKey, Scheme, verify};

/// A certificate is seldom over 4 KiB.
pub(crate) const MAX_BYTES: usize = 64 << 10;
const MAX_EXTENSIONS: usize = 64;
const TIMESTAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: (usize, usize),
    signature: Vec<u8>,
    scheme: Scheme,
    /// INTEGER content.
    pub(crate) serial: Vec<u8>,
    /// Names as they are encoded.
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    subject_name: String,
    /// First moment of its period.
    pub not_before: Timestamp,
    /// Last moment of its period.
    pub not_after: Timestamp,
    pub(crate) key: PublicKey,
    pub(crate) key_id: Option<Vec<u8>>,
    uses: Uses,
}

/// What extensions say about the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Uses {
    /// basicConstraints, if it is there.
    authority: Option<bool>,
    /// The first byte of keyUsage, if it is there.
    key_usage: Option<u8>,
    /// extendedKeyUsage, and whether it is critical.
    extended: Option<(bool, Vec<String>)>,
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut cursor = Cursor::new(bytes);
        let whole = cursor.take(SEQUENCE)?;
        let mut outer = whole.inside()?;
        let tbs = outer.take(SEQUENCE)?;
        let mut stated = outer;
        let stated = stated.next()?;
        let (oid, parameters) = outer.algorithm()?;
        let signature = outer.take(BIT_STRING)?.bits()?.to_vec();
        let body = body(tbs, stated)?;
        let start = tbs.whole.as_ptr() as usize - whole.whole.as_ptr() as usize;
        Some(Self {
            der: whole.whole.to_vec(),
            tbs: (start, start + tbs.whole.len()),
            signature,
            scheme: Scheme::of(&oid, parameters, None),
            ..body
        })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whom it names: common name, else organization, else the whole subject.
    pub fn subject_name(&self) -> &str {
        &self.subject_name
    }

    /// Whether it names itself as its issuer: a root.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    pub(crate) fn is_valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// Whether it may sign other certificates.
    pub fn is_authority(&self) -> bool {
        // keyCertSign is bit 5.
        self.uses.authority == Some(true) && self.uses.key_usage.is_none_or(|bits| bits & 0x04 != 0)
    }

    /// Whether nothing is said about its being an authority: roots of version 1.
    pub(crate) fn is_silent_root(&self) -> bool {
        self.uses.authority.is_none() && self.subject == self.issuer
    }

    /// Whether its key may sign documents: digitalSignature or contentCommitment (bits 0 and 1), or nothing is said.
    pub(crate) fn may_sign(&self) -> bool {
        self.uses.key_usage.is_none_or(|bits| bits & 0xc0 != 0)
    }

    /// Whether it is for timestamps and for nothing else, as RFC 3161 2.3 asks.
    pub(crate) fn is_for_timestamps_only(&self) -> bool {
        matches!(&self.uses.extended, Some((true, uses)) if uses == &[TIMESTAMPING])
    }

    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        let tbs = &self.der[self.tbs.0..self.tbs.1];
        verify(&issuer.key, &self.scheme, tbs, &self.signature) == Outcome::Right
    }
}

/// TBSCertificate; what lies outside of it is filled in by the caller.
fn body(tbs: Value<'_>, algorithm: Value<'_>) -> Option<Certificate> {
    let mut inside = tbs.inside()?;
    if inside.peek() == Some(0xa0) {
        inside.next()?;
    }
    let serial = inside.take(INTEGER)?.content.to_vec();
    // The algorithm is stated twice; only here it is signed (RFC 5280 4.1.1.2).
    inside.take(SEQUENCE).filter(|signed| signed.whole == algorithm.whole)?;
    let issuer = inside.take(SEQUENCE)?;
    let mut period = inside.enter(SEQUENCE)?;
    let (not_before, not_after) = (period.next()?.time()?, period.next()?.time()?);
    let subject = inside.take(SEQUENCE)?;
    let key = public_key(inside.take(SEQUENCE)?)?;
    let (mut key_id, mut uses) = (None, Uses::default());
    while let Some(field) = inside.next() {
        if field.tag == 0xa3 {
            (key_id, uses) = extensions(field)?;
        }
    }
    Some(Certificate {
        der: Vec::new(),
        tbs: (0, 0),
        signature: Vec::new(),
        scheme: Scheme { digest: None, is_pss: false },
        serial,
        issuer: issuer.whole.to_vec(),
        subject: subject.whole.to_vec(),
        subject_name: name(subject),
        not_before,
        not_after,
        key,
        key_id,
        uses,
    })
}

/// SubjectPublicKeyInfo.
fn public_key(info: Value<'_>) -> Option<PublicKey> {
    let mut inside = info.inside()?;
    let (oid, parameters) = inside.algorithm()?;
    let bits = inside.take(BIT_STRING)?.bits()?.to_vec();
    let curve = parameters.and_then(|p| p.oid()).unwrap_or_default();
    Some(match (oid.as_str(), curve.as_str()) {
        ("1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10", _) => PublicKey::Rsa(bits),
        ("1.2.840.10045.2.1", "1.2.156.10197.1.301") | ("1.2.156.10197.1.301", _) => PublicKey::Sm2(bits),
        ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => PublicKey::P256(bits),
        ("1.2.840.10045.2.1", "1.3.132.0.34") => PublicKey::P384(bits),
        (oid, "") => PublicKey::Other(oid.to_owned()),
        (oid, curve) => PublicKey::Other(format!("{oid} {curve}")),
    })
}

fn extensions(field: Value<'_>) -> Option<(Option<Vec<u8>>, Uses)> {
    let mut list = field.inside()?.enter(SEQUENCE)?;
    let (mut key_id, mut uses) = (None, Uses::default());
    for _ in 0..MAX_EXTENSIONS {
        if list.is_empty() {
            return Some((key_id, uses));
        }
        let mut extension = list.enter(SEQUENCE)?;
        let oid = extension.next()?.oid()?;
        let is_critical = extension.take(BOOLEAN).is_some_and(|b| b.content != [0]);
        let mut value = Cursor::new(extension.take(OCTET_STRING)?.content);
        match oid.as_str() {
            "2.5.29.14" => key_id = Some(value.take(OCTET_STRING)?.content.to_vec()),
            "2.5.29.15" => uses.key_usage = value.take(BIT_STRING)?.content.get(1).copied().or(Some(0)),
            "2.5.29.19" => {
                let flag = value.enter(SEQUENCE)?.take(BOOLEAN);
                uses.authority = Some(flag.is_some_and(|b| b.content != [0]));
            }
            "2.5.29.37" => uses.extended = Some((is_critical, purposes(&mut value)?)),
            _ => {}
        }
    }
    None
}

fn purposes(value: &mut Cursor<'_>) -> Option<Vec<String>> {
    let mut list = value.enter(SEQUENCE)?;
    let mut found = Vec::new();
    while !list.is_empty() && found.len() < MAX_EXTENSIONS {
        found.push(list.next()?.oid()?);
    }
    Some(found)
}

/// What people call the holder.
pub(crate) fn name(subject: Value<'_>) -> String {
    let parts = parts(subject).unwrap_or_default();
    let of =
        |oid: &str| parts.iter().rev().find(|(o, text)| o == oid && !text.is_empty()).map(|p| p.1.clone());
    of("2.5.4.3")
        .or_else(|| of("2.5.4.11"))
        .or_else(|| of("2.5.4.10"))
        .unwrap_or_else(|| parts.iter().map(|p| p.1.as_str()).collect::<Vec<_>>().join(", "))
}

fn parts(subject: Value<'_>) -> Option<Vec<(String, String)>> {
    let mut names = subject.inside()?;
    let mut found = Vec::new();
    while !names.is_empty() && found.len() < MAX_EXTENSIONS {
        let mut pair = names.enter(SET)?.enter(SEQUENCE)?;
        let oid = pair.next()?.oid()?;
        let text: String = pair.next()?.text().chars().filter(|c| !c.is_control()).take(200).collect();
        found.push((oid, text.trim().to_owned()));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::from_der(&bytes);
        }
    }
}
