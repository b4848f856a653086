//! Signed data (CMS, RFC 5652; GB/T 35275 with the identifiers of SM2): the container of PDF signatures, of OFD
//! signatures without a seal and of timestamps. The signer is the one whom the signed part names, never the first
//! certificate enclosed. Neighbours: `der` before, `verify` and `trust` after.

use std::borrow::Cow;

use dengbei_records::Timestamp;

use super::certificate::Certificate;
use super::der::{BIT_STRING, Cursor, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, Value};
use super::digest::DigestMethod;
use super::verify::{Outcome, PublicKey, Scheme, rsa_bits, verify};

const MAX_CERTIFICATES: usize = 32;
const MAX_SIGNERS: usize = 8;
const MAX_ATTRIBUTES: usize = 64;
/// Bytes of a container; timestamps and certificates make a few KiB, revocation lists may make it large.
pub(crate) const MAX_BYTES: usize = 8 << 20;

/// Signed data.
#[derive(Debug)]
pub(crate) struct SignedData<'a> {
    pub(crate) content_type: String,
    pub(crate) content: Option<Cow<'a, [u8]>>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) signers: Vec<Signer<'a>>,
}

/// One signer's part.
#[derive(Debug)]
pub(crate) struct Signer<'a> {
    id: SignerId<'a>,
    pub(crate) digest: Option<DigestMethod>,
    digest_oid: String,
    /// The signed attributes as they are hashed: a SET.
    signed: Option<Vec<u8>>,
    attributes: Attributes<'a>,
    pub(crate) scheme: Scheme,
    signature: Cow<'a, [u8]>,
    /// A timestamp over the signature's value, as it stands among the unsigned attributes.
    pub(crate) timestamp: Option<&'a [u8]>,
}

#[derive(Debug)]
enum SignerId<'a> {
    Name { issuer: &'a [u8], serial: &'a [u8] },
    Key(&'a [u8]),
}

#[derive(Debug, Default)]
struct Attributes<'a> {
    content_type: Option<String>,
    message_digest: Option<Cow<'a, [u8]>>,
    signing_time: Option<Timestamp>,
    /// The digest of the signer's certificate (ESSCertID, ESSCertIDv2).
    certificate: Option<(Option<DigestMethod>, &'a [u8])>,
}

/// What checking a signer gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Right, by this certificate (its place in `certificates`).
    Right(usize),
    /// The content's digest is another one.
    Changed,
    /// The signature does not fit.
    Wrong,
    /// Which algorithm cannot be checked.
    Unsupported(String),
    /// The signer's certificate is not enclosed.
    NoCertificate,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo that holds signed data. What follows it is ignored (PDF pads with zeros).
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut outer = Cursor::new(bytes).enter(SEQUENCE)?;
        let oid = outer.take(OID)?.oid()?;
        if !matches!(oid.as_str(), "1.2.840.113549.1.7.2" | "1.2.156.10197.6.1.4.2.2") {
            return None;
        }
        let mut inside = outer.enter(0xa0)?.enter(SEQUENCE)?;
        inside.take(INTEGER)?;
        inside.take(SET)?;
        let mut info = inside.enter(SEQUENCE)?;
        let content_type = info.take(OID)?.oid()?;
        let content = match info.enter(0xa0) {
            Some(mut holder) => Some(content_of(holder.next()?)?),
            None => None,
        };
        let mut data = Self { content_type, content, certificates: Vec::new(), signers: Vec::new() };
        while let Some(field) = inside.next() {
            match field.tag {
                0xa0 => data.certificates = certificates(field)?,
                SET => data.signers = signers(field)?,
                _ => {}
            }
        }
        Some(data)
    }

    /// Checks one signer over `pieces` (the detached content) or, without them, over the content enclosed. `others` are
    /// certificates that did not come with the data.
    pub(crate) fn check(&self, signer: &Signer<'_>, pieces: &[&[u8]]) -> Checked {
        let Some(digest) = signer.digest else { return Checked::Unsupported(signer.digest_oid.clone()) };
        let message: Cow<'_, [u8]> = match (&signer.signed, &signer.attributes.message_digest) {
            (Some(signed), Some(stated)) => {
                if digest.digest(pieces) != **stated {
                    return Checked::Changed;
                }
                if signer
                    .attributes
                    .content_type
                    .as_ref()
                    .is_some_and(|t| plain(t) != plain(&self.content_type))
                {
                    return Checked::Wrong;
                }
                Cow::Borrowed(signed)
            }
            // Signed attributes must hold the content's digest.
            (Some(_), None) => return Checked::Wrong,
            (None, _) => Cow::Owned(pieces.concat()),
        };
        let mut found = Checked::NoCertificate;
        for (place, certificate) in self.certificates.iter().enumerate().filter(|(_, c)| signer.names(c)) {
            match verify(&certificate.key, &signer.scheme, &message, &signer.signature) {
                Outcome::Right => return Checked::Right(place),
                Outcome::Wrong => found = Checked::Wrong,
                Outcome::Unsupported(what) => found = Checked::Unsupported(what),
            }
        }
        found
    }
}

impl Signer<'_> {
    /// When the signer says that it signed.
    pub(crate) fn signing_time(&self) -> Option<Timestamp> {
        self.attributes.signing_time
    }

    /// Whether a certificate is the one that the signed part names.
    fn names(&self, certificate: &Certificate) -> bool {
        let is_named = match &self.id {
            SignerId::Name { issuer, serial } => {
                certificate.issuer == *issuer && certificate.serial == *serial
            }
            SignerId::Key(id) => certificate.key_id.as_deref() == Some(*id),
        };
        is_named
            && match self.attributes.certificate {
                Some((Some(method), digest)) => method.digest(&[certificate.der()]) == digest,
                Some((None, _)) => false,
                None => true,
            }
    }

    /// The signature's value: what a timestamp among the unsigned attributes stamps.
    pub(crate) fn value(&self) -> &[u8] {
        &self.signature
    }

    /// `SM2-SM3`, `RSA-SHA256`, …
    pub(crate) fn algorithm(&self, certificate: Option<&Certificate>) -> String {
        let digest = self.scheme.digest.map_or(self.digest_oid.as_str(), |digest| digest.name());
        match certificate.map(|c| &c.key) {
            Some(key) => algorithm_name(key, digest),
            None => digest.to_owned(),
        }
    }
}

/// `data` has two identifiers: signers in China mix them.
fn plain(content_type: &str) -> &str {
    if content_type == "1.2.156.10197.6.1.4.2.1" { "1.2.840.113549.1.7.1" } else { content_type }
}

pub(crate) fn algorithm_name(key: &PublicKey, digest: &str) -> String {
    match key {
        PublicKey::Sm2(_) => format!("SM2-{digest}"),
        PublicKey::P256(_) => format!("ECDSA-P256-{digest}"),
        PublicKey::P384(_) => format!("ECDSA-P384-{digest}"),
        PublicKey::Rsa(der) => format!("RSA{}-{digest}", rsa_bits(der).unwrap_or(0)),
        PublicKey::Other(oid) => format!("{oid}-{digest}"),
    }
}

/// The content enclosed: an OCTET STRING's bytes, or (PKCS #7) a value as it stands.
fn content_of(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    if value.tag & 0x1f == OCTET_STRING { value.octets() } else { Some(Cow::Borrowed(value.content)) }
}

fn certificates(field: Value<'_>) -> Option<Vec<Certificate>> {
    let mut inside = field.inside()?;
    let mut found = Vec::new();
    while !inside.is_empty() && found.len() < MAX_CERTIFICATES {
        let value = inside.next()?;
        // Attribute certificates and other choices are of no use here; one that cannot be read names nobody.
        found.extend(Certificate::from_der(value.whole).filter(|_| value.tag == SEQUENCE));
    }
    Some(found)
}

fn signers(field: Value<'_>) -> Option<Vec<Signer<'_>>> {
    let mut inside = field.inside()?;
    let mut found = Vec::new();
    while !inside.is_empty() && found.len() < MAX_SIGNERS {
        found.push(signer(inside.next()?)?);
    }
    Some(found)
}

fn signer(value: Value<'_>) -> Option<Signer<'_>> {
    let mut inside = value.inside()?;
    inside.take(INTEGER)?;
    let named = inside.next()?;
    let id = match named.tag {
        SEQUENCE => {
            let mut name = named.inside()?;
            SignerId::Name { issuer: name.take(SEQUENCE)?.whole, serial: name.take(INTEGER)?.content }
        }
        0x80 => SignerId::Key(named.content),
        _ => return None,
    };
    let (digest_oid, _) = inside.algorithm()?;
    let digest = DigestMethod::of(&digest_oid);
    let (signed, attributes) = match inside.take(0xa0) {
        Some(set) => (Some(as_set(set)), attributes(set)?),
        None => (None, Attributes::default()),
    };
    let (oid, parameters) = inside.algorithm()?;
    let signature = inside.next().filter(|v| v.tag & 0x1f == OCTET_STRING)?.octets()?;
    let timestamp = inside.take(0xa1).and_then(timestamp_among);
    let scheme = Scheme::of(&oid, parameters, digest);
    Some(Signer { id, digest, digest_oid, signed, attributes, scheme, signature, timestamp })
}

/// The attributes as RFC 5652 5.4 hashes them: with the tag of a SET, in DER.
fn as_set(set: Value<'_>) -> Vec<u8> {
    let length = set.content.len();
    let mut bytes = vec![SET];
    match length {
        0..=0x7f => bytes.push(u8::try_from(length).unwrap_or(0)),
        _ => {
            let octets = length.to_be_bytes();
            let octets = &octets[octets.iter().take_while(|b| **b == 0).count()..];
            bytes.push(0x80 | u8::try_from(octets.len()).unwrap_or(0));
            bytes.extend_from_slice(octets);
        }
    }
    bytes.extend_from_slice(set.content);
    bytes
}

fn attributes(set: Value<'_>) -> Option<Attributes<'_>> {
    let mut found = Attributes::default();
    let mut inside = set.inside()?;
    for _ in 0..MAX_ATTRIBUTES {
        if inside.is_empty() {
            return Some(found);
        }
        let mut attribute = inside.enter(SEQUENCE)?;
        let oid = attribute.take(OID)?.oid()?;
        let mut values = attribute.enter(SET)?;
        match oid.as_str() {
            "1.2.840.113549.1.9.3" => found.content_type = values.next()?.oid(),
            // Twice would let one reader check what another does not.
            "1.2.840.113549.1.9.4" if found.message_digest.is_some() => return None,
            "1.2.840.113549.1.9.4" => found.message_digest = Some(values.take(OCTET_STRING)?.octets()?),
            "1.2.840.113549.1.9.5" => found.signing_time = values.next()?.time(),
            "1.2.840.113549.1.9.16.2.12" => {
                found.certificate = Some((Some(DigestMethod::Sha1), ess(values)?.1));
            }
            "1.2.840.113549.1.9.16.2.47" => found.certificate = Some(ess(values)?),
            _ => {}
        }
    }
    None
}

/// SigningCertificate: the first certificate's digest and, in its second version, the method.
fn ess(mut values: Cursor<'_>) -> Option<(Option<DigestMethod>, &[u8])> {
    let mut first = values.enter(SEQUENCE)?.enter(SEQUENCE)?.enter(SEQUENCE)?;
    let method = match first.peek() {
        Some(SEQUENCE) => DigestMethod::of(&first.algorithm()?.0),
        _ => Some(DigestMethod::Sha256),
    };
    Some((method, first.take(OCTET_STRING)?.content))
}

/// The timestamp token among unsigned attributes.
fn timestamp_among(set: Value<'_>) -> Option<&[u8]> {
    let mut inside = set.inside()?;
    for _ in 0..MAX_ATTRIBUTES {
        let mut attribute = inside.enter(SEQUENCE)?;
        let oid = attribute.take(OID)?.oid()?;
        if oid == "1.2.840.113549.1.9.16.2.14" {
            return Some(attribute.enter(SET)?.next()?.whole);
        }
    }
    None
}

/// A seal's or a bare signature's value: a BIT STRING or an OCTET STRING.
pub(crate) fn signature_value(value: Value<'_>) -> Option<&[u8]> {
    if value.tag == BIT_STRING { value.bits() } else { (value.tag == OCTET_STRING).then_some(value.content) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_hashed_with_the_tag_of_a_set_and_the_shortest_length() {
        let long = [&[0xa0, 0x83, 0, 0, 0xc8][..], &[0; 200]].concat();
        let set = Cursor::new(&long).next().unwrap();
        assert_eq!(as_set(set)[..3], [SET, 0x81, 200]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = SignedData::read(&bytes);
        }
    }
}
